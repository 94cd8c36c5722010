//! Single-stepping: while client time is held, one event at a time is executed.

use super::timer_queue::Due;
use super::{Crowd, Outbox};
use crate::model::client_clock::{ClientClock, StepOutcome};
use crate::model::event::{ClientEvent, Event, Stamped};
use crate::model::peer::Peer;
use crate::model::segment::{Kind, Toward};
use crate::model::stamp::Stamp;

impl Crowd {
    /// The client clock.
    pub const fn clock(&self) -> ClientClock {
        self.clock.shared
    }

    /// When the next event is due, in client time; `None` when nothing is pending and no client will start.
    pub fn next_event(&mut self) -> Option<Stamp> {
        self.first_event().map(|first| self.clock.shared_time(first))
    }

    fn first_event(&mut self) -> Option<Stamp> {
        let clients = &self.clients;
        self.timers.tidy(usize::MAX, |at, index| clients.has_deadline(index, at));
        [self.timers.next(), self.next_start()].into_iter().flatten().min()
    }

    /// Executes exactly one event at `now`: the earliest pending one, however far ahead. A segment reaches the
    /// listener or its client (which answers at once), a client's timer fires, or a client starts. Client time
    /// advances to that event and is held again. `None` when nothing is pending.
    pub fn step(&mut self, now: Stamp, out: &mut Outbox) -> Option<(Peer, StepOutcome)> {
        let due = self.first_event()?;
        self.clock.advance(now, due);
        let (first, clients) = (out.facts.len(), self.clock.at(now));
        self.latest = self.latest.max(clients);
        let outcome = match self.timers.pop_due(due) {
            Some((_, Due::Arrival(segment))) => self.deliver_one(clients, segment, out),
            Some((at, Due::Deadline(index))) => self.fire_one(at, index, out),
            None => self.start_one_due(clients, out),
        };
        for fact in &mut out.facts[first..] {
            fact.at = now;
        }
        outcome
    }

    /// Advances client time to `clients` at `now`, unless it is later already.
    pub fn advance(&mut self, now: Stamp, clients: Stamp) {
        self.clock.shared.advance(now, clients);
    }

    /// Converts the stamps of facts from the crowd's time to session time.
    pub(super) fn to_session_time(&self, facts: &mut [Stamped]) {
        if !self.clock.is_session_time() {
            for fact in facts {
                fact.at = self.clock.moment(fact.at);
            }
        }
    }

    fn next_start(&self) -> Option<Stamp> {
        if self.waiting > 0 {
            return Some(self.latest);
        }
        self.schedule.next().filter(|_| self.accepts_arrivals())
    }

    fn deliver_one(&mut self, at: Stamp, index: u32, out: &mut Outbox) -> Option<(Peer, StepOutcome)> {
        let segment = *self.in_flight.at(index)?;
        self.arrive(at, index, out);
        let kind = segment.kind();
        let outcome =
            if segment.toward == Toward::Listener { StepOutcome::Reached(kind) } else { StepOutcome::CameBack(kind) };
        Some((segment.peer, outcome))
    }

    fn fire_one(&mut self, due: Stamp, index: u32, out: &mut Outbox) -> Option<(Peer, StepOutcome)> {
        let client = self.clients.at(index)?;
        // The client is single-stepped: emit all its details.
        client.detailed = true;
        let (peer, first) = (client.peer, out.facts.len());
        self.deadline_passed(due, index, out);
        let left = out.facts[first..].iter().find_map(|fact| match fact.event {
            Event::Client { event: ClientEvent::Departed { kind, .. }, .. } => Some(StepOutcome::Left(kind)),
            _ => None,
        });
        Some((peer, left.unwrap_or(StepOutcome::GaveUp)))
    }

    fn start_one_due(&mut self, now: Stamp, out: &mut Outbox) -> Option<(Peer, StepOutcome)> {
        if self.waiting == 0 {
            self.count_due(now);
        }
        let peer = if self.waiting > 0 { self.start_next(now, out)? } else { return None };
        Some((peer, StepOutcome::Left(Kind::Syn)))
    }
}
