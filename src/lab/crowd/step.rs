//! One thing at a time: while the clients' time stands still, a person lets the next thing happen, and only that.

use super::agenda::Due;
use super::{Crowd, Outbox};
use crate::model::client_clock::{ClientClock, StepOutcome};
use crate::model::event::{ClientEvent, Event, Stamped};
use crate::model::peer::Peer;
use crate::model::segment::{Kind, Toward};
use crate::model::stamp::Stamp;

impl Crowd {
    /// How the clients' time runs.
    pub const fn tempo(&self) -> ClientClock {
        self.tempo
    }

    /// When the next thing is due, in the clients' time; `None` when nothing is under way and nobody will come.
    pub fn next_thing(&mut self) -> Option<Stamp> {
        let residents = &self.residents;
        self.agenda.tidy(usize::MAX, |at, place| residents.wakes_at(place, at));
        [self.agenda.next(), self.next_start()].into_iter().flatten().min()
    }

    /// Lets exactly one thing happen at `now`: the earliest of all that are due, whenever that is. A segment reaches the
    /// listener or comes back to its client (who answers at once), a client's timer fires, or a client starts. The
    /// clients' time comes to that moment and stands still again. `None` when there is nothing.
    pub fn step(&mut self, now: Stamp, out: &mut Outbox) -> Option<(Peer, StepOutcome)> {
        let due = self.next_thing()?;
        self.advance(now, due);
        let (first, clients) = (out.facts.len(), self.tempo.clients);
        self.turned = self.turned.max(clients);
        let happened = match self.agenda.pop_due(due) {
            Some((_, Due::Flight(flight))) => self.land_one(clients, flight, out),
            Some((at, Due::Deadline(place))) => self.wake_one(at, place, out),
            None => self.start_one_of_those_due(clients, out),
        };
        for fact in &mut out.facts[first..] {
            fact.at = now;
        }
        happened
    }

    /// Brings the clients' time to `clients` at `now`, where it has not come so far yet.
    pub fn advance(&mut self, now: Stamp, clients: Stamp) {
        self.tempo.advance(now, clients);
    }

    /// What was told in the clients' time, at the moments of the session at which it was so.
    pub(super) fn tell_in_session_time(&self, facts: &mut [Stamped]) {
        if self.tempo != ClientClock::default() {
            for fact in facts {
                fact.at = self.tempo.moment(fact.at);
            }
        }
    }

    fn next_start(&self) -> Option<Stamp> {
        if self.waiting > 0 {
            return Some(self.turned);
        }
        self.schedule.next().filter(|_| self.accepts_arrivals())
    }

    fn land_one(&mut self, at: Stamp, flight: u32, out: &mut Outbox) -> Option<(Peer, StepOutcome)> {
        let segment = *self.flights.at(flight)?;
        self.land(at, flight, out);
        let kind = segment.kind();
        let thing =
            if segment.toward == Toward::Listener { StepOutcome::Reached(kind) } else { StepOutcome::CameBack(kind) };
        Some((segment.peer, thing))
    }

    fn wake_one(&mut self, due: Stamp, place: u32, out: &mut Outbox) -> Option<(Peer, StepOutcome)> {
        let resident = self.residents.at(place)?;
        // Somebody watches this one step by step: all of it is told.
        resident.detailed = true;
        let (peer, first) = (resident.peer, out.facts.len());
        self.deadline_passed(due, place, out);
        let left = out.facts[first..].iter().find_map(|fact| match fact.event {
            Event::Client { event: ClientEvent::Departed { kind, .. }, .. } => Some(StepOutcome::Left(kind)),
            _ => None,
        });
        Some((peer, left.unwrap_or(StepOutcome::GaveUp)))
    }

    fn start_one_of_those_due(&mut self, now: Stamp, out: &mut Outbox) -> Option<(Peer, StepOutcome)> {
        if self.waiting == 0 {
            self.note_who_is_due(now);
        }
        let peer = if self.waiting > 0 { self.start_next(now, out)? } else { return None };
        Some((peer, StepOutcome::Left(Kind::Syn)))
    }
}
