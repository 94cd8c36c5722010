//! Delivery of segments between a client and the listener's end: half a round-trip time each way, and loss.

use super::client_slots::ClientSlot;
use super::timer_queue::{Due, Lane};
use super::{Crowd, Outbox};
use crate::lab::wire::interference::Fate;
use crate::lab::wire::machine::{OutgoingSegment, Step};
use crate::model::command::Command;
use crate::model::event::{ClientEvent, Event, Stamped};
use crate::model::segment::{Kind, Segment, Toward, flags};
use crate::model::stamp::Stamp;

impl Crowd {
    /// Fires a client's deadline, unless it has changed since it was queued.
    pub(super) fn deadline_passed(&mut self, at: Stamp, index: u32, out: &mut Outbox) {
        let Some(client_slot) = self.clients.at(index) else { return };
        if client_slot.client.deadline() == Some(at) {
            let step = client_slot.client.handle_timeout(at, &self.rules);
            self.apply_step(at, index, &step, out);
        }
    }

    /// Delivers a segment whose delay has passed, unless the user holds or loses it.
    pub(super) fn arrive(&mut self, at: Stamp, segment_index: u32, out: &mut Outbox) {
        let Some(segment) = self.in_flight.at(segment_index).copied() else { return };
        match self.fate(at, &segment, out) {
            Fate::IsHeld => self.wishes.keep(segment.peer, segment_index),
            fate => {
                self.in_flight.take(segment_index);
                if fate == Fate::Arrives {
                    self.hand_over(at, &segment, out);
                }
            }
        }
    }

    /// A segment that takes no time to its end.
    fn arrive_at_once(&mut self, at: Stamp, segment: &Segment, out: &mut Outbox) {
        match self.fate(at, segment, out) {
            Fate::Arrives => self.hand_over(at, segment, out),
            Fate::IsLost => {}
            Fate::IsHeld => {
                let segment_index = self.in_flight.insert(*segment);
                self.wishes.keep(segment.peer, segment_index);
            }
        }
    }

    fn hand_over(&mut self, at: Stamp, segment: &Segment, out: &mut Outbox) {
        if segment.toward == Toward::Listener {
            out.send.push(*segment);
        } else {
            self.deliver(at, segment, out);
        }
    }

    /// What the user does to this segment; reported where it is something.
    fn fate(&mut self, at: Stamp, segment: &Segment, out: &mut Outbox) -> Fate {
        let fate = self.wishes.fate(&segment.peer);
        match fate {
            Fate::Arrives => {}
            Fate::IsLost => self.report(at, segment, out, |kind, outbound| ClientEvent::Lost { kind, outbound }),
            Fate::IsHeld => self.report(at, segment, out, |kind, outbound| ClientEvent::Held { kind, outbound }),
        }
        fate
    }

    fn report(
        &mut self,
        at: Stamp,
        segment: &Segment,
        out: &mut Outbox,
        event: impl FnOnce(Kind, bool) -> ClientEvent,
    ) {
        let event = event(segment.kind(), segment.toward == Toward::Listener);
        if let Some((_, ClientSlot { id, peer, .. })) = self.client_for(segment) {
            out.facts.push(Stamped { at, event: Event::Client { id: *id, peer: *peer, event } });
        }
    }

    /// Carries out [`Command::Lose`] and [`Command::Hold`].
    pub fn interfere(&mut self, now: Stamp, command: &Command, out: &mut Outbox) {
        let (at, first) = (self.clock.at(now), out.facts.len());
        match *command {
            Command::Lose(peer) => {
                let is_of_peer = |index| self.in_flight.at(index).is_some_and(|segment| segment.peer == peer);
                let under_way = self.timers.first_arrival(is_of_peer);
                match self.wishes.take_first_held(&peer).or(under_way) {
                    Some(index) => {
                        self.timers.remove_arrival(index);
                        if let Some(segment) = self.in_flight.take(index) {
                            self.report(at, &segment, out, |kind, outbound| ClientEvent::Lost { kind, outbound });
                        }
                    }
                    None => self.wishes.lose_next(peer),
                }
            }
            Command::Hold(peer) => {
                for index in self.wishes.turn_hold(peer) {
                    if let Some(segment) = self.in_flight.take(index) {
                        self.hand_over(at, &segment, out);
                    }
                }
            }
            _ => {}
        }
        for fact in &mut out.facts[first..] {
            fact.at = now;
        }
    }

    /// Takes a segment for a client at the listener's end at `at`.
    pub(super) fn send_inbound(&mut self, at: Stamp, segment: &Segment, out: &mut Outbox) {
        let loss = self.knobs.loss;
        let Some((_, client_slot)) = self.client_for(segment) else {
            return self.answer_closed_client(at, segment, out);
        };
        let delay = client_slot.inbound_delay();
        let (id, peer) = (client_slot.id, client_slot.peer);
        if client_slot.rng.happens(loss) {
            let life = ClientEvent::Lost { kind: segment.kind(), outbound: false };
            out.facts.push(Stamped { at, event: Event::Client { id, peer, event: life } });
        } else if delay.is_zero() && !self.clock.is_held() {
            self.arrive_at_once(at, segment, out);
        } else {
            let segment_index = self.in_flight.insert(*segment);
            self.timers.push(Lane::Inbound, at + delay, Due::Arrival(segment_index));
        }
    }

