//! All listeners of a network namespace, folded from [`ListenerSnapshot`]s. One of them can be chosen; the
//! [`World`](super::world::World) that owns this is then about it.
//!
//! Start at [`Listeners::apply`]. One listener is a [`ListenerState`]; the sockets of one address are a [`Group`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::series;
use crate::model::counters::Counters;
use crate::model::event::Event;
use crate::model::settings::Sysctl;
use crate::model::stamp::Stamp;
use crate::model::watch::{
    Address, ListenerId, ListenerReading, ListenerSnapshot, Owner, QueueOccupants, SynCounts, Watching,
};

mod change;
mod drops;
pub mod flood_log;
pub mod flow;
mod group;
mod second;
mod shares;
mod tap;
mod throttle;
mod waits;
mod watched;

pub use super::rhythm::RATE_SPAN;
pub use change::{ChangeKind, ListenerChange};
pub use drops::Drops;
pub use flow::Drain;
pub use group::Group;
pub use second::{KEPT_SECONDS, SECOND, Second};
pub use tap::TapHistory;
pub use watched::ListenerState;

use drops::OpenInterval;

/// How long a gone listener is kept.
pub const KEPT: Duration = Duration::from_secs(60);

/// The most gone listeners kept.
pub const MAX_GONE: usize = 1024;

/// The most changes kept.
pub const MAX_CHANGES: usize = 128;

/// A time without facts longer than this is a gap: the machine was suspended, or the clock jumped. Nothing is derived for it.
pub const GAP: Duration = Duration::from_secs(3);

/// A listener and its successor on the same address may be seen together for this long.
const CHANGING: Duration = Duration::from_secs(5);

/// The most gaps kept.
const MAX_GAPS: usize = 16;

/// All listeners since the watch began.
#[derive(Clone, Debug, Default)]
pub struct Listeners {
    /// The watch; `None`: the session is not a watch.
    pub watching: Option<Watching>,
    /// When the watch began.
    pub since: Stamp,
    /// The stamp of the last fact of any kind.
    pub now: Stamp,
    /// Every listener seen, gone ones for a while too. In a box each: a tree that grows at its end has leaves that are half empty.
    pub by_id: BTreeMap<ListenerId, Box<ListenerState>>,
    /// The chosen listener.
    pub chosen: Option<ListenerId>,
    /// The namespace's counters when the watch began.
    pub counters_first: Option<Counters>,
    /// The namespace's counters as last read.
    pub counters_last: Option<Counters>,
    /// The values of `net.core.somaxconn` while watched, oldest first; the last is the present one.
    pub somaxconn: Vec<u32>,
    /// The latest changes of listeners, newest last; bounded.
    pub changes: VecDeque<ListenerChange>,
    /// The number of gone listeners that are no longer kept.
    pub forgotten: u64,
    /// Times without facts, oldest first; bounded.
    pub gaps: VecDeque<(Stamp, Stamp)>,
    /// Which packets the taps take.
    pub tap: TapHistory,
    /// What the kernel's log says of them.
    pub flood_log: flood_log::FloodLog,
    addresses: BTreeMap<Address, BTreeSet<ListenerId>>,
    departed: VecDeque<(Stamp, ListenerId)>,
    open: OpenInterval,
    read_once: bool,
}

impl Listeners {
    /// Applies one fact; facts that are not about all listeners are ignored.
    pub fn apply(&mut self, at: Stamp, event: &Event) {
        if let Event::Watching(watching) = event {
            *self = Self { watching: Some((**watching).clone()), since: at, now: at, ..Self::default() };
            self.learn_somaxconn(watching.sysctls.value(Sysctl::Somaxconn));
        }
        if self.watching.is_none() {
            return;
        }
        self.advance_to(at);
        match event {
            Event::Snapshot(snapshot) => self.read_snapshot(at, snapshot),
            Event::Owned { id, owner } => self.set_owner(at, *id, owner.as_ref()),
            Event::Holders { id, holders, served } => self.held(*id, |held| held.set_holders(at, holders, *served)),
            Event::Options { id, options } => self.held(*id, |held| held.options = Some(*options)),
            Event::FloodLogged { id, ago_ms } => self.flood_log.note(*id, at, *ago_ms),
            Event::Occupants { id, occupants } => self.set_occupants(at, *id, *occupants),
            Event::SynsSeen(counts) => self.count_syns(at, counts),
            Event::SynsSampled { span_ms, counts } => self.tap.sample(at, *span_ms, counts),
            Event::TapReach(reach) => self.tap.change(at, *reach),
            Event::Chosen(chosen) => self.chosen = *chosen,
            Event::Counters(counters) => self.count(at, counters),
            Event::Sysctl { name: Sysctl::Somaxconn, value } => self.learn_somaxconn(Some(*value)),
            Event::Queue(reading) => self.update_chosen(|listener| listener.read_queue(at, *reading)),
            Event::Listed(listed) => self.update_chosen(|listener| listener.read_lists(at, listed)),
            _ => {}
        }
        self.forget(at);
    }

