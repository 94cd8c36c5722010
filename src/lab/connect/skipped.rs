//! Arrivals that could not start: counted exactly, reported at intervals.

use std::time::Duration;

use crate::model::event::{Event, Loss, Stamped};
use crate::model::stamp::Stamp;

/// Minimum interval between two reports.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Minimum interval between two [`Loss::Saturated`].
const SATURATED_INTERVAL: Duration = Duration::from_secs(1);

/// Arrivals that could not start and are not yet reported.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    arrivals: u64,
    last_sent: Option<Stamp>,
    saturated: Option<Stamp>,
}

impl Skipped {
    /// Counts arrivals that could not start.
    pub(super) const fn add(&mut self, arrivals: u64) {
        self.arrivals = self.arrivals.saturating_add(arrivals);
    }

    /// Reports that more clients are due than can be started.
    pub(super) fn saturated(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        if self.saturated.is_none_or(|last| now.since(last) >= SATURATED_INTERVAL) {
            self.saturated = Some(now);
            out.push(Stamped { at: now, event: Event::Loss(Loss::Saturated) });
        }
    }

    /// When the next report is due.
    pub(super) fn due(&self) -> Option<Stamp> {
        (self.arrivals > 0).then(|| self.last_sent.map_or(Stamp::ZERO, |last| last + REPORT_INTERVAL))
    }

    /// Emits the count if it is due.
    pub(super) fn emit(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        if self.due().is_some_and(|due| due <= now) {
            let skipped = std::mem::take(&mut self.arrivals);
            self.last_sent = Some(now);
            out.push(Stamped { at: now, event: Event::Loss(Loss::ArrivalsSkipped(skipped)) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_skipped_arrival_is_reported_once_and_not_too_often() {
        let (mut skipped, mut out) = (Skipped::default(), Vec::new());
        for ms in 0..1_000 {
            let now = Stamp::from_millis(ms);
            skipped.add(3);
            skipped.saturated(now, &mut out);
            skipped.emit(now, &mut out);
        }
        skipped.emit(Stamp::from_millis(1_000), &mut out);
        let reported: u64 = out
            .iter()
            .filter_map(|fact| if let Event::Loss(Loss::ArrivalsSkipped(n)) = fact.event { Some(n) } else { None })
            .sum();
        assert_eq!(reported, 3_000);
        assert_eq!(out.len(), 12, "eleven sums and one word about saturation");
        assert_eq!(skipped.due(), None);
    }
}
