//! What clients know of their own lives, and what the server did.

use std::time::Duration;

use super::World;
use super::note::{Note, who};
use crate::fold::connection::{ClientSide, Connection, Retry, ServerSide, Travel};
use crate::fold::ledger::Cause;
use crate::model::event::{Deed, Life};
use crate::model::peer::Peer;
use crate::model::segment::Kind;
use crate::model::stamp::Stamp;

impl World {
    pub(super) fn live(&mut self, at: Stamp, id: u32, peer: Peer, life: Life) {
        match life {
            Life::Started { half_open } => self.start(at, id, peer, half_open),
            Life::Departed { kind, attempt, arrives } => {
                let left = self.tempo.at(at);
                self.write_departure(at, peer, (kind, attempt, self.tempo.moment(arrives)));
                if let Some(one) = self.roster.known(&peer) {
                    // The request leaves with the handshake's ACK: the ACK is what decides.
                    let with_ack = one.travel.is_some_and(|travel| travel.kind == Kind::Ack && travel.left == left);
                    if !with_ack {
                        one.travel = Some(Travel { kind, left, arrives });
                    }
                }
            }
            Life::Lost { kind, outbound } => {
                self.write_loss(peer, kind, outbound);
                if let Some(one) = self.roster.known(&peer).filter(|_| !outbound) {
                    one.hears_nothing();
                }
                self.charge(at, peer, Cause::ClientLost);
            }
            Life::WillRetry { at: when, gives_up } => {
                if let Some(one) = self.roster.known(&peer) {
                    one.retry = Some(Retry { at: when, gives_up });
                    (one.trace.data_end, one.trace.heard) = (None, None);
                }
            }
            Life::Connected => self.connected(at, peer),
            Life::Finished => {
                self.clients.finished += 1;
                self.client_over(at, peer, ClientSide::Finished);
            }
            Life::Refused => {
                self.clients.refused += 1;
                self.client_over(at, peer, ClientSide::Refused);
            }
            Life::Reset => {
                self.clients.reset += 1;
                self.client_over(at, peer, ClientSide::Reset);
            }
            Life::TimedOut => {
                self.clients.timed_out += 1;
                self.client_over(at, peer, ClientSide::TimedOut);
            }
            Life::Vanished => {
                self.clients.vanished += 1;
                self.client_over(at, peer, ClientSide::Vanished);
            }
            Life::Failed { errno } => {
                *self.clients.errors.entry(errno).or_default() += 1;
                self.client_over(at, peer, ClientSide::Failed(errno));
            }
        }
    }

    fn start(&mut self, at: Stamp, id: u32, peer: Peer, half_open: bool) {
        self.clients.started += 1;
        if self.roster.connection(&peer).is_some_and(Connection::is_over) {
            self.roster.forget(&peer);
        }
        let one = self.roster.entry(peer, at);
        one.id = Some(id);
        one.half_open = half_open;
        one.born = one.born.min(at);
        self.write_birth(peer);
    }

    fn connected(&mut self, at: Stamp, peer: Peer) {
        self.clients.connected += 1;
        let Some(one) = self.roster.known(&peer) else { return };
        one.client = ClientSide::Connected;
        one.client_since = at;
        one.retry = None;
        one.write_connected(at);
        let took = at.since(one.born);
        self.connect.record(took);
    }

    fn client_over(&mut self, at: Stamp, peer: Peer, side: ClientSide) {
        let Some(one) = self.roster.known(&peer) else { return };
        one.client = side;
        one.client_since = at;
        one.retry = None;
        one.travel = None;
        one.write_client_end(at, side);
        if std::mem::take(&mut one.trace.wanting) {
            self.demand.go();
        }
        let who = who(one);
        let told = match side {
            ClientSide::TimedOut => one.trace.charged,
            ClientSide::Reset if one.hits(Cause::AckReset) > 0 => Some(Cause::AckReset),
            _ => None,
        };
        if let Some(cause) = told {
            self.ledger.witnesses_mut(cause).client += 1;
        }
        match side {
            ClientSide::TimedOut => self.note(Note::GaveUp { who }),
            ClientSide::Reset | ClientSide::Refused => self.note(Note::Reset { who }),
            _ => {}
        }
        self.release_if_over(at, peer);
    }

    pub(super) fn serve(&mut self, at: Stamp, peer: Peer, deed: Deed) {
        match deed {
            Deed::Accepted { waited_ms, .. } => self.accepted(at, peer, waited_ms),
            Deed::Closed => self.done(at, peer, ServerSide::Closed),
            Deed::FoundReset => self.done(at, peer, ServerSide::ResetAway),
        }
    }

    fn done(&mut self, at: Stamp, peer: Peer, to: ServerSide) {
        self.write_deed(at, peer);
        self.server_to(at, peer, to);
    }

    fn accepted(&mut self, at: Stamp, peer: Peer, waited_ms: Option<u32>) {
        self.clients.accepted += 1;
        self.open.doubts.accepted(at);
        self.history.slot_at(at).accepts += 1;
        self.roster.entry(peer, at);
        if self.segments.is_some() {
            self.revise_to_taken(at, peer);
        }
        let Some(one) = self.roster.known(&peer) else { return };
        let seen = one.queued_at.map(|since| at.since(since));
        let waited = seen.or_else(|| waited_ms.map(|millis| Duration::from_millis(millis.into())));
        let who = who(one);
        if std::mem::take(&mut one.trace.wanting) {
            self.demand.go();
        }
        if let Some(waited) = waited {
            self.wait.record(waited);
        }
        self.done(at, peer, ServerSide::Accepted);
        self.note(Note::Accepted { who, waited_us: waited.map(|waited| waited.as_micros() as u64) });
    }
}
