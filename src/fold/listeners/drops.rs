//! The real drops of a listener, separated from the noise of its drop counter.
//!
//! `sk_drops` goes up by one for a dropped SYN, by two for a dropped final ACK, and by one for packets that are no loss: a
//! retransmitted SYN of an existing request, a bare ACK under TCP_DEFER_ACCEPT. `ListenDrops` counts each real drop once, but for
//! all listeners of the network namespace together (`tcp_listendrop`, include/net/tcp.h, raises both).
//!
//! With `L` the change of `ListenDrops` and `d` that of one listener's counter, this listener dropped at most `min(d, L)` and at
//! least `L` less the changes of all others. If only one listener's counter has moved the two are equal. Counters and listeners
//! are read at different moments: the interval stays open until both are unchanged for one reading. Counters must be read after
//! the listeners; what moved since is noise until the next reading of the counters.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::fold::drop_count::DropCount;
use crate::model::counters::{Counter, Counters};
use crate::model::stamp::Stamp;
use crate::model::watch::ListenerId;

use super::Listeners;

/// The drops of one listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Dropped packets, SYNs and final ACKs: upper bound.
    pub listener: u64,
    /// Lower bound; equal to the upper one where the number is exact.
    pub at_least: u64,
    /// Counted by its drop counter, but no drops.
    pub noise: u64,
}

impl Drops {
    /// True when both bounds are equal.
    pub const fn is_exact(&self) -> bool {
        self.listener == self.at_least
    }

    pub(super) const fn of(bounds: Bounds, counted: u64) -> Self {
        let listener = if bounds.high < counted { bounds.high } else { counted };
        Self { listener, at_least: bounds.low, noise: counted - listener }
    }
}

/// A lower and an upper bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) low: u64,
    pub(super) high: u64,
}

impl Bounds {
    pub(super) const fn plus(self, other: Self) -> Self {
        Self { low: self.low + other.low, high: self.high + other.high }
    }
}

/// One listener's drop counter over time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DropMeter {
    /// Its change since it was first read.
    count: DropCount,
    /// Its value when first read: from before the watch.
    before: u64,
    past: Bounds,
    settled: Bounds,
    /// The change in the open interval.
    open: u64,
    opened: Bounds,
    /// The drops returned so far by [`new_drops`](Self::new_drops).
    reported: u64,
}

impl DropMeter {
    pub(super) fn new(drops: Option<u32>) -> Self {
        let before = drops.unwrap_or(0).into();
        Self { count: DropCount::from(drops), before, past: Bounds { low: 0, high: before }, ..Self::default() }
    }

    /// The socket was made during the watch: its whole count belongs to it.
    pub(super) fn is_new(&mut self) {
        let all = std::mem::take(&mut self.before);
        self.past = Bounds::default();
        self.count.counted += all;
        self.open += all;
    }

    /// Takes a reading; true when the counter has moved.
    pub(super) fn read(&mut self, drops: Option<u32>) -> bool {
        let more = self.count.read(drops);
        self.open += more;
        more > 0
    }

    /// Since the watch began.
    pub(super) fn since_watched(&self) -> Option<Drops> {
        self.count.total().map(|counted| Drops::of(self.settled.plus(self.opened), counted))
    }

    /// Since the socket was made.
    pub(super) fn since_made(&self) -> Option<Drops> {
        let bounds = self.past.plus(self.settled).plus(self.opened);
        self.count.total().map(|counted| Drops::of(bounds, self.before + counted))
    }

    /// The drops since the last call.
    fn new_drops(&mut self) -> u64 {
        let all = self.settled.high + self.opened.high;
        let news = all.saturating_sub(self.reported);
        self.reported = self.reported.max(all);
        news
    }

    fn close(&mut self) {
        self.settled = self.settled.plus(std::mem::take(&mut self.opened));
        self.open = 0;
    }
}

/// The open interval: what has moved since all counters were last unchanged.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenInterval {
    listen_drops: u64,
    /// When `listen_drops` grew last.
    dropped_at: Stamp,
    moved: BTreeSet<ListenerId>,
    stirred: bool,
    /// `ListenDrops` was not readable, or went backwards.
    unread: bool,
    /// A listener closed with its last drops unread.
    left: bool,
}

