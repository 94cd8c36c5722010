//! The open clients, contiguous in memory; freed slots are reused.

use std::time::Duration;

use crate::lab::seeded_rng::SeededRng;
use crate::lab::wire::machine::Client;
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

/// One client and its synthetic network. 88 bytes: there may be hundreds of thousands.
#[derive(Clone, Debug)]
pub(super) struct ClientSlot {
    pub(super) client: Client,
    pub(super) rng: SeededRng,
    /// The deadline in the timer queue; zero when there is none.
    pub(super) queued_deadline: Stamp,
    pub(super) id: u32,
    pub(super) rtt_us: u32,
    pub(super) peer: Peer,
    /// Whether its departures and retries are emitted.
    pub(super) detailed: bool,
    in_use: bool,
}

impl ClientSlot {
    pub(super) const fn new(id: u32, peer: Peer, client: Client, rng: SeededRng) -> Self {
        Self { client, rng, queued_deadline: Stamp::ZERO, id, rtt_us: 0, peer, detailed: false, in_use: true }
    }

    /// From the client to the listener's end.
    pub(super) const fn outbound_delay(&self) -> Duration {
        Duration::from_micros((self.rtt_us / 2) as u64)
    }

    /// From the listener's end to the client.
    pub(super) const fn inbound_delay(&self) -> Duration {
        Duration::from_micros((self.rtt_us - self.rtt_us / 2) as u64)
    }
}

/// All slots, used and free.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientSlots {
    slots: Vec<ClientSlot>,
    free: Vec<u32>,
}

impl ClientSlots {
    pub(super) fn live(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The index of the slot that the next client gets.
    pub(super) fn next_index(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.slots.len() as u32)
    }

    /// Inserts a client at [`ClientSlots::next_index`].
    pub(super) fn insert(&mut self, slot: ClientSlot) {
        match self.free.pop().and_then(|index| self.slots.get_mut(index as usize)) {
            Some(index) => *index = slot,
            None => self.slots.push(slot),
        }
    }

    /// The open client in this slot.
    pub(super) fn at(&mut self, index: u32) -> Option<&mut ClientSlot> {
        self.slots.get_mut(index as usize).filter(|slot| slot.in_use)
    }

    /// Whether the client in this slot is open and has exactly this deadline.
    pub(super) fn has_deadline(&self, index: u32, at: Stamp) -> bool {
        self.slots.get(index as usize).is_some_and(|slot| slot.in_use && slot.client.deadline() == Some(at))
    }

    /// Frees this slot.
    pub(super) fn remove(&mut self, index: u32) {
        if let Some(slot) = self.at(index) {
            slot.in_use = false;
            self.free.push(index);
        }
    }
}

const _: () = assert!(size_of::<ClientSlot>() <= 96);
