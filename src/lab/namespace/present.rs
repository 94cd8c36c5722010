//! The server's pair in the network namespace in which the program was started. That has to be private to somebody already, a container
//! for example: in the machine's first one nothing is made.
//!
//! A child makes the pair and takes it away when the program has ended, however that ended. Of the namespace itself nothing is
//! changed: addresses and routes belong to the pair and go with it.

use std::fs::File;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use rustix::io::Errno;
use rustix::thread::{CapabilitySet, capabilities};

use super::links::{self, Connected};
use super::probe::Probe;
use super::refusal::{Fault, errno_of, fault_at};
use super::{Cause, Network, Privilege, Step, build};

/// What decides whether anything is made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Evidence {
    /// Whether this is the network namespace with which the machine was started; `None` where that cannot be seen.
    pub(super) is_first: Option<bool>,
    /// CAP_NET_ADMIN is in effect.
    pub(super) net_admin: bool,
}

impl Evidence {
    /// Looks at the calling thread and its namespace.
    pub(super) fn read() -> Self {
        // Settings of the machine as a whole stand in the files of its first network namespace alone (`net_core_table`,
        // net/core/sysctl_net_core.c); the others are in every one.
        let is_visible = std::fs::exists("/proc/sys/net/ipv4/tcp_syncookies").unwrap_or(false);
        let is_first = is_visible.then(|| std::fs::exists("/proc/sys/net/core/netdev_budget").unwrap_or(true));
        let net_admin = capabilities(None).is_ok_and(|held| held.effective.contains(CapabilitySet::NET_ADMIN));
        Self { is_first, net_admin }
    }

    /// Why the pair may not be made; `None`: it may.
    pub(super) const fn forbids(self) -> Option<Cause> {
        match (self.is_first, self.net_admin) {
            (Some(false), true) => None,
            (Some(false), false) => Some(Cause::NoNetAdmin),
            (Some(true), _) => Some(Cause::FirstNamespace),
            (None, _) => Some(Cause::NoProc),
        }
    }
}

/// The pair, as long as this is held.
#[derive(Debug)]
pub(super) struct Pair {
    /// Bound to a name of this namespace: a second lab finds it taken.
    _name: UnixDatagram,
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _nobody_is_left_to_be_told = links::disconnect_here();
    }
}

/// Makes the pair.
pub(super) fn build(asked: &[IpAddr]) -> Result<(Network, Pair), Fault> {
    let name = SocketAddr::from_abstract_name(NAME).and_then(|name| UnixDatagram::bind_addr(&name));
    let pair = Pair {
        _name: name.map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => fault_at(Step::Present)(Errno::ADDRINUSE),
            _ => fault_at(Step::Present)(errno_of(&error)),
        })?,
    };
    // What a lab has left whose processes were all killed at once.
    links::disconnect_here().map_err(fault_at(Step::VethPair))?;
    let here = File::open("/proc/thread-self/ns/net").map_err(|error| fault_at(Step::Origin)(errno_of(&error)))?;
    let probe = Probe::as_it_is();
    let Connected { server, clients, addresses, ipv6 } = links::connect_here(here.as_fd(), asked)?;
    let network = Network {
        privilege: Privilege::Here,
        server,
        clients,
        hash_buckets: None,
        addresses,
        ipv6,
        sysctls: build::read_sysctls(probe),
        syn_rule: probe.syn_rule,
        not_applied: Vec::new(),
    };
    Ok((network, pair))
}

const NAME: &[u8] = b"qviz-lab-here";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_in_a_namespace_that_is_not_the_first_and_with_the_right_anything_is_made() {
        let judged = |is_first, net_admin| Evidence { is_first, net_admin }.forbids();
        assert_eq!(judged(Some(false), true), None);
        assert_eq!(judged(Some(false), false), Some(Cause::NoNetAdmin));
        assert_eq!(judged(Some(true), true), Some(Cause::FirstNamespace));
        assert_eq!(judged(None, true), Some(Cause::NoProc));
    }
}
