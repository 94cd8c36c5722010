//! The wire between clients and listener: the frames of packet-level clients, the way of real ones, and what becomes of each segment.
//!
//! [`machine`] decides what one packet-level client sends, [`bytes`] makes frames of it, [`transmit`] puts frames on the link to the
//! listener; [`icmp`] makes the errors of a router on the path. Many such clients at once are in [`crate::lab::crowd`]. Frames of
//! real clients take the way of [`mod@line`], by [`carry`]. [`outcome`] decides what the kernel did with a segment.

pub mod bytes;
pub mod carry;
pub mod icmp;
pub(in crate::lab) mod interference;
pub mod line;
pub mod machine;
pub mod outcome;
pub mod transmit;

use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::namespace::{LISTENER_V4, LISTENER_V6};

/// The listener as its clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// One address: all clients are of its family.
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

impl Destination {
    /// Where real clients beyond the wire connect to: as packet-level ones, but a listener on 127.0.0.1 is known to them by the address of
    /// the server's end, because theirs is another one.
    pub fn of_clients(listener: SocketAddr) -> Self {
        match listener.ip() {
            IpAddr::V4(ip) if ip.is_loopback() => Self::from(SocketAddr::new(LISTENER_V4.into(), listener.port())),
            _ => Self::from(listener),
        }
    }
}

impl From<SocketAddr> for Destination {
    /// A wildcard listener is reached at the addresses of the kernel's end: `0.0.0.0` at its IPv4 one, `[::]` at
    /// both.
    fn from(listener: SocketAddr) -> Self {
        let port = listener.port();
        let v4 = SocketAddrV4::new(LISTENER_V4, port);
        match listener {
            SocketAddr::V4(address) if address.ip().is_unspecified() => Self::One(v4.into()),
            SocketAddr::V6(address) if address.ip().is_unspecified() => {
                Self::Both(v4, SocketAddrV6::new(LISTENER_V6, port, 0, 0))
            }
            address => Self::One(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_listener_is_met_at_the_kernels_end() {
        let met = |listener: &str| {
            let destination = Destination::from(listener.parse::<SocketAddr>().unwrap());
            (destination.v4().map(|a| a.to_string()), destination.v6().map(|a| a.to_string()))
        };
        let (v4, v6) = (Some("198.51.100.1:80".to_owned()), Some("[2001:db8::1]:80".to_owned()));
        assert_eq!(met("0.0.0.0:80"), (v4.clone(), None));
        assert_eq!(met("[::]:80"), (v4, v6));
        assert_eq!(met("10.7.7.7:80"), (Some("10.7.7.7:80".to_owned()), None));
        assert_eq!(met("[fd00::7]:80"), (None, Some("[fd00::7]:80".to_owned())));
    }
}
