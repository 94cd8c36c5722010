//! For how long the processes of a listener were kept off the processors by the quota of their cgroup.

use std::time::Duration;

use crate::model::stamp::Stamp;
use crate::model::watch::HolderProcess;

/// Throttling is told over so long, twice as long at most.
const SPAN: Duration = Duration::from_secs(10);

/// The time for which their cgroup was throttled since it was made, at a first and at the last look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Throttle(Option<[(Stamp, u64); 2]>);

impl Throttle {
    /// The processes were looked at; of several the most throttled one counts.
    pub(super) fn read(&mut self, at: Stamp, holders: &[HolderProcess]) {
        let most = holders.iter().filter_map(|process| process.throttled_ms).max();
        self.0 = most.map(|most| {
            let first = self.0.map_or((at, most), |[first, last]| if at.since(first.0) > SPAN { last } else { first });
            [first, (at, most)]
        });
    }

    /// The share of the last seconds, and how many those are; `None` without a quota.
    pub(super) fn share(self) -> Option<(f64, Duration)> {
        let [first, last] = self.0?;
        let span = last.0.since(first.0);
        (span >= Duration::from_secs(1)).then(|| {
            let throttled = Duration::from_millis(last.1.saturating_sub(first.1));
            ((throttled.as_secs_f64() / span.as_secs_f64()).min(1.0), span)
        })
    }
}
