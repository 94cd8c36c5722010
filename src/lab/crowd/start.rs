//! The start of clients: how many are due, how many fit, and their random parameters.

use super::client_slots::ClientSlot;
use super::{Crowd, MAX_LIVE, Outbox, STARTS_PER_TICK};
use crate::lab::seeded_rng::SeededRng;
use crate::lab::wire::bytes::SHORTEST_REQUEST;
use crate::lab::wire::machine::{Client, ClientStart};
use crate::model::event::{ClientEvent, Event, Stamped};
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

impl Crowd {
    /// Starts clients that are due: at most [`STARTS_PER_TICK`] now, the others in the next calls. Those that cannot
    /// start are counted as skipped.
    pub(super) fn start_due(&mut self, now: Stamp, out: &mut Outbox) {
        self.count_due(now);
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

    pub(super) fn count_due(&mut self, now: Stamp) {
        if self.accepts_arrivals() {
            self.waiting += u64::from(self.schedule.due(now));
            self.waiting = self.allowed.map_or(self.waiting, |allowed| self.waiting.min(allowed));
        }
    }

    /// Starts one waiting client; `None` when no address is free.
    pub(super) fn start_next(&mut self, now: Stamp, out: &mut Outbox) -> Option<Peer> {
        if self.live() >= MAX_LIVE {
            return None;
        }
        let peer = self.start_client(now, out)?;
        self.waiting -= 1;
        self.allowed = self.allowed.map(|allowed| allowed - 1);
        Some(peer)
    }

    fn start_client(&mut self, now: Stamp, out: &mut Outbox) -> Option<Peer> {
        let index = self.clients.next_index();
        let peer = self.addresses.take(index)?;
        let mut rng = SeededRng::for_client(self.seed, self.started);
        let id = self.started as u32;
        self.started += 1;
        let half_open = rng.happens(self.knobs.half_open);
        let rtt = rng.uniform_around(self.knobs.rtt, self.knobs.jitter);
        let drawn = rng.next_u64();
        let request = SHORTEST_REQUEST + (drawn % REQUEST_SIZES) as u16;
        let start = ClientStart { isn: (drawn >> 32) as u32, request, half_open };
        out.facts
            .push(Stamped { at: now, event: Event::Client { id, peer, event: ClientEvent::Started { half_open } } });
        let (client, step) = Client::start(now, start, &self.rules);
        let mut slot = ClientSlot::new(id, peer, client, rng);
        slot.rtt_us = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
        slot.detailed = self.losses.allows_detail(now);
        self.clients.insert(slot);
        self.apply_step(now, index, &step, out);
        Some(peer)
    }
}

/// Requests have 18 to 64 bytes.
const REQUEST_SIZES: u64 = 47;
