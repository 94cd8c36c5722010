//! Decides which readings of the counters are emitted: unchanged ones only now and then. Pure.

use std::time::Duration;

use crate::model::counters::Counters;
use crate::model::stamp::Stamp;

/// Unchanged counters are emitted again after this time.
const COUNTERS_AGAIN: Duration = Duration::from_secs(1);

/// The counters as last emitted.
#[derive(Debug, Default)]
pub(super) struct CounterReports {
    reported: Option<(Stamp, Counters)>,
    /// True when the last emitted reading equalled the one before it.
    repeated: bool,
}

impl CounterReports {
    /// True if this reading is to be emitted: it changed, it is the first unchanged one, or the last one is [`COUNTERS_AGAIN`]
    /// old.
    pub(super) fn is_new(&mut self, at: Stamp, counters: &Counters) -> bool {
        let same = self.reported.as_ref().is_some_and(|(_, before)| before == counters);
        let lately = self.reported.as_ref().is_some_and(|(told, _)| at.since(*told) < COUNTERS_AGAIN);
        if same && self.repeated && lately {
            return false;
        }
        self.repeated = same;
        self.reported = Some((at, counters.clone()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::counters::Counter;

    #[test]
    fn counters_that_stand_still_are_told_once_more_and_then_each_second() {
        let mut counted = CounterReports::default();
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
