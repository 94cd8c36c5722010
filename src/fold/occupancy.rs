//! The depth of a queue over time: exact, event by event, independent of the sampling rate.

use std::time::Duration;

use crate::model::stamp::Stamp;

/// Whether a queue holds its capacity, as it is shown: a mark that came and went with each entry could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fullness {
    /// It does now.
    Full,
    /// It did so long ago.
    WasFull(Duration),
    /// It does not, and has not done so lately.
    Free,
}

impl Fullness {
    /// True while the queue is marked as full.
    pub fn is_marked(self) -> bool {
        self != Self::Free
    }

    /// True while newcomers are refused, and for a moment after it: long enough to see it.
    pub fn is_shut(self) -> bool {
        match self {
            Self::Full => true,
            Self::WasFull(ago) => ago < AFTERGLOW,
            Self::Free => false,
        }
    }
}

/// The depth of one queue over time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Occupancy {
    depth: u32,
    max: u32,
    highest: Stamp,
    capacity: Option<u32>,
    changed: Stamp,
    first: Option<Stamp>,
    weighted_ns: u128,
    /// Since when it has held its capacity.
    full_since: Option<Stamp>,
    /// How long it held its capacity before that.
    full_before: Duration,
    /// Entries that came while no place was free: somebody has left already, whose leaving is reported a moment later.
    ahead: u32,
    /// When it was full last and then no longer.
    left_full: Option<Stamp>,
    /// The last moments at which it became full after it had not been marked so.
    marked: [Option<Stamp>; MARKS],
    /// Since when the capacity is what it is.
    limited: Stamp,
    /// The most entries that came into a queue of an unchanged capacity that they exceed, and that capacity.
    above: Option<(u32, u32)>,
    /// How often the depth was corrected to a reading of the kernel.
    pub corrections: u64,
}

impl Occupancy {
    /// Entries now.
    pub const fn depth(&self) -> u32 {
        self.depth
    }

    /// The largest number of entries so far.
    pub const fn max(&self) -> u32 {
        self.max
    }

    /// When it first held that many.
    pub const fn highest(&self) -> Stamp {
        self.highest
    }

    /// The most entries that a queue took beyond its capacity, and that capacity: processors that finish handshakes at the same moment can
    /// each find the last place free. Entries that were there when the capacity shrank are not meant.
    pub const fn above_capacity(&self) -> Option<(u32, u32)> {
        self.above
    }

    /// True when the queue holds its capacity or more.
    pub fn is_full(&self) -> bool {
        self.capacity.is_some_and(|capacity| self.depth >= capacity)
    }

    /// The mean number of entries from the first fact up to `now`.
    pub fn mean(&self, now: Stamp) -> f64 {
        let Some(first) = self.first else { return 0.0 };
        let span = now.since(first).as_nanos();
        if span == 0 { f64::from(self.depth) } else { self.weighted(now) as f64 / span as f64 }
    }

