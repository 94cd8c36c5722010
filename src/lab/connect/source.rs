//! Source addresses: a new loopback address for each IPv4 client, so that neither ports nor the kernel's memory of a
//! peer ("proven" peers bypass the three-quarters rule, TIME_WAIT pairs skip the test for a full SYN queue) get in
//! the way.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Addresses 127.x.y.z with x and z from 1 to 254.
const HOSTS: u32 = 254;
const ADDRESSES: u32 = HOSTS * 256 * HOSTS;

/// Source addresses in order. The kernel chooses the port: two programs that use the same addresses do not collide.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sources {
    /// 127.1.0.1, 127.1.0.2 … 127.254.255.254, 16.5 million, then again. They reach every address of this machine, not only 127/8:
    /// such packets travel over lo (tried with 198.51.100.1 on a veth, rp_filter on, Linux 6.18).
    Loopback {
        /// How many were used, modulo their number.
        given: u32,
    },
    /// The kernel chooses the address too: the only one of the IPv6 loopback, or the target's own.
    Kernel,
}

impl Sources {
    /// The sources that reach `target`.
    pub(super) const fn toward(target: SocketAddr) -> Self {
        match target {
            SocketAddr::V4(_) => Self::Loopback { given: 0 },
            SocketAddr::V6(_) => Self::Kernel,
        }
    }

    /// The next client's address; `None` leaves it to the kernel.
    pub(super) const fn next(&mut self) -> Option<Ipv4Addr> {
        let Self::Loopback { given } = self else { return None };
        let ip = loopback(*given);
        *given = (*given + 1) % ADDRESSES;
        Some(ip)
    }
}

/// The address at which `target` can be reached: itself, or its family's loopback if it is unspecified.
pub(super) fn reachable(target: SocketAddr) -> SocketAddr {
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
        let mut sources = Sources::toward("127.0.0.1:80".parse().unwrap());
        let given: Vec<_> = (0..100_000).map(|_| sources.next().unwrap()).collect();
        assert_eq!(given[0], Ipv4Addr::new(127, 1, 0, 1));
        assert_eq!(given.iter().collect::<HashSet<_>>().len(), given.len());
    }

    #[test]
    fn the_last_address_is_followed_by_the_first() {
        assert_eq!(loopback(ADDRESSES - 1), Ipv4Addr::new(127, 254, 255, 254));
        let mut sources = Sources::Loopback { given: ADDRESSES - 1 };
        sources.next();
        assert_eq!(sources.next(), Some(Ipv4Addr::new(127, 1, 0, 1)));
    }

    #[test]
    fn all_addresses_means_the_loopback() {
        for (given, reached) in
            [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("10.0.0.1:80", "10.0.0.1:80")]
        {
            assert_eq!(reachable(given.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
