//! Recently captured packets, in bounded memory. It distinguishes copies of one packet (captured at a VLAN and at the
//! device below it, at a bridge and at its port) from retransmitted segments.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;

/// A table of recent packets. Each has one slot, and a later packet with the same slot replaces it.
#[derive(Debug)]
pub(super) struct Recent {
    hasher: RandomState,
    slots: Vec<RecentPacket>,
}

#[derive(Clone, Copy, Debug, Default)]
struct RecentPacket {
    hash: u64,
    nanos: u64,
    interface: u32,
}

/// How a packet relates to those captured before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PacketKind {
    /// Not captured before, as far as the table remembers.
    First,
    /// The same packet at another interface.
    Copy,
    /// The same content sent again.
    Retransmit,
}

impl Recent {
    /// A table with this many slots.
    pub(super) fn new(slots: usize) -> Self {
        Self { hasher: RandomState::default(), slots: vec![RecentPacket::default(); slots.max(1)] }
    }

    /// Records a packet and classifies it. `nanos` is its capture time, by any clock that does not go back.
    pub(super) fn note(&mut self, content: impl Hash, nanos: u64, interface: u32) -> PacketKind {
        // 0 marks an empty slot.
        let hash = self.hasher.hash_one(content) | 1;
        let at = (hash >> 1) as usize % self.slots.len();
        let Some(slot) = self.slots.get_mut(at) else { return PacketKind::First };
        let before = std::mem::replace(slot, RecentPacket { hash, nanos, interface });
        let apart = nanos.abs_diff(before.nanos);
        if before.hash != hash || apart > RETRANSMIT_WINDOW_NS {
            PacketKind::First
        } else if before.interface != interface && apart <= COPY_WINDOW_NS {
            // The entry of the first interface is kept.
            *slot = before;
            PacketKind::Copy
        } else {
            PacketKind::Retransmit
        }
    }
}

/// Nanoseconds: a packet passes a machine's stacked interfaces within this. No sender repeats itself so soon.
const COPY_WINDOW_NS: u64 = 20_000_000;

/// Nanoseconds: a SYN is sent again for about 135 s (net.ipv4.tcp_syn_retries = 6).
const RETRANSMIT_WINDOW_NS: u64 = 180_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_at_another_interface_is_no_repetition_and_a_repetition_is_no_copy() {
        let mut recent = Recent::new(64);
        assert_eq!(recent.note(7, 1_000, 2), PacketKind::First);
        assert_eq!(recent.note(7, 1_000, 3), PacketKind::Copy);
        assert_eq!(recent.note(7, 900, 4), PacketKind::Copy);
        assert_eq!(recent.note(7, 1_000_000_000, 2), PacketKind::Retransmit);
        assert_eq!(recent.note(7, 1_000_001_000, 3), PacketKind::Copy);
        assert_eq!(recent.note(7, 1_000_002_000, 2), PacketKind::Retransmit);
        assert_eq!(recent.note(7, 200_000_000_000_000, 2), PacketKind::First);
    }

    #[test]
    fn a_full_table_forgets_and_does_not_grow() {
        let mut recent = Recent::new(1);
        assert_eq!(recent.note(1, 5, 2), PacketKind::First);
        assert_eq!(recent.note(2, 6, 2), PacketKind::First);
        assert_eq!(recent.note(1, 7, 2), PacketKind::First);
        assert_eq!(recent.slots.len(), 1);
    }
}
