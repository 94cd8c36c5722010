//! Proof that a thread is in a network namespace that this program made: without it no packet is sent and no sysctl
//! is written.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::Network;
use super::spaces::Namespaces;
use crate::lab::knobs::{self, KnobError};
use crate::lab::netns::{self, NetworkId, PrivateNetns};
use crate::model::settings::{Sysctl, Sysctls};

/// One end of a veth pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The device's name.
    pub name: String,
    /// The device's index.
    pub index: u32,
    /// The device's Ethernet address.
    pub mac: [u8; 6],
}

/// Required to send packets, to enter the other namespaces and to write sysctls: only an entered [`super::Namespace`] issues it,
/// and it is valid only inside.
#[derive(Clone, Debug)]
pub struct NetnsToken {
    netns: PrivateNetns,
    spaces: Arc<Namespaces>,
    links: Arc<[Link; 4]>,
    /// What was measured of settings whose files are hidden here.
    hidden: Sysctls,
}

impl NetnsToken {
    pub(super) fn new(netns: PrivateNetns, spaces: Namespaces, network: &Network) -> Self {
        let mut hidden = Sysctls::default();
        for (sysctl, value) in network.sysctls.iter() {
            if let (Some(value), true) = (value, knobs::read(sysctl.name()).is_err()) {
                hidden.set(sysctl, value);
            }
        }
        let Network { server_end, wire_to_server, wire_to_clients, clients_end, .. } = network.clone();
        let links = Arc::new([server_end, wire_to_server, wire_to_clients, clients_end]);
        Self { netns, spaces: Arc::new(spaces), links, hidden }
    }

    /// Adds what is known of settings whose files are hidden here.
    pub fn complete(&self, sysctls: &mut Sysctls) {
        for (sysctl, value) in self.hidden.iter() {
            if let (Some(value), None) = (value, sysctls.value(sysctl)) {
                sysctls.set(sysctl, value);
            }
        }
    }

    /// Whether the calling thread is in the server's namespace of this token. Costs one `statx`, about 1 µs.
    pub fn is_current(&self) -> bool {
        self.netns.is_current()
    }

    /// The listener's end: its MAC is the destination of every frame.
    pub fn server_end(&self) -> &Link {
        &self.links[0]
    }

    /// The wire's end toward the server: packet sockets are bound to its index.
    pub fn wire_to_server(&self) -> &Link {
        &self.links[1]
    }

    /// The wire's end toward the client programs.
    pub fn wire_to_clients(&self) -> &Link {
        &self.links[2]
    }

    /// The client programs' end: its MAC is the destination of every frame toward them.
    pub fn clients_end(&self) -> &Link {
        &self.links[3]
    }

    /// Calls `work` with the calling thread in the wire's namespace. A socket that it opens stays there.
    ///
    /// # Errors
    /// EPERM when the thread is not in the server's namespace of this token; else what `setns(2)` refuses.
    pub fn in_wire<T>(&self, work: impl FnOnce() -> T) -> Result<T, Errno> {
        self.within(self.spaces.wire.as_fd(), work)
    }

    /// Calls `work` with the calling thread in the clients' namespace.
    ///
    /// # Errors
    /// As [`NetnsToken::in_wire`].
    pub fn in_clients<T>(&self, work: impl FnOnce() -> T) -> Result<T, Errno> {
        self.within(self.spaces.clients.as_fd(), work)
    }

    /// Moves the calling thread into the clients' namespace for good.
    ///
    /// # Errors
    /// As [`NetnsToken::in_wire`].
    pub fn move_to_clients(&self) -> Result<(), Errno> {
        if self.is_current() { netns::move_thread(self.spaces.clients.as_fd()) } else { Err(Errno::PERM) }
    }

    fn within<T>(&self, elsewhere: BorrowedFd<'_>, work: impl FnOnce() -> T) -> Result<T, Errno> {
        if !self.is_current() {
            return Err(Errno::PERM);
        }
        netns::move_thread(elsewhere)?;
        let result = work();
        netns::move_thread(self.spaces.server.as_fd())?;
        Ok(result)
    }

    /// Writes a sysctl of the clients' namespace; the value in force afterwards.
    ///
    /// # Errors
    /// As [`NetnsToken::write`].
    pub fn write_for_clients(&self, sysctl: Sysctl, value: i64) -> Result<i64, KnobError> {
        let write =
            || NetworkId::current().map(PrivateNetns::made).map(|here| knobs::write(here, sysctl.name(), value));
        let not_ours = |_| KnobError::NotOurs { name: sysctl.name().to_owned() };
        self.in_clients(write).map_err(not_ours)?.map_err(not_ours)?
    }

    /// Why a sysctl of the private namespace cannot be given this value (`None`: some other one than it has); nothing is changed.
    ///
    /// # Errors
    /// What a [write](Self::write) would meet before the kernel judges the value.
    pub fn may_write(&self, sysctl: Sysctl, value: Option<i64>) -> Result<(), KnobError> {
        let has = self.hidden.value(sysctl).map_or_else(|| knobs::read(sysctl.name()), Ok);
        if value.is_some() && has.ok() == value { Ok(()) } else { knobs::may_write(sysctl.name()) }
    }

    /// Writes one sysctl of the private namespace; the value in force afterwards.
    ///
    /// # Errors
    ///
    /// Without a namespace that qviz made around the calling thread nothing is written; values outside the kernel's range are refused
    /// by the kernel; a sysctl may be missing or read-only.
    pub fn write(&self, sysctl: Sysctl, value: i64) -> Result<i64, KnobError> {
        if self.hidden.value(sysctl) == Some(value) && self.is_current() {
            return Ok(value);
        }
        knobs::write(self.netns, sysctl.name(), value)
    }
}

/// A token for the current namespace and one for another, without creating any: for tests.
#[cfg(test)]
pub(in crate::lab) mod tests {
    use super::*;
    use crate::lab::netns::tests::current_and_other;

    fn token(netns: PrivateNetns) -> NetnsToken {
        let here = || std::fs::File::open("/proc/thread-self/ns/net").unwrap().into();
        let spaces = Namespaces { wire: here(), clients: here(), server: here() };
        let link = |name: &str| Link { name: name.to_owned(), index: 2, mac: [2, 0, 0, 0, 0, 1] };
        let links = Arc::new(["srv0", "wire-s", "wire-c", "cli0"].map(link));
        NetnsToken { netns, spaces: Arc::new(spaces), links, hidden: Sysctls::default() }
    }

    /// A token that is not valid where the test runs.
    pub(in crate::lab) fn token_for_other_netns() -> NetnsToken {
        let [_, elsewhere] = current_and_other();
        token(elsewhere)
    }

    #[test]
    fn a_pass_holds_only_where_it_was_given() {
        let [here, elsewhere] = current_and_other();
        assert!(token(here).is_current() && !token(elsewhere).is_current());
    }

    #[test]
    fn nothing_is_written_outside_a_namespace_of_ours() {
        let before = knobs::read(Sysctl::Somaxconn.name()).unwrap();
        let refused = token_for_other_netns().write(Sysctl::Somaxconn, before + 1).unwrap_err();
        assert_eq!(refused, KnobError::NotOurs { name: "net.core.somaxconn".to_owned() });
        assert_eq!(knobs::read(Sysctl::Somaxconn.name()), Ok(before));
    }
}
