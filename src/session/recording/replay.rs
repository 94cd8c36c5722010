//! A session made of a tape: in the tape's own time for a person, or as fast as it can be folded for a report.

use super::RecordingError;
use super::playback::{self, Bookmark, Next, Playback};
use super::read::Recording;
use super::record_reader::Facts;
use super::transport::{Play, Playing};
use crate::model::event::Stamped;
use crate::model::stamp::Stamp;
use crate::session::clock::Clock;
use crate::session::{Session, Source, rest};

/// A tape as a source of facts.
#[derive(Debug)]
pub(in crate::session) enum Player {
    /// In its own time; it never ends, because somebody may go back.
    Paced(Box<Playback>),
    /// As they are wanted, then the end.
    Whole(Box<Facts>),
}

impl Player {
    /// What is there without waiting.
    pub(in crate::session) fn ready(&mut self, now: Stamp) -> Option<Vec<Stamped>> {
        match self {
            Self::Whole(facts) => {
                let some: Vec<_> = facts.take(playback::MOST).collect();
                (!some.is_empty()).then_some(some)
            }
            Self::Paced(deck) => match deck.next(now) {
                Next::Facts(facts) => Some(facts),
                Next::Wait(_) | Next::Rest => None,
            },
        }
    }

    pub(in crate::session) async fn next(&mut self, clock: &Clock) -> Option<Vec<Stamped>> {
        // While much is due nothing else makes the runtime look for signals.
        tokio::task::yield_now().await;
        match self {
            Self::Whole(_) => self.ready(Stamp::ZERO),
            Self::Paced(deck) => loop {
                match deck.next(clock.now()) {
                    Next::Facts(facts) => return Some(facts),
                    Next::Wait(span) => rest(span).await,
                    Next::Rest => std::future::pending().await,
                }
            },
        }
    }

    pub(in crate::session) fn play(&mut self, now: Stamp, wish: Play, bookmarks: &[Bookmark]) -> Option<usize> {
        match self {
            Self::Paced(deck) => deck.play(now, wish, bookmarks),
            Self::Whole(_) => None,
        }
    }

    /// The deck, where the tape is shown in its own time.
    pub(in crate::session) const fn deck(&self) -> Option<&Playback> {
        match self {
            Self::Paced(deck) => Some(deck),
            Self::Whole(_) => None,
        }
    }

    pub(in crate::session) fn playing(&self, now: Stamp) -> Option<Playing> {
        self.deck().map(|deck| deck.playing(now))
    }
}

/// A session that tells what the tape holds in the tape's own time, and stays at its end until it is left.
///
/// # Errors
/// When the tape cannot be opened any more.
pub fn paced(tape: &Recording) -> Result<Session, RecordingError> {
    let clock = Clock::start();
    let deck = Playback::new(tape.facts()?, tape.end(), clock.now());
    Ok(Session::new(Source::Tape(Player::Paced(Box::new(deck))), clock))
}

/// A session that tells what the tape holds at once, and ends.
///
/// # Errors
/// When the tape cannot be opened any more.
pub fn whole(tape: &Recording) -> Result<Session, RecordingError> {
    let player = Player::Whole(Box::new(tape.facts()?));
    Ok(Session::new(Source::Tape(player), Clock::start()))
}
