//! THE STREAM: merges every source into one line of stamped events; the only clock.
//!
//! Lab, watch and replay are constructors of the same [`Session`]; nothing above it knows which one it has.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::model::command::Command;
use crate::model::event::{Event, Stamped};
use crate::model::stamp::Stamp;
use crate::session::clock::Clock;
use crate::session::recording::playback::{Bookmark, Playback};
use crate::session::recording::record::{Recorder, RecordingStatus};
use crate::session::recording::replay::ReplaySource;
use crate::session::recording::transport::{PlayCommand, PlaybackState};
use crate::session::recording::{Header, RecordingError};

pub mod clock;
pub mod files;
pub mod live;
pub mod metrics;
pub mod observer;
mod pace;
mod pump;
pub mod recording;
pub mod signals;
pub mod watch;

/// A running session: facts come up, commands go down.
#[derive(Debug)]
pub struct Session {
    source: Source,
    recorder: Option<Recorder>,
    clock: Clock,
    /// Facts emitted from above that [`next`](Self::next) has not returned yet.
    pending: Vec<Stamped>,
}

/// Where the facts come from.
#[derive(Debug)]
enum Source {
    /// The lab, in a thread of its own.
    Live { facts: mpsc::Receiver<Vec<Stamped>>, commands: std::sync::mpsc::Sender<Command> },
    /// A recording is replayed.
    Recording(ReplaySource),
}

impl Session {
    const fn new(source: Source, clock: Clock) -> Self {
        Self { source, recorder: None, clock, pending: Vec::new() }
    }

    /// The next facts in the order in which they became known; `None` when the session is over (after [`Event::Ended`]).
    /// [`Event::Began`] starts a new world: a replay that seeks backwards sends all facts again from the beginning. What is
    /// returned here has been recorded.
    pub async fn next(&mut self) -> Option<Vec<Stamped>> {
        if let Some(pending) = self.take_pending() {
            return Some(pending);
        }
        let mut facts = loop {
            let due = self.recorder.as_ref().and_then(Recorder::due);
            let Some(due) = due else { break self.source.next(&self.clock).await };
            // The buffer is flushed in time even if facts come one by one.
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

    /// The facts of a recording that are due by now, and those [emitted](Self::emit) from above. Never waits: a lab's facts come
    /// through [`next`](Self::next).
    pub fn ready(&mut self) -> Option<Vec<Stamped>> {
        if let Some(pending) = self.take_pending() {
            return Some(pending);
        }
        match &mut self.source {
            Source::Live { .. } => None,
            Source::Recording(player) => player.ready(self.clock.now()),
        }
    }

    /// Adds a fact from above: it comes next, and is recorded, like a fact from below.
    pub fn emit(&mut self, event: Event) {
        self.pending.push(Stamped { at: self.clock.now(), event });
    }

    fn take_pending(&mut self) -> Option<Vec<Stamped>> {
        let mut pending = std::mem::take(&mut self.pending);
        if let Some(recorder) = self.recorder.as_mut().filter(|_| !pending.is_empty()) {
            recorder.take(self.clock.now(), &mut pending);
        }
        (!pending.is_empty()).then_some(pending)
    }

    /// Sends a command to the lab or the watch. A recording, and a session that has ended, ignore it.
    pub fn send(&self, command: Command) {
        if let Source::Live { commands, .. } = &self.source {
            let _lab_has_ended = commands.send(command);
        }
    }

    /// True when commands are carried out: a lab or a watch, not a recording.
    pub const fn takes_commands(&self) -> bool {
        matches!(self.source, Source::Live { .. })
    }

    /// Pauses, seeks or steps a recording; no effect on a lab. Returns the index of the bookmark from which the facts go on: the
    /// caller restores the world that belongs to it.
    pub fn play(&mut self, command: PlayCommand, bookmarks: &[Bookmark]) -> Option<usize> {
        match &mut self.source {
            Source::Live { .. } => None,
            Source::Recording(player) => player.play(self.clock.now(), command, bookmarks),
        }
    }

    /// The present position of a paced replay, to return to.
    pub fn bookmark(&self) -> Option<Bookmark> {
        match &self.source {
            Source::Live { .. } => None,
            Source::Recording(player) => player.playback().map(Playback::bookmark),
        }
    }

    /// Position, speed and pause of a paced replay.
    pub fn playing(&self) -> Option<PlaybackState> {
        match &self.source {
            Source::Live { .. } => None,
            Source::Recording(player) => player.playing(self.clock.now()),
        }
    }

    /// The moment that is shown: now, or the position of the replay. While a replay is catching up after a seek it is the last
    /// fact delivered.
    pub fn moment(&self) -> Stamp {
        let now = self.clock.now();
        match &self.source {
            Source::Live { .. } => now,
            Source::Recording(player) => player.playback().map_or(now, |playback| playback.reached(now)),
        }
    }

    /// Records from now on everything that [`next`](Self::next) returns.
    pub fn record(&mut self, mut recorder: Recorder, header: &Header) {
        recorder.begin(header);
        self.recorder = Some(recorder);
    }

    /// Continues the recording of the session before this one in the same file. Both have the same clock.
    pub fn record_on(&mut self, before: &mut Self) {
        self.recorder = before.recorder.take();
    }

    /// The state of this session's recording, if there is one.
    pub fn recording_status(&self) -> Option<RecordingStatus> {
        self.recorder.as_ref().map(Recorder::status)
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
            Self::Recording(player) => player.next(clock).await,
        }
    }
}

/// Sleeps on the runtime. The only place that does.
pub async fn rest(span: Duration) {
    #[expect(clippy::disallowed_methods, reason = "waiting belongs to the session")]
    tokio::time::sleep(span).await;
}
