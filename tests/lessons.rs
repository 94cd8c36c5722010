//! The lessons that qviz brings along: each can be read in both languages, holds on the real kernel, fails when its main setting is
//! another one, and every statement of the textbooks is tried by one of them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may stop and say why")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use qviz::scenario::holes::filled;
use qviz::scenario::lesson::{Lesson, Text};
use qviz::scenario::parse::parse;
use qviz::scenario::shelf;
use qviz::text::lang::Lang;
use rustix::process::Signal;
use serde_json::Value;

#[path = "lessons/facts.rs"]
mod facts;
#[path = "support/lab.rs"]
mod lab;
#[path = "lessons/own.rs"]
mod own;
#[path = "lessons/tape.rs"]
mod tape;

/// The statements of the textbooks: each is tried by exactly one lesson.
const CLAIMS: [&str; 28] = [
    "two-queues",
    "sum-of-both",
    "fudge-1.5",
    "plus-one",
    "backlog-zero",
    "max-128",
    "full-refuses",
    "full-ignored",
    "move-to-tail",
    "accept-fifo",
    "accept-blocks",
    "inherits",
    "retry-6-24-75",
    "synrcvd-75",
    "rst-no-listener",
    "rst-three",
    "unreachable",
    "failed-unusable",
    "nonblock-connect",
    "backoff",
    "bind-four",
    "bind-inuse",
    "unbound-listen",
    "listen-dgram",
    "fork-refcount",
    "fork-leak",
    "iterative-vs-concurrent",
    "states",
];

/// The longest legitimate lesson takes about 140 s.
const LIMIT: Duration = Duration::from_secs(200);

/// How many lessons are played at once.
const AT_ONCE: usize = 8;

fn lessons() -> Vec<Arc<Lesson>> {
    shelf::lessons().unwrap_or_else(|error| panic!("{error}"))
}

/// Whoever plays many lessons does it alone.
fn alone() -> MutexGuard<'static, ()> {
    static PLAYED: Mutex<()> = Mutex::new(());
    PLAYED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })
}

/// Every text of a lesson, with what it is; those beside the picture have a greatest length.
fn texts(lesson: &Lesson) -> Vec<(String, &Text, bool)> {
    let mut texts: Vec<_> = [("title", &lesson.title), ("learn", &lesson.learn), ("remember", &lesson.remember)]
        .map(|(what, text)| (what.to_owned(), text, false))
        .into();
    for (number, scene) in lesson.scenes.iter().enumerate() {
        for (index, step) in scene.steps.iter().enumerate() {
            let place = format!("scene {}, step {}", number + 1, index + 1);
            texts.extend(step.say.iter().map(|text| (format!("{place}: say"), text, true)));
            if let Some(ask) = &step.ask {
                texts.push((format!("{place}: ask"), &ask.text, true));
                texts.extend(ask.choices.iter().map(|choice| (format!("{place}: choice"), &choice.text, false)));
            }
        }
        texts.extend(scene.expect.iter().map(|one| (format!("scene {}: expect", number + 1), &one.what, false)));
    }
    for claim in &lesson.claims {
        texts.extend([&claim.claim, &claim.yes, &claim.no].map(|text| (claim.id.clone(), text, false)));
    }
    texts
}

fn is_chinese(one: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&one)
}

