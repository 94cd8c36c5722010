//! The lessons that qviz brings along: each can be read in both languages, and every statement of the textbooks is tried by one of them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may stop and say why")]

use std::collections::BTreeMap;
use std::sync::Arc;

use qviz::scenario::holes::filled;
use qviz::scenario::lesson::{Lesson, Text};
use qviz::scenario::library;

#[path = "lessons/facts.rs"]
mod facts;

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

fn lessons() -> Vec<Arc<Lesson>> {
    library::lessons().unwrap_or_else(|error| panic!("{error}"))
}

fn challenges() -> Vec<Arc<Lesson>> {
    library::challenges().unwrap_or_else(|error| panic!("{error}"))
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
        texts.extend([&claim.statement, &claim.yes, &claim.no].map(|text| (claim.id.clone(), text, false)));
    }
    texts
}

fn is_chinese(one: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&one)
}

#[test]
fn every_text_stands_in_both_languages_and_is_short_enough_to_stand_beside_the_picture() {
    let mut wrong = Vec::new();
    for lesson in lessons().into_iter().chain(challenges()) {
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
fn there_are_five_challenges_each_with_goals_or_questions_that_facts_decide() {
    let challenges = challenges();
    assert_eq!(challenges.len(), 5);
    for challenge in &challenges {
        let asks = challenge.scenes.iter().flat_map(|scene| &scene.steps).filter(|step| step.ask.is_some()).count();
        assert!(challenge.challenge && asks + challenge.claims.len() >= 2, "{}", challenge.name);
        assert!(challenge.scenes.iter().all(|scene| !scene.expect.is_empty()), "{}: not tried", challenge.name);
    }
    assert!(lessons().iter().all(|lesson| !lesson.challenge));
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
