//! Pending timers: deadlines of clients and arrivals of segments, in the order of their stamps.
//!
//! Most stamps of a kind are pushed in ascending order (the first SYN retry is always one second away), so each kind
//! has its own queue, and only entries out of order go into a heap. A client that changes its deadline leaves a stale
//! entry; stale entries are skipped at the front and removed when there are many.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::model::stamp::Stamp;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The deadline of the client in this slot, unless it has changed since.
    Deadline(u32),
    /// The segment in this slot reaches the other end.
    Arrival(u32),
}

/// The queue in which an entry most likely is the latest.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lane {
    /// A SYN is sent again.
    Syn,
    /// A request is sent, a request or FIN is retransmitted.
    Request,
    /// A segment reaches the listener's end.
    Outbound,
    /// A segment reaches its client.
    Inbound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Stamp,
    /// Entries with the same stamp are returned in the order of insertion.
    order: u64,
    due: Due,
}

/// All pending timers.
#[derive(Clone, Debug, Default)]
pub(super) struct TimerQueue {
    lanes: [VecDeque<Entry>; 4],
    rest: BinaryHeap<Reverse<Entry>>,
    made: u64,
}

impl TimerQueue {
    pub(super) fn push(&mut self, lane: Lane, at: Stamp, due: Due) {
        let entry = Entry { at, order: self.made, due };
        self.made += 1;
        match self.lanes.get_mut(lane as usize) {
            Some(lane) if lane.back().is_none_or(|last| last.at <= at) => lane.push_back(entry),
            _ => self.rest.push(Reverse(entry)),
        }
    }

    /// The stamp of the first entry.
    pub(super) fn next(&self) -> Option<Stamp> {
        self.first().map(|entry| entry.at)
    }

    /// Removes and returns the first entry if it is due.
    pub(super) fn pop_due(&mut self, now: Stamp) -> Option<(Stamp, Due)> {
        let first = self.first().filter(|entry| entry.at <= now)?;
        self.drop_first(first);
        Some((first.at, first.due))
    }

    /// Removes stale deadlines: always at the front, and everywhere when there are more than `enough` entries.
    /// `counts` decides whether a deadline is current.
    pub(super) fn tidy(&mut self, enough: usize, counts: impl Fn(Stamp, u32) -> bool) {
        let stale = |entry: &Entry| matches!(entry.due, Due::Deadline(index) if !counts(entry.at, index));
        while let Some(first) = self.first().filter(stale) {
            self.drop_first(first);
        }
        if self.len() > enough {
            self.lanes.iter_mut().for_each(|lane| lane.retain(|entry| !stale(entry)));
            self.rest.retain(|Reverse(entry)| !stale(entry));
        }
    }

    /// The segment of this kind that arrives first.
    pub(super) fn first_arrival(&self, wanted: impl Fn(u32) -> bool) -> Option<u32> {
        let heap = self.rest.iter().map(|Reverse(entry)| entry);
        let entries = self.lanes.iter().flatten().chain(heap);
        let arrivals = entries.filter_map(|entry| match entry.due {
            Due::Arrival(index) if wanted(index) => Some((entry.at, entry.order, index)),
            _ => None,
        });
        arrivals.min().map(|(.., index)| index)
    }

    /// Removes the arrival of this segment.
    pub(super) fn remove_arrival(&mut self, index: u32) {
        let other = |entry: &Entry| entry.due != Due::Arrival(index);
        self.lanes.iter_mut().for_each(|lane| lane.retain(other));
        self.rest.retain(|Reverse(entry)| other(entry));
    }

    pub(super) fn len(&self) -> usize {
        self.rest.len() + self.lanes.iter().map(VecDeque::len).sum::<usize>()
    }

    fn first(&self) -> Option<Entry> {
        let heap = self.rest.peek().map(|Reverse(entry)| entry);
        self.lanes.iter().filter_map(VecDeque::front).chain(heap).min().copied()
    }

    fn drop_first(&mut self, first: Entry) {
        match self.lanes.iter_mut().find(|lane| lane.front() == Some(&first)) {
            Some(lane) => lane.pop_front(),
            None => self.rest.pop().map(|Reverse(entry)| entry),
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LANES: [Lane; 4] = [Lane::Syn, Lane::Request, Lane::Outbound, Lane::Inbound];

    proptest! {
        #[test]
        fn entries_come_in_the_order_of_their_moments_and_then_of_their_making(
            moments in prop::collection::vec((0..40u64, 0..4usize), 0..60),
        ) {
            let mut timers = TimerQueue::default();
            for (number, (at, lane)) in moments.iter().enumerate() {
                timers.push(LANES[*lane], Stamp::from_nanos(*at), Due::Arrival(number as u32));
            }
            let mut expected: Vec<_> = moments.iter().enumerate().map(|(number, (at, _))| (*at, number as u32)).collect();
            expected.sort_unstable();
            let mut seen = Vec::new();
            for now in 0..40 {
                while let Some((at, Due::Arrival(number))) = timers.pop_due(Stamp::from_nanos(now)) {
                    prop_assert_eq!(at.as_nanos(), now);
                    seen.push((at.as_nanos(), number));
                }
            }
            prop_assert_eq!(seen, expected);
            prop_assert_eq!(timers.len(), 0);
        }
    }

    #[test]
    fn what_no_longer_counts_goes_from_the_front_at_once_and_from_everywhere_when_there_is_much() {
        let mut timers = TimerQueue::default();
        for index in 0..100 {
            timers.push(Lane::Syn, Stamp::from_millis(u64::from(index)), Due::Deadline(index));
        }
        timers.push(Lane::Inbound, Stamp::from_millis(500), Due::Arrival(0));
        timers.tidy(1000, |_, index| index >= 10 && index % 2 == 0);
        assert_eq!((timers.next(), timers.len()), (Some(Stamp::from_millis(10)), 91));
        timers.tidy(50, |_, index| index >= 10 && index % 2 == 0);
        assert_eq!(timers.len(), 46);
    }
}
