//! The recordings of the real kernel that stand behind the pictures of `tests/screens/states.rs`.

use std::process::Command;

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
