//! The clients of a live session, packet-level or real, behind one interface.

use std::os::fd::BorrowedFd;

use crate::lab::connect::ConnectClients;
use crate::lab::crowd::{Crowd, Outbox};
use crate::lab::wire::transmit::Transmit;
use crate::model::client_clock::{ClientClock, StepOutcome};
use crate::model::command::Command;
use crate::model::event::Stamped;
use crate::model::peer::Peer;
use crate::model::segment::{Segment, Toward};
use crate::model::stamp::Stamp;

/// The clients.
pub(super) enum Actors {
    /// Packet-level clients and the socket that sends for them.
    Wire { crowd: Box<Crowd>, transmit: Box<Transmit>, outbox: Outbox },
    /// Real connect() clients.
    Connect(Box<ConnectClients>),
}

impl Actors {
    /// Does everything that is due.
    pub(super) fn turn(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        match self {
            Self::Wire { crowd, transmit, outbox } => {
                crowd.tick(now, outbox);
                send(transmit, outbox, out);
            }
            Self::Connect(connects) => connects.turn(now, out),
        }
    }

    /// Passes a segment from the tap to its client.
    pub(super) fn receive(&mut self, at: Stamp, segment: &Segment) {
        if let Self::Wire { crowd, outbox, .. } = self
            && segment.toward == Toward::Client
        {
            crowd.receive(at, segment, outbox);
        }
    }

    /// Sends the clients' immediate answers; how many segments.
    pub(super) fn flush(&mut self, out: &mut Vec<Stamped>) -> usize {
        match self {
            Self::Wire { transmit, outbox, .. } => send(transmit, outbox, out),
            Self::Connect(_) => 0,
        }
    }

    /// True while an answer is not sent yet.
    pub(super) fn has_answers(&self) -> bool {
        matches!(self, Self::Wire { outbox, .. } if !outbox.send.is_empty())
    }

    pub(super) fn next_deadline(&self) -> Option<Stamp> {
        match self {
            Self::Wire { crowd, .. } => crowd.next_deadline(),
            Self::Connect(connects) => connects.next_deadline(),
        }
    }

    pub(super) fn command(&mut self, now: Stamp, command: &Command) {
        match self {
            Self::Wire { crowd, .. } => crowd.command(now, command),
            Self::Connect(connects) => connects.command(now, command),
        }
    }

    /// The clients' clock; real clients use the kernel's time.
    pub(super) fn tempo(&self) -> ClientClock {
        match self {
            Self::Wire { crowd, .. } => crowd.clock(),
            Self::Connect(_) => ClientClock::default(),
        }
    }

    /// When the next step of a client is due, in the clients' time.
    pub(super) fn next_step(&mut self) -> Option<Stamp> {
        match self {
            Self::Wire { crowd, .. } => crowd.next_event(),
            Self::Connect(_) => None,
        }
    }

    /// Sets the clients' time to this moment.
    pub(super) fn advance(&mut self, now: Stamp, clients: Stamp) {
        if let Self::Wire { crowd, .. } = self {
            crowd.advance(now, clients);
        }
    }

    /// Carries out exactly one step.
    pub(super) fn step(&mut self, now: Stamp, out: &mut Vec<Stamped>) -> Option<(Peer, StepOutcome)> {
        let Self::Wire { crowd, transmit, outbox } = self else { return None };
        let happened = crowd.step(now, outbox);
        send(transmit, outbox, out);
        happened
    }

    pub(super) fn live(&self) -> usize {
        match self {
            Self::Wire { crowd, .. } => crowd.live(),
            Self::Connect(connects) => connects.live(),
        }
    }

    pub(super) fn started(&self) -> u64 {
        match self {
            Self::Wire { crowd, .. } => crowd.started(),
            Self::Connect(connects) => connects.started(),
        }
    }

    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Wire { .. } => None,
            Self::Connect(connects) => Some(connects.fd()),
        }
    }
}

fn send(transmit: &mut Transmit, outbox: &mut Outbox, out: &mut Vec<Stamped>) -> usize {
    out.append(&mut outbox.facts);
    let sent = outbox.send.len();
    for segment in outbox.send.drain(..) {
        if let Err(error) = transmit.send(&segment) {
            tracing::warn!(%error, "a client's segment could not be sent");
        }
    }
    sent
}
