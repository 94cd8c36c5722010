//! A session made of a tape: in the tape's own time for a person, or as fast as it can be folded for a report.

use super::deck::{Deck, Next};
use super::read::Tape;
use super::transport::{Play, Playing};
use crate::model::event::Stamped;
use crate::model::stamp::Stamp;
use crate::session::clock::Clock;
use crate::session::{Session, Source, rest};

/// A tape as a source of facts.
#[derive(Debug)]
pub(in crate::session) enum Player {
    /// In its own time; it never ends, because somebody may go back.
    Paced(Box<Deck>),
    /// At once, then the end.
    Whole(Option<Vec<Stamped>>),
}

impl Player {
    /// What is there without waiting.
    pub(in crate::session) fn ready(&mut self, now: Stamp) -> Option<Vec<Stamped>> {
        match self {
            Self::Whole(facts) => facts.take(),
            Self::Paced(deck) => match deck.next(now) {
                Next::Facts(facts) => Some(facts),
                Next::Wait(_) | Next::Rest => None,
            },
        }
    }

    pub(in crate::session) async fn next(&mut self, clock: &Clock) -> Option<Vec<Stamped>> {
        match self {
            Self::Whole(facts) => facts.take(),
            Self::Paced(deck) => loop {
                match deck.next(clock.now()) {
                    Next::Facts(facts) => return Some(facts),
                    Next::Wait(span) => rest(span).await,
                    Next::Rest => std::future::pending().await,
                }
            },
        }
    }

    pub(in crate::session) fn play(&mut self, now: Stamp, wish: Play) {
        if let Self::Paced(deck) = self {
            deck.play(now, wish);
        }
    }

    pub(in crate::session) fn playing(&self, now: Stamp) -> Option<Playing> {
        match self {
            Self::Paced(deck) => Some(deck.playing(now)),
            Self::Whole(_) => None,
        }
    }
}

/// A session that tells what the tape holds in the tape's own time, and stays at its end until it is left.
pub fn paced(tape: Tape) -> Session {
    let clock = Clock::start();
    let deck = Deck::new(tape, clock.now());
    Session { source: Source::Tape(Player::Paced(Box::new(deck))), recorder: None, clock }
}

/// A session that tells what the tape holds at once, and ends.
pub fn whole(tape: Tape) -> Session {
    Session { source: Source::Tape(Player::Whole(Some(tape.facts))), recorder: None, clock: Clock::start() }
}
