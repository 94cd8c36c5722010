//! Every state of the screen, from stored recordings of the real kernel: whole pictures that a reviewer can read, at three sizes, in
//! Unicode and ASCII.
//!
//! A state is found in its recording by what must be so then, not by a time, so that recordings can be made anew:
//! `cargo test --test states -- --ignored`, and then `INSTA_UPDATE=always cargo test --test states`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a picture that cannot be looked at has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use qviz::model::connection::Belief;
use qviz::model::event::Rung;
use qviz::model::stamp::Stamp;
use qviz::model::tempo::Thing;
use qviz::model::world::World;
use qviz::model::world::note::Note;
use qviz::session::tape::read::Tape;
use qviz::session::tape::reel::Facts;
use qviz::session::tape::transport::Playing;
use qviz::ui::keymap::Action;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::view;
use ratatui::buffer::Cell;
use ratatui::layout::Size;

#[path = "support/lab.rs"]
mod lab;
#[path = "terminal/pane.rs"]
mod pane;
#[path = "terminal/traces.rs"]
mod traces;

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

/// A recording that is folded bit by bit, and a screen on which it is seen.
struct Show {
    world: World,
    state: UiState,
    facts: Facts,
    now: Stamp,
    end: Stamp,
    pulsed: Stamp,
}

impl Show {
    fn of(recording: &str, (width, height): (u16, u16), ascii: bool) -> Self {
        let tape = Tape::open(&asset(recording)).unwrap();
        let theme = Theme::named("dark", Depth::True, ascii).unwrap();
        let state = UiState { theme, listens: true, size: Size::new(width, height), ..UiState::default() };
        let (facts, end) = (tape.facts().unwrap(), tape.end());
        Self { world: World::new(), state, facts, now: Stamp::ZERO, end, pulsed: Stamp::ZERO }
    }

    /// Goes on to the first moment at which this is so.
    #[track_caller]
    fn until(mut self, what: &str, is_so: impl Fn(&World) -> bool) -> Self {
        while !is_so(&self.world) {
            let fact = self.facts.next().unwrap_or_else(|| panic!("the recording never shows: {what}"));
            self.tell(fact.at, |world| world.apply(fact.at, &fact.event));
        }
        self
    }

    /// Goes on for so long.
    fn and_then(mut self, span: Duration) -> Self {
        let until = self.now + span;
        while self.facts.peek().is_some_and(|fact| fact.at <= until) {
            let fact = self.facts.next().unwrap();
            self.tell(fact.at, |world| world.apply(fact.at, &fact.event));
        }
        self.now = until.min(self.end);
        self
    }

    fn tell(&mut self, at: Stamp, tell: impl FnOnce(&mut World)) {
        tell(&mut self.world);
        self.now = self.now.max(at);
        // As often as a picture that is watched looks at how much moves.
        if self.now.since(self.pulsed) > Duration::from_millis(100) {
            self.pulsed = self.now;
            update(&mut self.state, Msg::Pulse(self.now), &self.world);
        }
    }

    fn press(mut self, action: Action) -> Self {
        update(&mut self.state, Msg::Press(action, self.now), &self.world);
        self
    }

    fn picture(&mut self) -> String {
        update(&mut self.state, Msg::Pulse(self.now), &self.world);
        let picture = view::picture(self.state.size, &self.world, &self.state, self.now);
        let rows = picture.content.chunks(usize::from(picture.area.width.max(1)));
        let text = rows.map(|row| row.iter().map(Cell::symbol).collect::<String>().trim_end().to_owned());
        text.collect::<Vec<_>>().join("\n")
    }
}

fn asset(recording: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path(recording))
}

fn path(recording: &str) -> String {
    format!("assets/recordings/{recording}.qviz")
}

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

fn depths(world: &World) -> (Option<u32>, Option<u32>) {
    (Some(world.syn_queue.depth()), Some(world.accept_queue.depth()))
}

fn many(world: &World, belief: Belief) -> usize {
    world.roster.iter().filter(|one| one.belief() == belief).count()
}

fn overflows(world: &World) -> bool {
    world.ledger.kernel_drops() >= 3 && depths(world).1 == world.accept_capacity()
}

fn overflowing(show: Show) -> Show {
    show.until("three drops on a full queue", overflows).and_then(Duration::from_millis(60))
}

#[test]
fn idle() {
    let nobody = |world: &World| world.reading.depth == Some(0) && world.counters_last.is_some();
    shoot("idle", "queues", |show| show.until("an empty queue", nobody).and_then(Duration::from_millis(200)), &["0/4"]);
}

#[test]
fn filling() {
    let fills = |world: &World| depths(world) == (Some(1), Some(2)) && world.ledger.kernel_drops() == 0;
    shoot("filling", "queues", |show| show.until("a queue that fills", fills), &["1/4", "2/4"]);
}

#[test]
fn full() {
    let is_full = |world: &World| depths(world).1 == world.accept_capacity() && world.ledger.kernel_drops() == 0;
    shoot("full", "queues", |show| show.until("a full queue", is_full), &["4/4"]);
}

#[test]
fn an_overflow() {
    shoot("overflowing", "queues", overflowing, &["4/4", "accept queue full"]);
}

#[test]
fn ghosts() {
    let two = |world: &World| many(world, Belief::Ghost) >= 2;
    let go = |show: Show| show.until("two ghosts", two).and_then(Duration::from_millis(300));
    shoot("ghosts", "stranded", go, &["ghost", "half-open", "ignored"]);
}

#[test]
fn cookies() {
    let sent = |world: &World| world.ledger.cookies_sent > 2 && many(world, Belief::CookieOut) > 0;
    shoot("cookies", "flood", |show| show.until("three cookies", sent), &["cookie"]);
}

#[test]
fn a_frozen_picture() {
    let go = |show: Show| overflowing(show).press(Action::Freeze).and_then(Duration::from_millis(700));
    shoot("frozen", "queues", go, &["FROZEN", "the run goes on"]);
}

#[test]
fn step_mode() {
    let taken = |world: &World| {
        let reached = |note: &Note| matches!(note, Note::Stepped { thing: Thing::Reached(_), .. });
        world.tempo.held && depths(world).0 == Some(1) && world.notes.iter().any(|(_, note)| reached(note))
    };
    shoot("step", "steps", |show| show.until("a SYN that was let in by a key", taken), &["STEP", "1/6"]);
}

#[test]
fn the_help() {
    shoot("help", "queues", |show| overflowing(show).press(Action::Help), &["HELP"]);
}

#[test]
fn a_terminal_that_is_too_small() {
    for (size, ascii) in
        [(59, 16), (60, 15), (40, 10), (20, 5)].into_iter().flat_map(|size| [(size, false), (size, true)])
    {
        let name = format!("small_{}x{}", size.0, size.1);
        shoot_one(&name, "queues", (size, ascii), &overflowing, &["4/4"]);
    }
}

#[test]
fn the_hosts_loopback() {
    let waits = |world: &World| {
        world.began.as_ref().is_some_and(|began| began.rung == Rung::Host)
            && world.reading.depth.is_some_and(|depth| depth > 1)
    };
    shoot("host", "loopback", |show| show.until("connections that wait", waits), &["host", "2/4"]);
}

#[test]
fn the_end_of_a_replay() {
    let go = |show: Show| {
        let mut show = show.until("the end", |world| world.ended);
        show.now = show.end;
        show.state.listens = false;
        show.state.replay = Some(Playing { position: show.end, end: show.end, tenths: 10, paused: false });
        show
    };
    shoot("replay_end", "queues", go, &["replay"]);
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
