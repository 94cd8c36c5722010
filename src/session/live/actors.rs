//! The clients of a live session, packet-level or real, behind one interface.

use super::sides::ClientSide;
use super::worker::Worker;
use crate::lab::crowd::{Crowd, Outbox};
use crate::lab::wire::line::Line;
use crate::model::client_clock::{ClientClock, StepOutcome};
use crate::model::command::Command;
use crate::model::event::{ClientEvent, Event, Stamped};
use crate::model::peer::Peer;
use crate::model::segment::Segment;
use crate::model::stamp::Stamp;

/// The clients.
pub(super) enum Actors {
    /// Packet-level clients.
    Made { crowd: Box<Crowd>, outbox: Outbox },
    /// Real connect() clients, in a thread of their own.
    Real(Worker<ClientSide>),
}

impl Actors {
    /// Does everything that is due.
    pub(super) fn tick(&mut self, now: Stamp, batch: &mut Vec<Stamped>) {
        if let Self::Made { crowd, outbox } = self {
            crowd.keep_pace(now);
            crowd.tick(now, outbox);
            batch.append(&mut outbox.facts);
        }
    }

    /// The segments that packet-level clients have sent and that nobody has taken; `None` when there are none.
    pub(super) fn take_sends(&mut self, batch: &mut Vec<Stamped>) -> Option<Vec<Segment>> {
        let Self::Made { outbox, .. } = self else { return None };
        batch.append(&mut outbox.facts);
        (!outbox.send.is_empty()).then(|| std::mem::take(&mut outbox.send))
    }

    /// Passes a segment of the listener to its packet-level client; false where the clients are real.
    pub(super) fn receive(&mut self, at: Stamp, segment: &Segment) -> bool {
        let Self::Made { crowd, outbox } = self else { return false };
        crowd.keep_pace(at);
        crowd.receive(at, segment, outbox);
        true
    }

    /// True for real clients.
    pub(super) const fn are_real(&self) -> bool {
        matches!(self, Self::Real(_))
    }

    /// Takes the facts of real clients, and makes the line known with those who have started or ended. Afterwards every client is known
    /// whose SYN has left: nobody starts meanwhile.
    pub(super) fn introduce(&self, line: &mut Line, batch: &mut Vec<Stamped>) {
        let Self::Real(worker) = self else { return };
        let first = batch.len();
        worker.with(|state| state.take_facts(batch));
        for fact in &batch[first..] {
            if let Event::Client { id, peer, event } = fact.event {
                match event {
                    ClientEvent::Started { .. } => line.learn(fact.at, id, peer),
                    event if event.is_end() => line.forget(&peer),
                    _ => {}
                }
            }
        }
    }

    /// Takes the facts of real clients where there is no line.
    pub(super) fn take_facts(&self, batch: &mut Vec<Stamped>) {
        if let Self::Real(worker) = self {
            worker.with(|state| state.take_facts(batch));
        }
    }

    /// True while an answer is not sent yet.
    pub(super) fn has_answers(&self) -> bool {
        matches!(self, Self::Made { outbox, .. } if !outbox.send.is_empty())
    }

    /// When [`Actors::tick`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Stamp> {
        match self {
            Self::Made { crowd, .. } => crowd.next_deadline(),
            Self::Real(_) => None,
        }
    }

    pub(super) fn command(&mut self, now: Stamp, command: &Command) {
        match self {
            Self::Made { crowd, outbox } if matches!(command, Command::Lose(_) | Command::Hold(_)) => {
                crowd.interfere(now, command, outbox);
            }
            Self::Made { crowd, .. } => crowd.command(now, command),
            Self::Real(worker) => worker.change(|state| state.side.clients.command(now, command)),
        }
    }

    /// The packet-level clients' clock.
    pub(super) fn tempo(&self) -> Option<ClientClock> {
        match self {
            Self::Made { crowd, .. } => Some(crowd.clock()),
            Self::Real(_) => None,
        }
    }

    /// When the next step of a packet-level client is due, in the clients' time.
    pub(super) fn next_step(&mut self) -> Option<Stamp> {
        match self {
            Self::Made { crowd, .. } => crowd.next_event(),
            Self::Real(_) => None,
        }
    }

    /// Sets the clients' time to this moment.
    pub(super) fn advance(&mut self, now: Stamp, clients: Stamp) {
        if let Self::Made { crowd, .. } = self {
            crowd.advance(now, clients);
        }
    }

    /// Carries out exactly one step of a packet-level client.
    pub(super) fn step(&mut self, now: Stamp, batch: &mut Vec<Stamped>) -> Option<(Peer, StepOutcome)> {
        let Self::Made { crowd, outbox } = self else { return None };
        let happened = crowd.step(now, outbox);
        batch.append(&mut outbox.facts);
        happened
    }

    pub(super) fn live(&self) -> usize {
        match self {
            Self::Made { crowd, .. } => crowd.live(),
            Self::Real(worker) => worker.with(|state| state.side.clients.live()),
        }
    }

    pub(super) fn started(&self) -> u64 {
        match self {
            Self::Made { crowd, .. } => crowd.started(),
            Self::Real(worker) => worker.with(|state| state.side.clients.started()),
        }
    }
}
