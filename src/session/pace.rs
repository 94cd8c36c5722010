//! When a source is due: at the requested interval, and never so often that reading it becomes a load. Pure; the present moment
//! and the processor time are passed in. On a machine that is busy with others a reading lasts long and costs no more than before: it is
//! not made more rarely for that.

use std::time::Duration;

use crate::model::stamp::Stamp;

/// A source is read at most once in this many times its own cost: each takes a fiftieth of one processor at most.
const COST_SHARE: u32 = 50;

/// The same for what costs the more the more connections there are: a two-hundredth.
const SHARE_OF_LISTS: u32 = 200;

/// The same while nothing waits: a thousandth.
const SHARE_AT_EASE: u32 = 1000;

/// When one source was last read and what that cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    last: Option<Stamp>,
    cost: Duration,
}

impl Pace {
    /// True when the source is due, at an interval of `pace`.
    pub(super) fn is_due(&self, now: Stamp, pace: Duration) -> bool {
        self.due(pace).is_none_or(|due| now >= due)
    }

    /// When the source is due next; `None`: it was never read.
    pub(super) fn due(&self, pace: Duration) -> Option<Stamp> {
        self.last.map(|last| last + pace.max(self.cost * COST_SHARE))
    }

    /// As [`due`](Self::due), where the source costs the more the more connections there are.
    pub(super) fn list_due(&self, pace: Duration) -> Option<Stamp> {
        self.last.map(|last| last + pace.max(self.cost * SHARE_OF_LISTS))
    }

    /// As [`list_due`](Self::list_due), while nothing waits.
    pub(super) fn due_at_ease(&self, pace: Duration) -> Option<Stamp> {
        self.last.map(|last| last + pace.max(self.cost * SHARE_AT_EASE))
    }

    /// Records a reading that began at `began` and took `cost` of processor time.
    pub(super) const fn read(&mut self, began: Stamp, cost: Duration) {
        self.last = Some(began);
        self.cost = cost;
    }

    /// The processor time of the last reading.
    pub(super) const fn cost(&self) -> Duration {
        self.cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_at_the_requested_pace_until_that_costs_too_much() {
        let (mut pace, interval) = (Pace::default(), Duration::from_millis(10));
        assert!(pace.is_due(Stamp::ZERO, interval));
        pace.read(Stamp::ZERO, Duration::from_micros(30));
        assert!(!pace.is_due(Stamp::from_millis(9), interval) && pace.is_due(Stamp::from_millis(10), interval));
        pace.read(Stamp::from_millis(10), Duration::from_millis(2));
        assert_eq!(pace.due(interval), Some(Stamp::from_millis(110)));
        assert!(!pace.is_due(Stamp::from_millis(109), interval));
        assert_eq!(pace.list_due(interval), Some(Stamp::from_millis(410)));
        assert_eq!(pace.due_at_ease(interval), Some(Stamp::from_millis(2010)));
    }
}