#[test]
fn every_text_stands_in_both_languages_and_is_short_enough_to_stand_beside_the_picture() {
    let mut wrong = Vec::new();
    for lesson in lessons() {
        for (what, text, beside) in texts(&lesson) {
            let mut complain = |why: String| wrong.push(format!("{}: {what}: {why}", lesson.name));
            if text.en.chars().any(is_chinese) {
                complain(format!("Chinese in the English text: {}", text.en));
            }
            let words =
                text.en.split_whitespace().filter(|word| word.chars().all(|one| one.is_ascii_lowercase())).count();
            if words >= 4 && !text.zh.chars().any(is_chinese) {
                complain(format!("no Chinese in {}", text.zh));
            }
            let english = filled(&text.en, |_| Some(100.0)).chars().count();
            let chinese = text.zh.chars().filter(|one| is_chinese(*one)).count();
            if beside && (english > 200 || chinese > 100) {
                complain(format!("{english} characters, {chinese} Chinese ones"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_lesson_asks_expects_and_ends_in_a_sentence_to_remember() {
    for lesson in lessons() {
        let steps = || lesson.scenes.iter().flat_map(|scene| &scene.steps);
        assert!(steps().any(|step| step.ask.is_some()), "{}: nothing is to be predicted", lesson.name);
        assert!(lesson.scenes.iter().any(|scene| !scene.expect.is_empty()), "{}: nothing is expected", lesson.name);
        assert!(lesson.remember.en.ends_with('.'), "{}: {}", lesson.name, lesson.remember.en);
    }
}

#[test]
fn every_statement_of_the_textbooks_is_tried_by_exactly_one_lesson() {
    let mut tried: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let lessons = lessons();
    for lesson in &lessons {
        for claim in &lesson.claims {
            tried.entry(&claim.id).or_default().push(&lesson.name);
        }
    }
    let missing: Vec<_> = CLAIMS.into_iter().filter(|id| !tried.contains_key(id)).collect();
    let twice: Vec<_> = tried.iter().filter(|(_, lessons)| lessons.len() > 1).collect();
    let unknown: Vec<_> = tried.keys().filter(|id| !CLAIMS.contains(id)).collect();
    assert!(
        missing.is_empty() && twice.is_empty() && unknown.is_empty(),
        "not tried: {missing:?}; tried twice: {twice:?}; not of the textbooks: {unknown:?}"
    );
}

#[test]
fn every_lesson_holds_here_and_every_claim_is_decided_by_numbers() {
    if !lab::lab_or_skip() {
        return;
    }
    let _others_wait = alone();
    let output = lab::run_qviz(["lesson", "--all", "--check", "--json"], Duration::from_mins(5));
    let document = document(&output);
    let failed: Vec<_> = document["lessons"].as_array().unwrap().iter().filter(|one| one["passed"] != true).collect();
    assert!(output.status.success() && failed.is_empty(), "{failed:#?}");
    let names: Vec<_> = document["lessons"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(names, lessons().iter().map(|lesson| lesson.name.clone()).collect::<Vec<_>>(), "in their order");
    let claims = document["claims"].as_array().unwrap();
    let undecided: Vec<_> = claims.iter().filter(|claim| claim["verdict"] == "undecided").collect();
    assert!(undecided.is_empty(), "{undecided:#?}");
    let without = |claim: &&Value| claim["measured"].as_object().unwrap().values().all(|value| !value.is_number());
    let bare: Vec<_> = claims.iter().filter(without).collect();
    assert!(bare.is_empty(), "nothing was measured: {bare:#?}");
    let decided: BTreeSet<_> = claims.iter().map(|claim| claim["id"].as_str().unwrap()).collect();
    assert_eq!(decided.len(), claims.len());
}

/// A lesson with its main setting changed, in a file.
fn changed(folder: &Path, lesson: &Lesson) -> PathBuf {
    let path = folder.join(format!("{}.toml", lesson.name));
    let change = |line| if str::trim(line) == lesson.main.line { lesson.main.instead.as_str() } else { line };
    let text = lesson.source.lines().map(change).collect::<Vec<_>>().join("\n") + "\n";
    assert_ne!(text, lesson.source);
    parse(&lesson.name, &lesson.name, &text).unwrap_or_else(|error| panic!("{}, changed: {error}", lesson.name));
    std::fs::write(&path, text).unwrap();
    path
}

/// Why a lesson with its main setting changed does not fail as it has to; `None` where it does.
fn holds_all_the_same(path: &Path, lesson: &Lesson) -> Option<String> {
    let words = ["lesson", path.to_str().unwrap(), "--check", "--json"];
    let output = lab::run_qviz(words, LIMIT);
    let document = document(&output);
    let checks = document["lessons"][0]["checks"].as_array().unwrap();
    let expected: BTreeSet<_> =
        lesson.scenes.iter().flat_map(|scene| &scene.expect).map(|one| one.that.text()).collect();
    let fails =
        checks.iter().any(|check| check["passed"] == false && expected.contains(check["expected"].as_str().unwrap()));
    let exits = output.status.code() == Some(3);
    (!(fails && exits)).then(|| format!("{}: `{}`: {checks:#?}", lesson.name, lesson.main.instead))
}

#[test]
fn every_lesson_fails_when_its_main_setting_is_another_one() {
    if !lab::lab_or_skip() {
        return;
    }
    let _others_wait = alone();
    let folder = tempfile::tempdir().unwrap();
    let waiting: VecDeque<_> = lessons().into_iter().map(|lesson| (changed(folder.path(), &lesson), lesson)).collect();
    let (waiting, wrong) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((path, lesson)) = { waiting.lock().unwrap().pop_front() } {
                    let told = holds_all_the_same(&path, &lesson);
                    wrong.lock().unwrap().extend(told);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_that_is_no_lesson_is_refused_with_its_place_and_the_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.toml");
    let (_, good) = shelf::texts().find(|(name, _)| *name == "n-plus-one").unwrap();
    std::fs::write(&path, good.replacen("backlog = 5", "backlg = 5", 2)).unwrap();
    let line = 1 + good.lines().position(|line| line.starts_with("backlog = 5")).unwrap();
    let output = lab::run_qviz(["lesson", path.to_str().unwrap(), "--check"], LIMIT);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("own.toml:{line}:1: unknown key `backlg`: did you mean `backlog`?")), "{said}");
    let output = lab::run_qviz(["lesson", folder.path().join("none.toml").to_str().unwrap()], LIMIT);
    assert_eq!(output.status.code(), Some(1), "a file that is not there");
    let output = lab::run_qviz(["lesson", "n-plus-won"], LIMIT);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("qviz lesson n-plus-one"), "{said}");
}

#[test]
fn the_list_names_every_lesson_once_in_its_order() {
    for language in Lang::ALL {
        let output = lab::run_qviz(["lesson", "--lang", language.name()], LIMIT);
        let text = String::from_utf8(output.stdout).unwrap();
        let lessons = lessons();
        assert_eq!(text.lines().count(), lessons.len());
        for (line, lesson) in text.lines().zip(&lessons) {
            assert_eq!(line.split_whitespace().next(), Some(lesson.name.as_str()));
            assert!(line.ends_with(lesson.learn.in_language(language)), "{line}");
        }
    }
}

#[test]
fn a_signal_ends_a_check_after_its_document() {
    if !lab::lab_or_skip() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tape = folder.path().join("a.qviz");
    let running = lab::Running::start(["lesson", "half-open", "--check", "--json", "--record", tape.to_str().unwrap()]);
    lab::wait_until(Duration::from_secs(20), "the lesson's first scene", || {
        std::fs::read_to_string(&tape).ok().filter(|text| text.contains("\"began\""))
    });
    running.signal(Signal::INT);
    let output = running.finish(Duration::from_secs(20));
    assert_eq!(output.status.code(), Some(130));
    let document = document(&output);
    assert_eq!((&document["skipped"], &document["lessons"][0]["passed"]), (&1.into(), &Value::Null));
}

#[test]
fn who_asks_for_all_lessons_and_is_ended_leaves_no_process_behind() {
    if !lab::lab_or_skip() {
        return;
    }
    let _others_wait = alone();
    let running = lab::Running::start(["lesson", "--all", "--check", "--json"]);
    let pid = running.pid();
    let children = lab::wait_until(Duration::from_secs(20), "several lessons at once", || {
        let children = children_of(pid);
        (children.len() >= 4).then_some(children)
    });
    running.signal(Signal::KILL);
    running.finish(Duration::from_secs(20));
    lab::wait_until(Duration::from_secs(20), "the end of every lesson", || {
        children.iter().all(|child| !Path::new(&format!("/proc/{child}/exe")).exists()).then_some(())
    });
}

/// The processes that this one has started.
fn children_of(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}
