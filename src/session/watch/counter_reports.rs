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
        let lately = self.reported.as_ref().is_some_and(|(emitted, _)| at.since(*emitted) < COUNTERS_AGAIN);
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
    fn unchanged_counters_are_emitted_once_more_and_then_each_second() {
        let mut counted = CounterReports::default();
        let mut counters = Counters::default();
        let mut emitted = |millis, drops| {
            counters.set(Counter::ListenDrops, drops);
            counted.is_new(Stamp::from_millis(millis), &counters)
        };
        assert!(emitted(0, 1) && emitted(100, 1) && !emitted(200, 1));
        assert!(emitted(300, 2) && emitted(400, 2) && !emitted(500, 2));
        assert!(!emitted(1399, 2) && emitted(1400, 2) && !emitted(1500, 2));
    }
}
