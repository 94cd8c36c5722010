//! The listeners as last reported: what is new in a reading, where queues grow, which listener matches a target. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::queue::accept_capacity;
use crate::model::watch::{Address, ListenerId, ListenerReading, ListenerSnapshot, Owner, Target};

/// A listener counts as gone when this many readings in a row lack it: a dump is not a snapshot.
const MISSED: u8 = 2;

/// The present listeners.
#[derive(Clone, Debug, Default)]
pub(super) struct ListenerRegistry {
    known: BTreeMap<ListenerId, ListenerReading>,
    missed: BTreeMap<ListenerId, u8>,
    /// Who holds each socket, by its inode.
    owners: BTreeMap<u64, SocketOwner>,
}

/// Who holds a socket.
#[derive(Clone, Debug)]
pub(super) struct SocketOwner {
    pub(super) owner: Owner,
    pub(super) pids: Vec<u32>,
}

/// What one reading changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RegistryChange {
    /// New, changed and gone listeners.
    pub(super) snapshot: ListenerSnapshot,
    /// True when a socket has come that was not there before.
    pub(super) arrived: bool,
    /// True when a queue fills or a listener drops.
    pub(super) restless: bool,
    /// True when a queue holds what fits, or more.
    pub(super) full: bool,
}

impl RegistryChange {
    /// True when nothing is to be reported.
    pub(super) fn is_empty(&self) -> bool {
        self.snapshot.changed.is_empty() && self.snapshot.gone.is_empty()
    }
}

/// What a target resolves to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    /// No listener matches.
    NoListener,
    /// This listener; of an SO_REUSEPORT group the fullest.
    Listener(ListenerId),
    /// Listeners at several addresses.
    Several(Vec<Address>),
}

impl ListenerRegistry {
    /// Takes a reading of all listeners; `complete`: the kernel did not flag the dump as interrupted (NLM_F_DUMP_INTR).
    pub(super) fn take(&mut self, readings: &[ListenerReading], complete: bool) -> RegistryChange {
        let mut change = RegistryChange::default();
        for reading in readings {
            let before = self.known.get(&reading.id);
            change.arrived |= before.is_none();
            change.restless |= before.is_some_and(|before| is_restless(before, reading));
            change.full |= is_full(reading);
            if before != Some(reading) {
                change.snapshot.changed.push(reading.clone());
                self.known.insert(reading.id, reading.clone());
            }
        }
        if complete {
            change.snapshot.gone = self.missing(readings);
        }
        change
    }

    fn missing(&mut self, readings: &[ListenerReading]) -> Vec<ListenerId> {
        if self.missed.is_empty() && self.known.len() == readings.len() {
            return Vec::new();
        }
        let seen: BTreeSet<_> = readings.iter().map(|reading| reading.id).collect();
        self.missed.retain(|id, _| !seen.contains(id));
        for id in self.known.keys().filter(|id| !seen.contains(id)) {
            *self.missed.entry(*id).or_default() += 1;
        }
        let gone: Vec<_> = self.missed.iter().filter(|(_, looks)| **looks >= MISSED).map(|(id, _)| *id).collect();
        for id in &gone {
            self.missed.remove(id);
            self.known.remove(id);
        }
        gone
    }

    /// Learns who holds the sockets: targets may name a program.
    pub(super) fn learn_owners(&mut self, owners: BTreeMap<u64, SocketOwner>) {
        self.owners = owners;
    }

    /// True when this listener is asked for.
    pub(super) fn takes(&self, target: &Target, reading: &ListenerReading) -> bool {
        let known = self.owners.get(&reading.inode);
        let pids = known.map(|known| known.pids.as_slice()).unwrap_or_default();
        target.takes(reading, known.map(|known| &known.owner), pids.iter().copied())
    }

    /// The listeners that are asked for.
    pub(super) fn taken<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = &'a ListenerReading> {
        self.iter().filter(move |reading| self.takes(target, reading))
    }

    /// The listener as last read.
    pub(super) fn reading(&self, id: ListenerId) -> Option<&ListenerReading> {
        self.known.get(&id)
    }

    /// The present listeners.
    pub(super) fn iter(&self) -> impl Iterator<Item = &ListenerReading> {
        self.known.values()
    }

    /// The socket that listens at this address; of an SO_REUSEPORT group the fullest.
    pub(super) fn at(&self, address: &Address) -> Option<ListenerId> {
        fullest(self.iter().filter(|reading| reading.address == *address))
    }

    /// What a target resolves to. Of several listeners that accept an address the kernel prefers the one bound to exactly that
    /// address.
    pub(super) fn resolve(&self, target: &Target) -> Resolution {
        if let Target::Address(address) = target
            && let Some(id) = self.at(&Address::Tcp(*address))
        {
            return Resolution::Listener(id);
        }
        let taken = || self.taken(target);
        let addresses: BTreeSet<_> = taken().map(|reading| &reading.address).collect();
        match (fullest(taken()), addresses.len()) {
            (Some(id), 1) => Resolution::Listener(id),
            (Some(_), _) => Resolution::Several(addresses.into_iter().cloned().collect()),
            (None, _) => Resolution::NoListener,
        }
    }
}

