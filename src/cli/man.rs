//! The manual pages, in roff: of qviz, and of each command; options, keys, environment, files, exit status, examples.

use std::io::{self, Write};

use clap::Command;

use super::exit::Failure;
use super::{examples, help, values};
use crate::say;
use crate::text::lang::{self, Lang, said};
use crate::text::sanitize;
use crate::ui::keymap::{BINDINGS, Binding, When};

/// A whole page, in the current language: of this command, or of qviz.
///
/// # Errors
/// There is no such command.
pub fn page(command: Option<&str>) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    let written = match command {
        None => write(&mut page),
        Some(name) => write_command(&mut page, &known(name)?),
    };
    match (written, lang::here()) {
        (Err(_), _) => unreachable!("memory takes every byte"),
        (Ok(()), Lang::English) => Ok(page),
        (Ok(()), Lang::Chinese) => Ok(typeset(&String::from_utf8_lossy(&page)).into_bytes()),
    }
}

/// The commands that have a page.
pub fn commands() -> Vec<String> {
    // The verb that the parser adds by itself is known from every other program.
    let all = built();
    let named = all.get_subcommands().map(Command::get_name).filter(|name| *name != "help");
    named.map(str::to_owned).collect()
}

fn built() -> Command {
    let mut command = help::unbroken().after_help(None).after_long_help(None);
    command.build();
    command
}

fn known(name: &str) -> Result<Command, Failure> {
    let bare = name.strip_prefix("qviz-").unwrap_or(name);
    if let Some(command) = built().find_subcommand(bare).filter(|_| bare != "help") {
        return Ok(command.clone());
    }
    let names = commands();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let near: Vec<_> = values::nearest(bare, &names).iter().map(|near| format!("qviz man {near}")).collect();
    let hint = if near.is_empty() { "qviz man".to_owned() } else { near.join(say!(", or ")) };
    Err(Failure::usage(say!("there is no command '{name}'", name = sanitize::line(name)), hint))
}

fn write(page: &mut Vec<u8>) -> io::Result<()> {
    let command = help::unbroken().after_help(None).after_long_help(None);
    let man = clap_mangen::Man::new(command.clone())
        .section("1")
        .manual(say!("User Commands"))
        .source(concat!("qviz ", env!("CARGO_PKG_VERSION")));
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    list_commands(page, &command)?;
    keys(page, None)?;
    common(page, None)?;
    see_also(page, &commands())
}

/// The page of one command, `qviz-watch` for `qviz watch`.
fn write_command(page: &mut Vec<u8>, command: &Command) -> io::Result<()> {
    let name = command.get_name();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let man = clap_mangen::Man::new(command.clone())
        .title(format!("qviz-{name}"))
        .section("1")
        .manual(say!("User Commands"))
        .source(concat!("qviz ", env!("CARGO_PKG_VERSION")));
    man.render_title(page)?;
    writeln!(page, ".SH NAME\nqviz\\-{} \\- {}", escape(name), escape(&about))?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    keys(page, Some(name))?;
    common(page, Some(name))?;
    see_also(page, &["qviz".to_owned()])
}

/// Environment, files, exit status, examples, values.
fn common(page: &mut Vec<u8>, command: Option<&str>) -> io::Result<()> {
    let [_, values, terminal, exit] = examples::parts();
    entries(page, say!("ENVIRONMENT"), &environment())?;
    entries(page, say!("FILES"), &files())?;
    verbatim(page, say!("EXIT STATUS"), &exit)?;
    if command.is_none() {
        verbatim(page, say!("VALUES"), &values)?;
        verbatim(page, say!("WITHOUT A TERMINAL"), &terminal)?;
    }
    let examples = examples::of(command);
    if examples.is_empty() { Ok(()) } else { entries(page, say!("EXAMPLES"), &examples) }
}

fn environment() -> Vec<(&'static str, &'static str)> {
    vec![
        (
            "LC_ALL, LC_MESSAGES, LANG",
            say!("The language where --lang is not given: Simplified Chinese for zh, else English."),
        ),
        ("XDG_CONFIG_HOME, HOME", say!("Where the configuration file is looked for.")),
        ("NO_COLOR", say!("Not empty: no colours.")),
        ("TERM, COLORTERM", say!("What the terminal can show; with TERM=dumb there is text instead of a picture.")),
        ("COLUMNS", say!("The width of help that does not go to a terminal.")),
    ]
}

fn files() -> Vec<(&'static str, &'static str)> {
    vec![
        (
            "$XDG_CONFIG_HOME/qviz/config.toml, ~/.config/qviz/config.toml",
            say!("Defaults of options by their long names, in TOML; see --config and qviz config."),
        ),
        (
            "/proc/net/netstat, /proc/net/snmp",
            say!("The kernel's counters. They are read; nothing of this host is written."),
        ),
        ("/proc/sys/net", say!("The settings of this host, which the private network takes over.")),
        ("/proc/PID/fd, /proc/PID/ns", say!("Whose a listener is, and the network namespaces of --netns and --pid.")),
    ]
}

fn entries(page: &mut Vec<u8>, heading: &str, entries: &[(&str, &str)]) -> io::Result<()> {
    writeln!(page, ".SH \"{heading}\"")?;
    entries.iter().try_for_each(|(name, text)| writeln!(page, ".TP\n\\fB{}\\fR\n{}", escape(name), escape(text)))
}

