//! The sockets of one address: an SO_REUSEPORT group where there are several.
//!
//! Each has its own queue and its own limit; SYNs are hashed to one of them, and a full one drops while its neighbour is empty.

use std::collections::BTreeMap;

use super::trail::{self, Beat};
use super::{BEAT, RATE_SPAN, Survey, Watched};
use crate::model::watch::{Address, ListenerId};

/// All sockets of one address.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The address: its name.
    pub address: &'a Address,
    /// Its sockets in the order of their ids; those that are gone only where none is left. Never empty.
    pub members: Vec<&'a Watched>,
}

impl Survey {
    /// All listeners that are asked for, those of one address together, in the order of their addresses. Unix sockets of one name are
    /// not one group: only the last one bound takes connections.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut by_address: BTreeMap<(&Address, Option<ListenerId>), Vec<&Watched>> = BTreeMap::new();
        for one in self.wanted() {
            let alone = one.reading.address.port().is_none().then_some(one.reading.id);
            by_address.entry((&one.reading.address, alone)).or_default().push(one);
        }
        by_address.into_iter().map(|((address, _), members)| Group::of(address, members)).collect()
    }

    /// The sockets of this listener's address.
    pub fn group_of<'a>(&'a self, one: &'a Watched) -> Group<'a> {
        let address = &one.reading.address;
        let ids = self.addresses.get(address).filter(|_| address.port().is_some());
        let mut members: Vec<_> = ids.into_iter().flatten().filter_map(|id| self.listeners.get(id)).collect();
        if members.is_empty() {
            members.push(one);
        }
        Group::of(address, members)
    }

    /// SYNs per second that come to an address, each client counted once; `None` without a tap and for unix sockets.
    pub fn group_arrivals_per_s(&self, group: &Group<'_>) -> Option<f64> {
        let told = self.watching.as_ref()?.rights.tap && group.address.port().is_some();
        let since = group.members.iter().map(|one| one.since).min()?;
        let from = self.now.saturating_sub(RATE_SPAN).max(since);
        let span = trail::covered(self.now, from);
        if !told || span < BEAT || self.is_gap(from, self.now) {
            return None;
        }
        let syns: u64 = group.members.iter().map(|one| one.trail.sum(self.now, from, |beat: &Beat| beat.syns)).sum();
        Some(syns as f64 / span.as_secs_f64())
    }
}

impl<'a> Group<'a> {
    fn of(address: &'a Address, mut members: Vec<&'a Watched>) -> Self {
        if members.iter().any(|one| one.gone.is_none()) {
            members.retain(|one| one.gone.is_none());
        }
        Self { address, members }
    }

    /// True when several sockets share the address (SO_REUSEPORT; sockets bound to different devices look the same).
    pub const fn is_shared(&self) -> bool {
        self.members.len() > 1
    }

    /// Entries in all accept queues together.
    pub fn depth(&self) -> Option<u32> {
        sum(self.members.iter().map(|one| one.reading.queue.depth))
    }

    /// How many connections all accept queues hold together.
    pub fn capacity(&self) -> Option<u32> {
        sum(self.members.iter().map(|one| one.capacity()))
    }

    /// Drops of all since the watch began.
    pub fn drops(&self) -> Option<u64> {
        self.members.iter().map(|one| one.drops().map(|drops| drops.listener)).sum()
    }

    /// Half-open requests of the address: they do not name their socket.
    pub fn half_open(&self) -> Option<u32> {
        self.members.iter().filter_map(|one| one.crowding.half_open).max()
    }

    /// Milliseconds that the oldest connection of the address has waited.
    pub fn oldest_wait_ms(&self) -> Option<u32> {
        self.members.iter().filter_map(|one| one.crowding.oldest_wait_ms).max()
    }

    /// The member that is fullest.
    pub fn fullest(&self) -> Option<&'a Watched> {
        let fullness = |one: &Watched| one.fullness().unwrap_or(0.0);
        self.members.iter().copied().max_by(|one, other| fullness(one).total_cmp(&fullness(other)))
    }

    /// A full member beside siblings that hold nothing: its queue is not drained, and a share of the clients is lost.
    pub fn full_beside_idle(&self) -> Option<&'a Watched> {
        let mut full = self.members.iter().copied().filter(|one| one.is_full());
        let (first, more) = (full.next()?, full.next());
        let others_idle =
            self.members.iter().filter(|one| one.id() != first.id()).all(|one| one.reading.queue.depth == Some(0));
        (self.is_shared() && more.is_none() && others_idle).then_some(first)
    }
}

fn sum(values: impl Iterator<Item = Option<u32>>) -> Option<u32> {
    values.fold(None, |total: Option<u32>, value| match (total, value) {
        (Some(total), Some(value)) => Some(total.saturating_add(value)),
        (total, value) => total.or(value),
    })
}
