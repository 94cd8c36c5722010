//! The way of a segment: out of a client, over half a round-trip time, perhaps lost, to the listener's end, and back.

use super::agenda::{Due, Lane};
use super::residents::ClientSlot;
use super::{Crowd, Outbox};
use crate::lab::wire::machine::{Sending, Step};
use crate::model::event::{ClientEvent, Event, Stamped};
use crate::model::segment::{Kind, Segment, Toward, flags};
use crate::model::stamp::Stamp;

impl Crowd {
    /// A client's deadline has come, unless it changed since it was noted down.
    pub(super) fn deadline_passed(&mut self, at: Stamp, place: u32, out: &mut Outbox) {
        let Some(resident) = self.residents.at(place) else { return };
        if resident.client.deadline() == Some(at) {
            let step = resident.client.handle_timeout(at, &self.rules);
            self.carry_out(at, place, &step, out);
        }
    }

    /// A segment has come to the end of its way.
    pub(super) fn land(&mut self, at: Stamp, flight: u32, out: &mut Outbox) {
        match self.flights.land(flight) {
            Some(segment) if segment.toward == Toward::Listener => out.send.push(segment),
            Some(segment) => self.deliver(at, &segment, out),
            None => {}
        }
    }

    /// A segment for a client leaves the listener's end at `at`.
    pub(super) fn carry_inbound(&mut self, at: Stamp, segment: &Segment, out: &mut Outbox) {
        let loss = self.knobs.loss;
        let Some((_, resident)) = self.resident_of(segment) else {
            return self.answer_for_the_gone(at, segment, out);
        };
        let way = resident.way_back();
        let (id, peer) = (resident.id, resident.peer);
        if resident.chance.happens(loss) {
            let life = ClientEvent::Lost { kind: segment.kind(), outbound: false };
            out.facts.push(Stamped { at, event: Event::Client { id, peer, event: life } });
        } else if way.is_zero() && !self.tempo.held {
            self.deliver(at, segment, out);
        } else {
            let flight = self.flights.start(*segment);
            self.agenda.push(Lane::Inbound, at + way, Due::Flight(flight));
        }
    }

    /// Does what a client's machine has decided.
    pub(super) fn carry_out(&mut self, at: Stamp, place: u32, step: &Step, out: &mut Outbox) {
        let Some(resident) = self.residents.at(place) else { return };
        let (id, peer, detailed) = (resident.id, resident.peer, resident.detailed);
        let fact = |life| Stamped { at, event: Event::Client { id, peer, event: life } };
        if step.turn == Some(ClientEvent::Connected) {
            out.facts.push(fact(ClientEvent::Connected));
        }
        for sending in step.sends.iter().flatten() {
            self.depart(at, place, sending, out);
        }
        match step.retry {
            Some(retry) if detailed => out.facts.push(fact(retry)),
            Some(_) => self.losses.detail_skipped(),
            None => {}
        }
        if let Some(end) = step.turn.filter(|_| step.ends()) {
            out.facts.push(fact(end));
            self.residents.leave(place);
            self.addresses.release(&peer);
        } else {
            self.note_deadline(place);
        }
    }

    fn note_deadline(&mut self, place: u32) {
        let Some(resident) = self.residents.at(place) else { return };
        let deadline = resident.client.deadline();
        let before = std::mem::replace(&mut resident.noted, deadline.unwrap_or(Stamp::ZERO));
        if let Some(at) = deadline.filter(|at| *at != before) {
            let lane = if resident.client.is_connected() { Lane::Request } else { Lane::Syn };
            self.agenda.push(lane, at, Due::Deadline(place));
        }
    }

    fn depart(&mut self, at: Stamp, place: u32, sending: &Sending, out: &mut Outbox) {
        let Some(resident) = self.residents.at(place) else { return };
        let (id, peer, way) = (resident.id, resident.peer, resident.way_out());
        let Sending { kind, attempt, .. } = *sending;
        let mut tell = |life| out.facts.push(Stamped { at, event: Event::Client { id, peer, event: life } });
        if resident.detailed {
            tell(ClientEvent::Departed { kind, attempt, arrives: at + way });
        } else {
            self.losses.detail_skipped();
        }
        if resident.chance.happens(self.knobs.loss) {
            tell(ClientEvent::Lost { kind, outbound: true });
        } else if way.is_zero() && !self.tempo.held {
            out.send.push(sending.from_peer(peer));
        } else {
            let flight = self.flights.start(sending.from_peer(peer));
            self.agenda.push(Lane::Outbound, at + way, Due::Flight(flight));
        }
    }

    fn deliver(&mut self, at: Stamp, segment: &Segment, out: &mut Outbox) {
        let rules = self.rules;
        let Some((place, resident)) = self.resident_of(segment) else {
            return self.answer_for_the_gone(at, segment, out);
        };
        let step = resident.client.handle_segment(at, segment, &rules);
        self.carry_out(at, place, &step, out);
    }

    /// A client that has finished stays in TIME_WAIT for a real host; here nothing is kept of it. A repeated FIN of the
    /// server is answered from what stands in the FIN itself, so that the server's side can end, too. Everything else
    /// falls on deaf ears: above all, nobody resets the request of a half-open client that has vanished.
    fn answer_for_the_gone(&mut self, at: Stamp, segment: &Segment, out: &mut Outbox) {
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
        if self.knobs.rtt.is_zero() && !self.tempo.held {
            out.send.push(ack);
        } else {
            let flight = self.flights.start(ack);
            self.agenda.push(Lane::Outbound, at + self.knobs.rtt, Due::Flight(flight));
        }
    }

    fn resident_of(&mut self, segment: &Segment) -> Option<(u32, &mut ClientSlot)> {
        let place = self.addresses.holder(&segment.peer)?;
        let resident = self.residents.at(place)?;
        (resident.peer == segment.peer).then_some((place, resident))
    }
}

/// Segments under way.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight {
    places: Vec<Option<Segment>>,
    free: Vec<u32>,
}

impl InFlight {
    fn start(&mut self, segment: Segment) -> u32 {
        if let Some(place) = self.free.pop()
            && let Some(free) = self.places.get_mut(place as usize)
        {
            *free = Some(segment);
            return place;
        }
        self.places.push(Some(segment));
        self.places.len() as u32 - 1
    }

    /// What is under way there.
    pub(super) fn at(&self, place: u32) -> Option<&Segment> {
        self.places.get(place as usize)?.as_ref()
    }

    fn land(&mut self, place: u32) -> Option<Segment> {
        let segment = self.places.get_mut(place as usize)?.take()?;
        self.free.push(place);
        Some(segment)
    }
}
