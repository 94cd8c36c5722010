//! Source addresses: a new one for each client, so that neither ports nor the kernel's memory of a peer ("proven" peers bypass
//! the three-quarters rule, TIME_WAIT pairs skip the test for a full SYN queue) get in the way.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::lab::crowd::address_of_turn;
use crate::lab::wire::Destination;

/// Addresses 127.x.y.z with x and z from 1 to 254.
const HOSTS: u32 = 254;
const ADDRESSES: u32 = HOSTS * 256 * HOSTS;

/// Where each client connects to, and from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sources {
    /// In the private network: the clients' addresses in their order, each with another port in each turn; toward a dual-stack listener
    /// the families alternate.
    BeyondWire {
        /// The listener as it is reached over the wire.
        to: Destination,
        /// How many were used.
        given: u64,
    },
    /// On the host: 127.1.0.1, 127.1.0.2 … 127.254.255.254, 16.5 million, then again; the kernel chooses the port, so that two programs
    /// that use the same addresses do not collide.
    Loopback {
        /// The listener.
        to: SocketAddr,
        /// How many were used, modulo their number.
        given: u32,
    },
    /// The kernel chooses the address too: the only one of the IPv6 loopback, or the target's own.
    Kernel {
        /// The listener.
        to: SocketAddr,
    },
}

impl Sources {
    /// The sources that reach `target`.
    pub(super) fn toward(target: SocketAddr, beyond_wire: bool) -> Self {
        let to = reachable(target);
        match to {
            _ if beyond_wire => Self::BeyondWire { to: Destination::of_clients(target), given: 0 },
            SocketAddr::V4(_) => Self::Loopback { to, given: 0 },
            SocketAddr::V6(_) => Self::Kernel { to },
        }
    }

    /// The next client's target and source; without a source the kernel chooses one.
    pub(super) fn next(&mut self) -> (SocketAddr, Option<SocketAddr>) {
        match self {
            Self::BeyondWire { to, given } => {
                let source = SocketAddr::from(address_of_turn(to, *given));
                *given += 1;
                let v6 = to.v6().filter(|_| source.is_ipv6()).map(SocketAddr::V6);
                let target = v6.or_else(|| to.v4().map(SocketAddr::V4)).unwrap_or(source);
                (target, Some(source))
            }
            Self::Loopback { to, given } => {
                let ip = loopback(*given);
                *given = (*given + 1) % ADDRESSES;
                (*to, Some(SocketAddr::new(ip.into(), 0)))
            }
            Self::Kernel { to } => (*to, None),
        }
    }
}

/// The address at which `target` can be reached on this machine: itself, or its family's loopback if it is unspecified.
fn reachable(target: SocketAddr) -> SocketAddr {
    let ip = match target.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, target.port())
}

const fn loopback(n: u32) -> Ipv4Addr {
    let (net, host) = (n / HOSTS, n % HOSTS);
    Ipv4Addr::new(127, 1 + (net / 256) as u8, (net % 256) as u8, 1 + host as u8)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_client_has_an_address_of_its_own() {
        for (target, beyond_wire) in [("127.0.0.1:80", false), ("198.51.100.1:80", true), ("[::]:80", true)] {
            let mut sources = Sources::toward(target.parse().unwrap(), beyond_wire);
            let given: HashSet<_> = (0..100_000).map(|_| sources.next().1.unwrap().ip()).collect();
            assert_eq!(given.len(), 100_000, "{target}");
        }
    }

    #[test]
    fn the_last_address_is_followed_by_the_first() {
        assert_eq!(loopback(ADDRESSES - 1), Ipv4Addr::new(127, 254, 255, 254));
        let mut sources = Sources::Loopback { to: "127.0.0.1:80".parse().unwrap(), given: ADDRESSES - 1 };
        sources.next();
        assert_eq!(sources.next().1, Some("127.1.0.1:0".parse().unwrap()));
    }

    #[test]
    fn a_listener_is_met_where_its_clients_can_reach_it() {
        let met = |target: &str, beyond_wire| {
            let mut sources = Sources::toward(target.parse().unwrap(), beyond_wire);
            [sources.next().0.to_string(), sources.next().0.to_string()]
        };
        assert_eq!(met("0.0.0.0:80", false), ["127.0.0.1:80"; 2]);
        assert_eq!(met("[::]:80", false), ["[::1]:80"; 2]);
        assert_eq!(met("10.0.0.1:80", false), ["10.0.0.1:80"; 2]);
        assert_eq!(met("0.0.0.0:80", true), ["198.51.100.1:80"; 2]);
        assert_eq!(met("127.0.0.1:80", true), ["198.51.100.1:80"; 2], "the wire puts its own address there");
        assert_eq!(met("[::]:80", true), ["198.51.100.1:80", "[2001:db8::1]:80"]);
    }
}
