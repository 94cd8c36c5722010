//! What the terminal can do for the picture.

use std::env;
use std::fs::File;
use std::io::{IsTerminal, stdin, stdout};

use rustix::termios::tcgetwinsize;

use super::{Check, Group};
use crate::say;

/// Screen, keys, size, colours, characters.
pub(super) fn checks(checks: &mut Vec<Check>) {
    checks.extend([
        screen(&TerminalEnv::read()),
        keys(),
        size(),
        colours(&TerminalEnv::read()),
        characters(&TerminalEnv::read()),
    ]);
}

/// The environment variables that matter.
#[derive(Clone, Debug, Default)]
struct TerminalEnv {
    term: String,
    colorterm: String,
    no_color: bool,
    locale: String,
}

impl TerminalEnv {
    fn read() -> Self {
        let word = |name| env::var_os(name).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(word).into_iter().find(|word| !word.is_empty());
        Self {
            term: word("TERM"),
            colorterm: word("COLORTERM"),
            no_color: !word("NO_COLOR").is_empty(),
            locale: locale.unwrap_or_default(),
        }
    }
}

fn screen(env: &TerminalEnv) -> Check {
    if env.term == "dumb" {
        Check::fails(
            "terminal.screen",
            Group::Terminal,
            say!("stdout is a terminal"),
            say!("TERM is dumb, so it moves no cursor: qviz runs headless here"),
        )
        .with_remedy("TERM=xterm-256color qviz")
    } else if stdout().is_terminal() {
        Check::works("terminal.screen", Group::Terminal, say!("stdout is a terminal"), say!("the picture can be shown"))
    } else {
        Check::fails(
            "terminal.screen",
            Group::Terminal,
            say!("stdout is a terminal"),
            say!("no: qviz runs headless here"),
        )
        .with_remedy(say!("run qviz without a pipe or redirection"))
    }
}

fn keys() -> Check {
    if stdin().is_terminal() {
        Check::works("terminal.keys", Group::Terminal, say!("keys"), say!("from stdin"))
    } else if File::open("/dev/tty").is_ok() {
        Check::works("terminal.keys", Group::Terminal, say!("keys"), say!("from the controlling terminal (/dev/tty)"))
    } else {
        Check::fails(
            "terminal.keys",
            Group::Terminal,
            say!("keys"),
            say!("stdin is not a terminal, and there is no /dev/tty"),
        )
        .with_remedy(say!("run qviz from a terminal, or qviz --headless"))
    }
}

fn size() -> Check {
    match tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col >= WIDTH && size.ws_row >= HEIGHT => {
            Check::works("terminal.size", Group::Terminal, say!("size"), format!("{}x{}", size.ws_col, size.ws_row))
        }
        Ok(size) => {
            let found = say!(
                "{width}x{height}: the whole picture needs {columns}x{rows}",
                width = size.ws_col,
                height = size.ws_row,
                columns = WIDTH,
                rows = HEIGHT
            );
            Check::fails("terminal.size", Group::Terminal, say!("size"), found)
                .with_remedy(say!("a larger window or a smaller font"))
        }
        Err(_) => Check::value("terminal.size", Group::Terminal, say!("size"), say!("unknown without a terminal")),
    }
}

fn colours(env: &TerminalEnv) -> Check {
    let found = if env.no_color {
        say!("none: NO_COLOR is set")
    } else if matches!(env.term.as_str(), "" | "dumb") {
        say!("none: TERM is not set or dumb")
    } else if matches!(env.colorterm.as_str(), "truecolor" | "24bit") {
        say!("24 bits")
    } else if env.term.contains("256color") {
        "256"
    } else {
        "16"
    };
    Check::value("terminal.colours", Group::Terminal, say!("colours"), found)
}

fn characters(env: &TerminalEnv) -> Check {
    let locale = env.locale.to_lowercase();
    if locale.contains("utf-8") || locale.contains("utf8") {
        return Check::works(
            "terminal.characters",
            Group::Terminal,
            say!("characters"),
            format!("UTF-8 ({})", env.locale),
        );
    }
    let said = if env.locale.is_empty() { say!("no locale is set") } else { &env.locale };
    Check::fails(
        "terminal.characters",
        Group::Terminal,
        say!("characters"),
        say!("{said}: UTF-8 is not promised", said),
    )
    .with_remedy(say!("export LANG=C.UTF-8, or qviz --ascii"))
}

const WIDTH: u16 = 80;
const HEIGHT: u16 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn with(term: &str, colorterm: &str, locale: &str) -> TerminalEnv {
        TerminalEnv {
            term: term.to_owned(),
            colorterm: colorterm.to_owned(),
            no_color: false,
            locale: locale.to_owned(),
        }
    }

    #[test]
    fn no_color_wins_over_what_the_terminal_can() {
        let words = TerminalEnv { no_color: true, ..with("xterm-256color", "truecolor", "") };
        assert!(colours(&words).found.contains("NO_COLOR"));
        assert_eq!(colours(&with("xterm-256color", "truecolor", "")).found, "24 bits");
        assert_eq!(colours(&with("xterm-256color", "", "")).found, "256");
        assert!(colours(&with("dumb", "", "")).found.contains("none"));
    }

    #[test]
    fn a_dumb_terminal_gets_no_picture() {
        let check = screen(&with("dumb", "", ""));
        assert_eq!((check.works, check.remedy.as_deref()), (Some(false), Some("TERM=xterm-256color qviz")));
    }

    #[test]
    fn a_locale_without_utf8_has_a_remedy() {
        assert_eq!(characters(&with("", "", "de_DE.UTF-8")).works, Some(true));
        assert_eq!(characters(&with("", "", "C.utf8")).works, Some(true));
        assert!(characters(&with("", "", "C")).remedy.unwrap().contains("--ascii"));
    }
}
