//! THE STREAM: merges every source into one line of stamped events; the only clock.
//!
//! Live, attach and replay are constructors of the same [`Session`]; nothing above it knows which one it has.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::model::command::Command;
use crate::model::event::{Event, Stamped};
use crate::model::stamp::Stamp;
use crate::session::clock::Clock;
use crate::session::recording::playback::{Bookmark, Playback};
use crate::session::recording::record::{Recorder, RecordingStatus};
use crate::session::recording::replay::Player;
use crate::session::recording::transport::{Play, Playing};
use crate::session::recording::{Header, RecordingError};

pub mod clock;
pub mod live;
pub mod metrics;
mod pace;
mod pump;
pub mod recording;
pub mod watch;

/// A running session: facts come up, commands go down.
#[derive(Debug)]
pub struct Session {
    source: Source,
    recorder: Option<Recorder>,
    clock: Clock,
    /// What was told from above and is not in the stream yet.
    told: Vec<Stamped>,
}

/// Where the facts come from.
#[derive(Debug)]
enum Source {
    /// The lab, in a thread of its own.
    Live { facts: mpsc::Receiver<Vec<Stamped>>, wishes: std::sync::mpsc::Sender<Command> },
    /// A recording.
    Tape(Player),
}

impl Session {
    const fn new(source: Source, clock: Clock) -> Self {
        Self { source, recorder: None, clock, told: Vec::new() }
    }

    /// The next facts in the order in which they became known; `None` when the session is over (after
    /// [`Event::Ended`]). [`Event::Began`] begins a new
    /// world: a replay that goes back tells everything again from the beginning. What is returned here has been recorded.
    pub async fn next(&mut self) -> Option<Vec<Stamped>> {
        if let Some(told) = self.take_told() {
            return Some(told);
        }
        let mut facts = loop {
            let due = self.recorder.as_ref().and_then(Recorder::due);
            let Some(due) = due else { break self.source.next(&self.clock).await };
            // Facts that come one by one must not keep each other waiting in the buffer.
            match tokio::time::timeout(due.since(self.clock.now()), self.source.next(&self.clock)).await {
                Ok(facts) => break facts,
                Err(_) => self.recorder.iter_mut().for_each(|recorder| recorder.flush_if_due(self.clock.now())),
            }
        };
        if let (Some(recorder), Some(facts)) = (&mut self.recorder, &mut facts) {
            recorder.take(self.clock.now(), facts);
        }
        facts
    }

    /// The facts of a recording that are due by now, and what was [told](Self::tell); a lab's facts have to be waited for.
    pub fn ready(&mut self) -> Option<Vec<Stamped>> {
        if let Some(told) = self.take_told() {
            return Some(told);
        }
        match &mut self.source {
            Source::Live { .. } => None,
            Source::Tape(player) => player.ready(self.clock.now()),
        }
    }

    /// Tells a fact from above: it comes next, and is recorded, as if it had come from below.
    pub fn tell(&mut self, event: Event) {
        self.told.push(Stamped { at: self.clock.now(), event });
    }

    fn take_told(&mut self) -> Option<Vec<Stamped>> {
        let mut told = std::mem::take(&mut self.told);
        if let Some(recorder) = self.recorder.as_mut().filter(|_| !told.is_empty()) {
            recorder.take(self.clock.now(), &mut told);
        }
        (!told.is_empty()).then_some(told)
    }

    /// Sends a wish to the lab. A recording, and a lab that has ended, do not listen.
    pub fn wish(&self, command: Command) {
        if let Source::Live { wishes, .. } = &self.source {
            let _lab_has_ended = wishes.send(command);
        }
    }

    /// True when wishes can be carried out: a lab, not a recording.
    pub const fn listens(&self) -> bool {
        matches!(self.source, Source::Live { .. })
    }

    /// Pauses, seeks, steps a recording. A lab cannot. The number of a bookmark means that the facts go on from there: the world
    /// has to be as it was then.
    pub fn play(&mut self, wish: Play, bookmarks: &[Bookmark]) -> Option<usize> {
        match &mut self.source {
            Source::Live { .. } => None,
            Source::Tape(player) => player.play(self.clock.now(), wish, bookmarks),
        }
    }

    /// This place of a recording that is shown in its own time, to come back to.
    pub fn bookmark(&self) -> Option<Bookmark> {
        match &self.source {
            Source::Live { .. } => None,
            Source::Tape(player) => player.deck().map(Playback::bookmark),
        }
    }

    /// Where a recording stands that is shown in its own time.
    pub fn playing(&self) -> Option<Playing> {
        match &self.source {
            Source::Live { .. } => None,
            Source::Tape(player) => player.playing(self.clock.now()),
        }
    }

    /// The moment that is shown: the present one, or the recording's. A recording that was sent far ahead is on its way there.
    pub fn moment(&self) -> Stamp {
        let now = self.clock.now();
        match &self.source {
            Source::Live { .. } => now,
            Source::Tape(player) => player.deck().map_or(now, |deck| deck.reached(now)),
        }
    }

    /// From now on everything that [`next`](Self::next) returns is recorded.
    pub fn record(&mut self, mut recorder: Recorder, header: &Header) {
        recorder.begin(header);
        self.recorder = Some(recorder);
    }

    /// Goes on with the recording of the session before this one, in the same file. Both have the same clock.
    pub fn record_on(&mut self, before: &mut Self) {
        self.recorder = before.recorder.take();
    }

    /// How the recording of this session stands, if there is one.
    pub fn recording(&self) -> Option<RecordingStatus> {
        self.recorder.as_ref().map(Recorder::recording)
    }

    /// Why the recording is not complete, if it could not be written.
    pub fn recording_failure(&self) -> Option<&RecordingError> {
        self.recorder.as_ref().and_then(Recorder::failure)
    }

    /// The session's clock.
    pub const fn clock(&self) -> Clock {
        self.clock
    }
}

impl Source {
    async fn next(&mut self, clock: &Clock) -> Option<Vec<Stamped>> {
        match self {
            Self::Live { facts, .. } => facts.recv().await,
            Self::Tape(player) => player.next(clock).await,
        }
    }
}

/// Redraw pacing and similar waits of a runtime: the only place that sleeps on it.
pub async fn rest(span: Duration) {
    #[expect(clippy::disallowed_methods, reason = "waiting belongs to the session")]
    tokio::time::sleep(span).await;
}
