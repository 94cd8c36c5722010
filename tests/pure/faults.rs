//! Recordings that once broke a replay (`tests/pure/faults`): each is read as far as it can be, and the rest is told.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may stop and say why")]

use std::path::{Path, PathBuf};

use qviz::fold::world::World;
use qviz::model::event::{Event, Stamped};
use qviz::model::sample::Source;
use qviz::model::stamp::Stamp;
use qviz::report::jsonl;
use qviz::session::recording::read::Recording;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pure/faults").join(name)
}

fn facts(name: &str) -> Vec<Stamped> {
    Recording::open(&path(name)).unwrap().facts().unwrap().collect()
}

fn folded(facts: &[Stamped]) -> World {
    let mut world = World::new();
    for fact in facts {
        world.apply(fact.at, &fact.event);
    }
    world
}

/// The last fact, which tells where the recording is damaged.
fn damage(facts: &[Stamped]) -> String {
    match &facts.last().unwrap().event {
        Event::Refused { message } => message.to_string(),
        other => panic!("nothing is damaged: {other:?}"),
    }
}

#[test]
fn a_pace_that_cannot_be_ends_the_recording_at_its_line() {
    for name in ["pace-negative.qviz", "pace-zero.qviz", "pace-huge.qviz"] {
        let facts = facts(name);
        let said = damage(&facts);
        assert!(said.contains(&format!("{name}:4: ")) && said.contains("a pace from 0.01 to 1"), "{said}");
        folded(&facts);
    }
}

#[test]
fn a_moment_of_the_far_future_is_not_the_end() {
    let recording = Recording::open(&path("end-of-time.qviz")).unwrap();
    assert!(recording.end() < Stamp::from_millis(10), "{}", recording.end());
    let said = damage(&facts("end-of-time.qviz"));
    assert!(said.contains("a moment within ten years"), "{said}");
}

#[test]
fn costs_beyond_all_numbers_are_added_up_as_far_as_numbers_go() {
    let world = folded(&facts("cost-overflow.qviz"));
    let cost = &world.costs[&Source::Queue];
    assert_eq!((cost.nanos, cost.readings), (u64::MAX, 2));
}

#[test]
fn what_steers_a_terminal_is_escaped_in_a_document() {
    let recording = Recording::open(&path("c1-in-json.qviz")).unwrap();
    let repeat = recording.header.repeat.unwrap();
    assert!(repeat.chars().any(char::is_control), "{repeat:?}");
    let mut line = Vec::new();
    jsonl::write(&mut line, &repeat).unwrap();
    let line = String::from_utf8(line).unwrap();
    assert!(line.is_ascii() && serde_json::from_str::<String>(&line).unwrap() == repeat, "{line}");
}

#[test]
fn a_stream_that_is_no_recording_is_judged_by_its_first_line() {
    // It never ends, and has no line.
    let error = Recording::open(Path::new("/dev/zero")).unwrap_err();
    assert!(error.to_string().contains("not a qviz recording"), "{error}");
}
