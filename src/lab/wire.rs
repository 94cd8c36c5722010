//! Packet-level clients: a pure handshake machine, segment bytes, and the socket that sends them.
//!
//! [`machine`] decides what one client sends, [`bytes`] makes frames of it, [`transmit`] puts them on the clients' end of the veth pair.
//! Many clients at once live in [`crate::lab::crowd`].

pub mod bytes;
pub mod machine;
pub mod transmit;

use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

/// The listener as its clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// One address: all clients speak its family.
    One(SocketAddr),
    /// A dual-stack wildcard listener: clients alternate between the families.
    Both(SocketAddrV4, SocketAddrV6),
}

impl Destination {
    /// Where IPv4 clients connect to, if there are any.
    pub const fn v4(&self) -> Option<SocketAddrV4> {
        match self {
            Self::One(SocketAddr::V4(address)) | Self::Both(address, _) => Some(*address),
            Self::One(SocketAddr::V6(_)) => None,
        }
    }

    /// Where IPv6 clients connect to, if there are any.
    pub const fn v6(&self) -> Option<SocketAddrV6> {
        match self {
            Self::One(SocketAddr::V6(address)) | Self::Both(_, address) => Some(*address),
            Self::One(SocketAddr::V4(_)) => None,
        }
    }
}

impl From<SocketAddr> for Destination {
    fn from(address: SocketAddr) -> Self {
        Self::One(address)
    }
}