impl OpenInterval {
    /// This listener's counter has moved.
    pub(super) fn moved(&mut self, id: ListenerId) {
        self.moved.insert(id);
        self.stirred = true;
    }

    pub(super) const fn listener_closed(&mut self) {
        self.left = true;
        self.stirred = true;
    }

    pub(super) fn forget(&mut self, id: ListenerId) {
        self.moved.remove(&id);
    }
}

/// So long may a dump of all listeners be away, at most.
const LONGEST_DUMP: Duration = Duration::from_secs(2);

impl Listeners {
    /// The namespace's counters were read.
    pub(super) fn count(&mut self, at: Stamp, counters: &Counters) {
        let before = self.counters_last.replace(counters.clone());
        match before {
            None => {
                self.counters_first = Some(counters.clone());
                self.bound_past_drops();
            }
            Some(before) => match counters.since(&before).value(Counter::ListenDrops) {
                Some(more) => {
                    self.open.listen_drops += more;
                    if more > 0 {
                        (self.open.stirred, self.open.dropped_at) = (true, at);
                    }
                }
                None => self.open.unread = true,
            },
        }
        self.settle(at);
        // Among thousands of listeners the counters are read several times before the next dump of all shows who has dropped.
        let awaits_dump = self.awaits_dump() && at.since(self.open.dropped_at) < LONGEST_DUMP;
        if !std::mem::take(&mut self.open.stirred) && !awaits_dump {
            self.close();
        }
    }

    /// True while the namespace has dropped more than the listeners' own counters show.
    fn awaits_dump(&self) -> bool {
        let moved = self.open.moved.iter().filter_map(|id| self.by_id.get(id));
        moved.map(|listener| listener.meter.open).sum::<u64>() < self.open.listen_drops
    }

    /// A listener cannot have dropped more before the watch than the whole namespace.
    pub(super) fn bound_past_drops(&mut self) {
        let all = self.counters_first.as_ref().and_then(|counters| counters.value(Counter::ListenDrops));
        let Some(all) = all else { return };
        for listener in self.by_id.values_mut() {
            listener.meter.past.high = listener.meter.past.high.min(all);
        }
    }

    /// Without `ListenDrops` every change may be a drop.
    pub(super) fn settle_without_counters(&mut self, at: Stamp) {
        if self.counters_last.is_none() {
            self.settle(at);
            self.close();
        }
    }

    /// Computes the bounds of all that has moved.
    fn settle(&mut self, at: Stamp) {
        let Self { open: interval, by_id: listeners, gaps, counters_last, .. } = self;
        let all: u64 =
            interval.moved.iter().filter_map(|id| listeners.get(id)).map(|listener| listener.meter.open).sum();
        let readable = counters_last.as_ref().is_some_and(|counters| counters.value(Counter::ListenDrops).is_some());
        let known = readable && !interval.unread;
        let sure = known && !interval.left && (!interval.stirred || all == interval.listen_drops);
        let after_gap = gaps.back().is_some_and(|(_, ended)| *ended == at);
        for id in &interval.moved {
            let Some(listener) = listeners.get_mut(id) else { continue };
            let open = listener.meter.open;
            let high = if known { open.min(interval.listen_drops) } else { open };
            let low = if sure { interval.listen_drops.saturating_sub(all - open).min(high) } else { 0 };
            listener.meter.opened = Bounds { low, high };
            let drops = listener.meter.new_drops();
            if drops > 0 && !after_gap {
                let second = listener.seconds.slot_at(at);
                second.drops = second.drops.saturating_add(u32::try_from(drops).unwrap_or(u32::MAX));
            }
        }
    }

    fn close(&mut self) {
        for id in std::mem::take(&mut self.open.moved) {
            if let Some(listener) = self.by_id.get_mut(&id) {
                listener.meter.close();
            }
        }
        self.open = OpenInterval::default();
    }
}
