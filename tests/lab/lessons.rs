//! The lessons that qviz brings along: each holds on the real kernel, and fails when its main setting is another one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use qviz::scenario::lesson::Lesson;
use qviz::scenario::library;
use qviz::scenario::parse::parse;
use qviz::text::lang::Lang;
use rustix::process::Signal;
use serde_json::Value;

use crate::lab;
use crate::needs::network;
use crate::not_run;

#[path = "lessons/own.rs"]
mod own;
#[path = "lessons/tape.rs"]
mod tape;

/// The longest legitimate lesson takes about 140 s.
const LIMIT: Duration = Duration::from_secs(200);

/// Those that take over ten seconds: what they show are the kernel's long timers.
const LONG: [&str; 2] = ["half-open", "long-wait"];

/// Those that take over ten seconds when their main setting is another one: they wait for what does not come.
const LONG_CHANGED: [&str; 13] = [
    "abort-on-overflow",
    "ghosts",
    "half-open",
    "handshake",
    "packets-not-clients",
    "pruning",
    "silent-drop",
    "slow-accept",
    "somaxconn",
    "states",
    "syn-cookies",
    "three-quarters",
    "two-queues",
];

/// How many lessons are played at once.
const AT_ONCE: usize = 8;

fn lessons() -> Vec<Arc<Lesson>> {
    library::lessons().unwrap_or_else(|error| panic!("{error}"))
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })
}

/// The lessons that are played in this run: without `QVIZ_LESSONS=all`, the long ones are left out.
fn played(long: &[&str], kind: &str) -> Vec<Arc<Lesson>> {
    if std::env::var_os("QVIZ_LESSONS").is_some_and(|wish| wish == "all") {
        return lessons();
    }
    let (left, played): (Vec<_>, Vec<_>) =
        lessons().into_iter().partition(|lesson| long.contains(&lesson.name.as_str()));
    assert_eq!(left.len(), long.len(), "the long lessons are lessons");
    not_run::left_out(left.len(), &format!("{kind} of over ten seconds"), "QVIZ_LESSONS=all");
    played
}

/// Does this with each lesson, several at once; what it answers, in the lessons' order.
fn with_each<T: Send>(lessons: &[Arc<Lesson>], work: impl Fn(&Lesson) -> T + Sync) -> Vec<T> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(lesson) = lessons.get(at) else { break };
                    let answer = work(lesson);
                    done.lock().unwrap().push((at, answer));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, answer)| answer).collect()
}

/// The checked lessons of a document.
fn checked(document: &Value) -> &Vec<Value> {
    document["lessons"].as_array().unwrap()
}

/// What is checked of every lesson: it holds, and each of its claims is decided by numbers.
#[track_caller]
fn assert_holds(document: &Value) {
    let failed: Vec<_> = checked(document).iter().filter(|one| one["passed"] != true).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    for claim in document["claims"].as_array().unwrap() {
        println!("{}: {}: {}", claim["id"], claim["verdict"], claim["measured"]);
        assert_ne!(claim["verdict"], "undecided", "{claim:#}");
        let measured = claim["measured"].as_object().unwrap();
        assert!(measured.values().any(Value::is_number), "nothing was measured: {claim:#}");
    }
}

case!(every_lesson_holds_here_and_every_claim_is_decided_by_numbers, one at a time);
fn every_lesson_holds_here_and_every_claim_is_decided_by_numbers() {
    network();
    let played = played(&LONG, "lessons");
    let names = |lessons: &[Arc<Lesson>]| lessons.iter().map(|lesson| lesson.name.clone()).collect::<Vec<_>>();
    let (mut seen, mut claims) = (Vec::new(), Vec::new());
    let documents = if played.len() == lessons().len() {
        let output = lab::run_qviz(["lesson", "--all", "--check", "--json"], Duration::from_secs(5 * 60));
        vec![(output.status.success(), document(&output))]
    } else {
        with_each(&played, |lesson| {
            let output = lab::run_qviz(["lesson", &lesson.name, "--check", "--json"], LIMIT);
            (output.status.success(), document(&output))
        })
    };
    for (is_success, document) in &documents {
        assert_holds(document);
        assert!(is_success);
        seen.extend(checked(document).iter().map(|one| one["id"].as_str().unwrap()));
        claims.extend(document["claims"].as_array().unwrap().iter().map(|claim| claim["id"].as_str().unwrap()));
    }
    assert_eq!(seen, names(&played), "in their order");
    let expected: Vec<_> = played.iter().flat_map(|lesson| &lesson.claims).map(|claim| claim.id.as_str()).collect();
    assert_eq!(claims.iter().collect::<BTreeSet<_>>(), expected.iter().collect(), "every claim");
    assert_eq!(claims.len(), expected.len(), "once");
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
    println!("{}, changed: {:.1} s", lesson.name, document["duration_s"].as_f64().unwrap());
    let checks = document["lessons"][0]["checks"].as_array().unwrap();
    let expected: BTreeSet<_> =
        lesson.scenes.iter().flat_map(|scene| &scene.expect).map(|one| one.that.text()).collect();
    let fails =
        checks.iter().any(|check| check["passed"] == false && expected.contains(check["expected"].as_str().unwrap()));
    let exits = output.status.code() == Some(3);
    (!(fails && exits)).then(|| format!("{}: `{}`: {checks:#?}", lesson.name, lesson.main.instead))
}

case!(every_lesson_fails_when_its_main_setting_is_another_one, one at a time);
fn every_lesson_fails_when_its_main_setting_is_another_one() {
    network();
    let folder = tempfile::tempdir().unwrap();
    let played = played(&LONG_CHANGED, "lessons with another main setting,");
    let wrong = with_each(&played, |lesson| holds_all_the_same(&changed(folder.path(), lesson), lesson));
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

case!(a_file_that_is_no_lesson_is_refused_with_its_place_and_the_nearest_name);
fn a_file_that_is_no_lesson_is_refused_with_its_place_and_the_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.toml");
    let (_, good) = library::texts().find(|(name, _)| *name == "n-plus-one").unwrap();
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

case!(the_list_names_every_lesson_once_in_its_order);
fn the_list_names_every_lesson_once_in_its_order() {
    for language in Lang::ALL {
        let output = lab::run_qviz(["lesson", "--lang", language.name()], LIMIT);
        let text = String::from_utf8(output.stdout).unwrap();
        let lessons = [lessons(), library::challenges().unwrap()].concat();
        let rows: Vec<_> = text.lines().filter(|line| line.starts_with(' ')).collect();
        assert_eq!((rows.len(), text.lines().count() - rows.len()), (lessons.len(), 6), "six chapters:\n{text}");
        for (number, (line, lesson)) in (1..).zip(rows.into_iter().zip(&lessons)) {
            let begins = [number.to_string(), lesson.name.clone()];
            assert!(line.split_whitespace().take(2).eq(begins), "{line}");
            assert!(line.ends_with(lesson.learn.in_language(language)), "{line}");
        }
    }
}

case!(a_signal_ends_a_check_after_its_document);
fn a_signal_ends_a_check_after_its_document() {
    network();
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

case!(who_asks_for_all_lessons_and_is_ended_leaves_no_process_behind, one at a time);
fn who_asks_for_all_lessons_and_is_ended_leaves_no_process_behind() {
    network();
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