    /// Applies the result of a client's state machine.
    pub(super) fn apply_step(&mut self, at: Stamp, index: u32, step: &Step, out: &mut Outbox) {
        let Some(client_slot) = self.clients.at(index) else { return };
        let (id, peer, detailed) = (client_slot.id, client_slot.peer, client_slot.detailed);
        let fact = |life| Stamped { at, event: Event::Client { id, peer, event: life } };
        if step.event == Some(ClientEvent::Connected) {
            out.facts.push(fact(ClientEvent::Connected));
        }
        for outgoing in step.sends.iter().flatten() {
            self.send_outbound(at, index, outgoing, out);
        }
        match step.retry {
            Some(ClientEvent::WillRetry { at, gives_up }) if detailed => {
                out.facts.push(fact(ClientEvent::WillRetry { at: self.clock.shared_time(at), gives_up }));
            }
            Some(retry) if detailed => out.facts.push(fact(retry)),
            Some(_) => self.losses.detail_skipped(),
            None => {}
        }
        if let Some(end) = step.event.filter(|_| step.is_final()) {
            out.facts.push(fact(end));
            self.clients.remove(index);
            self.addresses.release(&peer);
        } else {
            self.queue_deadline(index);
        }
    }

    fn queue_deadline(&mut self, index: u32) {
        let Some(client_slot) = self.clients.at(index) else { return };
        let deadline = client_slot.client.deadline();
        let before = std::mem::replace(&mut client_slot.queued_deadline, deadline.unwrap_or(Stamp::ZERO));
        if let Some(at) = deadline.filter(|at| *at != before) {
            let lane = if client_slot.client.is_connected() { Lane::Request } else { Lane::Syn };
            self.timers.push(lane, at, Due::Deadline(index));
        }
    }

    fn send_outbound(&mut self, at: Stamp, index: u32, outgoing: &OutgoingSegment, out: &mut Outbox) {
        let Some(client_slot) = self.clients.at(index) else { return };
        let (id, peer, delay) = (client_slot.id, client_slot.peer, client_slot.outbound_delay());
        let OutgoingSegment { kind, attempt, .. } = *outgoing;
        let mut emit = |life| out.facts.push(Stamped { at, event: Event::Client { id, peer, event: life } });
        if client_slot.detailed {
            emit(ClientEvent::Departed { kind, attempt, arrives: self.clock.shared_time(at + delay) });
        } else {
            self.losses.detail_skipped();
        }
        if client_slot.rng.happens(self.knobs.loss) {
            emit(ClientEvent::Lost { kind, outbound: true });
        } else if delay.is_zero() && !self.clock.is_held() {
            self.arrive_at_once(at, &outgoing.sent_by(peer), out);
        } else {
            let segment_index = self.in_flight.insert(outgoing.sent_by(peer));
            self.timers.push(Lane::Outbound, at + delay, Due::Arrival(segment_index));
        }
    }

    fn deliver(&mut self, at: Stamp, segment: &Segment, out: &mut Outbox) {
        let rules = self.rules;
        let Some((index, client_slot)) = self.client_for(segment) else {
            return self.answer_closed_client(at, segment, out);
        };
        let step = client_slot.client.handle_segment(at, segment, &rules);
        self.apply_step(at, index, &step, out);
    }

    /// On a real host a finished client stays in TIME_WAIT; here no state is kept. A retransmitted FIN of the server
    /// is answered from its own sequence numbers, so that the server's side can close. Every other segment is
    /// ignored: above all, the request of a half-open client that has vanished is not reset.
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
            ..*segment
        };
        if self.knobs.rtt.is_zero() && !self.clock.is_held() {
            out.send.push(ack);
        } else {
            let segment_index = self.in_flight.insert(ack);
            self.timers.push(Lane::Outbound, at + self.knobs.rtt, Due::Arrival(segment_index));
        }
    }

    fn client_for(&mut self, segment: &Segment) -> Option<(u32, &mut ClientSlot)> {
        let index = self.addresses.holder(&segment.peer)?;
        let client_slot = self.clients.at(index)?;
        (client_slot.peer == segment.peer).then_some((index, client_slot))
    }
}

/// Segments in flight.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight {
    slots: Vec<Option<Segment>>,
    free: Vec<u32>,
}

impl InFlight {
    fn insert(&mut self, segment: Segment) -> u32 {
        if let Some(index) = self.free.pop()
            && let Some(free) = self.slots.get_mut(index as usize)
        {
            *free = Some(segment);
            return index;
        }
        self.slots.push(Some(segment));
        self.slots.len() as u32 - 1
    }

    /// The segment in this slot.
    pub(super) fn at(&self, index: u32) -> Option<&Segment> {
        self.slots.get(index as usize)?.as_ref()
    }

    fn take(&mut self, index: u32) -> Option<Segment> {
        let segment = self.slots.get_mut(index as usize)?.take()?;
        self.free.push(index);
        Some(segment)
    }
}
