//! The sockets of one address: an SO_REUSEPORT group where there are several.
//!
//! Each socket has a queue and a limit of its own; SYNs are hashed to one of them, and a full one drops while another is empty.

use super::second::{self, Second};
use super::{ListenerState, Listeners, RATE_SPAN, SECOND};
use crate::model::watch::{Address, ListenerId};

/// All sockets of one address.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The address: its name.
    pub address: &'a Address,
    /// Its sockets by id; gone ones only if none is present. Never empty.
    pub members: Vec<&'a ListenerState>,
}

impl Listeners {
    /// The sockets of this listener's address.
    pub fn group_of<'a>(&'a self, listener: &'a ListenerState) -> Group<'a> {
        let address = &listener.reading.address;
        let ids = self.addresses.get(address).filter(|_| address.port().is_some());
        let mut members: Vec<_> = ids.into_iter().flatten().filter_map(|id| self.get(*id)).collect();
        if members.is_empty() {
            members.push(listener);
        }
        Group::of(address, members)
    }

    /// The sockets of an address learn whether they are several: then lists of connections are of all of them.
    pub(super) fn mark_shared(&mut self, address: &Address) {
        let ids = self.addresses.get(address).cloned().unwrap_or_default();
        let open = |id: &ListenerId| self.by_id.get(id).is_some_and(|listener| listener.gone.is_none());
        let shared = address.port().is_some() && ids.iter().filter(|id| open(id)).count() > 1;
        for id in ids {
            if let Some(listener) = self.by_id.get_mut(&id) {
                listener.set_shared(shared);
            }
        }
    }

    /// First SYNs per second to an address; `None` without a tap, for unix sockets, and where not all are counted.
    pub fn group_arrivals_per_s(&self, group: &Group<'_>) -> Option<f64> {
        self.group_syns_per_s(group).filter(|_| self.tap.counted_all(self.now))
    }

    /// About how many first SYNs come to an address per second, from the last sample; `None` while all are counted, and for unix sockets.
    pub fn group_arrivals_about_per_s(&self, group: &Group<'_>) -> Option<f64> {
        group.address.port()?;
        let members = || group.members.iter().filter_map(|listener| self.tap.sampled(listener.id()));
        self.tap.last_sample(self.now).map(|()| members().sum())
    }

    /// As [`group_arrivals_about_per_s`](Self::group_arrivals_about_per_s), for the address of this listener.
    pub fn arrivals_about_per_s(&self, listener: &ListenerState) -> Option<f64> {
        self.group_arrivals_about_per_s(&self.group_of(listener))
    }

    fn group_syns_per_s(&self, group: &Group<'_>) -> Option<f64> {
        let observed = self.watching.as_ref()?.rights.tap && group.address.port().is_some();
        let since = group.members.iter().map(|listener| listener.since).min()?;
        let from = self.now.saturating_sub(RATE_SPAN).max(since);
        let span = second::covered(self.now, from);
        if !observed || span < SECOND || self.is_gap(from, self.now) {
            return None;
        }
        let syns: u64 = group
            .members
            .iter()
            .map(|listener| listener.seconds.sum(self.now, from, |second: &Second| second.syns))
            .sum();
        Some(syns as f64 / span.as_secs_f64())
    }
}

impl<'a> Group<'a> {
    fn of(address: &'a Address, mut members: Vec<&'a ListenerState>) -> Self {
        if members.iter().any(|listener| listener.gone.is_none()) {
            members.retain(|listener| listener.gone.is_none());
        }
        Self { address, members }
    }

    /// True when several sockets share the address (SO_REUSEPORT; sockets bound to different devices look the same).
    pub const fn is_shared(&self) -> bool {
        self.members.len() > 1
    }

    /// A full member while all others are empty: its queue is not drained, and its share of the clients is lost.
    pub fn full_beside_idle(&self) -> Option<&'a ListenerState> {
        let mut full = self.members.iter().copied().filter(|listener| listener.is_full());
        let (first, more) = (full.next()?, full.next());
        let others_idle = self
            .members
            .iter()
            .filter(|listener| listener.id() != first.id())
            .all(|listener| listener.reading.queue.depth == Some(0));
        (self.is_shared() && more.is_none() && others_idle).then_some(first)
    }
}
