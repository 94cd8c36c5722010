//! When counters are told: not again and again while they stand still. Pure.

use std::time::Duration;

use crate::model::counters::Counters;
use crate::model::stamp::Stamp;

/// Counters that stand still are told again after this time.
const COUNTERS_AGAIN: Duration = Duration::from_secs(1);

/// The counters as they were told last.
#[derive(Debug, Default)]
pub(super) struct Counted {
    told: Option<(Stamp, Counters)>,
    /// True when they were told as they stood before.
    still: bool,
}

impl Counted {
    /// True when they shall be told: they have changed, or have stood still for the first time since, or were not told for long.
    pub(super) fn is_new(&mut self, at: Stamp, counters: &Counters) -> bool {
        let same = self.told.as_ref().is_some_and(|(_, before)| before == counters);
        let lately = self.told.as_ref().is_some_and(|(told, _)| at.since(*told) < COUNTERS_AGAIN);
        if same && self.still && lately {
            return false;
        }
        self.still = same;
        self.told = Some((at, counters.clone()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::counters::Counter;

    #[test]
    fn counters_that_stand_still_are_told_once_more_and_then_each_second() {
        let mut counted = Counted::default();
        let mut counters = Counters::default();
        let mut told = |millis, drops| {
            counters.set(Counter::ListenDrops, drops);
            counted.is_new(Stamp::from_millis(millis), &counters)
        };
        assert!(told(0, 1) && told(100, 1) && !told(200, 1));
        assert!(told(300, 2) && told(400, 2) && !told(500, 2));
        assert!(!told(1399, 2) && told(1400, 2) && !told(1500, 2));
    }
}
