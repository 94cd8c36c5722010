//! Room for what matters: verdicts whole or counted, the chosen answer and the right one, names of numbers.

use std::collections::BTreeSet;

use qviz::model::experiment::ExperimentFact;
use qviz::model::lesson::Phase;
use qviz::scenario::library::lessons;
use qviz::scenario::outcome::Verdict;
use qviz::text::lang::{Lang, within};
use qviz::ui::state::UiState;
use ratatui::text::Span;

use super::{SIZES, answered, bare, drawn, said, state};
use crate::lesson_story::LessonStory;

fn lesson(name: &str) -> LessonStory {
    let lessons = lessons().unwrap();
    let lesson = lessons.iter().find(|lesson| lesson.name == name).unwrap();
    LessonStory::of(&lesson.name, &lesson.source)
}

/// A lesson that is over, with every number that its claims ask for; all of them hold, or they are held against what was measured.
fn over(name: &str, all_hold: bool) -> LessonStory {
    let source = lesson(name).notebook.lesson().unwrap().source.clone();
    let held = |line: &str| if all_hold && line.starts_with("holds = ") { HOLDS } else { line }.to_owned() + "\n";
    let mut class = LessonStory::of(name, &source.lines().map(held).collect::<String>());
    let lesson = class.notebook.lesson().unwrap().clone();
    class.scene(lesson.scenes.len() - 1);
    class.step(0, Phase::Done);
    let measured = lesson.claims.iter().flat_map(|claim| claim.measured.values()).flat_map(|value| value.facts());
    let facts: BTreeSet<_> = lesson.claims.iter().flat_map(|claim| claim.holds.facts()).chain(measured).collect();
    for fact in facts {
        if let Some(name) = fact.strip_prefix("kept.") {
            class.keep(name, 111.5);
        } else if let Some(name) = fact.strip_prefix("trial.") {
            class.trial(ExperimentFact::Measured { name: name.into(), value: 111.5 });
        }
    }
    class.over();
    class
}

const HOLDS: &str = "holds = \"t_s >= 0\"";

/// The verdicts' sentences, and those that are not seen whole.
fn verdicts(class: &LessonStory, drawn: &str) -> (usize, Vec<String>) {
    let judged = class.notebook.judged(&class.story.world);
    let told = judged.into_iter().filter(|one| one.verdict != Verdict::Undecided).map(|one| bare(&one.sentence));
    let (said, told) = (said(drawn), told.collect::<Vec<_>>());
    (told.len(), told.into_iter().filter(|sentence| !said.contains(sentence)).collect())
}

#[test]
fn the_last_page_of_an_experiment_has_every_verdict() {
    for (name, count) in [("who-chooses-the-port", 4), ("connect-errors", 4), ("descriptors", 2)] {
        for lang in Lang::ALL {
            within(lang, || {
                for (class, size) in
                    [true, false].into_iter().flat_map(|hold| SIZES.map(|size| (over(name, hold), size)))
                {
                    let text = drawn(&class, state(&class, size, false));
                    assert_eq!(verdicts(&class, &text), (count, Vec::new()), "{name} {size:?}\n{text}");
                }
            });
        }
    }
}

#[test]
fn a_verdict_is_seen_whole_or_counted() {
    let mut counted = 0;
    for (lesson, lang) in lessons().unwrap().iter().flat_map(|one| Lang::ALL.map(|lang| (one.clone(), lang))) {
        within(lang, || {
            let class = over(&lesson.name, true);
            for size in SIZES.into_iter().chain([(60, 16), (60, 20), (100, 30), (160, 32)]) {
                let text = drawn(&class, state(&class, size, false));
                let missing = verdicts(&class, &text).1.len();
                let count = match (lang, missing) {
                    (_, 0) => String::new(),
                    (Lang::English, 1) => "and 1 more verdict: enlarge the window".into(),
                    (Lang::English, _) => format!("and {missing} more verdicts: enlarge the window"),
                    (Lang::Chinese, _) => format!("还有 {missing} 条结论：请放大窗口"),
                };
                assert!(said(&text).contains(&bare(&count)), "{} {size:?}: {missing}\n{text}", lesson.name);
                counted += missing;
            }
        });
    }
    assert!(counted > 0, "some window is too small for all of them");
}

