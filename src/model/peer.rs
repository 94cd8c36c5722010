//! Who a connection belongs to: the client's address and port.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A client's address and port, in 18 bytes. IPv4 addresses are kept as IPv4-mapped IPv6 ones, so that an IPv4 client of a
/// dual-stack `[::]` listener is the same peer in whichever family the kernel reports it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    ip: [u8; 16],
    port: u16,
}

impl Peer {
    /// The peer at `ip` and `port`.
    pub fn new(ip: IpAddr, port: u16) -> Self {
        let ip = match ip {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        };
        Self { ip, port }
    }

    /// An IPv4 peer.
    pub fn v4(ip: Ipv4Addr, port: u16) -> Self {
        Self::new(IpAddr::V4(ip), port)
    }

    /// The address; IPv4-mapped ones are given as IPv4.
    pub fn ip(&self) -> IpAddr {
        Ipv6Addr::from(self.ip).to_canonical()
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// True for an IPv4 peer (mapped or not).
    pub fn is_ipv4(&self) -> bool {
        self.ip().is_ipv4()
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.ip(), address.port())
    }
}

impl From<Peer> for SocketAddr {
    fn from(peer: Peer) -> Self {
        Self::new(peer.ip(), peer.port)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::from(*self).fmt(f)
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Peer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Peer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SocketAddr::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_client_is_the_same_peer_in_both_families() {
        let plain: SocketAddr = "198.18.0.7:4000".parse().unwrap();
        let mapped: SocketAddr = "[::ffff:198.18.0.7]:4000".parse().unwrap();
        assert_eq!(Peer::from(plain), Peer::from(mapped));
        assert_eq!(Peer::from(mapped).to_string(), "198.18.0.7:4000");
    }

    #[test]
    fn a_peer_survives_json() {
        let peer: Peer = "[2001:db8:1::9]:81".parse::<SocketAddr>().unwrap().into();
        let text = serde_json::to_string(&peer).unwrap();
        assert_eq!(text, "\"[2001:db8:1::9]:81\"");
        assert_eq!(serde_json::from_str::<Peer>(&text).unwrap(), peer);
    }
}
