//! States of the screen in stored recordings of the real kernel, each found by what must be so then.

use std::path::{Path, PathBuf};
use std::time::Duration;

use qviz::fold::connection::CombinedState;
use qviz::fold::world::World;
use qviz::fold::world::note::Note;
use qviz::model::client_clock::StepOutcome;
use qviz::model::event::Environment;
use qviz::model::stamp::Stamp;
use qviz::session::recording::read::Recording;
use qviz::session::recording::record_reader::Facts;
use qviz::session::recording::transport::PlaybackState;
use qviz::ui::keymap::Action;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;

/// A recording that is folded bit by bit, and a screen on which it is seen.
pub(crate) struct Show {
    pub(crate) world: World,
    pub(crate) state: UiState,
    facts: Facts,
    pub(crate) now: Stamp,
    end: Stamp,
    pulsed: Stamp,
}

impl Show {
    pub(crate) fn of(recording: &str, (width, height): (u16, u16), ascii: bool) -> Self {
        let tape = Recording::open(&asset(recording)).unwrap();
        let theme = Theme::named("dark", Depth::True, ascii).unwrap();
        let state = UiState { theme, live: true, size: Size::new(width, height), ..UiState::default() };
        let (facts, end) = (tape.facts().unwrap(), tape.end());
        Self { world: World::new(), state, facts, now: Stamp::ZERO, end, pulsed: Stamp::ZERO }
    }

    /// Goes on to the first moment at which this is so.
    #[track_caller]
    pub(crate) fn until(mut self, what: &str, is_so: impl Fn(&World) -> bool) -> Self {
        while !is_so(&self.world) {
            let fact = self.facts.next().unwrap_or_else(|| panic!("the recording never shows: {what}"));
            self.apply(fact.at, |world| world.apply(fact.at, &fact.event));
        }
        self
    }

    /// Goes on for so long.
    pub(crate) fn and_then(mut self, span: Duration) -> Self {
        let until = self.now + span;
        while self.facts.peek().is_some_and(|fact| fact.at <= until) {
            let fact = self.facts.next().unwrap();
            self.apply(fact.at, |world| world.apply(fact.at, &fact.event));
        }
        self.now = until.min(self.end);
        self
    }

    fn apply(&mut self, at: Stamp, tell: impl FnOnce(&mut World)) {
        tell(&mut self.world);
        self.now = self.now.max(at);
        // As often as a picture that is watched looks at how much moves.
        if self.now.since(self.pulsed) > Duration::from_millis(100) {
            self.pulsed = self.now;
            update(&mut self.state, Msg::Pulse(self.now), &self.world);
        }
    }

    pub(crate) fn press(mut self, action: Action) -> Self {
        self.state.frame = view::picture_and_info(self.state.size, &self.world, &self.state, self.now).1;
        update(&mut self.state, Msg::Press(action, self.now), &self.world);
        self
    }

    pub(crate) fn frame(&mut self) -> Buffer {
        update(&mut self.state, Msg::Pulse(self.now), &self.world);
        view::picture(self.state.size, &self.world, &self.state, self.now)
    }
}

pub(crate) fn asset(recording: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path(recording))
}

pub(crate) fn path(recording: &str) -> String {
    format!("assets/recordings/{recording}.qviz")
}

/// Nobody waits.
pub(crate) fn idle(show: Show) -> Show {
    let nobody = |world: &World| world.reading.depth == Some(0) && world.counters_last.is_some();
    show.until("an empty queue", nobody).and_then(Duration::from_millis(200))
}

/// The accept queue fills, nothing is dropped.
pub(crate) fn filling(show: Show) -> Show {
    let fills = |world: &World| depths(world) == (Some(1), Some(2)) && world.ledger.kernel_drops() == 0;
    show.until("a queue that fills", fills)
}

/// The accept queue is full, nothing is dropped.
pub(crate) fn full(show: Show) -> Show {
    let is_full = |world: &World| depths(world).1 == world.accept_capacity() && world.ledger.kernel_drops() == 0;
    show.until("a full queue", is_full)
}

/// The third drop on a full queue.
pub(crate) fn overflowing(show: Show) -> Show {
    let overflows = |world: &World| world.ledger.kernel_drops() >= 3 && depths(world).1 == world.accept_capacity();
    show.until("three drops on a full queue", overflows).and_then(Duration::from_millis(60))
}

/// Two clients think that they are connected.
pub(crate) fn ghosts(show: Show) -> Show {
    let two = |world: &World| many(world, CombinedState::Ghost) >= 2;
    show.until("two ghosts", two).and_then(Duration::from_millis(300))
}

/// Cookies are out.
pub(crate) fn cookies(show: Show) -> Show {
    let sent = |world: &World| world.ledger.cookies_sent > 2 && many(world, CombinedState::CookieOut) > 0;
    show.until("three cookies", sent)
}

/// The picture is held while the run goes on.
pub(crate) fn frozen(show: Show) -> Show {
    overflowing(show).press(Action::Freeze).and_then(Duration::from_millis(700))
}

/// One SYN was let in by a key.
pub(crate) fn step(show: Show) -> Show {
    let taken = |world: &World| {
        let reached = |note: &Note| matches!(note, Note::Stepped { outcome: StepOutcome::Reached(_), .. });
        world.tempo.held && depths(world).0 == Some(1) && world.notes.iter().any(|(_, note)| reached(note))
    };
    show.until("a SYN that was let in by a key", taken)
}

/// Connections wait on the host's own loopback.
pub(crate) fn host(show: Show) -> Show {
    let waits = |world: &World| {
        world.began.as_ref().is_some_and(|began| began.environment == Environment::Host)
            && world.reading.depth.is_some_and(|depth| depth > 1)
    };
    show.until("connections that wait", waits)
}

/// A replay stands at its end.
pub(crate) fn replay_end(show: Show) -> Show {
    let mut show = show.until("the end", |world| world.ended);
    show.now = show.end;
    show.state.live = false;
    show.state.replay = Some(PlaybackState { position: show.end, end: show.end, tenths: 10, paused: false });
    show
}

fn depths(world: &World) -> (Option<u32>, Option<u32>) {
    (Some(world.syn_queue.depth()), Some(world.accept_queue.depth()))
}

fn many(world: &World, belief: CombinedState) -> usize {
    world.roster.iter().filter(|one| one.belief() == belief).count()
}
