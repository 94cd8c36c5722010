//! Lessons that are read, and lessons that are refused.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use std::time::Duration;

use qviz::model::command::Command;
use qviz::model::settings::{AcceptRate, ClientKind, Sysctl};
use qviz::scenario::lesson::Lesson;
use qviz::scenario::parse::{ParseError, parse};

const GOOD: &str = r#"order = 7
title = { en = "A", zh = "甲" }
learn = { en = "B", zh = "乙" }
remember = { en = "C", zh = "丙" }
[main]
line = "backlog = 3"
instead = "backlog = 4"
[[scene]]
[scene.lab]
backlog = 3
accept-rate = "max"
loss = "25%"
client = "connect"
syncookies = 2
[[scene.step]]
ask = { en = "How many?", zh = "多少？" }
choices = [
    { en = "1", zh = "1", right = "accept_queue.depth == 1" },
    { en = "2", zh = "2", right = "accept_queue.depth == 2" },
]
do = ["burst 8", "accept"]
until = "accept_queue.depth >= 1"
after = "500ms"
keep = { held = "accept_queue.depth" }
say = { en = "{kept.held} are in.", zh = "{kept.held} 个进来了。" }
[[scene.step]]
say = { en = "D", zh = "丁" }
[[scene.expect]]
what = { en = "E", zh = "戊" }
that = "accept_queue.max == 6"
[[claim]]
id = "some"
claim = { en = "F", zh = "己" }
holds = "kept.held == 1"
measured = { held = "kept.held", one = 1 }
yes = { en = "{held}", zh = "{held}" }
no = { en = "no {held}", zh = "否 {held}" }
"#;

fn read(text: &str) -> Result<Lesson, ParseError> {
    parse("a.toml", "a", text)
}

/// What is said when this line is another one, and where.
fn refusal(line: &str, instead: &str) -> String {
    assert_eq!(GOOD.matches(line).count(), 1, "{line}");
    read(&GOOD.replace(line, instead)).unwrap_err().to_string()
}

/// The line of this text in the good lesson, counted from 1.
fn line_of(text: &str) -> usize {
    GOOD.lines().position(|line| line.contains(text)).unwrap() + 1
}

