//! A tape in play: which facts are due at which moment. Pure; the present moment is passed in.

use std::time::Duration;

use super::read::Tape;
use super::transport::{Play, Playing, Transport};
use crate::model::event::{Event, Stamped};
use crate::model::stamp::Stamp;

/// A tape and where it stands. A replay that goes back begins anew: its next fact is the first one, [`Event::Began`].
#[derive(Debug)]
pub struct Deck {
    facts: Vec<Stamped>,
    /// How many facts introduce the session: they are shown even at its very first moment.
    opening: usize,
    /// The next fact.
    cursor: usize,
    /// How many facts may come while it stands still.
    granted: usize,
    transport: Transport,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// These facts are due.
    Facts(Vec<Stamped>),
    /// Nothing, for so long.
    Wait(Duration),
    /// Nothing until somebody wishes something.
    Rest,
}

impl Deck {
    /// Plays from the beginning, at the recorded speed.
    pub fn new(tape: Tape, now: Stamp) -> Self {
        let transport = Transport::new(now, tape.end());
        let opening = opening(&tape.facts);
        Self { facts: tape.facts, opening, cursor: 0, granted: 0, transport }
    }

    /// What is due.
    pub fn next(&mut self, now: Stamp) -> Next {
        let until = if self.transport.is_paused() { self.granted } else { self.up_to(self.transport.position(now)) };
        if self.cursor < until {
            let until = until.min(self.cursor + MOST);
            let due = self.facts[self.cursor..until].to_vec();
            self.cursor = until;
            return Next::Facts(due);
        }
        let moment = self.facts.get(self.cursor).map(|fact| fact.at);
        moment.and_then(|moment| self.transport.wait(now, moment)).map_or(Next::Rest, Next::Wait)
    }

    /// What is shown at this moment.
    pub fn playing(&self, now: Stamp) -> Playing {
        self.transport.playing(now)
    }

    /// Does what a key asks for.
    pub fn play(&mut self, now: Stamp, wish: Play) {
        let position = self.transport.position(now);
        match wish {
            Play::Pause if self.playing(now).is_over() => {
                self.seek(now, Stamp::ZERO);
                if self.transport.is_paused() {
                    self.transport.pause(now);
                }
            }
            Play::Pause => {
                self.transport.pause(now);
                self.granted = self.cursor.max(self.up_to(position));
            }
            Play::Faster => self.transport.change_speed(now, true),
            Play::Slower => self.transport.change_speed(now, false),
            Play::Back(span) => self.seek(now, position.saturating_sub(span)),
            Play::Ahead(span) => self.seek(now, position + span),
            Play::Home => self.seek(now, Stamp::ZERO),
            Play::End => self.seek(now, Stamp::from_nanos(u64::MAX)),
            Play::Step => self.step(now),
        }
    }

    fn seek(&mut self, now: Stamp, moment: Stamp) {
        if moment < self.transport.position(now) {
            self.cursor = 0;
        }
        self.transport.seek(now, moment);
        self.granted = self.up_to(self.transport.position(now));
    }

    /// Everything up to the next thing that happens; readings alone are none.
    fn step(&mut self, now: Stamp) {
        let here = self.transport.position(now);
        let from = if self.transport.is_paused() { self.granted } else { self.up_to(here) }.max(self.cursor);
        let rest = &self.facts[from..];
        let count = rest.iter().position(|fact| happens(&fact.event)).map_or(rest.len(), |index| index + 1);
        self.granted = from + count;
        let latest = rest[..count].iter().map(|fact| fact.at).max().unwrap_or(here);
        self.transport.hold(now, here.max(latest));
    }

    /// How many facts there are up to a moment. Facts stand in the order in which they were folded; one with an earlier stamp
    /// comes with the one before it.
    fn up_to(&self, moment: Stamp) -> usize {
        let start = if self.facts.get(self.cursor.saturating_sub(1)).is_some_and(|fact| fact.at <= moment) {
            self.cursor
        } else {
            0
        };
        let count = start + self.facts[start..].iter().take_while(|fact| fact.at <= moment).count();
        count.max(self.opening)
    }
}

/// How many facts say where and with what the session runs, before anything happens.
fn opening(facts: &[Stamped]) -> usize {
    let Some(first) = facts.first() else { return 0 };
    let introduces = |fact: &&Stamped| {
        let setting = matches!(
            fact.event,
            Event::Watching(_)
                | Event::Chosen(_)
                | Event::Began(_)
                | Event::Listening(_)
                | Event::Knobs(_)
                | Event::Sysctl { .. }
        );
        (setting || !happens(&fact.event)) && fact.at.since(first.at) < OPENING
    };
    facts.iter().take_while(introduces).count().max(1)
}

/// Whether something happened, rather than that somebody looked.
const fn happens(event: &Event) -> bool {
    !matches!(
        event,
        Event::Tick
            | Event::Cost { .. }
            | Event::Queue(_)
            | Event::Listed(_)
            | Event::Counters(_)
            | Event::Loss(_)
            | Event::Roll(_)
            | Event::Owned { .. }
            | Event::Crowded { .. }
            | Event::Knocked(_)
    )
}

/// How long a session takes to introduce itself at most.
const OPENING: Duration = Duration::from_millis(10);

/// How many facts come at once.
const MOST: usize = 1 << 17;

