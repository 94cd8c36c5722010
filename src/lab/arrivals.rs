//! When the next client starts. A stand-in that knows the steady pattern alone, until the room's own file is merged.

use std::time::Duration;

use crate::model::settings::Arrivals;
use crate::model::stamp::Stamp;

/// Gives out arrivals at their moments.
#[derive(Clone, Debug)]
pub struct Schedule {
    rate: f64,
    next: Option<Stamp>,
    extra: u32,
}

impl Schedule {
    /// A schedule that begins now.
    pub fn new(pattern: Arrivals, rate: f64, _seed: u64) -> Self {
        let mut schedule = Self { rate: 0.0, next: None, extra: 0 };
        schedule.set(Stamp::ZERO, pattern, rate);
        schedule
    }

    /// How many clients are due and were not given out before.
    pub fn due(&mut self, now: Stamp) -> u32 {
        let mut due = std::mem::take(&mut self.extra);
        while let Some(at) = self.next
            && at <= now
            && due < 1_000_000
        {
            due += 1;
            self.next = Some(at + Duration::from_secs_f64(1.0 / self.rate));
        }
        due
    }

    /// When the next client is due.
    pub fn next(&self) -> Option<Stamp> {
        if self.extra > 0 { Some(Stamp::ZERO) } else { self.next }
    }

    /// Changes pattern and rate.
    pub fn set(&mut self, now: Stamp, _pattern: Arrivals, rate: f64) {
        self.rate = rate;
        self.next = (rate > 0.0).then_some(now);
    }

    /// So many at once, now.
    pub fn burst(&mut self, n: u32) {
        self.extra = self.extra.saturating_add(n);
    }
}