fn verbatim(page: &mut Vec<u8>, heading: &str, lines: &[&str]) -> io::Result<()> {
    writeln!(page, ".SH \"{heading}\"\n.nf")?;
    lines.iter().try_for_each(|line| writeln!(page, "{}", escape(line.strip_prefix("  ").unwrap_or(line))))?;
    writeln!(page, ".fi")
}

fn see_also(page: &mut Vec<u8>, pages: &[String]) -> io::Result<()> {
    writeln!(page, ".SH \"{}\"", say!("SEE ALSO"))?;
    let own = |name: &String| if name == "qviz" { "qviz".to_owned() } else { format!("qviz\\-{}", escape(name)) };
    let own: Vec<_> = pages.iter().map(|name| format!("\\fB{}\\fR(1), ", own(name))).collect();
    writeln!(
        page,
        "{}\\fBlisten\\fR(2), \\fBaccept\\fR(2), \\fBtcp\\fR(7), \\fBss\\fR(8), \\fBnstat\\fR(8)",
        own.concat()
    )
}

fn list_commands(page: &mut Vec<u8>, command: &Command) -> io::Result<()> {
    writeln!(page, ".SH {}", say!("COMMANDS"))?;
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let about = verb.get_long_about().or_else(|| verb.get_about()).map(ToString::to_string).unwrap_or_default();
        let argument = verb
            .get_positionals()
            .next()
            .map(|argument| format!(" \\fI{}\\fR", argument.get_id().as_str().to_uppercase()));
        writeln!(page, ".TP\n\\fBqviz {}\\fR{}", verb.get_name(), argument.unwrap_or_default())?;
        writeln!(page, "{}", escape(&about))?;
    }
    Ok(())
}

/// All keys on the page of qviz; on a command's those that it has besides or instead.
fn keys(page: &mut Vec<u8>, command: Option<&str>) -> io::Result<()> {
    let shown = match command {
        None => 0..3,
        Some("replay" | "demo") => 1..2,
        Some("watch") => 2..3,
        Some(_) => 0..0,
    };
    let section = |binding: &Binding| match binding.when {
        When::Replay => 1,
        _ if binding.is_of_watch() => 2,
        _ => 0,
    };
    let headings = [say!("KEYS"), say!("KEYS OF A REPLAY"), say!("KEYS OF qviz watch")];
    for (index, heading) in headings.into_iter().enumerate().filter(|(index, _)| shown.contains(index)) {
        writeln!(page, ".SH {heading}")?;
        for binding in BINDINGS.iter().filter(|binding| section(binding) == index) {
            writeln!(page, ".TP\n\\fB{}\\fR\n{}", escape(binding.spelled()), escape(said(binding.long)))?;
        }
    }
    Ok(())
}

/// Text that troff takes as text: backslashes, hyphens, and lines that begin like a request.
fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

/// The page in Chinese: with its usual headings, and with places at which troff may break a line, since there are no blanks.
fn typeset(page: &str) -> String {
    let mut set = String::with_capacity(page.len() * 2);
    for line in page.lines() {
        if line == ".SH NAME" {
            set.push_str(RAGGED);
        }
        match line.strip_prefix(".SH ").and_then(|name| HEADINGS.iter().find(|known| **known == name)) {
            Some(known) => set.extend([".SH ", said(known)]),
            None if line.starts_with('.') => set.push_str(line),
            None => breakable(&mut set, line),
        }
        set.push('\n');
    }
    set
}

/// Between any two letters, and behind a mark before a letter.
fn breakable(set: &mut String, line: &str) {
    let han = |letter: char| matches!(letter, '\u{3400}'..='\u{9fff}');
    let wide = |letter: char| han(letter) || matches!(letter, '，' | '。' | '；' | '：' | '、' | '）');
    let mut before = ' ';
    for letter in line.chars() {
        if wide(before) && han(letter) {
            set.push_str("\\:");
        }
        set.push(letter);
        before = letter;
    }
}

/// Lines end where they end: with few blanks in them, these would be torn wide.
const RAGGED: &str = ".ad l\n";

/// The headings that come from elsewhere.
const HEADINGS: [&str; 4] = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_looks_like_a_request_stays_text() {
        assert_eq!(escape(".SH x-y\\"), "\\&.SH x\\-y\\e");
    }

    #[test]
    fn every_command_has_a_page_with_the_sections_of_a_manual() {
        assert!(commands().iter().any(|name| name == "watch"));
        for name in commands() {
            let page = String::from_utf8(page(Some(&name)).unwrap()).unwrap();
            for needed in
                [".SH NAME", ".SH SYNOPSIS", "\"ENVIRONMENT\"", "\"FILES\"", "\"EXIT STATUS\"", "\"SEE ALSO\""]
            {
                assert!(page.contains(needed), "{name}: {needed}");
            }
            assert!(page.contains(&format!(".TH qviz-{name} 1")), "{name}: {page}");
        }
        let watch = String::from_utf8(page(Some("qviz-watch")).unwrap()).unwrap();
        assert!(watch.contains("EXAMPLES") && watch.contains("fail\\-on") && watch.contains("lang"), "{watch}");
        assert_eq!(page(Some("wach")).unwrap_err().hint.as_deref(), Some("qviz man watch"));
    }

    #[test]
    fn a_chinese_page_may_be_broken_between_its_signs_and_its_requests_stay() {
        let set = crate::text::lang::within(Lang::Chinese, || typeset(".TP\n.SH NAME\n队列，满（了）吗 ok\n"));
        assert_eq!(set, ".TP\n.ad l\n.SH 名称\n队\\:列，\\:满（了）\\:吗 ok\n");
    }
}
