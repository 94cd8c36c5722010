//! The series of the timeline: one slot per tenth of a second, for the last hour.

use std::time::Duration;

use super::series::{self, Interval, Series};
use crate::model::cause::Cause;
use crate::model::stamp::Stamp;

/// The length of one slot.
pub const SLOT: Duration = Duration::from_millis(100);

/// How many slots are kept: one hour.
pub const SLOTS: usize = 36_000;

/// What happened during one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Largest accept-queue depth.
    pub accept_max: u32,
    /// Accept-queue depth at the slot's end.
    pub accept_last: u32,
    /// Largest SYN-queue depth.
    pub syn_max: u32,
    /// SYN-queue depth at the slot's end.
    pub syn_last: u32,
    /// The accept queue's limit at the slot's end.
    pub limit: Option<u32>,
    /// First SYNs that reached the listener.
    pub arrivals: u32,
    /// Connections that `accept()` returned.
    pub accepts: u32,
    /// Packets lost, by cause (index: `Cause as usize`).
    pub drops: [u32; Cause::ALL.len()],
    /// Packets lost without a cause that is seen: the reduced lab's.
    pub uncaused: u32,
    /// True when a setting was changed during the slot.
    pub mark: bool,
}

impl Slot {
    /// Packets that the kernel dropped during the slot.
    pub fn kernel_drops(&self) -> u32 {
        let caused = Cause::ALL.into_iter().filter(|cause| cause.is_listen_drop());
        caused.map(|cause| self.drops[cause as usize]).sum::<u32>() + self.uncaused
    }
}

/// The number of the slot in which a moment lies, counted from the session's beginning.
pub const fn number(at: Stamp) -> u64 {
    series::number::<Slot>(at)
}

/// The series of slots.
pub type History = Series<Slot>;

impl Interval for Slot {
    const LENGTH: Duration = SLOT;
    const KEPT: usize = SLOTS;

    fn carried(&self) -> Self {
        Self {
            accept_max: self.accept_last,
            accept_last: self.accept_last,
            syn_max: self.syn_last,
            syn_last: self.syn_last,
            limit: self.limit,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_carries_depths_and_invents_no_drops() {
        let mut history = History::default();
        let slot = history.slot_at(Stamp::from_millis(50));
        slot.accept_last = 4;
        slot.drops[0] = 7;
        history.slot_at(Stamp::from_millis(350));
        let slots: Vec<_> = history.slots().copied().collect();
        assert_eq!(slots.len(), 4);
        assert_eq!((slots[2].accept_last, slots[2].drops[0]), (4, 0));
    }

    #[test]
    fn slots_are_found_by_their_number_also_when_the_first_ones_are_gone() {
        let mut history = History::default();
        history.slot_at(Stamp::ZERO);
        history.slot_at(Stamp::from_millis(100 * (SLOTS as u64 + 10))).arrivals = 7;
        let last = SLOTS as u64 + 10;
        assert_eq!(history.since(last).map(|(number, slot)| (number, slot.arrivals)).collect::<Vec<_>>(), [(last, 7)]);
        assert_eq!(history.since(0).next().map(|(number, _)| number), Some(number(history.begins())));
        assert_eq!(history.since(last + 1).count(), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let mut history = History::default();
        history.slot_at(Stamp::ZERO);
        history.slot_at(Stamp::from_millis(100 * (SLOTS as u64 + 10)));
        assert!(history.slots().len() <= SLOTS);
        history.slot_at(Stamp::from_millis(100 * (3 * SLOTS as u64 + 10)));
        assert!(history.slots().len() <= SLOTS);
        assert!(history.begins() > Stamp::ZERO);
    }
}
