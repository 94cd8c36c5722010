//! What a listener really dropped, apart from the noise of its drop counter.
//!
//! `sk_drops` goes up by one for a dropped SYN, but by two for a dropped final ACK, and by one for packets that are no loss at all: a
//! repeated SYN of a request that stands already, a bare ACK under TCP_DEFER_ACCEPT. `ListenDrops` counts each real drop once, but
//! those of all listeners of the network namespace together (`tcp_listendrop`, include/net/tcp.h, raises both).
//!
//! So, while `L` is the change of `ListenDrops` and `d` that of one listener's counter, this listener dropped at most `min(d, L)`
//! and at least `L` less the changes of all others'. Where only one listener's counter has moved the two are the same number.
//! Counters and listeners are read at different moments: the account is kept open until both have stood still for one reading. The
//! counters have to be read after the listeners; what has moved since is noise until the next reading of the counters.

use std::collections::BTreeSet;

use crate::fold::drop_count::DropCount;
use crate::model::counters::{Counter, Counters};
use crate::model::stamp::Stamp;
use crate::model::watch::ListenerId;

use super::Listeners;

/// What one listener dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Packets that it really dropped, SYNs and final ACKs: at most so many.
    pub listener: u64,
    /// At least so many; the same number where it is known exactly.
    pub at_least: u64,
    /// What else its drop counter has counted.
    pub noise: u64,
}

impl Drops {
    /// True when the drops are told from the noise.
    pub const fn is_exact(&self) -> bool {
        self.listener == self.at_least
    }

    pub(super) const fn of(bounds: Bounds, counted: u64) -> Self {
        let listener = if bounds.high < counted { bounds.high } else { counted };
        Self { listener, at_least: bounds.low, noise: counted - listener }
    }
}

/// Between how many and how many.
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
    /// By how much it went up since it was seen first.
    count: DropCount,
    /// What it showed when it was seen first: from before the watch.
    before: u64,
    past: Bounds,
    settled: Bounds,
    /// The part of it that is not settled.
    open: u64,
    opened: Bounds,
    /// What was told of it so far.
    told: u64,
}

impl DropMeter {
    pub(super) fn new(drops: Option<u32>) -> Self {
        let before = drops.unwrap_or(0).into();
        Self { count: DropCount::from(drops), before, past: Bounds { low: 0, high: before }, ..Self::default() }
    }

    /// The socket is younger than the watch: all that its counter shows has come since.
    pub(super) fn is_new(&mut self) {
        let all = std::mem::take(&mut self.before);
        self.past = Bounds::default();
        self.count.counted += all;
        self.open += all;
    }

    /// The counter was read; true when it has moved.
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

    /// So many more drops than were told before.
    fn news(&mut self) -> u64 {
        let all = self.settled.high + self.opened.high;
        let news = all.saturating_sub(self.told);
        self.told = self.told.max(all);
        news
    }

    fn close(&mut self) {
        self.settled = self.settled.plus(std::mem::take(&mut self.opened));
        self.open = 0;
    }
}

/// The open account: what has moved since everything stood still last.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenInterval {
    listen_drops: u64,
    moved: BTreeSet<ListenerId>,
    stirred: bool,
    /// The counter was not readable, or went backwards.
    unread: bool,
    /// A listener went away with its last drops unread.
    left: bool,
}

impl OpenInterval {
    /// This listener's counter has moved.
    pub(super) fn moved(&mut self, id: ListenerId) {
        self.moved.insert(id);
        self.stirred = true;
    }

    pub(super) const fn somebody_left(&mut self) {
        self.left = true;
        self.stirred = true;
    }

    pub(super) fn forget(&mut self, id: ListenerId) {
        self.moved.remove(&id);
    }
}

impl Listeners {
    /// The namespace's counters were read.
    pub(super) fn count(&mut self, at: Stamp, counters: &Counters) {
        let before = self.counters_last.replace(counters.clone());
        match before {
            None => {
                self.counters_first = Some(counters.clone());
                self.reckon_past();
            }
            Some(before) => match counters.since(&before).value(Counter::ListenDrops) {
                Some(more) => {
                    self.docket.listen_drops += more;
                    self.docket.stirred |= more > 0;
                }
                None => self.docket.unread = true,
            },
        }
        self.settle(at);
        if !std::mem::take(&mut self.docket.stirred) {
            self.close();
        }
    }

    /// Before the watch no listener can have dropped more than the whole namespace.
    pub(super) fn reckon_past(&mut self) {
        let all = self.counters_first.as_ref().and_then(|counters| counters.value(Counter::ListenDrops));
        let Some(all) = all else { return };
        for one in self.by_id.values_mut() {
            one.meter.past.high = one.meter.past.high.min(all);
        }
    }

    /// Without counters nothing parts the drops from the noise: every movement may be a drop.
    pub(super) fn settle_without_counters(&mut self, at: Stamp) {
        if self.counters_last.is_none() {
            self.settle(at);
            self.close();
        }
    }

    /// Draws the bounds of all that has moved.
    fn settle(&mut self, at: Stamp) {
        let Self { docket, by_id: listeners, gaps, counters_last, .. } = self;
        let all: u64 = docket.moved.iter().filter_map(|id| listeners.get(id)).map(|one| one.meter.open).sum();
        let readable = counters_last.as_ref().is_some_and(|counters| counters.value(Counter::ListenDrops).is_some());
        let known = readable && !docket.unread;
        let sure = known && !docket.left && (!docket.stirred || all == docket.listen_drops);
        let after_gap = gaps.back().is_some_and(|(_, ended)| *ended == at);
        for id in &docket.moved {
            let Some(one) = listeners.get_mut(id) else { continue };
            let open = one.meter.open;
            let high = if known { open.min(docket.listen_drops) } else { open };
            let low = if sure { docket.listen_drops.saturating_sub(all - open).min(high) } else { 0 };
            one.meter.opened = Bounds { low, high };
            let news = one.meter.news();
            if news > 0 && !after_gap {
                let beat = one.trail.slot_at(at);
                beat.drops = beat.drops.saturating_add(u32::try_from(news).unwrap_or(u32::MAX));
            }
        }
    }

    fn close(&mut self) {
        for id in std::mem::take(&mut self.docket.moved) {
            if let Some(one) = self.by_id.get_mut(&id) {
                one.meter.close();
            }
        }
        self.docket = OpenInterval::default();
    }
}
