//! Which packets the taps took, and since when.

use std::collections::BTreeMap;
use std::time::Duration;

use super::RATE_SPAN;
use crate::model::stamp::Stamp;
use crate::model::watch::{ListenerId, SynCounts, TapReach};

/// How long a sample stands for the present.
const STANDS: Duration = Duration::from_secs(5);

/// What is taken now, since when SYNs are counted so, and the last sample.
#[derive(Clone, Debug, Default)]
pub struct TapHistory {
    /// What is taken now.
    pub reach: TapReach,
    /// True if fewer than all packets were taken at any time.
    pub narrowed: bool,
    since: Stamp,
    /// When the last sample ended, and the first SYNs per second in it; none for listeners that are not in it.
    sample: Option<(Stamp, BTreeMap<ListenerId, f64>)>,
}

impl TapHistory {
    /// The taps take more or less from now on.
    pub(super) fn change(&mut self, at: Stamp, reach: TapReach) {
        if reach.sampled != self.reach.sampled {
            self.since = at;
            self.sample = None;
        }
        self.narrowed |= reach != TapReach::default();
        self.reach = reach;
    }

    /// A sample ended.
    pub(super) fn sample(&mut self, at: Stamp, span_ms: u32, counts: &[SynCounts]) {
        let per_s = |count: &SynCounts| f64::from(count.syns) * 1000.0 / f64::from(span_ms.max(1));
        self.sample = Some((at, counts.iter().map(|count| (count.id, per_s(count))).collect()));
    }

    /// True if every SYN of the last [`RATE_SPAN`] was counted.
    pub(super) fn counted_all(&self, now: Stamp) -> bool {
        !self.reach.sampled && (self.since <= now.saturating_sub(RATE_SPAN) || !self.narrowed)
    }

    /// Whether there is a sample that stands for the present.
    pub(super) fn last_sample(&self, now: Stamp) -> Option<()> {
        let (at, _) = self.sample.as_ref().filter(|_| self.reach.sampled)?;
        (now.since(*at) <= STANDS).then_some(())
    }

    /// The first SYNs per second of a listener in the last sample.
    pub(super) fn sampled(&self, id: ListenerId) -> Option<f64> {
        self.sample.as_ref()?.1.get(&id).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_no_count_and_stands_for_a_while() {
        let (mut tap, at) = (TapHistory::default(), Stamp::from_millis);
        assert!(tap.counted_all(at(0)) && tap.last_sample(at(0)).is_none());
        tap.change(at(1000), TapReach { sampled: true, follows: false });
        tap.sample(at(1200), 200, &[SynCounts { id: ListenerId(1), syns: 2000, again: 3 }]);
        assert_eq!((tap.counted_all(at(9000)), tap.sampled(ListenerId(1))), (false, Some(10_000.0)));
        assert_eq!((tap.last_sample(at(6200)), tap.last_sample(at(6201))), (Some(()), None));
        tap.change(at(7000), TapReach::default());
        assert_eq!((tap.counted_all(at(9999)), tap.counted_all(at(10_000))), (false, true), "not before three seconds");
        assert!(tap.narrowed && tap.last_sample(at(7000)).is_none() && tap.sampled(ListenerId(1)).is_none());
    }
}
