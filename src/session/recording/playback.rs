//! A tape in play: which facts are due at which moment. The present moment is passed in; the facts are read when they are due.

use std::time::Duration;

use super::record_reader::{Facts, LinePosition};
use super::transport::{Play, Playing, Transport};
use crate::model::event::{Event, Stamped};
use crate::model::stamp::Stamp;

/// A tape and where it stands. A replay that goes back begins anew, with [`Event::Began`], or at a [`Bookmark`].
#[derive(Debug)]
pub struct Playback {
    facts: Facts,
    told: Delivered,
    /// How many facts introduce the session: they are shown even at its very first moment.
    opening: u64,
    transport: Transport,
    /// While it stands still: everything up to this moment may come.
    until: Option<Stamp>,
    /// While it stands still: so many things may happen after that.
    steps: u32,
    /// More is due than was told last.
    behind: bool,
}

/// What was told so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Delivered {
    facts: u64,
    /// The latest stamp of them.
    latest: Stamp,
}

/// A place of a tape to which one can come back who knows what the world was like there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bookmark {
    told: Delivered,
    place: LinePosition,
}

impl Bookmark {
    /// How many facts stand before it.
    pub const fn facts(&self) -> u64 {
        self.told.facts
    }
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

impl Playback {
    /// Plays from the beginning to `end`, at the recorded speed.
    pub fn new(mut facts: Facts, end: Stamp, now: Stamp) -> Self {
        let opening = opening(&mut facts);
        let transport = Transport::new(now, end);
        Self { facts, told: Delivered::default(), opening, transport, until: None, steps: 0, behind: false }
    }

    /// What is due.
    pub fn next(&mut self, now: Stamp) -> Next {
        let mut due = Vec::new();
        if self.transport.is_paused() {
            if let Some(moment) = self.until {
                self.behind = !self.take_until(moment, &mut due);
                self.until = self.until.filter(|_| self.behind);
            }
            while self.until.is_none() && self.steps > 0 {
                self.steps -= 1;
                self.take_step(now, &mut due);
            }
        } else {
            self.behind = !self.take_until(self.transport.position(now), &mut due);
        }
        if !due.is_empty() {
            return Next::Facts(due);
        }
        if let Some(moment) = self.facts.peek().map(|fact| fact.at) {
            return self.transport.wait(now, moment).map_or(Next::Rest, Next::Wait);
        }
        // What is damaged or was cut off since ends earlier than its last line said.
        self.transport.end_at(self.told.latest);
        Next::Rest
    }

    /// What is shown at this moment.
    pub fn playing(&self, now: Stamp) -> Playing {
        self.transport.playing(now)
    }

    /// The moment up to which facts were told: while much is due, it is before that of [`playing`](Self::playing).
    pub fn reached(&self, now: Stamp) -> Stamp {
        let position = self.transport.position(now);
        if self.behind { self.told.latest.min(position) } else { position }
    }

    /// This place, to come back to.
    pub fn bookmark(&self) -> Bookmark {
        Bookmark { told: self.told, place: self.facts.place() }
    }

    /// Does what a key asks for. The number of a bookmark means that it goes on from there; they stand in their order.
    pub fn play(&mut self, now: Stamp, wish: Play, bookmarks: &[Bookmark]) -> Option<usize> {
        let position = self.transport.position(now);
        let target = match wish {
            Play::Pause if self.transport.playing(now).is_over() => Some(Stamp::ZERO),
            Play::Back(span) => Some(position.saturating_sub(span)),
            Play::Ahead(span) => Some(position + span),
            Play::Home => Some(Stamp::ZERO),
            Play::End => Some(Stamp::from_nanos(u64::MAX)),
            Play::Pause | Play::Faster | Play::Slower | Play::Step => None,
        };
        if let Some(moment) = target {
            let from = self.seek(now, moment, bookmarks);
            if wish == Play::Pause && self.transport.is_paused() {
                self.transport.pause(now);
            }
            return from;
        }
        match wish {
            Play::Pause => {
                self.transport.pause(now);
                (self.until, self.steps) = (Some(position), 0);
            }
            Play::Faster => self.transport.change_speed(now, true),
            Play::Slower => self.transport.change_speed(now, false),
            Play::Step => {
                if !self.transport.is_paused() {
                    self.transport.hold(now, position);
                    (self.until, self.steps) = (Some(position), 0);
                }
                self.steps += 1;
            }
            Play::Back(_) | Play::Ahead(_) | Play::Home | Play::End => {}
        }
        None
    }

    fn seek(&mut self, now: Stamp, moment: Stamp, bookmarks: &[Bookmark]) -> Option<usize> {
        let back = moment < self.transport.position(now);
        self.transport.seek(now, moment);
        (self.until, self.steps) = (Some(self.transport.position(now)), 0);
        let nearest = bookmarks.iter().rposition(|bookmark| bookmark.told.latest <= moment);
        let nearest = nearest.filter(|index| back || bookmarks[*index].told.facts > self.told.facts);
        if let Some(bookmark) = nearest.map(|index| bookmarks[index]) {
            self.facts.go(bookmark.place);
            self.told = bookmark.told;
        } else if back {
            self.facts.go(self.facts.start());
            self.told = Delivered::default();
        }
        nearest
    }

    /// Takes what is due up to a moment; false when there is more than comes at once. Facts stand in the order in which they were
    /// folded: one with an earlier stamp comes with the one before it, and at the end comes everything.
    fn take_until(&mut self, moment: Stamp, due: &mut Vec<Stamped>) -> bool {
        while due.len() < MOST {
            let at = self.facts.peek().map(|fact| fact.at);
            let introduces = self.told.facts < self.opening;
            if !at.is_some_and(|at| introduces || at <= moment || moment >= self.transport.end()) {
                return true;
            }
            due.extend(self.take());
        }
        false
    }

    /// Everything up to the next thing that happens; readings alone are none.
    fn take_step(&mut self, now: Stamp, due: &mut Vec<Stamped>) {
        let mut moment = self.transport.position(now);
        while let Some(fact) = self.take() {
            let last = happens(&fact.event);
            moment = moment.max(fact.at);
            due.push(fact);
            if last {
                break;
            }
        }
        self.transport.hold(now, moment);
    }

    fn take(&mut self) -> Option<Stamped> {
        let fact = self.facts.next()?;
        self.told = Delivered { facts: self.told.facts + 1, latest: self.told.latest.max(fact.at) };
        Some(fact)
    }
}

/// How many facts say where and with what the session runs, before anything happens.
fn opening(facts: &mut Facts) -> u64 {
    let Some(first) = facts.peek().map(|fact| fact.at) else { return 0 };
    let introduces = |fact: &Stamped| {
        let setting = matches!(
            fact.event,
            Event::Watching(_)
                | Event::Chosen(_)
                | Event::Began(_)
                | Event::Lesson(_)
                | Event::Listening(_)
                | Event::Knobs(_)
                | Event::Sysctl { .. }
        );
        (setting || !happens(&fact.event)) && fact.at.since(first) < OPENING
    };
    let start = facts.place();
    let count = facts.by_ref().take_while(introduces).count().max(1);
    facts.go(start);
    count as u64
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
            | Event::Snapshot(_)
            | Event::Owned { .. }
            | Event::Occupants { .. }
            | Event::SynsSeen(_)
    )
}

/// How long a session takes to introduce itself at most.
const OPENING: Duration = Duration::from_millis(10);

/// How many facts come at once.
pub(super) const MOST: usize = 1 << 13;

#[cfg(test)]
mod tests;
