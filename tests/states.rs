//! Every state of the screen, from stored recordings of the real kernel: whole pictures that a reviewer can read, at three sizes, in
//! Unicode and ASCII.
//!
//! A state is found in its recording by what must be so then, not by a time, so that recordings can be made anew:
//! `cargo test --test states -- --ignored`, and then `INSTA_UPDATE=always cargo test --test states`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a picture that cannot be looked at has failed")]

use std::process::Command;

use qviz::ui::keymap::Action;

#[path = "support/lab.rs"]
mod lab;
#[path = "terminal/pane.rs"]
mod pane;
#[path = "states/show.rs"]
mod show;
#[path = "terminal/traces.rs"]
mod traces;

use show::{Show, asset, path};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

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

/// Takes a state's picture at each size, in both alphabets; each has to show these words.
#[track_caller]
fn shoot(name: &str, recording: &str, go: impl Fn(Show) -> Show, shows: &[&str]) {
    for (size, ascii) in SIZES.into_iter().flat_map(|size| [(size, false), (size, true)]) {
        shoot_one(&format!("{name}_{}x{}", size.0, size.1), recording, (size, ascii), &go, shows);
    }
}

#[track_caller]
fn shoot_one(
    name: &str,
    recording: &str,
    (size, ascii): ((u16, u16), bool),
    go: &impl Fn(Show) -> Show,
    shows: &[&str],
) {
    let mut show = go(Show::of(recording, size, ascii));
    let text = show.picture();
    assert!(!ascii || text.is_ascii(), "{name}: {:?}", text.chars().find(|sign| !sign.is_ascii()));
    for words in shows {
        assert!(text.contains(words), "{name} does not show {words:?}:\n{text}");
    }
    let source = format!("{} at {}", path(recording), show.now);
    let suffix = if ascii { "ascii" } else { "unicode" };
    insta::with_settings!({ description => source, omit_expression => true }, {
        insta::assert_snapshot!(format!("{name}_{suffix}"), text);
    });
}

#[test]
fn idle() {
    shoot("idle", "queues", show::idle, &["0/4"]);
}

#[test]
fn filling() {
    shoot("filling", "queues", show::filling, &["1/4", "2/4"]);
}

#[test]
fn full() {
    shoot("full", "queues", show::full, &["4/4"]);
}

#[test]
fn an_overflow() {
    shoot("overflowing", "queues", show::overflowing, &["4/4", "accept queue full"]);
}

#[test]
fn ghosts() {
    shoot("ghosts", "stranded", show::ghosts, &["ghost", "half-open", "ignored"]);
}

#[test]
fn cookies() {
    shoot("cookies", "flood", show::cookies, &["cookie"]);
}

#[test]
fn a_frozen_picture() {
    shoot("frozen", "queues", show::frozen, &["FROZEN", "the run goes on"]);
}

#[test]
fn step_mode() {
    shoot("step", "steps", show::step, &["STEP", "1/6"]);
}

#[test]
fn the_help() {
    shoot("help", "queues", |show| show::overflowing(show).press(Action::Help), &["HELP"]);
}

#[test]
fn a_terminal_that_is_too_small() {
    for (size, ascii) in
        [(59, 16), (60, 15), (40, 10), (20, 5)].into_iter().flat_map(|size| [(size, false), (size, true)])
    {
        let name = format!("small_{}x{}", size.0, size.1);
        shoot_one(&name, "queues", (size, ascii), &show::overflowing, &["4/4"]);
    }
}

#[test]
fn the_hosts_loopback() {
    shoot("host", "loopback", show::host, &["host", "2/4"]);
}

#[test]
fn the_end_of_a_replay() {
    shoot("replay_end", "queues", show::replay_end, &["replay"]);
}

/// The small recordings that stand behind the pictures are the real kernel's, whole, and small.
#[test]
fn the_recordings_are_small_and_each_ends_with_its_run() {
    for name in RECORDINGS.map(|(name, _)| name).into_iter().chain(["steps"]) {
        let bytes = std::fs::metadata(asset(name)).unwrap().len();
        assert!(bytes < 100_000, "{name}: {bytes} bytes");
        let show = Show::of(name, (80, 24), false).until("its end", |world| world.ended);
        let balanced = show.world.balance().balanced;
        assert!(balanced == Some(true) || name == "loopback", "{name}: {:?}", show.world.balance());
    }
}

#[test]
#[ignore = "makes the stored recordings anew, which changes every picture: cargo test --test states -- --ignored"]
fn the_recordings_are_made_anew() {
    assert!(lab::lab_or_skip());
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
    let mut pane = pane::Pane::start((120, 36), pane::Pane::command(&words).current_dir(env!("CARGO_MANIFEST_DIR")));
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
