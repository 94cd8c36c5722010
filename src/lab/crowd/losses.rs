//! What the crowd skips to keep up, counted and reported.

use std::time::Duration;

use super::LOSS_INTERVAL;
use crate::lab::detail_ration::DetailRation;
use crate::model::event::{Event, Loss, Stamped};
use crate::model::stamp::Stamp;

/// Counts not yet reported, and the limit of detail.
#[derive(Clone, Debug)]
pub(super) struct Losses {
    ration: DetailRation,
    details: u64,
    arrivals: u64,
    /// The part of an arrival that is not counted yet.
    part: f64,
    stood_still: Duration,
    saturated: bool,
    /// When counts were last reported; `None`: the next ones are reported at once.
    last_sent: Option<Stamp>,
}

impl Losses {
    pub(super) const fn new(detail_per_s: u32) -> Self {
        Self {
            ration: DetailRation::new(detail_per_s),
            details: 0,
            arrivals: 0,
            part: 0.0,
            stood_still: Duration::ZERO,
            saturated: false,
            last_sent: None,
        }
    }

    /// Whether details of a client that starts now are emitted.
    pub(super) const fn allows_detail(&mut self, now: Stamp) -> bool {
        self.ration.allows(now)
    }

    pub(super) const fn detail_skipped(&mut self) {
        self.details += 1;
    }

    pub(super) const fn arrivals_skipped(&mut self, count: u64) {
        self.arrivals += count;
    }

    /// So many would have come while the crowd's time stood still.
    pub(super) fn arrivals_late(&mut self, count: f64) {
        let count = self.part + count;
        self.part = count.fract();
        self.arrivals += count as u64;
    }

    /// The crowd's time stood still for so long, because it could not keep up.
    pub(super) fn stood_still(&mut self, lost: Duration) {
        self.stood_still += lost;
    }

    pub(super) const fn saturated(&mut self) {
        self.saturated = true;
    }

    pub(super) const fn emit_now(&mut self) {
        self.last_sent = None;
    }

    /// When the next report is due.
    pub(super) fn due(&self) -> Option<Stamp> {
        (self.details > 0 || self.arrivals > 0 || !self.stood_still.is_zero() || self.saturated)
            .then(|| self.last_sent.map_or(Stamp::ZERO, |last| last + LOSS_INTERVAL))
    }

    pub(super) fn emit(&mut self, now: Stamp, facts: &mut Vec<Stamped>) {
        if self.due().is_none_or(|due| due > now) {
            return;
        }
        let mut report = |loss| facts.push(Stamped { at: now, event: Event::Loss(loss) });
        let stood_still = std::mem::take(&mut self.stood_still);
        if std::mem::take(&mut self.saturated) || (stood_still >= LOSS_INTERVAL && self.arrivals > 0) {
            report(Loss::Saturated);
        }
        for (count, loss) in [
            (std::mem::take(&mut self.arrivals), Loss::ArrivalsSkipped as fn(u64) -> Loss),
            (std::mem::take(&mut self.details), Loss::DetailSkipped),
            (stood_still.as_micros() as u64, Loss::StoodStillUs),
        ] {
            if count > 0 {
                report(loss(count));
            }
        }
        self.last_sent = Some(now);
    }
}
