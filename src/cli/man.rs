//! The manual page, in roff: options, keys, files, exit status, examples.

use std::io::{self, Write};

use clap::CommandFactory;

use super::args::Cli;
use super::examples;
use crate::ui::keymap::{BINDINGS, REPLAY_BINDINGS, WATCH_BINDINGS};

/// The whole page.
pub fn page() -> Vec<u8> {
    let mut page = Vec::new();
    match write(&mut page) {
        Ok(()) => page,
        Err(_) => unreachable!("memory takes every byte"),
    }
}

fn write(page: &mut Vec<u8>) -> io::Result<()> {
    let command = Cli::command().after_help(None).after_long_help(None);
    let man = clap_mangen::Man::new(command.clone())
        .section("1")
        .manual("User Commands")
        .source(concat!("qviz ", env!("CARGO_PKG_VERSION")));
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    commands(page, &command)?;
    keys(page)?;
    writeln!(page, ".SH \"EXAMPLES, VALUES, EXIT STATUS\"\n.nf")?;
    for line in examples::LONG.lines() {
        writeln!(page, "{}", escaped(line))?;
    }
    writeln!(
        page,
        ".fi\n.SH \"SEE ALSO\"\n\\fBlisten\\fR(2), \\fBaccept\\fR(2), \\fBtcp\\fR(7), \\fBss\\fR(8), \\fBnstat\\fR(8)"
    )
}

fn commands(page: &mut Vec<u8>, command: &clap::Command) -> io::Result<()> {
    writeln!(page, ".SH COMMANDS")?;
    for verb in command.get_subcommands() {
        let about = verb.get_long_about().or_else(|| verb.get_about()).map(ToString::to_string).unwrap_or_default();
        let argument =
            verb.get_positionals().next().map(|one| format!(" \\fI{}\\fR", one.get_id().as_str().to_uppercase()));
        writeln!(page, ".TP\n\\fBqviz {}\\fR{}", verb.get_name(), argument.unwrap_or_default())?;
        writeln!(page, "{}", escaped(&about))?;
    }
    Ok(())
}

fn keys(page: &mut Vec<u8>) -> io::Result<()> {
    let tables = [("KEYS", BINDINGS), ("KEYS OF A REPLAY", REPLAY_BINDINGS), ("KEYS OF qviz watch", WATCH_BINDINGS)];
    for (heading, bindings) in tables {
        writeln!(page, ".SH {heading}")?;
        for binding in bindings {
            writeln!(page, ".TP\n\\fB{}\\fR\n{}", escaped(binding.spelled()), escaped(binding.long))?;
        }
    }
    Ok(())
}

/// Text that troff takes as text: backslashes, hyphens, and lines that begin like a request.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_looks_like_a_request_stays_text() {
        assert_eq!(escaped(".SH x-y\\"), "\\&.SH x\\-y\\e");
    }
}
