//! The mapping between addresses and clients, by arithmetic instead of a map.
//!
//! Every address is used once before one is used again, and then with another port: to the kernel each client is a new
//! peer (a peer that connected before is "proven" and bypasses the three-quarters rule, `tcp_conn_request`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::lab::wire::Destination;
use crate::model::peer::Peer;

/// The addresses of the clients' networks and their holders.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    families: Families,
    /// Per address, the holder's slot index plus one; 0 for a free address. Untouched pages cost no memory.
    holders: Vec<u32>,
    /// How many addresses have been tried so far.
    cursor: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Families {
    V4,
    V6,
    Alternating,
}

/// The peer that is the `turn`-th client of this listener, if nobody keeps an address for long.
pub(in crate::lab) fn address_of_turn(destination: &Destination, turn: u64) -> Peer {
    let (families, count) = Families::of(destination);
    families.peer((turn % u64::from(count)) as u32, turn / u64::from(count))
}

impl Families {
    /// The families of a listener's clients, and how many addresses they have.
    const fn of(destination: &Destination) -> (Self, u32) {
        match (destination.v4(), destination.v6()) {
            (Some(_), Some(_)) => (Self::Alternating, 2 * HOSTS),
            (None, Some(_)) => (Self::V6, HOSTS),
            _ => (Self::V4, HOSTS),
        }
    }

    /// The peer of an address in this turn.
    fn peer(self, slot: u32, lap: u64) -> Peer {
        let port = FIRST_PORT + ((u64::from(slot) * PORT_STRIDE + lap) % PORTS) as u16;
        let (v4, host) = match self {
            Self::V4 => (true, slot),
            Self::V6 => (false, slot),
            Self::Alternating => (slot.is_multiple_of(2), slot / 2),
        };
        let ip = if v4 {
            IpAddr::V4(Ipv4Addr::from(NETWORK_V4 + (host / HOSTS_PER_NET) * 256 + host % HOSTS_PER_NET + 1))
        } else {
            IpAddr::V6(Ipv6Addr::from(NETWORK_V6 + u128::from(host) + 1))
        };
        Peer::new(ip, port)
    }
}

impl Addresses {
    /// All of them free; the first `turns` have had their turn.
    pub(super) fn new(destination: &Destination, turns: u64) -> Self {
        let (families, count) = Families::of(destination);
        Self { families, holders: vec![0; count as usize], cursor: turns }
    }

    /// Assigns the next free address to the client in slot `index`; `None` when none of the next [`PROBES`] is free.
    pub(super) fn take(&mut self, index: u32) -> Option<Peer> {
        let count = self.holders.len() as u64;
        for _ in 0..PROBES.min(count) {
            let (slot, lap) = (self.cursor % count, self.cursor / count);
            self.cursor += 1;
            if let Some(holder @ 0) = self.holders.get_mut(slot as usize) {
                *holder = index + 1;
                return Some(self.families.peer(slot as u32, lap));
            }
        }
        None
    }

    /// The slot index of the client that holds this peer's address; the port is not compared.
    pub(super) fn holder(&self, peer: &Peer) -> Option<u32> {
        self.holders.get(self.slot(peer)?)?.checked_sub(1)
    }

    /// Frees the address.
    pub(super) fn release(&mut self, peer: &Peer) {
        if let Some(slot) = self.slot(peer)
            && let Some(holder) = self.holders.get_mut(slot)
        {
            *holder = 0;
        }
    }

    fn slot(&self, peer: &Peer) -> Option<usize> {
        let (v4, host) = match peer.ip() {
            IpAddr::V4(ip) => {
                let offset = u32::from(ip).wrapping_sub(NETWORK_V4);
                let last = (offset % 256).checked_sub(1).filter(|last| *last < HOSTS_PER_NET)?;
                (true, (offset / 256).checked_mul(HOSTS_PER_NET)?.checked_add(last)?)
            }
            IpAddr::V6(ip) => (false, u32::try_from(u128::from(ip).wrapping_sub(NETWORK_V6).checked_sub(1)?).ok()?),
        };
        let slot = match (self.families, v4) {
            (Families::V4, true) | (Families::V6, false) => host,
            (Families::Alternating, _) => host.checked_mul(2)? + u32::from(!v4),
            _ => return None,
        };
        (host < HOSTS).then_some(slot as usize)
    }
}

/// 198.18.0.0/15 (benchmarking, RFC 2544) in networks of 256, of which .0 and .255 are left out.
const NETWORK_V4: u32 = 0xc612_0000;
const HOSTS_PER_NET: u32 = 254;
/// Addresses per family.
pub(super) const HOSTS: u32 = 512 * HOSTS_PER_NET;
/// 2001:db8:1::/64 (documentation, RFC 3849).
const NETWORK_V6: u128 = 0x2001_0db8_0001_0000 << 64;
/// The ephemeral ports of Linux (`net.ipv4.ip_local_port_range`).
const FIRST_PORT: u16 = 32_768;
const PORTS: u64 = 28_232;
/// Adjacent addresses get distant ports; the same address gets the next port in each lap.
const PORT_STRIDE: u64 = 7919;
/// Addresses tried in one call.
const PROBES: u64 = 4096;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn both() -> Destination {
        Destination::Both("198.51.100.1:80".parse().unwrap(), "[2001:db8::1]:80".parse().unwrap())
    }

    #[test]
    fn every_address_is_used_once_before_one_is_used_again_and_then_with_another_port() {
        for destination in [both(), both().v4().map(|a| Destination::One(a.into())).unwrap()] {
            let mut addresses = Addresses::new(&destination, 0);
            let mut ips = HashSet::new();
            let mut peers = HashSet::new();
            let count = addresses.holders.len();
            for turn in 0..2 * count as u32 {
                let peer = addresses.take(turn).unwrap();
                assert_eq!(addresses.holder(&peer), Some(turn));
                addresses.release(&peer);
                assert_eq!(addresses.holder(&peer), None);
                assert!(peers.insert(peer), "{peer} came twice");
                assert_eq!(ips.insert(peer.ip()), (turn as usize) < count, "{peer}");
            }
        }
    }

    #[test]
    fn a_taken_address_is_passed_over() {
        let mut addresses = Addresses::new(&both(), 0);
        let kept = addresses.take(7).unwrap();
        let count = addresses.holders.len() as u32;
        for turn in 1..3 * count {
            let peer = addresses.take(turn).unwrap();
            assert_ne!(peer.ip(), kept.ip());
            addresses.release(&peer);
        }
        assert_eq!(addresses.holder(&kept), Some(7));
    }

    #[test]
    fn clients_of_a_dual_stack_listener_alternate() {
        let mut addresses = Addresses::new(&both(), 0);
        let peers: Vec<String> = (0..4).map(|turn| addresses.take(turn).unwrap().ip().to_string()).collect();
        assert_eq!(peers, ["198.18.0.1", "2001:db8:1::1", "198.18.0.2", "2001:db8:1::2"]);
    }

    #[test]
    fn an_address_outside_the_networks_has_no_holder() {
        let mut addresses = Addresses::new(&both(), 0);
        addresses.take(0).unwrap();
        for address in ["198.18.0.0", "198.18.0.255", "198.20.0.1", "10.0.0.1", "2001:db8:1::", "2001:db8:2::1", "::1"]
        {
            assert_eq!(addresses.holder(&Peer::new(address.parse().unwrap(), 32_768)), None, "{address}");
        }
    }
}
