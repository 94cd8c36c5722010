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
fn the_english_command_line_is_not_touched() {
    let render = |mut command: Command| command.render_long_help().to_string();
    assert_eq!(render(within(Lang::English, command)), render(Cli::command()));
}

#[test]
fn both_languages_understand_the_same_words() {
    let words = |text: &str| ["qviz"].into_iter().chain(text.split(' ')).map(OsString::from).collect::<Vec<_>>();
    for text in
        ["--backlog 3 --net lab --color never", "watch :80 --once --json", "replay a --at 2s --text", "doctor --json"]
    {
        let parse = |lang| format!("{:?}", within(lang, || parse(words(text), &Config::default()).unwrap()));
        assert_eq!(parse(Lang::Chinese), parse(Lang::English), "{text}");
    }
    for text in ["--net nowhere", "--backlog", "watch --once --jsonl", "wach", "--rate 1 --rate 2"] {
        let kind = |lang| within(lang, || parse(words(text), &Config::default()).unwrap_err().kind());
        assert_eq!(kind(Lang::Chinese), kind(Lang::English), "{text}");
    }
}

#[test]
fn a_refusal_is_in_chinese_and_quotes_the_arguments_it_is_about() {
    for (text, parts) in [
        ("--syncookies 3", &["'3'", "'--syncookies <0|1|2>'", "从 0 到 2"][..]),
        ("--seed x", &["'x'", "不是整数"]),
        ("--net labb", &["'labb'", "auto, lab, here, host", "'lab'"]),
        ("wach", &["'wach'", "'watch'"]),
        ("--backlogs 5", &["'--backlogs'", "'--backlog'", "用法"]),
        ("--json --jsonl", &["'--json'", "'--jsonl'", "不能"]),
        ("replay", &["<FILE>", "缺"]),
        ("--backlog 5 doctor", &["'doctor'", "'--backlog <N>'"]),
    ] {
        let words = ["qviz"].into_iter().chain(text.split(' ')).map(OsString::from).collect();
        let text = within(Lang::Chinese, || refusal(&parse(words, &Config::default()).unwrap_err()));
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.starts_with("错误：") && text.ends_with("详情请用 '--help'。"), "{text}");
    }
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
