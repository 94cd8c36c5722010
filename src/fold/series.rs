//! Bounded series of intervals of a fixed length, the latest ones.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::stamp::Stamp;

/// One interval.
pub trait Interval: Copy + Default {
    /// The length of an interval.
    const LENGTH: Duration;

    /// Intervals kept.
    const KEPT: usize;

    /// The initial value of the next interval: depths are carried over, events are not.
    #[must_use]
    fn carried(&self) -> Self;
}

/// The intervals kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series<T> {
    slots: VecDeque<T>,
    /// Number of the first interval kept, counted from the session's beginning.
    first: u64,
}

/// The number of the interval of a series of `T` in which a moment lies, counted from the session's beginning.
pub(super) const fn number<T: Interval>(at: Stamp) -> u64 {
    at.as_nanos() / T::LENGTH.as_nanos() as u64
}

/// When the interval of this number begins.
pub(super) fn begins<T: Interval>(number: u64) -> Stamp {
    Stamp::ZERO + T::LENGTH * u32::try_from(number).unwrap_or(u32::MAX)
}

impl<T: Interval> Series<T> {
    /// The intervals kept, oldest first; the last one is still being filled.
    pub fn slots(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.slots.iter()
    }

    /// When the first interval kept began.
    pub fn begins(&self) -> Stamp {
        begins::<T>(self.first)
    }

    /// The intervals kept from this number on, oldest first, each with its number.
    pub fn since(&self, number: u64) -> impl Iterator<Item = (u64, &T)> {
        let skipped = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX).min(self.slots.len());
        (self.first + skipped as u64..).zip(self.slots.range(skipped..))
    }

    /// The last `count` intervals, oldest first.
    pub fn last(&self, count: usize) -> impl Iterator<Item = &T> {
        self.slots.iter().skip(self.slots.len().saturating_sub(count))
    }

    /// The interval of `at`; the ones up to it are created.
    pub(super) fn slot_at(&mut self, at: Stamp) -> &mut T {
        let number = number::<T>(at);
        if self.slots.is_empty() || number >= self.end() + T::KEPT as u64 {
            let carried = self.carried();
            self.slots.clear();
            self.slots.push_back(carried);
            self.first = number;
        }
        while self.end() <= number {
            let carried = self.carried();
            self.slots.push_back(carried);
            if self.slots.len() > T::KEPT {
                self.slots.pop_front();
                self.first += 1;
            }
        }
        let index = (number.saturating_sub(self.first) as usize).min(self.slots.len() - 1);
        &mut self.slots[index]
    }

    /// The interval of this number, whether it is kept or not.
    pub(super) fn slot(&self, number: u64) -> T {
        match number.checked_sub(self.first) {
            Some(index) if !self.slots.is_empty() => {
                self.slots.get(index as usize).copied().unwrap_or_else(|| self.carried())
            }
            _ => T::default(),
        }
    }

    /// The sum over the intervals from that of `from` to that of `now`.
    pub(super) fn sum(&self, now: Stamp, from: Stamp, what: impl Fn(&T) -> u32) -> u64 {
        (number::<T>(from)..=number::<T>(now)).map(|number| u64::from(what(&self.slot(number)))).sum()
    }

    /// The interval before that of `at`; `None` before anything was known.
    pub(super) fn before(&self, at: Stamp) -> Option<T> {
        let number = number::<T>(at).checked_sub(1)?;
        (number >= self.first && !self.slots.is_empty()).then(|| self.slot(number))
    }

    fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    fn carried(&self) -> T {
        self.slots.back().map(Interval::carried).unwrap_or_default()
    }
}
