//! Segments, counted at the listener's end: what is the same whether their outcomes are facts or have to be inferred.

use super::demand::BURST;
use super::{World, log_writing};
use crate::fold::connection::{ClientSide, Connection, ServerSide, Trace};
use crate::fold::history::SLOT;
use crate::model::peer::Peer;
use crate::model::segment::{Kind, Segment, Toward};
use crate::model::stamp::Stamp;

/// Writes a segment into its connection's log.
pub(super) fn notice(world: &mut World, at: Stamp, segment: &Segment) {
    log_writing::write_segment(world, at, segment);
    if segment.kind() == Kind::Rst {
        tally(world, |tally| tally.rst += 1);
    }
}

/// A segment of the lab that decided nothing at the listener, or that left it.
pub(super) fn passed(world: &mut World, at: Stamp, segment: &Segment) {
    notice(world, at, segment);
    match (segment.toward, segment.kind()) {
        (Toward::Listener, Kind::Syn) => count_syn(world, at, segment),
        (Toward::Listener, Kind::Ack | Kind::Data | Kind::Fin) => {
            note_progress(world, segment);
            note_arrival(world, segment);
        }
        (Toward::Listener, Kind::Rst) => client_has_reset(world, at, segment.peer),
        (Toward::Client, Kind::SynAck) => sent_syn_ack(world, at, segment),
        (Toward::Client, Kind::Ack | Kind::Data | Kind::Fin) => {
            if let Some(one) = world.roster.known(&segment.peer) {
                one.acknowledge(segment.ack);
            }
        }
        (Toward::Client, Kind::Rst | Kind::Syn) | (Toward::Listener, Kind::SynAck) => {}
    }
}

/// A client's RST that ended no request: the connection that waits, if there is one, is closed.
pub(super) fn client_has_reset(world: &mut World, at: Stamp, peer: Peer) {
    if world.roster.connection(&peer).is_some_and(|one| one.server == ServerSide::Queued) {
        world.server_to(at, peer, ServerSide::QueuedClosed);
    }
}

/// The listener answered, or a request's timer repeated the answer.
fn sent_syn_ack(world: &mut World, at: Stamp, segment: &Segment) {
    let known = world.roster.known(&segment.peer);
    let first = known.as_ref().is_none_or(|one| one.syn_acks == 0);
    if let Some(one) = known {
        one.syn_acks = one.syn_acks.saturating_add(1);
        one.inference.server_isn = segment.seq;
        if one.server == ServerSide::CookieSent {
            one.inference.cookie_isn = segment.seq;
        }
        if matches!(one.server, ServerSide::Nothing | ServerSide::Expired | ServerSide::Pruned) {
            // Its timer sent it: the request still stands.
            world.server_to(at, segment.peer, ServerSide::HalfOpen);
        }
    }
    tally(world, |tally| if first { tally.syn_ack += 1 } else { tally.syn_ack_retransmit += 1 });
}

/// Counts a SYN that reached the listener: a new client's, or a repeat.
pub(super) fn count_syn(world: &mut World, at: Stamp, segment: &Segment) {
    let one = world.roster.entry(segment.peer, at);
    if let Some(cause) = one.inference.charged.take() {
        world.ledger.witnesses_mut(cause).client += 1;
    }
    one.arrive();
    one.syns = one.syns.saturating_add(1);
    one.inference.client_isn = segment.seq;
    let first = one.syns == 1;
    let unanswered = one.syns > 1 && one.syn_acks == 0;
    if unanswered && world.open.foreign.active && world.listener_drops.counted > 0 {
        refused(world, at, segment.peer);
    }
    let one = world.roster.entry(segment.peer, at);
    if first {
        one.inference.wanting = !one.half_open;
        world.history.slot_at(at).arrivals += 1;
        world.traffic.arrived(at);
        world.open.foreign.arrivals.note(at, 1);
        if one.inference.wanting {
            let World { demand, history, .. } = world;
            let slots = (BURST.as_millis() / SLOT.as_millis()) as usize;
            demand.add(|| history.last(slots).map(|slot| slot.arrivals).sum());
        }
        world.clients.started += u64::from(world.open.foreign.active);
    }
    tally(world, |tally| if first { tally.syn += 1 } else { tally.syn_retransmit += 1 });
}

