//! How clients begin: who is due, who fits, and what each brings along.

use super::chance::SeededRng;
use super::residents::ClientSlot;
use super::{Crowd, MAX_LIVE, Outbox, STARTS_PER_TICK};
use crate::lab::wire::machine::{Client, ClientStart};
use crate::model::event::{ClientEvent, Event, Stamped};
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

impl Crowd {
    /// Starts who is due: at most [`STARTS_PER_TICK`] now, the others in the next calls. Who cannot start is counted.
    pub(super) fn start_those_due(&mut self, now: Stamp, out: &mut Outbox) {
        self.note_who_is_due(now);
        for _ in 0..self.waiting.min(STARTS_PER_TICK) {
            if self.start_next(now, out).is_none() {
                self.losses.arrivals_skipped(std::mem::take(&mut self.waiting));
                self.losses.saturated();
                return;
            }
        }
        let beyond = self.waiting.saturating_sub(MAX_LIVE as u64);
        if beyond > 0 {
            self.waiting -= beyond;
            self.losses.arrivals_skipped(beyond);
            self.losses.saturated();
        }
    }

    pub(super) fn note_who_is_due(&mut self, now: Stamp) {
        if self.accepts_arrivals() {
            self.waiting += u64::from(self.schedule.due(now));
            self.waiting = self.allowed.map_or(self.waiting, |allowed| self.waiting.min(allowed));
        }
    }

    /// Starts one of those who wait; `None` where no address is free.
    pub(super) fn start_next(&mut self, now: Stamp, out: &mut Outbox) -> Option<Peer> {
        if self.live() >= MAX_LIVE {
            return None;
        }
        let peer = self.start_one(now, out)?;
        self.waiting -= 1;
        self.allowed = self.allowed.map(|allowed| allowed - 1);
        Some(peer)
    }

    fn start_one(&mut self, now: Stamp, out: &mut Outbox) -> Option<Peer> {
        let place = self.residents.next_place();
        let peer = self.addresses.take(place)?;
        let mut chance = SeededRng::of(self.seed, self.started);
        let id = self.started as u32;
        self.started += 1;
        let half_open = chance.happens(self.knobs.half_open);
        let rtt = chance.around(self.knobs.rtt, self.knobs.jitter);
        let drawn = chance.number();
        let request = SHORTEST_REQUEST + (drawn % SPREAD_OF_REQUESTS) as u16;
        let birth = ClientStart { isn: (drawn >> 32) as u32, request, half_open };
        out.facts
            .push(Stamped { at: now, event: Event::Client { id, peer, event: ClientEvent::Started { half_open } } });
        let (client, step) = Client::start(now, birth, &self.rules);
        let mut resident = ClientSlot::new(id, peer, client, chance);
        resident.rtt_us = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
        resident.detailed = self.losses.grants_detail(now);
        self.residents.settle(resident);
        self.carry_out(now, place, &step, out);
        Some(peer)
    }
}

/// Bytes.
const SHORTEST_REQUEST: u16 = 16;
/// Requests have 16 to 64 bytes.
const SPREAD_OF_REQUESTS: u64 = 49;
