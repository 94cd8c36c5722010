//! Every state of the screen, from stored recordings of the real kernel: whole pictures that a reviewer can read, at three sizes, in
//! Unicode and ASCII.
//!
//! A state is found in its recording by what must be so then, not by a time, so that recordings can be made anew:
//! `cargo test --test terminal recordings -- --ignored`, and then `INSTA_UPDATE=always cargo test --test screens`.

use qviz::ui::keymap::Action;
use ratatui::buffer::Buffer;

use crate::picture::{self, lines};
use crate::show::{self, Show, asset};
use crate::snapshot::store;

/// Takes a state's picture; it has to show these words at every size of 80×24 or more.
#[track_caller]
fn shoot(name: &str, recording: &str, go: impl Fn(Show) -> Show, shows: &[&str]) {
    picture::shoot(name, |size, ascii| {
        let words = if size.0 < 80 { &[] } else { shows };
        taken(name, go(Show::of(recording, size, ascii)), words)
    });
}

#[track_caller]
fn taken(name: &str, mut show: Show, shows: &[&str]) -> Buffer {
    let picture = show.frame();
    for words in shows {
        let text = lines(&picture);
        assert!(text.contains(words), "{name} at {} does not show {words:?}:\n{text}", show.now);
    }
    picture
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
    shoot("ghosts", "stranded", show::ghosts, &["DISAGREE", "half-open"]);
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
        let picture = taken(&name, show::overflowing(Show::of("queues", size, ascii)), &["4/4"]);
        picture::assert_sound(&name, size, &picture);
        if !ascii {
            store(&name, &lines(&picture));
        }
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
    for name in ["queues", "stranded", "flood", "loopback", "steps"] {
        let bytes = std::fs::metadata(asset(name)).unwrap().len();
        assert!(bytes < 100_000, "{name}: {bytes} bytes");
        let show = Show::of(name, (80, 24), false).until("its end", |world| world.ended);
        let balanced = show.world.balance().balanced;
        assert!(balanced == Some(true) || name == "loopback", "{name}: {:?}", show.world.balance());
    }
}