/// Follows a client's segments after its SYN: where its data ends, and how many final ACKs there were, repeats included.
pub(super) fn note_progress(world: &mut World, segment: &Segment) {
    let Some(one) = world.roster.known(&segment.peer) else { return };
    one.arrive();
    if segment.end() != segment.seq && one.segment_log.is_some() {
        one.inference.seldom_mut().data_end = Some(segment.end());
    }
    let answers = one.syn_acks > 0 && one.inference.answers(segment);
    if answers && segment.seq == one.inference.client_isn.wrapping_add(1) && segment.kind() == Kind::Ack {
        tally(world, |tally| tally.ack += 1);
    }
}

/// A client that answers the SYN-ACK is connected in its own eyes, whether it reports so or not.
pub(super) fn client_is_connected(world: &mut World, at: Stamp, peer: Peer) {
    let Some(one) = world.roster.known(&peer).filter(|one| one.client == ClientSide::SynSent) else { return };
    one.client = ClientSide::Connected;
    one.client_since = at;
    one.write_connected(at);
    world.clients.connected += u64::from(world.open.foreign.active);
}

/// A client of a watched listener met a full queue.
pub(super) fn refused(world: &mut World, at: Stamp, peer: Peer) {
    let Some(one) = world.roster.known(&peer) else { return };
    if !std::mem::replace(&mut one.inference.seldom_mut().refused, true) && world.open.foreign.active {
        world.traffic.refused(at);
    }
}

/// What came in for a connection that waits in the accept queue.
pub(super) fn note_arrival(world: &mut World, segment: &Segment) {
    let Some(one) = world.roster.known(&segment.peer).filter(|one| one.server == ServerSide::Queued) else { return };
    one.bytes = one.bytes.saturating_add(u32::from(segment.payload));
    one.client_closed |= segment.kind() == Kind::Fin;
}

impl Trace {
    /// True when this segment acknowledges a SYN-ACK of the listener.
    const fn answers(&self, segment: &Segment) -> bool {
        segment.ack == self.server_isn.wrapping_add(1) || self.brings_back(segment)
    }

    const fn brings_back(&self, segment: &Segment) -> bool {
        self.cookie_isn != 0 && segment.ack == self.cookie_isn.wrapping_add(1)
    }
}

impl Connection {
    /// True when this ACK completes the handshake in the kernel's eyes.
    pub(super) const fn completes(&self, segment: &Segment) -> bool {
        segment.seq == self.inference.client_isn.wrapping_add(1)
            && segment.ack == self.inference.server_isn.wrapping_add(1)
    }

    /// True when this ACK brings a cookie back, rather than completing a request.
    pub(super) fn brings_cookie(&self, segment: &Segment) -> bool {
        let answers_request = segment.ack == self.inference.server_isn.wrapping_add(1);
        self.server == ServerSide::CookieSent || (self.inference.brings_back(segment) && !answers_request)
    }
}

pub(super) fn tally(world: &mut World, count: impl FnOnce(&mut super::SegmentTally)) {
    if let Some(tally) = &mut world.segments {
        count(tally);
    }
}

impl Connection {
    /// The server has acknowledged everything up to here: earlier data is not retransmitted.
    pub(super) fn acknowledge(&mut self, ack: u32) {
        let Some(seldom) = self.inference.seldom_if_any() else { return };
        seldom.acknowledged_retry = None;
        if seldom.data_end == Some(ack) && self.client == ClientSide::Connected {
            seldom.acknowledged_retry = self.retry.take();
        }
    }

    /// No segment is on its way to the listener any more.
    pub(super) fn arrive(&mut self) {
        if let Some(seldom) = self.inference.seldom_if_any() {
            seldom.travel = None;
        }
    }

    /// The acknowledgement was lost on its way: the client's timer is still running.
    pub(super) fn lose_acknowledgement(&mut self) {
        if let Some(retry) = self.inference.seldom_if_any().and_then(|seldom| seldom.acknowledged_retry.take()) {
            self.retry = Some(retry);
        }
    }
}
