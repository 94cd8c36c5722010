//! The processor time that qviz itself takes while it samples, from the session's cost events.

use std::collections::VecDeque;
use std::time::Duration;

use crate::fold::world::World;
use crate::model::sample::Source;
use crate::model::stamp::Stamp;

/// The interval over which it is averaged.
const SPAN: Duration = Duration::from_secs(5);

/// How often it is looked at.
const STEP: Duration = Duration::from_millis(500);

/// What looking has cost lately.
#[derive(Clone, Debug, Default)]
pub struct SamplingCost {
    /// Moment and processor time so far, in nanoseconds.
    marks: VecDeque<(Stamp, u64)>,
}

impl SamplingCost {
    pub(super) fn follow(&mut self, world: &World) {
        let now = world.now;
        let last = self.marks.back().copied();
        if last.is_some_and(|(at, _)| now >= at && now.since(at) < STEP) {
            return;
        }
        let Some(nanos) = world.costs.get(&Source::Whole).map(|cost| cost.nanos) else { return };
        // A replay that went back, or a world that began anew.
        if last.is_some_and(|(at, before)| now < at || nanos < before) {
            self.marks.clear();
        }
        self.marks.push_back((now, nanos));
        while self.marks.front().is_some_and(|(at, _)| now.since(*at) > SPAN) && self.marks.len() > 2 {
            self.marks.pop_front();
        }
    }

    /// The share of one core that all of qviz takes, 0 to 1 and more; `None` before one second was measured.
    pub fn core(&self) -> Option<f64> {
        let ((first, before), (last, after)) = (*self.marks.front()?, *self.marks.back()?);
        let span = last.since(first);
        (span >= Duration::from_secs(1)).then(|| after.saturating_sub(before) as f64 / 1e9 / span.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Event;

    #[test]
    fn the_share_of_a_core_is_processor_time_over_time() {
        let (mut world, mut sampling) = (World::new(), SamplingCost::default());
        assert_eq!(sampling.core(), None);
        for second in 0..5 {
            world.apply(Stamp::from_millis(second * 1000), &Event::Cost { source: Source::Whole, nanos: 20_000_000 });
            world.apply(Stamp::from_millis(second * 1000), &Event::Cost { source: Source::Listeners, nanos: 9_000 });
            sampling.follow(&world);
        }
        assert_eq!(sampling.core(), Some(0.02));
    }
}
