//! SYNs of all listeners, counted by listener: which are first ones, which are sent again. Pure.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};

use crate::kernel::tap::knocking::Knock;
use crate::model::watch::{Address, Knocks, ListenerId, ListenerReading};

/// Who is knocked at, and what has come since it was told last.
#[derive(Clone, Debug, Default)]
pub(super) struct Door {
    /// By port: who is bound to an address of its own or to all.
    bound: HashMap<u16, Vec<(IpAddr, ListenerId)>>,
    fresh: BTreeMap<ListenerId, Knocks>,
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
    pub(super) fn knock(&mut self, knock: &Knock) {
        let Some(id) = self.taker(knock.to) else { return };
        let knocks = self.fresh.entry(id).or_insert(Knocks { id, syns: 0, again: 0 });
        let tally = if knock.again { &mut knocks.again } else { &mut knocks.syns };
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

    fn knock(door: &mut Door, local: &str, again: bool) {
        let peer: SocketAddr = "127.0.0.9:1000".parse().unwrap();
        door.knock(&Knock { to: local.parse().unwrap(), peer: peer.into(), again });
    }

    #[test]
    fn a_syn_counts_for_the_listener_that_takes_it() {
        let mut door = door(&[(1, "0.0.0.0:80"), (2, "127.0.0.1:80"), (4, "[::]:80"), (3, "[::]:81"), (6, "[::]:81")]);
        let mut asked = |local| {
            knock(&mut door, local, false);
            door.take().iter().map(|one| one.id.0).collect::<Vec<_>>()
        };
        assert_eq!(asked("127.0.0.1:80"), [2]);
        assert_eq!(asked("127.0.0.2:80"), [1]);
        assert_eq!(asked("[::1]:80"), [4]);
        assert_eq!(asked("127.0.0.1:81"), [3]);
        assert_eq!(asked("127.0.0.1:82"), [0; 0]);
    }

    #[test]
    fn first_ones_and_repetitions_are_counted_apart_and_told_once() {
        let mut door = door(&[(1, "0.0.0.0:80")]);
        for again in [false, true, true, false] {
            knock(&mut door, "10.0.0.1:80", again);
        }
        assert_eq!(door.take(), [Knocks { id: ListenerId(1), syns: 2, again: 2 }]);
        assert_eq!(door.take(), []);
    }
}
