//! The recent rate of `accept()`: at high rates inspecting each connection would cost too much.

use std::time::Duration;

use crate::model::stamp::Stamp;

/// The span over which accepts are counted.
const SPAN: Duration = Duration::from_millis(100);

/// Above this number of accepts in one span (2,000 per second) connections are not inspected.
const MAX_PER_SPAN: u32 = 200;

/// Accepts in this span and in the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recent {
    began: Stamp,
    count: u32,
    before: u32,
}

impl Recent {
    /// Counts one accept; true while accepts are rare enough to inspect each.
    pub(super) fn is_rare(&mut self, now: Stamp) -> bool {
        let passed = now.since(self.began);
        if passed >= SPAN {
            self.before = if passed < 2 * SPAN { self.count } else { 0 };
            self.began = now;
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.count.max(self.before) <= MAX_PER_SPAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calm_ones(recent: &mut Recent, from_ms: u64, step_us: u64, count: u64) -> usize {
        let stamp = |n| Stamp::from_millis(from_ms) + Duration::from_micros(n * step_us);
        (0..count).filter(|&n| recent.is_rare(stamp(n))).count()
    }

    #[test]
    fn slow_accepts_are_all_looked_at_and_a_flood_is_not() {
        let mut recent = Recent::default();
        assert_eq!(calm_ones(&mut recent, 0, 1_000, 1_000), 1_000, "1,000 per second");
        let looked_at = calm_ones(&mut recent, 1_000, 10, 100_000);
        assert!(looked_at < 500, "{looked_at} of 100,000 within one second");
        assert_eq!(calm_ones(&mut recent, 3_000, 1_000, 100), 100, "calm again after a quiet second");
    }
}
