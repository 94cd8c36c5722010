//! Help in both languages.

use std::ffi::OsString;

use clap::{Command, CommandFactory};
use qviz::cli::args::Cli;
use qviz::cli::config::Config;
use qviz::cli::help::{command, parse, refusal};
use qviz::text::lang::{Lang, within};

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