#[test]
fn the_chosen_answer_and_the_right_one_are_seen_when_it_is_told() {
    for (lang, wanted) in [
        (
            Lang::English,
            ["›1 the first alone", "✓3 all three", "you said “the first alone”; the kernel says “all three”"],
        ),
        (Lang::Chinese, ["›1 只有第一种", "✓3 三种都会", "你说“只有第一种”；内核说“三种都会”"]),
    ] {
        for size in SIZES {
            let mut class = lesson("three-resets");
            class.step(1, Phase::Asked);
            class.choose(0);
            class.step(1, Phase::Doing);
            class.trial(ExperimentFact::Measured { name: "rst-kinds".into(), value: 3.0 });
            class.keep("kinds", 3.0);
            class.step(1, Phase::Done);
            class.score(false);
            let text = within(lang, || drawn(&class, state(&class, size, false)));
            for words in wanted {
                assert!(said(&text).contains(&bare(words)), "{size:?} {words}\n{text}");
            }
        }
    }
}

#[test]
fn no_title_is_cut() {
    for (lesson, lang) in lessons().unwrap().iter().flat_map(|one| Lang::ALL.map(|lang| (one.clone(), lang))) {
        for (size, over) in SIZES.into_iter().flat_map(|size| [(size, false), (size, true)]) {
            let mut class = LessonStory::of(&lesson.name, &lesson.source);
            class.step(1, Phase::Asked);
            class.choose(0);
            class.score(false);
            if over {
                class.over();
            }
            let text = within(lang, || drawn(&class, state(&class, size, false)));
            let title = text.lines().find(|line| line.contains('╔')).unwrap_or_default();
            let words = lesson.title.in_language(lang);
            let told = words.chars().take(44).collect::<String>();
            assert!(title.contains(&told), "{size:?}\n{text}");
            assert!(Span::raw(words).width() > 47 || title.contains(words), "{size:?}\n{text}");
        }
    }
}

#[test]
fn no_name_of_a_number_is_cut() {
    for size in SIZES {
        let mut class = lesson("who-chooses-the-port");
        class.scene(1);
        class.step(0, Phase::Doing);
        class.trial(ExperimentFact::Measured { name: "listening-reuseaddr-second-errno".into(), value: 98.0 });
        let text = drawn(&class, state(&class, size, false));
        let boxes = text.lines().filter_map(|line| line.rsplit('│').nth(1));
        let measured: String = boxes.map(bare).collect();
        assert!(measured.contains("second-errno") && measured.contains("EADDRINUSE98"), "{size:?}\n{text}");
        assert!(measured.contains("listening-reuseaddr-"), "{size:?}\n{text}");
    }
}

#[test]
fn the_keys_that_are_offered_do_something() {
    let mut class = lesson("three-resets");
    let last = |class: &LessonStory| {
        let text = drawn(class, state(class, (200, 60), false));
        text.lines().last().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    class.step(0, Phase::Done);
    let told = last(&class);
    assert!(told.starts_with("space go on backspace repeat"), "{told}");
    for knob in ["pause accept()", "backlog", "arrivals", "burst"] {
        assert!(!told.contains(knob), "calls are told, and {knob} changes none of them: {told}");
    }
    let queues = last(&super::answered(1));
    assert!(queues.starts_with("space go on") && queues.contains("p pause accept()"), "{queues}");
    assert!(queues.contains("backlog") && queues.contains("arrivals"), "{queues}");
    class.step(1, Phase::Asked);
    let asked = last(&class);
    assert!(asked.starts_with("1-9 predict backspace repeat") && !asked.contains("go on"), "{asked}");
    class.scene(1);
    class.step(0, Phase::Doing);
    let begins = last(&class);
    assert!(begins.starts_with("backspace scene before") && !begins.contains("go on"), "{begins}");
    class.step(0, Phase::Done);
    let repeats = last(&class);
    assert!(repeats.starts_with("space go on backspace repeat"), "{repeats}");
    class.over();
    let over = last(&class);
    assert!(over.starts_with("backspace repeat") && !over.contains("go on") && over.contains("q quit"), "{over}");
}

/// The picture says that a queue is full; what becomes of those who come then is what is asked.
#[test]
fn nothing_on_the_screen_answers_an_open_question() {
    const ANSWERS: [&str; 5] =
        ["SYNs dropped,", "FULL: SYNs dropped", "ACKs get RST", "new SYNs dropped", "until accept() makes room"];
    for resets in [false, true] {
        let mut class = answered(1);
        if resets {
            class.story.abort_on_overflow();
        }
        class.step(1, Phase::Asked);
        for (size, projector) in SIZES.into_iter().flat_map(|size| [(size, false), (size, true)]) {
            let text = drawn(&class, UiState { projector, ..state(&class, size, false) });
            assert!(text.contains("FULL"), "{text}");
            assert!(!ANSWERS.iter().any(|words| text.contains(words)), "{text}");
        }
        class.step(1, Phase::Doing);
        let text = drawn(&class, state(&class, (120, 36), false));
        assert!(
            text.contains(if resets { "FULL: SYNs dropped, ACKs get RST" } else { "FULL: SYNs dropped, ACKs ignored" }),
            "{text}"
        );
    }
}