    /// The time during which the queue held its capacity, up to `now`.
    pub fn full(&self, now: Stamp) -> Duration {
        self.full_before + self.full_since.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// Whether it is shown as full: now, for [`AFTERGLOW`] after it was, and longer where it comes and goes, so that the mark
    /// appears at most [`MARKS`] times in [`MARKS_WITHIN`].
    pub fn fullness(&self, now: Stamp) -> Fullness {
        let Some(left) = self.left_full.filter(|_| self.full_since.is_none()) else {
            return if self.full_since.is_some() { Fullness::Full } else { Fullness::Free };
        };
        let ago = now.since(left);
        let often = self.marked[0].is_some_and(|first| now.since(first) < MARKS_WITHIN);
        if ago < AFTERGLOW || often { Fullness::WasFull(ago) } else { Fullness::Free }
    }

    /// When it was full last: now, or when it ceased to be.
    pub fn last_full(&self, now: Stamp) -> Option<Stamp> {
        if self.full_since.is_some() { Some(now) } else { self.left_full }
    }

    /// Since when it has held its capacity.
    pub const fn full_since(&self) -> Option<Stamp> {
        self.full_since
    }

    /// The time from `began` to `ended` is unknown: it does not count as full.
    pub(super) fn skip(&mut self, began: Stamp, ended: Stamp) {
        if self.full_since.is_some() {
            self.end_full(began);
            self.full_since = Some(ended);
        }
    }

    fn end_full(&mut self, now: Stamp) {
        if let Some(since) = self.full_since.take() {
            self.full_before += now.since(since);
            self.left_full = Some(now);
        }
    }

    fn notice_full(&mut self, now: Stamp) {
        if !self.is_full() {
            self.end_full(now);
        } else if self.full_since.is_none() {
            if !self.fullness(now).is_marked() {
                self.marked.rotate_left(1);
                self.marked[MARKS - 1] = Some(now);
            }
            self.full_since = Some(now);
        }
    }

    /// Sets the capacity (it changes with every `listen()`).
    pub fn set_capacity(&mut self, now: Stamp, capacity: Option<u32>) {
        self.settle(now);
        if capacity != self.capacity {
            self.limited = now;
        }
        self.capacity = capacity;
        self.notice_full(now);
    }

    /// One entry more.
    pub fn enter(&mut self, now: Stamp) {
        self.change(now, self.depth.saturating_add(1));
    }

    /// One entry more, into a queue of which it is known that it had room: who has left is told a moment later, when `accept()` returns
    /// or a list lacks the request.
    pub fn enter_room(&mut self, now: Stamp) {
        if self.is_full() {
            self.ahead += 1;
        } else {
            self.enter(now);
        }
    }

    /// One entry less.
    pub fn leave(&mut self, now: Stamp) {
        match self.ahead.checked_sub(1) {
            Some(ahead) => self.ahead = ahead,
            None => self.change(now, self.depth.saturating_sub(1)),
        }
    }

    /// Sets the number of entries as read.
    pub fn set(&mut self, now: Stamp, depth: u32) {
        self.ahead = 0;
        self.change(now, depth);
    }

    fn change(&mut self, now: Stamp, depth: u32) {
        self.settle(now);
        let held = self.capacity.filter(|capacity| self.depth <= *capacity && depth > *capacity && self.limited < now);
        if let Some(capacity) = held
            && self.above.is_none_or(|(most, _)| depth > most)
        {
            self.above = Some((depth, capacity));
        }
        self.depth = depth;
        if depth > self.max {
            (self.max, self.highest) = (depth, now);
        }
        self.notice_full(now);
    }

    fn weighted(&self, now: Stamp) -> u128 {
        self.weighted_ns + now.since(self.changed).as_nanos() * u128::from(self.depth)
    }

    fn settle(&mut self, now: Stamp) {
        self.first.get_or_insert(now);
        self.weighted_ns = self.weighted(now);
        self.changed = self.changed.max(now);
    }
}

/// How long a queue stays marked as full after it was.
pub const AFTERGLOW: Duration = Duration::from_millis(1500);

/// How often the mark may appear within [`MARKS_WITHIN`].
const MARKS: usize = 6;

/// The time over which its appearances are counted.
const MARKS_WITHIN: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How often the mark changes within a minute, looked at every 50 ms, in a queue that is full for `on` of every `period`
    /// milliseconds.
    fn changes_in_a_minute(on: u64, period: u64) -> usize {
        let (mut queue, mut seen) = (Occupancy::default(), Vec::new());
        queue.set_capacity(Stamp::ZERO, Some(6));
        for millis in (0..60_000).step_by(50) {
            let depth = if millis % period < on { 6 } else { 2 };
            queue.set(Stamp::from_millis(millis), depth);
            let fullness = queue.fullness(Stamp::from_millis(millis));
            assert!(depth < 6 || fullness == Fullness::Full);
            seen.push(fullness.is_marked());
        }
        seen.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    #[test]
    fn a_queue_that_was_full_stays_marked_for_a_moment_and_no_longer() {
        let at = Stamp::from_millis;
        let mut queue = Occupancy::default();
        queue.set_capacity(at(0), Some(2));
        assert_eq!(queue.fullness(at(0)), Fullness::Free);
        queue.set(at(100), 2);
        assert_eq!(queue.fullness(at(9_000)), Fullness::Full);
        queue.leave(at(10_000));
        assert_eq!(queue.fullness(at(10_400)), Fullness::WasFull(Duration::from_millis(400)));
        assert!(queue.fullness(at(11_499)).is_marked());
        assert_eq!(queue.fullness(at(11_500)), Fullness::Free);
    }

    #[test]
    fn the_mark_of_a_full_queue_changes_at_most_twelve_times_a_minute_whatever_the_queue_does() {
        for (on, period) in [(50, 100), (100, 2_000), (900, 3_000), (50, 1_700), (4_000, 8_000), (2_000, 12_000)] {
            let changes = changes_in_a_minute(on, period);
            assert!((1..=12).contains(&changes) || period < 1_600, "{on} of {period} ms: {changes}");
        }
        assert_eq!(changes_in_a_minute(5_500, 12_000), 9, "waves with rest between them are seen as they are");
    }

    #[test]
    fn time_at_capacity_and_mean_are_exact() {
        let at = Stamp::from_millis;
        let mut queue = Occupancy::default();
        queue.set_capacity(at(0), Some(2));
        queue.enter(at(100));
        queue.enter(at(200));
        queue.leave(at(500));
        assert_eq!(queue.full(at(1000)), Duration::from_millis(300));
        assert!((queue.mean(at(1000)) - 1.2).abs() < 1e-9);
        assert_eq!((queue.depth(), queue.max()), (1, 2));
    }

    #[test]
    fn the_highest_depth_keeps_the_moment_at_which_it_was_first_reached() {
        let at = Stamp::from_millis;
        let mut queue = Occupancy::default();
        for (millis, depth) in [(100, 3), (200, 7), (300, 2), (400, 7)] {
            queue.set(at(millis), depth);
        }
        assert_eq!((queue.max(), queue.highest()), (7, at(200)));
    }

    #[test]
    fn who_comes_before_the_leaving_that_made_room_is_reported_takes_that_place() {
        let at = Stamp::from_millis;
        let mut queue = Occupancy::default();
        queue.set_capacity(at(0), Some(2));
        (1..=3).for_each(|millis| queue.enter_room(at(millis)));
        assert_eq!((queue.depth(), queue.max()), (2, 2));
        queue.leave(at(4));
        assert_eq!(queue.depth(), 2);
        queue.leave(at(5));
        assert_eq!(queue.depth(), 1);
    }

    #[test]
    fn a_seventh_entry_of_six_is_kept_as_read_and_one_from_before_the_capacity_shrank_is_none() {
        let at = Stamp::from_millis;
        let mut queue = Occupancy::default();
        queue.set_capacity(at(0), Some(6));
        queue.set(at(10), 6);
        queue.set(at(20), 7);
        assert_eq!((queue.max(), queue.above_capacity()), (7, Some((7, 6))));
        let mut shrunk = Occupancy::default();
        shrunk.set_capacity(at(0), Some(11));
        shrunk.set(at(10), 4);
        shrunk.set_capacity(at(20), Some(6));
        shrunk.set(at(20), 9);
        shrunk.set(at(30), 8);
        shrunk.set(at(40), 10);
        assert_eq!(
            (shrunk.max(), shrunk.above_capacity()),
            (10, None),
            "two readings at different moments of listen()"
        );
    }

    proptest! {
        /// Events in any order: who comes and who leaves is reported by different observers, each with a delay of its own.
        #[test]
        fn in_whatever_order_entries_come_and_leave_only_a_reading_exceeds_the_capacity(
            steps in prop::collection::vec((0..4_u8, 0..12_u32), 1..200)
        ) {
            let (mut queue, mut most_read, mut widest) = (Occupancy::default(), 0, 6);
            queue.set_capacity(Stamp::ZERO, Some(6));
            for (step, (what, number)) in steps.into_iter().enumerate() {
                let now = Stamp::from_millis(step as u64 + 1);
                match what {
                    0 => queue.enter_room(now),
                    1 => queue.leave(now),
                    2 => {
                        most_read = most_read.max(number);
                        queue.set(now, number);
                    }
                    _ => {
                        widest = widest.max(number);
                        queue.set_capacity(now, Some(number));
                    }
                }
                prop_assert!(queue.max() <= most_read.max(widest));
                prop_assert!(queue.above_capacity().is_none_or(|(depth, capacity)| depth <= most_read && depth > capacity));
            }
        }
    }

    #[test]
    fn shrinking_the_capacity_makes_a_queue_full() {
        let at = Stamp::from_millis;
        let mut queue = Occupancy::default();
        queue.set_capacity(at(0), Some(10));
        queue.set(at(0), 5);
        queue.set_capacity(at(100), Some(3));
        assert!(queue.is_full());
        assert_eq!(queue.full(at(250)), Duration::from_millis(150));
    }
}
