//! The way of a segment: out of a client, over half a round-trip time, perhaps lost, to the listener's end, and back.

use super::client_slots::ClientSlot;
use super::timer_queue::{Due, Lane};
use super::{Crowd, Outbox};
use crate::lab::wire::machine::{OutgoingSegment, Step};
use crate::model::event::{ClientEvent, Event, Stamped};
use crate::model::segment::{Kind, Segment, Toward, flags};
use crate::model::stamp::Stamp;

impl Crowd {
    /// A client's deadline has come, unless it changed since it was noted down.
    pub(super) fn deadline_passed(&mut self, at: Stamp, place: u32, out: &mut Outbox) {
        let Some(resident) = self.clients.at(place) else { return };
        if resident.client.deadline() == Some(at) {
            let step = resident.client.handle_timeout(at, &self.rules);
            self.apply_step(at, place, &step, out);
        }
    }

    /// A segment has come to the end of its way.
    pub(super) fn arrive(&mut self, at: Stamp, flight: u32, out: &mut Outbox) {
        match self.in_flight.take(flight) {
            Some(segment) if segment.toward == Toward::Listener => out.send.push(segment),
            Some(segment) => self.deliver(at, &segment, out),
            None => {}
        }
    }

    /// A segment for a client leaves the listener's end at `at`.
    pub(super) fn send_inbound(&mut self, at: Stamp, segment: &Segment, out: &mut Outbox) {
        let loss = self.knobs.loss;
        let Some((_, resident)) = self.client_for(segment) else {
            return self.answer_closed_client(at, segment, out);
        };
        let way = resident.inbound_delay();
        let (id, peer) = (resident.id, resident.peer);
        if resident.rng.happens(loss) {
            let life = ClientEvent::Lost { kind: segment.kind(), outbound: false };
            out.facts.push(Stamped { at, event: Event::Client { id, peer, life } });
        } else if way.is_zero() && !self.clock.held {
            self.deliver(at, segment, out);
        } else {
            let flight = self.in_flight.insert(*segment);
            self.timers.push(Lane::Inbound, at + way, Due::Arrival(flight));
        }
    }

    /// Does what a client's machine has decided.
    pub(super) fn apply_step(&mut self, at: Stamp, place: u32, step: &Step, out: &mut Outbox) {
        let Some(resident) = self.clients.at(place) else { return };
        let (id, peer, detailed) = (resident.id, resident.peer, resident.detailed);
        let fact = |life| Stamped { at, event: Event::Client { id, peer, life } };
        if step.event == Some(ClientEvent::Connected) {
            out.facts.push(fact(ClientEvent::Connected));
        }
        for sending in step.sends.iter().flatten() {
            self.send_outbound(at, place, sending, out);
        }
        match step.retry {
            Some(retry) if detailed => out.facts.push(fact(retry)),
            Some(_) => self.losses.detail_skipped(),
            None => {}
        }
        if let Some(end) = step.event.filter(|_| step.is_final()) {
            out.facts.push(fact(end));
            self.clients.remove(place);
            self.addresses.release(&peer);
        } else {
            self.queue_deadline(place);
        }
    }

    fn queue_deadline(&mut self, place: u32) {
        let Some(resident) = self.clients.at(place) else { return };
        let deadline = resident.client.deadline();
        let before = std::mem::replace(&mut resident.queued_deadline, deadline.unwrap_or(Stamp::ZERO));
        if let Some(at) = deadline.filter(|at| *at != before) {
            let lane = if resident.client.is_connected() { Lane::Request } else { Lane::Syn };
            self.timers.push(lane, at, Due::Deadline(place));
        }
    }

    fn send_outbound(&mut self, at: Stamp, place: u32, sending: &OutgoingSegment, out: &mut Outbox) {
        let Some(resident) = self.clients.at(place) else { return };
        let (id, peer, way) = (resident.id, resident.peer, resident.outbound_delay());
        let OutgoingSegment { kind, attempt, .. } = *sending;
        let mut tell = |life| out.facts.push(Stamped { at, event: Event::Client { id, peer, life } });
        if resident.detailed {
            tell(ClientEvent::Departed { kind, attempt, arrives: at + way });
        } else {
            self.losses.detail_skipped();
        }
        if resident.rng.happens(self.knobs.loss) {
            tell(ClientEvent::Lost { kind, outbound: true });
        } else if way.is_zero() && !self.clock.held {
            out.send.push(sending.from_peer(peer));
        } else {
            let flight = self.in_flight.insert(sending.from_peer(peer));
            self.timers.push(Lane::Outbound, at + way, Due::Arrival(flight));
        }
    }

    fn deliver(&mut self, at: Stamp, segment: &Segment, out: &mut Outbox) {
        let rules = self.rules;
        let Some((place, resident)) = self.client_for(segment) else {
            return self.answer_closed_client(at, segment, out);
        };
        let step = resident.client.handle_segment(at, segment, &rules);
        self.apply_step(at, place, &step, out);
    }

    /// A client that has finished stays in TIME_WAIT for a real host; here nothing is kept of it. A repeated FIN of the
    /// server is answered from what stands in the FIN itself, so that the server's side can end, too. Everything else
    /// falls on deaf ears: above all, nobody resets the request of a half-open client that has vanished.
    fn answer_closed_client(&mut self, at: Stamp, segment: &Segment, out: &mut Outbox) {
        if segment.kind() != Kind::Fin {
            return;
        }
        let ack = Segment {
            toward: Toward::Listener,
            flags: flags::ACK,
            seq: segment.ack,
            ack: segment.end(),
            payload: 0,
            window_scale: false,
            timestamps: false,
            cookie_bits: None,
            ..*segment
        };
        if self.knobs.rtt.is_zero() && !self.clock.held {
            out.send.push(ack);
        } else {
            let flight = self.in_flight.insert(ack);
            self.timers.push(Lane::Outbound, at + self.knobs.rtt, Due::Arrival(flight));
        }
    }

    fn client_for(&mut self, segment: &Segment) -> Option<(u32, &mut ClientSlot)> {
        let place = self.addresses.holder(&segment.peer)?;
        let resident = self.clients.at(place)?;
        (resident.peer == segment.peer).then_some((place, resident))
    }
}

/// Segments under way.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight {
    slots: Vec<Option<Segment>>,
    free: Vec<u32>,
}

impl InFlight {
    fn insert(&mut self, segment: Segment) -> u32 {
        if let Some(place) = self.free.pop()
            && let Some(free) = self.slots.get_mut(place as usize)
        {
            *free = Some(segment);
            return place;
        }
        self.slots.push(Some(segment));
        self.slots.len() as u32 - 1
    }

    /// What is under way there.
    pub(super) fn at(&self, place: u32) -> Option<&Segment> {
        self.slots.get(place as usize)?.as_ref()
    }

    fn take(&mut self, place: u32) -> Option<Segment> {
        let segment = self.slots.get_mut(place as usize)?.take()?;
        self.free.push(place);
        Some(segment)
    }
}
