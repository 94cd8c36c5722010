//! What happens next: deadlines of clients and segments in flight, in the order of their moments.
//!
//! Most moments of a kind come in rising order (the first SYN retry is always one second away), so each kind has a
//! queue of its own, and only what comes out of order goes into a heap. A client that changes its mind leaves its old
//! deadline behind; such entries are skipped when they surface and swept out when they are many.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::model::stamp::Stamp;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The deadline of the client at this place, unless it has changed since.
    Deadline(u32),
    /// A segment reaches the other end.
    Arrival(u32),
}

/// The queue in which a moment most likely comes after all others.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lane {
    /// A SYN is sent again.
    Syn,
    /// A request is sent, a request or FIN is sent again.
    Request,
    /// A segment reaches the listener's end.
    Outbound,
    /// A segment reaches its client.
    Inbound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Stamp,
    /// Entries of the same moment come in the order in which they were made.
    order: u64,
    due: Due,
}

/// All that will happen.
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

    /// The moment of the first entry.
    pub(super) fn next(&self) -> Option<Stamp> {
        self.first().map(|entry| entry.at)
    }

    /// Takes the first entry if its moment has come.
    pub(super) fn pop_due(&mut self, now: Stamp) -> Option<(Stamp, Due)> {
        let first = self.first().filter(|entry| entry.at <= now)?;
        self.drop_first(first);
        Some((first.at, first.due))
    }

    /// Lets go of deadlines that no longer count, at the front always and everywhere when there are more than `enough`
    /// entries.
    pub(super) fn tidy(&mut self, enough: usize, counts: impl Fn(Stamp, u32) -> bool) {
        let stale = |entry: &Entry| matches!(entry.due, Due::Deadline(place) if !counts(entry.at, place));
        while let Some(first) = self.first().filter(stale) {
            self.drop_first(first);
        }
        if self.len() > enough {
            self.lanes.iter_mut().for_each(|lane| lane.retain(|entry| !stale(entry)));
            self.rest.retain(|Reverse(entry)| !stale(entry));
        }
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
            let mut agenda = TimerQueue::default();
            for (number, (at, lane)) in moments.iter().enumerate() {
                agenda.push(LANES[*lane], Stamp::from_nanos(*at), Due::Arrival(number as u32));
            }
            let mut expected: Vec<_> = moments.iter().enumerate().map(|(number, (at, _))| (*at, number as u32)).collect();
            expected.sort_unstable();
            let mut seen = Vec::new();
            for now in 0..40 {
                while let Some((at, Due::Arrival(number))) = agenda.pop_due(Stamp::from_nanos(now)) {
                    prop_assert_eq!(at.as_nanos(), now);
                    seen.push((at.as_nanos(), number));
                }
            }
            prop_assert_eq!(seen, expected);
            prop_assert_eq!(agenda.len(), 0);
        }
    }

    #[test]
    fn what_no_longer_counts_goes_from_the_front_at_once_and_from_everywhere_when_there_is_much() {
        let mut agenda = TimerQueue::default();
        for place in 0..100 {
            agenda.push(Lane::Syn, Stamp::from_millis(u64::from(place)), Due::Deadline(place));
        }
        agenda.push(Lane::Inbound, Stamp::from_millis(500), Due::Arrival(0));
        agenda.tidy(1000, |_, place| place >= 10 && place % 2 == 0);
        assert_eq!((agenda.next(), agenda.len()), (Some(Stamp::from_millis(10)), 91));
        agenda.tidy(50, |_, place| place >= 10 && place % 2 == 0);
        assert_eq!(agenda.len(), 46);
    }
}
