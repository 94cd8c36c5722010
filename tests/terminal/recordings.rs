//! The recordings of the real kernel that stand behind the pictures of `tests/screens/states.rs`.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::lab::wait_until;
use crate::needs::network;
use crate::pane::Pane;

/// The recordings that are made without a hand on the keys, and the words that make them.
const RECORDINGS: [(&str, &str); 4] = [
    (
        "queues",
        "--backlog 3 --rate 8 --arrivals steady --rtt 200ms --accept-rate 2 --syncookies 0 --delay 300ms --duration 3s",
    ),
    (
        "stranded",
        "--backlog 3 --rate 15 --arrivals steady --rtt 300ms --accept-rate 0 --syncookies 0 --delay 100ms --duration 1500ms",
    ),
    (
        "flood",
        "--backlog 4 --rate 12 --arrivals steady --half-open 70% --rtt 100ms --accept-rate 3 --syncookies 1 --duration 2s",
    ),
    (
        "loopback",
        "--net host --listen 127.0.0.1:8080 --backlog 3 --rate 6 --arrivals steady --accept-rate 2 --duration 2s",
    ),
];

case!(the_recordings_are_made_anew, ignored because "makes the stored recordings anew, which changes every picture");
fn the_recordings_are_made_anew() {
    network();
    for (name, words) in RECORDINGS {
        let words = format!("{words} --seed 1 --headless --record {}", path(name));
        let mut qviz = Command::new(env!("CARGO_BIN_EXE_qviz"));
        qviz.args(words.split_whitespace()).current_dir(env!("CARGO_MANIFEST_DIR"));
        let output = qviz.output().unwrap();
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    }
    record_steps();
}

case!(the_demos_are_made_anew, ignored because "plays the lessons of the demos, minutes each, and stores them anew");
fn the_demos_are_made_anew() {
    network();
    for name in ["silent-drop", "ghosts", "syn-cookies"] {
        let file = format!("{}/assets/demos/{name}.qviz", env!("CARGO_MANIFEST_DIR"));
        let words = format!("lesson {name} --auto --record assets/demos/{name}.qviz");
        let mut pane = Pane::start((120, 36), Pane::command(&words).current_dir(env!("CARGO_MANIFEST_DIR")));
        wait_until(DEMO, "the lesson is over", || {
            pane.read();
            std::fs::read_to_string(&file).is_ok_and(|text| until_the_end(&text).is_some()).then_some(())
        });
        pane.press(b"q");
        assert!(pane.end().success());
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, thinned(&until_the_end(&text).unwrap())).unwrap();
    }
}

/// How long a lesson that goes on by itself may take.
const DEMO: Duration = Duration::from_secs(240);

/// How long the last page of a demo stays.
const LAST_PAGE: u64 = 6_000_000_000;

/// The lines of a lesson's first turn and of its last page; `None` before that has come.
fn until_the_end(text: &str) -> Option<Vec<&str>> {
    let at = |line: &str| serde_json::from_str::<Value>(line).ok()?["at"].as_u64();
    let mut over = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        if over.zip(at(line)).is_some_and(|(over, at)| at > over + LAST_PAGE) {
            return Some(lines);
        }
        if line.contains(r#""event":{"lesson":"over"}"#) {
            over = at(line);
        }
        lines.push(line);
    }
    None
}

/// Without readings that say nothing new within half a second, and without qviz's own cost; the end is added.
fn thinned(lines: &[&str]) -> String {
    let mut last: BTreeMap<String, (Value, u64)> = BTreeMap::new();
    let (mut text, mut end) = (String::new(), 0);
    for line in lines {
        let fact: Value = serde_json::from_str(line).unwrap();
        let (at, event) = (fact["at"].as_u64().unwrap_or(0), without_ages(&fact["event"]));
        let kind = event.as_object().and_then(|event| event.keys().next().cloned()).unwrap_or_default();
        let listed = ["half_open", "waiting"].map(|list| event["listed"][list].is_null());
        let key = format!("{kind} {listed:?}");
        let repeats = last.get(&key).is_some_and(|(before, then)| *before == event && at < then + 500_000_000);
        let reading = matches!(kind.as_str(), "listed" | "counters" | "queue" | "client_counters");
        if kind == "cost" || reading && repeats {
            continue;
        }
        last.insert(key, (event, at));
        end = end.max(at);
        text.extend([*line, "\n"]);
    }
    text + &format!("{{\"at\":{},\"event\":\"ended\"}}\n", end + 1000)
}

fn without_ages(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| !matches!(name.as_str(), "age_ms" | "next_ms"));
            Value::Object(kept.map(|(name, value)| (name.clone(), without_ages(value))).collect())
        }
        Value::Array(values) => values.iter().map(without_ages).collect(),
        other => other.clone(),
    }
}

/// A handshake in step mode, with a hand on the keys.
fn record_steps() {
    let words = format!("--backlog 5 --rate 0 --arrivals steady --seed 1 --record {}", path("steps"));
    let mut pane = Pane::start((120, 36), Pane::command(&words).current_dir(env!("CARGO_MANIFEST_DIR")));
    pane.wait_for_picture();
    pane.press(b"t");
    pane.wait_for("STEP");
    pane.press(b"\x1b[A\x1b[A");
    pane.wait_for("1/s");
    for thing in ["SYN leaves", "SYN reaches the listener", "SYN-ACK reaches the client", "ACK reaches the listener"] {
        pane.press(b"n");
        pane.wait_for(thing);
    }
    pane.press(b"a");
    pane.wait_for("accept()");
    pane.press(b"q");
    assert!(pane.end().success());
}

fn path(recording: &str) -> String {
    format!("assets/recordings/{recording}.qviz")
}