#[test]
fn a_lesson_is_read_as_it_is_written() {
    let lesson = read(GOOD).unwrap();
    assert_eq!((lesson.name.as_str(), lesson.order, lesson.title.zh.as_str()), ("a", 7, "甲"));
    let scene = &lesson.scenes[0];
    assert_eq!((scene.lab.knobs.backlog, scene.lab.knobs.accept_rate), (3, AcceptRate::Max));
    assert_eq!((scene.lab.clients, scene.lab.seed), (ClientKind::Connect, 1));
    assert!((scene.lab.knobs.loss - 0.25).abs() < 1e-9);
    let sysctls = [Sysctl::Syncookies, Sysctl::Somaxconn, Sysctl::SynRetries].map(|one| scene.lab.sysctls.value(one));
    assert_eq!(sysctls, [Some(2), Some(4096), Some(6)]);
    let step = &scene.steps[0];
    assert_eq!(step.commands, [Command::Burst(8), Command::AcceptOne]);
    assert_eq!((step.within, step.after), (Duration::from_secs(10), Duration::from_millis(500)));
    assert_eq!(step.ask.as_ref().unwrap().choices.len(), 2);
    assert_eq!(step.keep["held"].facts(), ["accept_queue.depth"]);
    assert_eq!(scene.expect[0].that.text(), "accept_queue.max == 6");
    assert_eq!(lesson.claims[0].measured.keys().collect::<Vec<_>>(), ["held", "one"]);
    assert_eq!(lesson.source, GOOD);
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest_one() {
    let message = read(&GOOD.replace("loss = \"25%\"", "backlg = 3")).unwrap_err();
    assert_eq!((message.line, message.column), (line_of("loss"), 1));
    assert_eq!(
        message.to_string(),
        format!("a.toml:{}:1: unknown key `backlg`: did you mean `backlog`?", line_of("loss"))
    );
    for (line, instead, near) in [
        ("order = 7", "order = 7\nlern = 1", "`learn`"),
        ("after = \"500ms\"", "unitl = \"1 == 1\"", "`until`"),
        ("that = \"accept", "taht = \"accept", "`that`"),
        ("id = \"some\"", "idd = \"some\"", "`id`"),
        ("instead = \"backlog = 4\"", "insted = \"backlog = 4\"", "`instead`"),
        ("{ en = \"D\", zh = \"丁\" }", "{ en = \"D\", zh = \"丁\", zn = \"丁\" }", "known here: en, zh"),
    ] {
        let message = refusal(line, instead);
        assert!(message.contains("unknown key") && message.contains(near), "{message}");
    }
}

#[test]
fn whatever_is_not_understood_names_its_line_and_what_is_right() {
    for (line, instead, words) in [
        (
            "right = \"accept_queue.depth == 2\"",
            "right = \"acept_queue.depth == 2\"",
            "did you mean `accept_queue.depth`?",
        ),
        ("\"burst 8\"", "\"brust 8\"", "did you mean `burst`?"),
        ("until = \"accept_queue.depth >= 1\"", "until = \"kept.hold >= 1\"", "did you mean `kept.held`?"),
        ("until = \"accept_queue.depth >= 1\"", "until = \"accept_queue.depth\"", "compare it"),
        ("after = \"500ms\"", "after = \"500\"", "needs a unit"),
        ("syncookies = 2", "syncookies = 7", "0 to 2"),
        ("client = \"connect\"", "client = \"conect\"", "did you mean `connect`?"),
        ("{ en = \"D\", zh = \"丁\" }", "{ en = \"D\" }", "`zh` is missing"),
        ("{ en = \"D\", zh = \"丁\" }", "{ en = \"D\", zh = \" \" }", "missing"),
        ("{ en = \"D\", zh = \"丁\" }", "\"D\"", "a table has to stand here"),
        ("en = \"{kept.held} are in.\"", "en = \"{kept.hold} are in.\"", "did you mean `kept.held`?"),
        ("en = \"{kept.held} are in.\"", "en = \"They are in.\"", "differ between the languages"),
        ("en = \"no {held}\"", "en = \"no {heldd}\"", "does not stand in `measured`: did you mean `held`?"),
        ("line = \"backlog = 3\"", "line = \"backlog = 5\"", "no line of this file is `backlog = 5`"),
        ("order = 7", "order = -7", "no whole number"),
        ("say = { en = \"D\", zh = \"丁\" }", "", "a step asks, does, waits or says something"),
    ] {
        let message = refusal(line, instead);
        let expected = if words.contains("no line of") { line_of("line =") } else { line_of(line) };
        let expected = if words.contains("a step asks") { expected - 1 } else { expected };
        assert!(message.contains(words), "{message}");
        assert!(message.starts_with(&format!("a.toml:{expected}:")), "{expected}: {message}");
    }
}

#[test]
fn the_column_is_that_of_the_word_within_a_condition() {
    let message =
        read(&GOOD.replace("\"accept_queue.max == 6\"", "\"accept_queue.max == 6 and nobody == 1\"")).unwrap_err();
    let line = GOOD.lines().find(|line| line.starts_with("that")).unwrap();
    assert_eq!((message.line, message.column), (line_of("that ="), line.find('6').unwrap() + "6 and ".len() + 1));
}

#[test]
fn what_is_no_toml_is_refused_too() {
    let message = read("order = \n").unwrap_err();
    assert_eq!(message.line, 1);
    assert!(read("").unwrap_err().message.contains("`scene` is missing"));
    let twice = GOOD.replace(
        "[[scene.expect]]",
        "[[scene]]\n[scene.lab]\nbacklog = 3\n[[scene.step]]\nafter = \"1s\"\n[[scene.expect]]",
    );
    assert!(read(&twice).unwrap_err().message.contains("has to stand once"));
}
