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

/// The two ends of a veth pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPair {
    /// The wire's end: packet sockets are bound to its index.
    pub wire: Link,
    /// The end of whoever is beyond: its MAC is the destination of every frame.
    pub far: Link,
}

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
    /// The namespaces that qviz made; `None` where the pair stands in the one in which the program was started.
    spaces: Option<Arc<Namespaces>>,
    server: Arc<LinkPair>,
    clients: Option<Arc<LinkPair>>,
    /// What was measured of settings whose files are hidden here.
    hidden: Sysctls,
}

impl NetnsToken {
    pub(super) fn new(netns: PrivateNetns, spaces: Option<Namespaces>, network: &Network) -> Self {
        let mut hidden = Sysctls::default();
        for (sysctl, value) in network.sysctls.iter() {
            if let (Some(value), true) = (value, knobs::read(sysctl.name()).is_err()) {
                hidden.set(sysctl, value);
            }
        }
        let Network { server, clients, .. } = network.clone();
        Self { netns, spaces: spaces.map(Arc::new), server: Arc::new(server), clients: clients.map(Arc::new), hidden }
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

    /// Between wire and server.
    pub fn server(&self) -> &LinkPair {
        &self.server
    }

    /// Between wire and client programs; `None` where there can be none.
    pub fn clients(&self) -> Option<&LinkPair> {
        self.clients.as_deref()
    }

    /// Whether the settings of this namespace are qviz's own to change.
    pub const fn owns_settings(&self) -> bool {
        self.spaces.is_some()
    }

    /// Calls `work` with the calling thread in the wire's namespace. A socket that it opens stays there.
    ///
    /// # Errors
    /// EPERM when the thread is not in the server's namespace of this token; else what `setns(2)` refuses.
    pub fn in_wire<T>(&self, work: impl FnOnce() -> T) -> Result<T, Errno> {
        match self.own_spaces() {
            Ok(spaces) => within(spaces, spaces.wire.as_fd(), work),
            Err(_) if self.is_current() => Ok(work()),
            Err(errno) => Err(errno),
        }
    }

    /// Calls `work` with the calling thread in the clients' namespace.
    ///
    /// # Errors
    /// As [`NetnsToken::in_wire`]; EPERM where there is no such namespace.
    pub fn in_clients<T>(&self, work: impl FnOnce() -> T) -> Result<T, Errno> {
        let spaces = self.own_spaces()?;
        within(spaces, spaces.clients.as_fd(), work)
    }

    /// Moves the calling thread into the clients' namespace for good.
    ///
    /// # Errors
    /// As [`NetnsToken::in_clients`].
    pub fn move_to_clients(&self) -> Result<(), Errno> {
        netns::move_thread(self.own_spaces()?.clients.as_fd())
    }

    fn own_spaces(&self) -> Result<&Namespaces, Errno> {
        self.spaces.as_deref().filter(|_| self.is_current()).ok_or(Errno::PERM)
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
        if value.is_some() && self.value(sysctl) == value {
            return Ok(());
        }
        self.must_own(sysctl)?;
        knobs::may_write(sysctl.name())
    }

    /// Writes one sysctl of the private namespace; the value in force afterwards.
    ///
    /// # Errors
    ///
    /// Without a namespace that qviz made around the calling thread nothing is written; values outside the kernel's range are refused
    /// by the kernel; a sysctl may be missing or read-only.
    pub fn write(&self, sysctl: Sysctl, value: i64) -> Result<i64, KnobError> {
        if self.is_current() && self.value(sysctl) == Some(value) {
            return Ok(value);
        }
        self.must_own(sysctl)?;
        knobs::write(self.netns, sysctl.name(), value)
    }

    /// What a sysctl is: measured where its file is hidden.
    fn value(&self, sysctl: Sysctl) -> Option<i64> {
        self.hidden.value(sysctl).or_else(|| knobs::read(sysctl.name()).ok())
    }

    fn must_own(&self, sysctl: Sysctl) -> Result<(), KnobError> {
        if self.owns_settings() { Ok(()) } else { Err(KnobError::NotOurs { name: sysctl.name().to_owned() }) }
    }
}

/// Calls `work` with the calling thread in another of these namespaces.
fn within<T>(spaces: &Namespaces, elsewhere: BorrowedFd<'_>, work: impl FnOnce() -> T) -> Result<T, Errno> {
    netns::move_thread(elsewhere)?;
    let result = work();
    netns::move_thread(spaces.server.as_fd())?;
    Ok(result)
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
        let server = Arc::new(LinkPair { wire: link("wire-s"), far: link("srv0") });
        NetnsToken { netns, spaces: Some(Arc::new(spaces)), server, clients: None, hidden: Sysctls::default() }
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
    fn where_the_namespace_is_not_ours_nothing_of_it_is_changed() {
        let [here, _] = current_and_other();
        let token = NetnsToken { spaces: None, ..token(here) };
        let before = knobs::read(Sysctl::Somaxconn.name()).unwrap();
        assert!(token.is_current() && token.write(Sysctl::Somaxconn, before + 1).is_err());
        assert!(token.may_write(Sysctl::Somaxconn, Some(before + 1)).is_err());
        assert_eq!(token.write(Sysctl::Somaxconn, before), Ok(before), "it is so already");
        assert_eq!((token.in_wire(|| 1), token.in_clients(|| 1)), (Ok(1), Err(Errno::PERM)));
    }

    #[test]
    fn nothing_is_written_outside_a_namespace_of_ours() {
        let before = knobs::read(Sysctl::Somaxconn.name()).unwrap();
        let refused = token_for_other_netns().write(Sysctl::Somaxconn, before + 1).unwrap_err();
        assert_eq!(refused, KnobError::NotOurs { name: "net.core.somaxconn".to_owned() });
        assert_eq!(knobs::read(Sysctl::Somaxconn.name()), Ok(before));
    }
}
