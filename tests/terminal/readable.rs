//! A minute of the default run can be read, live and in its recording: headlines stand, FULL does not flicker, and no frame contradicts
//! itself.

use std::time::Duration;

use serde_json::Value;

use crate::lab::{now, run_qviz};
use crate::needs::network;
use crate::pane::Pane;
use crate::samples::{SIZE, STEP, Samples};

case!(a_minute_of_the_default_run_can_be_read_live_and_in_its_recording);
fn a_minute_of_the_default_run_can_be_read_live_and_in_its_recording() {
    network();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("minute.qviz");
    let recording = file.to_str().expect("a name of letters");
    let mut pane = Pane::qviz(SIZE, &format!("--backlog 5 --lang en --record {recording}"));
    pane.wait_for_picture();
    let (began, mut live) = (now(), Samples::default());
    for look in 1..=LOOKS {
        pane.read_until(began + STEP * look);
        live.take(&pane.rows());
    }
    pane.press(b"q");
    assert!(pane.end().success());
    println!("live: {live}");
    live.assert_readable();
    assert!(live.whole().len() >= 8, "{:#?}", live.headlines);
    let again = of_film(recording);
    println!("its recording: {again}");
    again.assert_readable();
}

/// What is seen of a recording at its own speed; its time is that of the frames' stamps.
fn of_film(recording: &str) -> Samples {
    let words = ["replay", recording, "--lang", "en", "--cast", "-", "--size", "120x36"];
    let film = run_qviz(words, Duration::from_secs(60));
    assert!(film.status.success(), "{film:?}");
    let film = String::from_utf8(film.stdout).expect("text");
    let [columns, rows] = [SIZE.0, SIZE.1].map(|side| side.try_into().expect("a size"));
    let (mut screen, mut samples) = (vt100::Parser::new(rows, columns, 0), Samples::default());
    let mut next = Duration::ZERO;
    for line in film.lines().skip(1) {
        let frame: Value = serde_json::from_str(line).expect("a frame");
        while next.as_secs_f64() < frame[0].as_f64().expect("its moment") {
            let rows: Vec<String> = screen.screen().rows(0, u16::MAX).collect();
            if rows[0].contains("listen(") {
                samples.take(&rows);
            }
            next += STEP;
        }
        screen.process(frame[2].as_str().expect("its bytes").as_bytes());
    }
    samples
}

/// A minute of looks.
const LOOKS: u32 = 1200;