#[cfg(test)]
mod tests {
    use super::super::Header;
    use super::super::read::Close;
    use super::*;

    fn ms(millis: u64) -> Stamp {
        Stamp::from_millis(millis)
    }

    /// A refusal happens, a tick does not.
    fn tape() -> Tape {
        let happened = |millis: u64| Stamped { at: ms(millis), event: Event::Refused { message: millis.to_string() } };
        let tick = |millis| Stamped { at: ms(millis), event: Event::Tick };
        let facts = vec![happened(0), tick(50), happened(100), happened(100), tick(90), happened(300), tick(400)];
        Tape { header: Header::new(None), facts, close: Close::Open }
    }

    fn due(deck: &mut Deck, now: u64) -> Vec<u64> {
        match deck.next(ms(now)) {
            Next::Facts(facts) => facts.iter().map(|fact| fact.at.as_nanos() / 1_000_000).collect(),
            Next::Wait(_) | Next::Rest => Vec::new(),
        }
    }

    #[test]
    fn facts_come_when_they_came() {
        let mut deck = Deck::new(tape(), ms(0));
        assert_eq!(due(&mut deck, 0), [0]);
        assert_eq!(deck.next(ms(0)), Next::Wait(Duration::from_millis(50)));
        assert_eq!(due(&mut deck, 99), [50]);
        assert_eq!(due(&mut deck, 100), [100, 100, 90]);
        assert_eq!(due(&mut deck, 9999), [300, 400]);
        assert_eq!(deck.next(ms(9999)), Next::Rest);
    }

    #[test]
    fn a_pause_holds_everything_back() {
        let mut deck = Deck::new(tape(), ms(0));
        deck.play(ms(60), Play::Pause);
        assert_eq!(due(&mut deck, 60), [0, 50]);
        assert_eq!(deck.next(ms(5000)), Next::Rest);
        deck.play(ms(5000), Play::Pause);
        assert_eq!(deck.next(ms(5000)), Next::Wait(Duration::from_millis(40)));
    }

    #[test]
    fn a_step_lets_one_thing_happen_and_holds() {
        let mut deck = Deck::new(tape(), ms(0));
        assert_eq!(due(&mut deck, 0), [0]);
        deck.play(ms(0), Play::Step);
        assert_eq!(due(&mut deck, 0), [50, 100]);
        assert_eq!(deck.playing(ms(777)).position, ms(100));
        assert_eq!(deck.next(ms(777)), Next::Rest);
        deck.play(ms(777), Play::Step);
        assert_eq!(due(&mut deck, 777), [100]);
        deck.play(ms(777), Play::Step);
        assert_eq!(due(&mut deck, 777), [90, 300]);
        deck.play(ms(777), Play::Step);
        deck.play(ms(777), Play::Step);
        assert_eq!(due(&mut deck, 777), [400]);
    }

    #[test]
    fn going_back_begins_anew_and_going_ahead_does_not() {
        let mut deck = Deck::new(tape(), ms(0));
        assert_eq!(due(&mut deck, 120).len(), 5);
        deck.play(ms(120), Play::Ahead(Duration::from_millis(200)));
        assert_eq!(due(&mut deck, 120), [300]);
        deck.play(ms(120), Play::Back(Duration::from_millis(260)));
        assert_eq!(due(&mut deck, 120), [0, 50]);
        deck.play(ms(120), Play::End);
        assert_eq!(due(&mut deck, 120), [100, 100, 90, 300, 400]);
        deck.play(ms(120), Play::Home);
        assert_eq!(due(&mut deck, 120), [0]);
        assert_eq!(deck.playing(ms(150)).position, ms(30));
    }

    #[test]
    fn seeking_while_paused_shows_that_moment_and_stays_paused() {
        let mut deck = Deck::new(tape(), ms(0));
        deck.play(ms(0), Play::Pause);
        deck.play(ms(0), Play::Ahead(Duration::from_millis(100)));
        assert_eq!(due(&mut deck, 0), [0, 50, 100, 100, 90]);
        assert!(deck.playing(ms(9)).paused);
        deck.play(ms(9), Play::Back(Duration::from_millis(10)));
        assert_eq!(due(&mut deck, 9), [0, 50]);
    }

    #[test]
    fn going_back_before_the_first_fact_shows_it_nevertheless() {
        let mut tape = tape();
        for fact in &mut tape.facts {
            fact.at = fact.at + Duration::from_millis(20);
        }
        let mut deck = Deck::new(tape, ms(0));
        assert_eq!(due(&mut deck, 500).len(), 7);
        deck.play(ms(500), Play::Pause);
        deck.play(ms(500), Play::Pause);
        deck.play(ms(500), Play::Home);
        assert_eq!((due(&mut deck, 500), deck.playing(ms(500)).position), (vec![20], ms(0)));
    }

    #[test]
    fn space_at_the_end_plays_again() {
        let mut deck = Deck::new(tape(), ms(0));
        deck.play(ms(0), Play::End);
        assert_eq!(due(&mut deck, 0).len(), 7);
        assert!(deck.playing(ms(0)).is_over());
        deck.play(ms(1000), Play::Pause);
        assert_eq!(due(&mut deck, 1000), [0]);
        assert_eq!(due(&mut deck, 1050), [50]);
    }
}
