//! Help in both languages.

use super::*;
use crate::text::lang::within;

#[test]
fn every_text_of_the_command_line_has_a_chinese_one() {
    let texts = texts();
    assert!(texts.len() > 80, "{}", texts.len());
    let missing: Vec<_> = texts.iter().filter(|text| translation(text).is_none()).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn no_refusal_speaks_a_programming_language() {
    let mut seen = 0;
    let root = built_command();
    for command in commands(&root) {
        for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values() && arg.get_long().is_some()) {
            for value in ["x", "99999999999999999999999", "-99999999999999999999999", "", "0"] {
                let verb = (command.get_name() != "qviz").then(|| command.get_name());
                let option = format!("--{}={value}", arg.get_long().unwrap());
                let words = ["qviz"].into_iter().chain(verb).map(OsString::from).chain([option.into()]).collect();
                let Err(error) = parse(words, &Config::default()) else { continue };
                let text = within(Lang::English, || refusal(&error));
                for words in ["digit found", "target type", "cannot parse", "is not in", "..=", "ParseIntError"] {
                    assert!(!text.contains(words), "{text}");
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn each_default_is_said_once() {
    let root = built_command();
    for command in commands(&root) {
        for arg in command.get_arguments() {
            let text = arg.get_long_help().map(ToString::to_string).unwrap_or_default();
            assert!(text.matches("[default").count() <= 1, "{text}");
        }
    }
}

fn commands(root: &Command) -> impl Iterator<Item = &Command> {
    std::iter::once(root).chain(root.get_subcommands())
}
