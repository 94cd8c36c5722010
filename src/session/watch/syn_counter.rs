//! SYNs per listener, first ones and retransmissions apart. Pure.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use crate::kernel::census::Bound;
use crate::kernel::tap::knocking::SynPacket;
use crate::model::watch::{ListenerId, ListenerReading, SynCounts};

/// The bound addresses, and the SYNs since the last [`take`](Self::take).
#[derive(Clone, Debug, Default)]
pub(super) struct SynCounter {
    /// By port: the listeners bound to one address or to all.
    bound: HashMap<u16, Vec<(Bound, ListenerId)>>,
    fresh: BTreeMap<ListenerId, SynCounts>,
}

impl SynCounter {
    /// Takes the present listeners. The lowest id stands for an SO_REUSEPORT group.
    pub(super) fn learn<'a>(&mut self, listeners: impl Iterator<Item = &'a ListenerReading>) {
        self.bound.clear();
        for reading in listeners {
            let Some(bound) = Bound::of(reading) else { continue };
            let here = self.bound.entry(bound.to.port()).or_default();
            match here.iter_mut().find(|(other, _)| *other == bound) {
                Some((_, id)) => *id = reading.id.min(*id),
                None => here.push((bound, reading.id)),
            }
        }
    }

    /// Counts a SYN to a local address; one that matches no listener is ignored.
    pub(super) fn count(&mut self, packet: &SynPacket) {
        let Some(id) = self.taker(packet.to) else { return };
        let counts = self.fresh.entry(id).or_insert(SynCounts { id, syns: 0, again: 0 });
        let tally = if packet.again { &mut counts.again } else { &mut counts.syns };
        *tally = tally.saturating_add(1);
    }

    /// The counts since the last call.
    pub(super) fn take(&mut self) -> Vec<SynCounts> {
        std::mem::take(&mut self.fresh).into_values().collect()
    }

    /// The listener that the kernel prefers: the one with the most specific bound address.
    fn taker(&self, local: SocketAddr) -> Option<ListenerId> {
        // A packet has the address family of its client, not that of the listener.
        let local = SocketAddr::new(local.ip().to_canonical(), local.port());
        let here = self.bound.get(&local.port())?;
        here.iter().filter_map(|(bound, id)| Some((bound.nearness(local)?, *id))).min().map(|(_, id)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::QueueReading;
    use crate::model::watch::Address;

    fn reading(id: u64, address: &str) -> ListenerReading {
        ListenerReading {
            id: ListenerId(id),
            address: Address::Tcp(address.parse().unwrap()),
            v6_only: None,
            queue: QueueReading::default(),
            inode: 1,
            uid: None,
        }
    }

    fn counter(listeners: &[(u64, &str)]) -> SynCounter {
        let readings: Vec<_> = listeners.iter().map(|(id, address)| reading(*id, address)).collect();
        let mut counter = SynCounter::default();
        counter.learn(readings.iter());
        counter
    }

    fn packet(counter: &mut SynCounter, local: &str, again: bool) {
        let peer: SocketAddr = "127.0.0.9:1000".parse().unwrap();
        counter.count(&SynPacket { to: local.parse().unwrap(), peer: peer.into(), again });
    }

    #[test]
    fn a_syn_counts_for_the_listener_that_takes_it() {
        let mut counter =
            counter(&[(1, "0.0.0.0:80"), (2, "127.0.0.1:80"), (4, "[::]:80"), (3, "[::]:81"), (6, "[::]:81")]);
        let mut asked = |local| {
            packet(&mut counter, local, false);
            counter.take().iter().map(|one| one.id.0).collect::<Vec<_>>()
        };
        assert_eq!(asked("127.0.0.1:80"), [2]);
        assert_eq!(asked("127.0.0.2:80"), [1]);
        assert_eq!(asked("[::1]:80"), [4]);
        assert_eq!(asked("127.0.0.1:81"), [3]);
        assert_eq!(asked("127.0.0.1:82"), [0; 0]);
    }

    #[test]
    fn a_syn_over_ipv4_does_not_count_for_a_listener_for_ipv6_alone() {
        let mut alone = reading(1, "[::]:80");
        alone.v6_only = Some(true);
        let mut counter = SynCounter::default();
        counter.learn([&alone].into_iter());
        packet(&mut counter, "127.0.0.1:80", false);
        assert_eq!(counter.take(), []);
        packet(&mut counter, "[::1]:80", false);
        assert_eq!(counter.take().len(), 1);
    }

    #[test]
    fn first_ones_and_repetitions_are_counted_apart_and_returned_once() {
        let mut counter = counter(&[(1, "0.0.0.0:80")]);
        for again in [false, true, true, false] {
            packet(&mut counter, "10.0.0.1:80", again);
        }
        assert_eq!(counter.take(), [SynCounts { id: ListenerId(1), syns: 2, again: 2 }]);
        assert_eq!(counter.take(), []);
    }
}