    fn held(&mut self, id: ListenerId, change: impl FnOnce(&mut ListenerState)) {
        let _gone = self.by_id.get_mut(&id).map(|listener| change(listener));
    }

    /// One listener.
    pub fn get(&self, id: ListenerId) -> Option<&ListenerState> {
        self.by_id.get(&id).map(Box::as_ref)
    }

    /// The chosen listener.
    pub fn chosen(&self) -> Option<&ListenerState> {
        self.get(self.chosen?)
    }

    /// The present listeners that are asked for, by id.
    pub fn live(&self) -> impl Iterator<Item = &ListenerState> {
        self.wanted().filter(|listener| listener.gone.is_none())
    }

    /// The listeners that are asked for, gone ones included.
    pub fn wanted(&self) -> impl Iterator<Item = &ListenerState> {
        self.by_id.values().map(Box::as_ref).filter(|listener| self.asks_for(listener))
    }

    /// True when this listener is asked for.
    pub fn asks_for(&self, listener: &ListenerState) -> bool {
        let target = self.watching.as_ref().and_then(|watching| watching.target.as_ref());
        target.is_none_or(|target| listener.is_asked_for_by(target))
    }

    /// The change of the namespace's counters since the watch began.
    pub fn counters(&self) -> Counters {
        match (&self.counters_last, &self.counters_first) {
            (Some(last), Some(first)) => last.since(first),
            _ => Counters::default(),
        }
    }

    /// The present value of `net.core.somaxconn`.
    pub fn somaxconn_now(&self) -> Option<u32> {
        self.somaxconn.last().copied()
    }

    /// The last `count` seconds of one listener, oldest first; `None` for seconds without data.
    pub fn seconds(&self, listener: &ListenerState, count: usize) -> Vec<Option<Second>> {
        let last = series::number::<Second>(self.now);
        let known = |number: u64| {
            let (from, to) = (series::begins::<Second>(number), series::begins::<Second>(number + 1).min(self.now));
            listener.since <= to && !self.is_gap(from, to)
        };
        let first = (last + 1).saturating_sub(count as u64);
        (first..=last).map(|number| known(number).then(|| listener.seconds.slot(number))).collect()
    }

    /// First SYNs per second, over whole periods of their rhythm; `None` without a tap, for unix sockets, and for one of several sockets
    /// of an address (see [`Listeners::group_arrivals_per_s`]).
    pub fn arrivals_per_s(&self, listener: &ListenerState) -> Option<f64> {
        let alone = self.addresses.get(&listener.reading.address).is_none_or(|ids| ids.len() == 1);
        let observed = self.watching.as_ref()?.rights.tap && listener.reading.address.port().is_some();
        let counted = self.tap.counted_all(self.now) && !self.is_gap(self.now.saturating_sub(RATE_SPAN), self.now);
        if alone && observed && counted { listener.arrivals.per_s(self.now, listener.since) } else { None }
    }

    /// Accepted connections per second over the last [`RATE_SPAN`]: arrivals less the growth of both queues. `None` where
    /// arrivals are unknown, where something was dropped in that time (a dropped final ACK is no arrival), and while the watch is
    /// too young.
    pub fn accepts_per_s(&self, listener: &ListenerState) -> Option<f64> {
        let span = self.now.saturating_sub(RATE_SPAN).max(listener.since);
        self.arrivals_per_s(listener).filter(|_| listener.seconds.sum(self.now, span, |second| second.drops) == 0)?;
        let before = listener.seconds.before(span)?;
        let came = listener.seconds.sum(self.now, span, |second| second.syns.saturating_add(second.again)) as f64;
        let gathered = |now: u32, before: u32| f64::from(now) - f64::from(before);
        let half_open = gathered(listener.occupants.half_open.unwrap_or(0), before.half_open_last);
        let left = came - gathered(listener.depth(), before.depth_last) - half_open;
        Some(left.max(0.0) / second::covered(self.now, span).as_secs_f64())
    }

