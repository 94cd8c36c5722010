//! What qviz's own looking costs: readings and their time over the last seconds, from the costs that the session tells.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::stamp::Stamp;
use crate::model::world::World;

/// Over which time it is told.
const SPAN: Duration = Duration::from_secs(3);

/// How often it is looked at.
const STEP: Duration = Duration::from_millis(500);

/// What looking has cost lately.
#[derive(Clone, Debug, Default)]
pub struct Sampling {
    /// Moment, readings so far, nanoseconds so far.
    marks: VecDeque<(Stamp, u64, u64)>,
}

impl Sampling {
    pub(super) fn follow(&mut self, world: &World, now: Stamp) {
        let now = now.max(world.now);
        let last = self.marks.back().copied();
        if last.is_some_and(|(at, ..)| now >= at && now.since(at) < STEP) {
            return;
        }
        let readings = world.costs.values().map(|cost| cost.readings).sum();
        let nanos = world.costs.values().map(|cost| cost.nanos).sum();
        if last.is_some_and(|(at, before, _)| now < at || readings < before) {
            self.marks.clear();
        }
        self.marks.push_back((now, readings, nanos));
        while self.marks.front().is_some_and(|(at, ..)| now.since(*at) > SPAN) && self.marks.len() > 2 {
            self.marks.pop_front();
        }
    }

    /// Readings per second; `None` until it can be told.
    pub fn per_s(&self) -> Option<f64> {
        let (span, readings, _) = self.change()?;
        Some(readings as f64 / span)
    }

    /// The share of one core that readings take, 0 to 1; `None` until it can be told.
    pub fn core(&self) -> Option<f64> {
        let (span, _, nanos) = self.change()?;
        Some(nanos as f64 / 1e9 / span)
    }

    fn change(&self) -> Option<(f64, u64, u64)> {
        let ((first, readings, nanos), (last, readings_now, nanos_now)) = (*self.marks.front()?, *self.marks.back()?);
        let span = last.since(first).as_secs_f64();
        let told = readings_now.saturating_sub(readings);
        (span > 0.0 && told > 0).then(|| (span, told, nanos_now.saturating_sub(nanos)))
    }
}