fn fullest<'a>(readings: impl Iterator<Item = &'a ListenerReading>) -> Option<ListenerId> {
    let rank = |reading: &&ListenerReading| (std::cmp::Reverse(reading.queue.depth), reading.id);
    readings.min_by_key(rank).map(|reading| reading.id)
}

/// True when the queue fills, or its listener drops. A few connections in a long queue come and go in any busy server.
fn is_restless(before: &ListenerReading, now: &ListenerReading) -> bool {
    let grows = now.queue.depth > before.queue.depth;
    let capacity = now.queue.limit.map_or(0, accept_capacity);
    grows && now.queue.depth >= Some(capacity / FILLING) || now.queue.drops != before.queue.drops
}

/// A queue fills from this part of its capacity on.
const FILLING: u32 = 8;

fn is_full(now: &ListenerReading) -> bool {
    matches!((now.queue.depth, now.queue.limit), (Some(depth), Some(limit)) if depth >= accept_capacity(limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::QueueReading;

    fn listener(id: u64, address: &str, depth: u32) -> ListenerReading {
        let queue = QueueReading { depth: Some(depth), limit: Some(4), drops: Some(0) };
        let address = Address::Tcp(address.parse().unwrap());
        ListenerReading { id: ListenerId(id), address, v6_only: None, queue, inode: 1, uid: None }
    }

    #[test]
    fn only_what_is_new_or_changed_is_reported() {
        let mut registry = ListenerRegistry::default();
        let readings = [listener(1, "127.0.0.1:80", 0), listener(2, "127.0.0.1:81", 0)];
        let change = registry.take(&readings, true);
        assert_eq!((change.snapshot.changed.len(), change.arrived, change.restless), (2, true, false));
        assert!(registry.take(&readings, true).is_empty());
        let change = registry.take(&[readings[0].clone(), listener(2, "127.0.0.1:81", 3)], true);
        assert_eq!((change.snapshot.changed.len(), change.arrived, change.restless), (1, false, true));
    }

    #[test]
    fn a_queue_is_restless_while_it_grows_full_while_nothing_more_fits_and_calm_while_it_drains() {
        let mut registry = ListenerRegistry::default();
        let mut readings = |depth| {
            let change = registry.take(&[listener(1, "127.0.0.1:80", depth)], true);
            (change.restless, change.full)
        };
        assert_eq!(
            [readings(5), readings(5), readings(4), readings(3)],
            [(false, true), (false, true), (false, false), (false, false)]
        );
        assert_eq!([readings(4), readings(5), readings(5)], [(true, false), (true, true), (false, true)]);
    }

    #[test]
    fn a_few_connections_in_a_long_queue_are_no_reason_to_look_more_often() {
        let mut registry = ListenerRegistry::default();
        let mut grown_to = |depth| {
            let mut reading = listener(1, "127.0.0.1:80", depth);
            reading.queue.limit = Some(511);
            registry.take(&[reading], true).restless
        };
        assert_eq!([grown_to(0), grown_to(63), grown_to(64), grown_to(64)], [false, false, true, false]);
    }

    #[test]
    fn a_listener_is_gone_when_two_whole_looks_lack_it() {
        let mut registry = ListenerRegistry::default();
        let both = [listener(1, "127.0.0.1:80", 0), listener(2, "127.0.0.1:81", 0)];
        registry.take(&both, true);
        assert!(registry.take(&both[..1], true).is_empty());
        assert!(registry.take(&both[..1], false).is_empty());
        assert_eq!(registry.take(&both[..1], true).snapshot.gone, [ListenerId(2)]);
        assert!(registry.take(&both[..1], true).is_empty() && registry.reading(ListenerId(2)).is_none());
    }

    #[test]
    fn a_listener_that_one_look_lacks_has_never_been_gone() {
        let mut registry = ListenerRegistry::default();
        let both = [listener(1, "127.0.0.1:80", 0), listener(2, "127.0.0.1:81", 0)];
        registry.take(&both, true);
        for _ in 0..3 {
            assert!(registry.take(&both[..1], true).is_empty());
            assert!(registry.take(&both, true).is_empty());
        }
    }

    fn resolve(listeners: &[ListenerReading], target: &str) -> Resolution {
        let mut registry = ListenerRegistry::default();
        registry.take(listeners, true);
        registry.resolve(&target.parse().unwrap())
    }

    #[test]
    fn a_target_means_one_listener_the_fullest_of_a_group_or_none() {
        let several = [listener(1, "0.0.0.0:80", 1), listener(2, "127.0.0.1:80", 0), listener(3, "10.0.0.1:81", 0)];
        assert_eq!(resolve(&several, "81"), Resolution::Listener(ListenerId(3)));
        assert_eq!(resolve(&several, "82"), Resolution::NoListener);
        assert_eq!(resolve(&several, "127.0.0.1:80"), Resolution::Listener(ListenerId(2)));
        assert!(matches!(resolve(&several, "80"), Resolution::Several(addresses) if addresses.len() == 2));
        let group = [listener(1, "0.0.0.0:80", 1), listener(2, "0.0.0.0:80", 3), listener(3, "0.0.0.0:80", 3)];
        assert_eq!(resolve(&group, ":80"), Resolution::Listener(ListenerId(2)));
        assert_eq!(resolve(&group, "127.0.0.1:80"), Resolution::Listener(ListenerId(2)));
    }
}
