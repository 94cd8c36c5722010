//! A session made of a recording: paced for the screen, or as fast as it can be folded for a report.

use super::RecordingError;
use super::playback::{self, Bookmark, Next, Playback};
use super::read::Recording;
use super::record_reader::Facts;
use super::transport::{PlayCommand, PlaybackState};
use crate::model::event::Stamped;
use crate::model::stamp::Stamp;
use crate::session::clock::Clock;
use crate::session::{Session, Source, rest};

/// A recording as a source of facts.
#[derive(Debug)]
pub(in crate::session) enum ReplaySource {
    /// In recorded time; never ends, because a command may seek backwards.
    Paced(Box<Playback>),
    /// As fast as they are taken, then the end.
    Whole(Box<Facts>),
}

impl ReplaySource {
    /// The facts that are due now.
    pub(in crate::session) fn ready(&mut self, now: Stamp) -> Option<Vec<Stamped>> {
        match self {
            Self::Whole(facts) => {
                let some: Vec<_> = facts.take(playback::MAX_BATCH).collect();
                (!some.is_empty()).then_some(some)
            }
            Self::Paced(playback) => match playback.next(now) {
                Next::Facts(facts) => Some(facts),
                Next::Wait(_) | Next::Rest => None,
            },
        }
    }

    pub(in crate::session) async fn next(&mut self, clock: &Clock) -> Option<Vec<Stamped>> {
        // Without this the runtime does not poll signals while much is due.
        tokio::task::yield_now().await;
        match self {
            Self::Whole(_) => self.ready(Stamp::ZERO),
            Self::Paced(playback) => loop {
                match playback.next(clock.now()) {
                    Next::Facts(facts) => return Some(facts),
                    Next::Wait(span) => rest(span).await,
                    Next::Rest => std::future::pending().await,
                }
            },
        }
    }

    pub(in crate::session) fn play(
        &mut self,
        now: Stamp,
        command: PlayCommand,
        bookmarks: &[Bookmark],
    ) -> Option<usize> {
        match self {
            Self::Paced(playback) => playback.play(now, command, bookmarks),
            Self::Whole(_) => None,
        }
    }

    /// The playback, if it is paced.
    pub(in crate::session) const fn playback(&self) -> Option<&Playback> {
        match self {
            Self::Paced(playback) => Some(playback),
            Self::Whole(_) => None,
        }
    }

    pub(in crate::session) fn playing(&self, now: Stamp) -> Option<PlaybackState> {
        self.playback().map(|playback| playback.playing(now))
    }
}

/// A session that replays in recorded time, and stays at the end until it is left.
///
/// # Errors
/// When the recording can no longer be opened.
pub fn paced(recording: &Recording) -> Result<Session, RecordingError> {
    let clock = Clock::start();
    let playback = Playback::new(recording.facts()?, recording.end(), clock.now());
    Ok(Session::new(Source::Recording(ReplaySource::Paced(Box::new(playback))), clock))
}

/// A session that replays without delay, and ends.
///
/// # Errors
/// When the recording can no longer be opened.
pub fn whole(recording: &Recording) -> Result<Session, RecordingError> {
    let player = ReplaySource::Whole(Box::new(recording.facts()?));
    Ok(Session::new(Source::Recording(player), Clock::start()))
}