    /// Drops per second over the last [`RATE_SPAN`], as [`ListenerState::drops`] counts them; `None` where unknown, and while the
    /// watch is too young.
    pub fn drops_per_s(&self, listener: &ListenerState) -> Option<f64> {
        listener.drops()?;
        self.rate(listener, |second| second.drops)
    }

    fn rate(&self, listener: &ListenerState, what: impl Fn(&Second) -> u32) -> Option<f64> {
        let from = self.now.saturating_sub(RATE_SPAN).max(listener.since);
        let span = second::covered(self.now, from);
        if span < SECOND || self.is_gap(from, self.now) {
            return None;
        }
        Some(listener.seconds.sum(self.now, from, what) as f64 / span.as_secs_f64())
    }

    fn is_gap(&self, from: Stamp, to: Stamp) -> bool {
        self.gaps.iter().any(|(began, ended)| *began < to && from < *ended)
    }

    /// Advances the time to `at`.
    fn advance_to(&mut self, at: Stamp) {
        let before = self.now;
        self.now = at.max(before);
        if at.since(before) <= GAP {
            return;
        }
        if self.gaps.len() == MAX_GAPS {
            self.gaps.pop_front();
        }
        self.gaps.push_back((before, at));
        for listener in self.by_id.values_mut() {
            listener.mark_gap(before, at);
        }
    }

    fn read_snapshot(&mut self, at: Stamp, snapshot: &ListenerSnapshot) {
        for id in &snapshot.gone {
            self.lose(at, *id);
        }
        for reading in &snapshot.changed {
            if self.by_id.contains_key(&reading.id) {
                self.update_listener(at, reading);
            } else {
                self.add_listener(at, reading);
            }
        }
        if !std::mem::replace(&mut self.read_once, true) {
            self.bound_past_drops();
        }
        self.settle_without_counters(at);
    }

    fn add_listener(&mut self, at: Stamp, reading: &ListenerReading) {
        let known = self.addresses.entry(reading.address.clone()).or_default();
        let alive = known.iter().any(|id| self.by_id.get(id).is_some_and(|listener| listener.gone.is_none()));
        let predecessor = known.iter().filter(|_| !alive).copied().max_by_key(|id| {
            let listener = self.by_id.get(id);
            listener.and_then(|listener| listener.gone)
        });
        known.insert(reading.id);
        let mut listener = ListenerState::new(at, reading);
        listener.predecessor = predecessor;
        if self.read_once {
            listener.meter.is_new();
            if reading.queue.drops.is_some_and(|drops| drops > 0) {
                self.open.moved(reading.id);
            }
        }
        let change = predecessor.map_or(ChangeKind::Came, |before| ChangeKind::Replaced { before });
        self.by_id.insert(reading.id, Box::new(listener));
        self.mark_shared(&reading.address);
        if self.read_once {
            self.record_change(at, reading.id, change);
        }
    }

    fn update_listener(&mut self, at: Stamp, reading: &ListenerReading) {
        let Some(listener) = self.by_id.get_mut(&reading.id) else { return };
        let before = listener.reading.queue.limit;
        let back = listener.gone.take().is_some();
        if listener.read(at, reading) {
            self.open.moved(reading.id);
        }
        if let (Some(before), Some(after)) = (before, reading.queue.limit)
            && before != after
        {
            self.record_change(at, reading.id, ChangeKind::Relisted { before, after });
        }
        if back {
            self.departed.retain(|(_, id)| *id != reading.id);
        }
    }

    fn lose(&mut self, at: Stamp, id: ListenerId) {
        let Some(listener) = self.by_id.get_mut(&id).filter(|listener| listener.gone.is_none()) else { return };
        listener.mark_gone(at);
        let address = listener.reading.address.clone();
        self.mark_shared(&address);
        self.open.listener_closed();
        self.departed.push_back((at, id));
        self.record_change(at, id, ChangeKind::Gone);
        self.link_successor(at, id);
    }

