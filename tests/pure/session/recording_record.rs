//! Tests of `session::recording::record`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use std::path::Path;

use qviz::model::event::{Event, Stamped};
use qviz::model::stamp::Stamp;
use qviz::session::recording::record::{FLUSH_DELAY, LIMIT, Recorder};
use qviz::session::recording::{Header, RecordingError};

fn tick(millis: u64) -> Stamped {
    Stamped { at: Stamp::from_millis(millis), event: Event::Tick }
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn facts_are_in_the_file_when_their_time_is_up_and_not_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.qviz");
    let mut recorder = Recorder::open(&path, LIMIT).unwrap();
    recorder.begin(&Header::new(None));
    recorder.take(Stamp::from_millis(1), &mut vec![tick(1)]);
    assert_eq!(lines(&path).len(), 1);
    assert_eq!(recorder.due(), Some(Stamp::from_millis(1) + FLUSH_DELAY));
    recorder.flush_if_due(Stamp::from_millis(1) + FLUSH_DELAY);
    assert_eq!(
        lines(&path),
        [
            &*format!(r#"{{"qviz-recording":2,"qviz":"{}","repeat":null}}"#, env!("CARGO_PKG_VERSION")),
            r#"{"at":1000000,"event":"tick"}"#
        ]
    );
}

#[test]
fn the_end_of_the_run_is_written_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.qviz");
    let mut recorder = Recorder::open(&path, LIMIT).unwrap();
    recorder.begin(&Header::new(None));
    recorder.take(Stamp::ZERO, &mut vec![Stamped { at: Stamp::ZERO, event: Event::Ended }]);
    assert_eq!(lines(&path).len(), 2);
}

#[test]
fn at_its_limit_the_recording_ends_and_reports_it_once_here_and_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.qviz");
    let mut recorder = Recorder::open(&path, 200).unwrap();
    recorder.begin(&Header::new(None));
    let mut reported = 0;
    for millis in 0..50 {
        let mut facts = vec![tick(millis)];
        recorder.take(Stamp::from_millis(millis), &mut facts);
        reported += facts.iter().filter(|fact| matches!(fact.event, Event::Refused { .. })).count();
    }
    let lines = lines(&path);
    assert_eq!(reported, 1);
    assert!(lines.last().unwrap().contains("limit"), "{lines:?}");
    assert!(lines.len() < 10 && recorder.failure().is_none(), "{lines:?}");
}

#[test]
fn a_full_disk_is_reported_once_and_ends_the_recording_alone() {
    let mut recorder = Recorder::open(Path::new("/dev/full"), LIMIT).unwrap();
    recorder.begin(&Header::new(None));
    let mut reported = Vec::new();
    for millis in 0..9 {
        let mut facts = vec![tick(millis)];
        recorder.take(Stamp::from_millis(millis), &mut facts);
        reported.extend(facts.into_iter().filter(|fact| fact.event != Event::Tick));
    }
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert!(recorder.failure().unwrap().to_string().contains("/dev/full"));
}

#[test]
fn an_older_recording_is_overwritten_and_anything_else_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    std::fs::write(&path, "{\"qviz-recording\":1,\"old\":true}\nmany\nlines\n").unwrap();
    Recorder::open(&path, LIMIT).unwrap().begin(&Header::new(None));
    assert_eq!(lines(&path).len(), 1);
    std::fs::write(&path, "a diary").unwrap();
    assert!(matches!(Recorder::open(&path, LIMIT), Err(RecordingError::NotOurs { .. })));
    assert_eq!(lines(&path), ["a diary"]);
}
