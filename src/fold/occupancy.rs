//! The depth of a queue over time: exact, event by event, independent of the sampling rate.

use std::time::Duration;

use crate::model::stamp::Stamp;

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
        self.full_before += self.full_since.take().map_or(Duration::ZERO, |since| now.since(since));
    }

    fn notice_full(&mut self, now: Stamp) {
        if !self.is_full() {
            self.end_full(now);
        } else if self.full_since.is_none() {
            self.full_since = Some(now);
        }
    }

    /// Sets the capacity (it changes with every `listen()`).
    pub fn set_capacity(&mut self, now: Stamp, capacity: Option<u32>) {
        self.settle(now);
        self.capacity = capacity;
        self.notice_full(now);
    }

    /// One entry more.
    pub fn enter(&mut self, now: Stamp) {
        self.change(now, self.depth.saturating_add(1));
    }

    /// One entry more, into a queue of which it is known that it had room: `accept()` is stamped when it returns, after it has made room.
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

#[cfg(test)]
mod tests {
    use super::*;

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