    /// A listener counts as gone some readings after it closed: its successor may have been seen already.
    fn link_successor(&mut self, at: Stamp, gone: ListenerId) {
        let Some(before) = self.by_id.get(&gone) else { return };
        let (began, pid) = (before.since, before.owner.as_ref().map(|owner| owner.pid));
        let ids = self.addresses.get(&before.reading.address);
        let is_successor = |listener: &&ListenerState| {
            let came = listener.since > began && at.since(listener.since) <= CHANGING;
            listener.gone.is_none() && listener.predecessor.is_none() && listener.since > self.since && came
        };
        let heirs = ids.into_iter().flatten().filter_map(|id| self.get(*id)).filter(is_successor);
        let Some(successor) = heirs.max_by_key(|listener| listener.since).map(ListenerState::id) else { return };
        let Some(listener) = self.by_id.get_mut(&successor) else { return };
        listener.predecessor = Some(gone);
        let change = match (pid, listener.owner.as_ref().map(|owner| owner.pid)) {
            (Some(before), Some(after)) if before != after => ChangeKind::Restarted { before, after },
            _ => ChangeKind::Replaced { before: gone },
        };
        self.record_change(at, successor, change);
    }

    fn forget(&mut self, at: Stamp) {
        while let Some((since, id)) = self.departed.front().copied() {
            if at.since(since) < KEPT && self.departed.len() <= MAX_GONE {
                break;
            }
            self.departed.pop_front();
            self.open.forget(id);
            let Some(listener) = self.by_id.remove(&id) else { continue };
            self.forgotten += 1;
            if let Some(ids) = self.addresses.get_mut(&listener.reading.address) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.addresses.remove(&listener.reading.address);
                }
            }
        }
    }

    fn set_owner(&mut self, at: Stamp, id: ListenerId, owner: Option<&Owner>) {
        let Some(listener) = self.by_id.get_mut(&id) else { return };
        let before = std::mem::replace(&mut listener.owner, owner.cloned()).map(|owner| owner.pid);
        let predecessor = listener.predecessor;
        let Some(after) = owner.map(|owner| owner.pid) else { return };
        let first = before.is_none();
        let before = before.or_else(|| self.by_id.get(&predecessor?)?.owner.as_ref().map(|owner| owner.pid));
        match before {
            Some(before) if before != after && first => {
                self.record_change(at, id, ChangeKind::Restarted { before, after });
            }
            Some(before) if before != after => self.record_change(at, id, ChangeKind::Handed { before, after }),
            _ => {}
        }
    }

    fn set_occupants(&mut self, at: Stamp, id: ListenerId, occupants: QueueOccupants) {
        if let Some(listener) = self.by_id.get_mut(&id) {
            listener.set_occupants(at, occupants);
        }
    }

    fn update_chosen(&mut self, update: impl FnOnce(&mut ListenerState) -> bool) {
        let listener = self.chosen.and_then(|id| self.by_id.get_mut(&id)).filter(|listener| listener.gone.is_none());
        if let Some(id) = listener.and_then(|listener| update(listener).then_some(listener.reading.id)) {
            self.open.moved(id);
        }
    }

    fn count_syns(&mut self, at: Stamp, counts: &[SynCounts]) {
        for syn_counts in counts {
            if let Some(listener) = self.by_id.get_mut(&syn_counts.id) {
                listener.count_syns(at, *syn_counts);
            }
        }
    }

    fn learn_somaxconn(&mut self, value: Option<i64>) {
        let Some(value) = value.and_then(|value| u32::try_from(value).ok()) else { return };
        if self.somaxconn.last() != Some(&value) {
            self.somaxconn.push(value);
            self.somaxconn.drain(..self.somaxconn.len().saturating_sub(MAX_GAPS));
        }
    }

    fn record_change(&mut self, at: Stamp, id: ListenerId, change: ChangeKind) {
        let Some(listener) = self.by_id.get(&id) else { return };
        if self.changes.len() == MAX_CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(ListenerChange { at, id, address: listener.reading.address.clone(), change });
    }
}

#[cfg(test)]
mod tests;
