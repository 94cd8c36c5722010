//! The manual page, in roff: options, keys, files, exit status, examples.

use std::io::{self, Write};

use super::{examples, help};
use crate::say;
use crate::text::lang::{self, Lang, said};
use crate::ui::keymap::{BINDINGS, Binding, When};

/// The whole page, in the current language.
pub fn page() -> Vec<u8> {
    let mut page = Vec::new();
    match (write(&mut page), lang::here()) {
        (Err(_), _) => unreachable!("memory takes every byte"),
        (Ok(()), Lang::English) => page,
        (Ok(()), Lang::Chinese) => typeset(&String::from_utf8_lossy(&page)).into_bytes(),
    }
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
    commands(page, &command)?;
    keys(page)?;
    writeln!(page, ".SH \"{}\"\n.nf", say!("EXAMPLES, VALUES, EXIT STATUS"))?;
    for line in examples::long().lines() {
        writeln!(page, "{}", escape(line))?;
    }
    writeln!(
        page,
        ".fi\n.SH \"{}\"\n\\fBlisten\\fR(2), \\fBaccept\\fR(2), \\fBtcp\\fR(7), \\fBss\\fR(8), \\fBnstat\\fR(8)",
        say!("SEE ALSO")
    )
}

fn commands(page: &mut Vec<u8>, command: &clap::Command) -> io::Result<()> {
    writeln!(page, ".SH {}", say!("COMMANDS"))?;
    // The verb that the parser adds by itself is known from every other program.
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

fn keys(page: &mut Vec<u8>) -> io::Result<()> {
    let section = |binding: &Binding| match binding.when {
        When::Replay => 1,
        _ if binding.is_of_watch() => 2,
        _ => 0,
    };
    for (index, heading) in [say!("KEYS"), say!("KEYS OF A REPLAY"), say!("KEYS OF qviz watch")].into_iter().enumerate()
    {
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
    fn a_chinese_page_may_be_broken_between_its_signs_and_its_requests_stay() {
        let set = crate::text::lang::within(Lang::Chinese, || typeset(".TP\n.SH NAME\n队列，满（了）吗 ok\n"));
        assert_eq!(set, ".TP\n.ad l\n.SH 名称\n队\\:列，\\:满（了）\\:吗 ok\n");
    }
}
