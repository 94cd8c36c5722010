//! Routes that make the private network's kernel refuse to send to an address.

use std::net::{IpAddr, Ipv4Addr};

use rustix::io::Errno;

use super::NetnsToken;
use super::netlink::Route;

/// How a destination is rejected. Nothing is sent in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RejectKind {
    /// A route of type "unreachable": EHOSTUNREACH.
    Unreachable,
    /// A route of type "prohibit": EACCES.
    Prohibited,
    /// A route of type "blackhole": EINVAL.
    Blackhole,
}

impl RejectKind {
    /// Its route type in `include/uapi/linux/rtnetlink.h`.
    const fn route_type(self) -> u8 {
        match self {
            Self::Unreachable => libc::RTN_UNREACHABLE,
            Self::Prohibited => libc::RTN_PROHIBIT,
            Self::Blackhole => libc::RTN_BLACKHOLE,
        }
    }
}

/// A reject route for one address of the private network. Dropping it removes the route.
#[derive(Debug)]
pub(crate) struct RejectRoute {
    route: Route,
    address: IpAddr,
    kind: RejectKind,
}

impl RejectRoute {
    /// Adds the route.
    ///
    /// # Errors
    /// EPERM when the calling thread is not in the namespace of the token; else the kernel's.
    pub(crate) fn add(token: &NetnsToken, address: Ipv4Addr, kind: RejectKind) -> Result<Self, Errno> {
        if !token.is_current() {
            return Err(Errno::PERM);
        }
        let (mut route, address) = (Route::open()?, IpAddr::V4(address));
        route.add_reject_route((address, HOST), kind.route_type())?;
        Ok(Self { route, address, kind })
    }
}

impl Drop for RejectRoute {
    fn drop(&mut self) {
        let _the_network_is_gone = self.route.remove_reject_route((self.address, HOST), self.kind.route_type());
    }
}

/// The prefix length of one IPv4 address.
const HOST: u8 = 32;

#[cfg(test)]
mod tests {
    use super::super::token_for_other_netns;
    use super::*;

    #[test]
    fn no_route_is_put_up_where_the_pass_does_not_hold() {
        let refused = RejectRoute::add(&token_for_other_netns(), Ipv4Addr::new(198, 18, 0, 1), RejectKind::Blackhole);
        assert_eq!(refused.err(), Some(Errno::PERM));
    }
}
