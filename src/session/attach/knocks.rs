//! SYNs of all listeners, counted by listener: which are first ones, which are sent again. Pure and bounded.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};

use crate::model::peer::Peer;
use crate::model::watch::{Address, Knocks, ListenerId, ListenerReading};

/// First SYNs that are remembered, to know them again; of the older ones half are forgotten. A first SYN that was forgotten counts
/// as new when it comes again.
const REMEMBERED: usize = 16_384;

/// Who is knocked at, and what has come since it was told last.
#[derive(Clone, Debug, Default)]
pub(super) struct Door {
    /// By port: who is bound to an address of its own or to all.
    bound: HashMap<u16, Vec<(IpAddr, ListenerId)>>,
    fresh: BTreeMap<ListenerId, Knocks>,
    recent: HashMap<(Peer, u16), u32>,
    older: HashMap<(Peer, u16), u32>,
}

impl Door {
    /// Learns who listens. Of an SO_REUSEPORT group the lowest id stands for all.
    pub(super) fn learn<'a>(&mut self, listeners: impl Iterator<Item = &'a ListenerReading>) {
        self.bound.clear();
        for reading in listeners {
            let Address::Tcp(address) = reading.address else { continue };
            let here = self.bound.entry(address.port()).or_default();
            match here.iter_mut().find(|(ip, _)| *ip == address.ip()) {
                Some((_, id)) => *id = reading.id.min(*id),
                None => here.push((address.ip(), reading.id)),
            }
        }
    }

    /// A SYN to a local address; one for which nobody listens is not counted.
    pub(super) fn knock(&mut self, local: SocketAddr, peer: Peer, sequence: u32) {
        let Some(id) = self.taker(local) else { return };
        let again = self.is_again((peer, local.port()), sequence);
        let knocks = self.fresh.entry(id).or_insert(Knocks { id, syns: 0, again: 0 });
        let tally = if again { &mut knocks.again } else { &mut knocks.syns };
        *tally = tally.saturating_add(1);
    }

    /// What has come since the last call.
    pub(super) fn take(&mut self) -> Vec<Knocks> {
        std::mem::take(&mut self.fresh).into_values().collect()
    }

    /// The kernel's choice: bound to just this address, then to all of its family, then to both families.
    fn taker(&self, local: SocketAddr) -> Option<ListenerId> {
        let here = self.bound.get(&local.port())?;
        let wanted = local.ip().to_canonical();
        let rank = |ip: IpAddr| match ip {
            _ if ip == wanted || ip.to_canonical() == wanted && !ip.is_unspecified() => Some(0),
            _ if ip.is_unspecified() && ip.is_ipv4() == wanted.is_ipv4() => Some(1),
            _ if ip.is_unspecified() && ip.is_ipv6() => Some(2),
            _ => None,
        };
        here.iter().filter_map(|(ip, id)| Some((rank(*ip)?, *id))).min().map(|(_, id)| id)
    }

    fn is_again(&mut self, from: (Peer, u16), sequence: u32) -> bool {
        let known = self.recent.get(&from).or_else(|| self.older.get(&from)) == Some(&sequence);
        if self.recent.len() >= REMEMBERED {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(from, sequence);
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::QueueReading;

    fn door(listeners: &[(u64, &str)]) -> Door {
        let readings: Vec<_> = listeners
            .iter()
            .map(|(id, address)| ListenerReading {
                id: ListenerId(*id),
                address: Address::Tcp(address.parse().unwrap()),
                v6_only: None,
                queue: QueueReading::default(),
                inode: 1,
                uid: None,
            })
            .collect();
        let mut door = Door::default();
        door.learn(readings.iter());
        door
    }

    fn knock(door: &mut Door, local: &str, peer: &str, sequence: u32) {
        let peer: SocketAddr = peer.parse().unwrap();
        door.knock(local.parse().unwrap(), peer.into(), sequence);
    }

    #[test]
    fn a_syn_counts_for_the_listener_that_takes_it() {
        let mut door = door(&[(1, "0.0.0.0:80"), (2, "127.0.0.1:80"), (4, "[::]:80"), (3, "[::]:81"), (6, "[::]:81")]);
        let mut asked = |local| {
            knock(&mut door, local, "127.0.0.9:1000", 7);
            door.take().iter().map(|one| one.id.0).collect::<Vec<_>>()
        };
        assert_eq!(asked("127.0.0.1:80"), [2]);
        assert_eq!(asked("127.0.0.2:80"), [1]);
        assert_eq!(asked("[::1]:80"), [4]);
        assert_eq!(asked("127.0.0.1:81"), [3]);
        assert_eq!(asked("127.0.0.1:82"), [0; 0]);
    }

    #[test]
    fn the_same_sequence_number_is_the_same_syn_again() {
        let mut door = door(&[(1, "0.0.0.0:80")]);
        for sequence in [5, 5, 5, 6] {
            knock(&mut door, "10.0.0.1:80", "10.0.0.2:999", sequence);
        }
        assert_eq!(door.take(), [Knocks { id: ListenerId(1), syns: 2, again: 2 }]);
        assert_eq!(door.take(), []);
    }

    #[test]
    fn memory_is_bounded_and_young_syns_are_known_again() {
        let mut door = door(&[(1, "0.0.0.0:80")]);
        for number in 0..3 * REMEMBERED as u32 {
            let peer = Peer::v4(number.into(), 1);
            door.knock("10.0.0.1:80".parse().unwrap(), peer, 1);
        }
        assert!(door.recent.len() + door.older.len() <= 2 * REMEMBERED);
        door.take();
        door.knock("10.0.0.1:80".parse().unwrap(), Peer::v4((3 * REMEMBERED as u32 - 9).into(), 1), 1);
        assert_eq!(door.take()[0].again, 1);
    }
}
