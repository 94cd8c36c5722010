//! The last minute of one listener, second by second, for a sparkline and rates. An idle listener costs no memory.

use std::time::Duration;

use crate::fold::series::{Interval, Series};
use crate::model::stamp::Stamp;

/// The length of one interval.
pub const SECOND: Duration = Duration::from_secs(1);

/// Intervals kept: one minute.
pub const KEPT_SECONDS: usize = 60;

/// What happened during one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// The accept queue's greatest depth.
    pub depth_max: u32,
    /// Its depth at the end.
    pub depth_last: u32,
    /// Packets dropped.
    pub drops: u32,
    /// First SYNs, where a tap sees them.
    pub syns: u32,
    /// SYNs sent again, where a tap sees them.
    pub again: u32,
    /// Half-open requests at the end.
    pub half_open_last: u32,
}

/// The seconds of one listener.
pub(super) type Seconds = Series<Second>;

impl Interval for Second {
    const LENGTH: Duration = SECOND;
    const KEPT: usize = KEPT_SECONDS;

    fn carried(&self) -> Self {
        let Self { depth_last, half_open_last, .. } = *self;
        Self { depth_max: depth_last, depth_last, half_open_last, ..Self::default() }
    }
}

/// The time covered by the seconds from that of `from` on.
pub(super) const fn covered(now: Stamp, from: Stamp) -> Duration {
    let begins = from.as_nanos() - from.as_nanos() % SECOND.as_nanos() as u64;
    Duration::from_nanos(now.as_nanos().saturating_sub(begins))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_are_carried_and_drops_are_not() {
        let mut series = Series::default();
        *series.slot_at(Stamp::from_millis(1500)) =
            Second { depth_max: 6, depth_last: 4, drops: 9, syns: 2, ..Second::default() };
        let depths = [0, 1, 2, 3].map(|second| (series.slot(second).depth_max, series.slot(second).drops));
        assert_eq!(depths, [(0, 0), (6, 9), (4, 0), (4, 0)]);
        assert_eq!(series.sum(Stamp::from_millis(3200), Stamp::from_millis(1000), |second| second.drops), 9);
    }

    #[test]
    fn an_hour_costs_no_more_than_a_minute() {
        let mut series = Seconds::default();
        for second in 0..3600 {
            series.slot_at(Stamp::from_millis(1000 * second)).depth_last = 3;
        }
        series.slot_at(Stamp::from_millis(90_000_000));
        assert!(series.slots().len() <= KEPT_SECONDS);
    }
}
