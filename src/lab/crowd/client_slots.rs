//! The living clients, side by side in memory; a place that became free is used again.

use std::time::Duration;

use super::seeded_rng::SeededRng;
use crate::lab::wire::machine::Client;
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

/// One client and its own network. 88 bytes: hundreds of thousands live at once.
#[derive(Clone, Debug)]
pub(super) struct ClientSlot {
    pub(super) client: Client,
    pub(super) rng: SeededRng,
    /// The deadline that stands in the agenda; zero where none does.
    pub(super) queued_deadline: Stamp,
    pub(super) id: u32,
    pub(super) rtt_us: u32,
    pub(super) peer: Peer,
    /// Whether its departures and retries are told.
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

/// All places, taken and free.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientSlots {
    slots: Vec<ClientSlot>,
    free: Vec<u32>,
}

impl ClientSlots {
    pub(super) fn live(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The place that the next client gets.
    pub(super) fn next_index(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.slots.len() as u32)
    }

    /// Lets a client live at [`Residents::next_place`].
    pub(super) fn insert(&mut self, resident: ClientSlot) {
        match self.free.pop().and_then(|place| self.slots.get_mut(place as usize)) {
            Some(place) => *place = resident,
            None => self.slots.push(resident),
        }
    }

    /// The living client at this place.
    pub(super) fn at(&mut self, place: u32) -> Option<&mut ClientSlot> {
        self.slots.get_mut(place as usize).filter(|resident| resident.in_use)
    }

    /// Whether the client at this place lives and has exactly this deadline.
    pub(super) fn has_deadline(&self, place: u32, at: Stamp) -> bool {
        self.slots.get(place as usize).is_some_and(|resident| resident.in_use && resident.client.deadline() == Some(at))
    }

    /// Ends the life at this place.
    pub(super) fn remove(&mut self, place: u32) {
        if let Some(resident) = self.at(place) {
            resident.in_use = false;
            self.free.push(place);
        }
    }
}

const _: () = assert!(size_of::<ClientSlot>() <= 96);
