//! A paced replay: which facts are due at which moment. The present moment is passed in; facts are read when they are due.

use std::time::Duration;

use super::record_reader::{Facts, LinePosition};
use super::transport::{PlayCommand, PlaybackState, Transport};
use crate::model::event::{Event, Stamped};
use crate::model::stamp::Stamp;

/// A recording and its position. A seek backwards starts again at [`Event::Began`], or at a [`Bookmark`].
#[derive(Debug)]
pub struct Playback {
    facts: Facts,
    delivered: Delivered,
    /// The number of leading facts that set the session up: they are delivered even at its first moment.
    opening: u64,
    transport: Transport,
    /// While paused: facts up to this moment are delivered.
    until: Option<Stamp>,
    /// While paused: this many steps are taken after that.
    steps: u32,
    /// More is due than the last batch held.
    behind: bool,
}

/// What was delivered so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Delivered {
    facts: u64,
    /// Their latest stamp.
    latest: Stamp,
}

/// A position in a recording to return to; the caller keeps the world that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bookmark {
    delivered: Delivered,
    position: LinePosition,
}

impl Bookmark {
    /// The number of facts before it.
    pub const fn facts(&self) -> u64 {
        self.delivered.facts
    }
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// These facts are due.
    Facts(Vec<Stamped>),
    /// Nothing is due for this time.
    Wait(Duration),
    /// Nothing is due until the next command.
    Rest,
}

impl Playback {
    /// Plays from the beginning to `end`, at the recorded speed.
    pub fn new(mut facts: Facts, end: Stamp, now: Stamp) -> Self {
        let opening = opening(&mut facts);
        let transport = Transport::new(now, end);
        Self { facts, delivered: Delivered::default(), opening, transport, until: None, steps: 0, behind: false }
    }

    /// The facts that are due.
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
        // A damaged or truncated file ends before the end that was found when it was opened.
        self.transport.end_at(self.delivered.latest);
        Next::Rest
    }

    /// Position, speed and pause at this moment.
    pub fn playing(&self, now: Stamp) -> PlaybackState {
        self.transport.playing(now)
    }

    /// The moment up to which facts were delivered: while much is due, it is before that of [`playing`](Self::playing).
    pub fn reached(&self, now: Stamp) -> Stamp {
        let position = self.transport.position(now);
        if self.behind { self.delivered.latest.min(position) } else { position }
    }

    /// The present position, to return to.
    pub fn bookmark(&self) -> Bookmark {
        Bookmark { delivered: self.delivered, position: self.facts.line_position() }
    }

    /// Carries out a command. Returns the index of the bookmark from which the replay goes on; `bookmarks` are sorted by
    /// position.
    pub fn play(&mut self, now: Stamp, command: PlayCommand, bookmarks: &[Bookmark]) -> Option<usize> {
        let position = self.transport.position(now);
        let target = match command {
            PlayCommand::Pause if self.transport.playing(now).is_over() => Some(Stamp::ZERO),
            PlayCommand::Back(span) => Some(position.saturating_sub(span)),
            PlayCommand::Ahead(span) => Some(position + span),
            PlayCommand::Home => Some(Stamp::ZERO),
            PlayCommand::End => Some(Stamp::from_nanos(u64::MAX)),
            PlayCommand::Pause | PlayCommand::Faster | PlayCommand::Slower | PlayCommand::Step => None,
        };
        if let Some(moment) = target {
            let from = self.seek(now, moment, bookmarks);
            if command == PlayCommand::Pause && self.transport.is_paused() {
                self.transport.pause(now);
            }
            return from;
        }
        match command {
            PlayCommand::Pause => {
                self.transport.pause(now);
                (self.until, self.steps) = (Some(position), 0);
            }
            PlayCommand::Faster => self.transport.change_speed(now, true),
            PlayCommand::Slower => self.transport.change_speed(now, false),
            PlayCommand::Step => {
                if !self.transport.is_paused() {
                    self.transport.hold(now, position);
                    (self.until, self.steps) = (Some(position), 0);
                }
                self.steps += 1;
            }
            PlayCommand::Back(_) | PlayCommand::Ahead(_) | PlayCommand::Home | PlayCommand::End => {}
        }
        None
    }

    fn seek(&mut self, now: Stamp, moment: Stamp, bookmarks: &[Bookmark]) -> Option<usize> {
        let back = moment < self.transport.position(now);
        self.transport.seek(now, moment);
        (self.until, self.steps) = (Some(self.transport.position(now)), 0);
        let nearest = bookmarks.iter().rposition(|bookmark| bookmark.delivered.latest <= moment);
        let nearest = nearest.filter(|index| back || bookmarks[*index].delivered.facts > self.delivered.facts);
        if let Some(bookmark) = nearest.map(|index| bookmarks[index]) {
            self.facts.seek(bookmark.position);
            self.delivered = bookmark.delivered;
        } else if back {
            self.facts.seek(self.facts.start());
            self.delivered = Delivered::default();
        }
        nearest
    }

    /// Takes the facts up to a moment; false when one batch does not hold them all. Facts are in the order in which they were
    /// folded: one with an earlier stamp comes with the one before it, and at the end come all.
    fn take_until(&mut self, moment: Stamp, due: &mut Vec<Stamped>) -> bool {
        while due.len() < MAX_BATCH {
            let at = self.facts.peek().map(|fact| fact.at);
            let introduces = self.delivered.facts < self.opening;
            if !at.is_some_and(|at| introduces || at <= moment || moment >= self.transport.end()) {
                return true;
            }
            due.extend(self.take());
        }
        false
    }

    /// Takes everything up to the next event of interest; readings alone are none.
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
        self.delivered = Delivered { facts: self.delivered.facts + 1, latest: self.delivered.latest.max(fact.at) };
        Some(fact)
    }
}

/// The number of facts that set the session up before anything happens.
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
    let start = facts.line_position();
    let count = facts.by_ref().take_while(introduces).count().max(1);
    facts.seek(start);
    count as u64
}

/// True if something happened, false for a mere reading.
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
            | Event::Holders { .. }
            | Event::Occupants { .. }
            | Event::SynsSeen(_)
            | Event::SynsSampled { .. }
            | Event::Options { .. }
            | Event::FloodLogged { .. }
            | Event::TapReach(_)
    )
}

/// The set-up facts of a session come within this time.
const OPENING: Duration = Duration::from_millis(10);

/// The most facts in one batch.
pub(super) const MAX_BATCH: usize = 1 << 13;

#[cfg(test)]
mod tests;
