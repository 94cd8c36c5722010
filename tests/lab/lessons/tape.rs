//! A lesson of several scenes on one tape: it can be replayed, gone back in, and summed up.

use std::time::Duration;

use qviz::fold::world::World;
use qviz::model::event::{Event, Stamped};
use qviz::model::stamp::Stamp;
use qviz::report::summary::Summary;
use qviz::session::recording::playback::{Next, Playback};
use qviz::session::recording::read::{Recording, RecordingEnd};
use qviz::session::recording::transport::PlayCommand;

use super::document;
use crate::lab;
use crate::needs::network;

fn folded(facts: &[Stamped], world: &mut World) {
    for fact in facts {
        world.apply(fact.at, &fact.event);
    }
}

/// Everything that the deck has at this moment.
fn played(deck: &mut Playback, now: Stamp) -> Vec<Stamped> {
    let mut all = Vec::new();
    while let Next::Facts(facts) = deck.next(now) {
        all.extend(facts);
    }
    all
}

case!(all_scenes_of_a_lesson_stand_on_one_tape_that_can_be_gone_back_in);
fn all_scenes_of_a_lesson_stand_on_one_tape_that_can_be_gone_back_in() {
    network();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lesson.qviz");
    let words = ["lesson", "n-plus-one", "--check", "--json", "--record", path.to_str().unwrap()];
    let output = lab::run_qviz(words, super::LIMIT);
    let checked = document(&output);
    assert_eq!(checked["passed"], 1, "{checked:#}");
    let tape = Recording::open(&path).unwrap();
    assert_eq!(tape.close, RecordingEnd::Ended);
    let facts: Vec<_> = tape.facts().unwrap().collect();
    let began: Vec<_> = facts.iter().filter(|fact| matches!(fact.event, Event::Began(_))).map(|fact| fact.at).collect();
    assert_eq!(began.len(), 2, "two scenes");
    assert!(began[1].since(began[0]) > Duration::from_millis(500) && tape.end() > began[1]);
    let ports: Vec<_> = facts
        .iter()
        .filter_map(|fact| if let Event::Began(began) = &fact.event { Some(began.address.port()) } else { None })
        .collect();
    assert_ne!(ports[0], ports[1], "what the kernel keeps of the first scene is not the second one's");

    let mut world = World::new();
    folded(&facts, &mut world);
    let course = world.lesson.as_deref().unwrap();
    assert!(course.over && course.name == "n-plus-one" && course.scene == 1);
    let held = checked["claims"][0]["measured"]["held"].as_f64().unwrap();
    assert!((course.kept["held"] - held).abs() < 1e-9, "{:?}", course.kept);
    let summary = Summary::of(&world);
    let scene = tape.end().since(began[1]).as_secs_f64();
    assert!((summary.duration_s - scene).abs() < 1e-3, "{} of {scene}", summary.duration_s);
    assert_eq!(
        summary.accept_queue.max, 0,
        "the second scene has nobody in the accept queue: the first one's are gone"
    );

    let (mut deck, mut world) = (Playback::new(tape.facts().unwrap(), tape.end(), Stamp::ZERO), World::new());
    let at = |moment: Stamp| PlayCommand::Ahead(moment.since(Stamp::ZERO));
    deck.play(Stamp::ZERO, PlayCommand::Pause, &[]);
    deck.play(Stamp::ZERO, at(tape.end()), &[]);
    folded(&played(&mut deck, Stamp::ZERO), &mut world);
    assert_eq!(world.lesson.as_deref().unwrap().scene, 1);
    let back = Stamp::from_nanos(began[1].as_nanos() / 2);
    deck.play(Stamp::ZERO, PlayCommand::Back(tape.end().since(back)), &[]);
    folded(&played(&mut deck, Stamp::ZERO), &mut world);
    let course = world.lesson.as_deref().unwrap();
    assert_eq!((course.scene, course.over, course.kept.contains_key("half")), (0, false, false));
    assert!(world.now <= back && world.opened == began[0], "{} {}", world.now, world.opened);
}

/// True for a text with a Chinese sign.
fn is_chinese(text: &str) -> bool {
    text.chars().any(|sign| ('\u{4e00}'..='\u{9fff}').contains(&sign))
}

case!(what_is_recorded_in_chinese_is_replayed_in_english_and_in_chinese);
fn what_is_recorded_in_chinese_is_replayed_in_english_and_in_chinese() {
    network();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chinese.qviz");
    let path = path.to_str().unwrap();
    lab::run_qviz(["--lang", "zh", "lesson", "accept-order", "--check", "--json", "--record", path], super::LIMIT);
    let tape = Recording::open(path.as_ref()).unwrap();
    let lesson = |fact: &Stamped| matches!(fact.event, Event::Lesson(_));
    for fact in tape.facts().unwrap().filter(|fact| !lesson(fact)) {
        let line = serde_json::to_string(&fact).unwrap();
        assert!(!is_chinese(&line), "{line}");
    }
    let replayed = |lang| {
        let output = lab::run_qviz(["--lang", lang, "replay", path, "--jsonl"], super::LIMIT);
        String::from_utf8(output.stdout).unwrap()
    };
    let (english, chinese) = (replayed("en"), replayed("zh"));
    assert!(english.contains(r#""outcome":"sleeps""#) && !is_chinese(&english), "{english}");
    assert!(chinese.contains(r#""outcome":"睡眠中""#), "{chinese}");
}
