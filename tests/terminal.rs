//! The program in a real terminal: a pty whose other end is read here.
//!
//! `cargo test --test terminal [WORDS]`. Each test has a process of its own (`support/runner.rs`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what fails here fails the test, and says why"
)]

#[macro_use]
#[path = "support/runner.rs"]
mod runner;

#[path = "terminal/browse.rs"]
mod browse;
#[path = "terminal/chrome.rs"]
mod chrome;
#[path = "terminal/exits.rs"]
mod exits;
#[path = "terminal/keys.rs"]
mod keys;
#[path = "terminal/late_answers.rs"]
mod late_answers;
#[path = "terminal/lesson.rs"]
mod lesson;
#[path = "terminal/mouse.rs"]
mod mouse;
#[path = "terminal/panics.rs"]
mod panics;
#[path = "terminal/picker.rs"]
mod picker;
#[path = "terminal/readable.rs"]
mod readable;
#[path = "terminal/recordings.rs"]
mod recordings;
#[path = "terminal/redraw.rs"]
mod redraw;
#[path = "terminal/sizes.rs"]
mod sizes;
#[path = "terminal/stalled.rs"]
mod stalled;
#[path = "terminal/step.rs"]
mod step;
#[path = "terminal/story.rs"]
mod story;

#[path = "terminal/wire.rs"]
mod wire;

#[path = "support/lab.rs"]
mod lab;
#[path = "support/needs.rs"]
mod needs;
#[path = "support/not_run.rs"]
mod not_run;
#[path = "support/options.rs"]
mod options;
#[path = "support/pane.rs"]
mod pane;
#[path = "support/samples.rs"]
mod samples;
#[path = "support/seeds.rs"]
mod seeds;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/who.rs"]
mod who;

fn main() -> std::process::ExitCode {
    runner::run(2)
}
