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
