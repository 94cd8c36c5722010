//! Proof that a thread is in a network namespace that this program made: without it no packet is sent and no sysctl
//! is written.

use serde::{Deserialize, Serialize};

use super::Network;
use crate::lab::knobs::{self, KnobError};
use crate::lab::netns::PrivateNetns;
use crate::model::settings::Sysctl;

/// One end of the veth pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The device's name.
    pub name: String,
    /// The device's index.
    pub index: u32,
    /// The device's Ethernet address.
    pub mac: [u8; 6],
}

/// Required to send packets and to write sysctls: only an entered [`super::Namespace`] issues it, and it is valid
/// only inside.
#[derive(Clone, Debug)]
pub struct NetnsToken {
    netns: PrivateNetns,
    kernel_end: Link,
    client_end: Link,
}

impl NetnsToken {
    pub(super) fn new(netns: PrivateNetns, network: &Network) -> Self {
        Self { netns, kernel_end: network.kernel_end.clone(), client_end: network.client_end.clone() }
    }

    /// Whether the calling thread is in the namespace of this token. Costs one `statx`, about 1 µs.
    pub fn is_current(&self) -> bool {
        self.netns.is_current()
    }

    /// The listener's end: its MAC is the destination of every frame.
    pub const fn kernel_end(&self) -> &Link {
        &self.kernel_end
    }

    /// The clients' end: packet sockets are bound to its index.
    pub const fn client_end(&self) -> &Link {
        &self.client_end
    }

    /// Writes one sysctl of the private namespace; the value in force afterwards.
    ///
    /// # Errors
    ///
    /// Without a namespace that qviz made around the calling thread nothing is written; values outside the kernel's range are refused
    /// by the kernel; a sysctl may be missing or read-only.
    pub fn write(&self, sysctl: Sysctl, value: i64) -> Result<i64, KnobError> {
        knobs::write(self.netns, sysctl.name(), value)
    }
}

/// A token for the current namespace and one for another, without creating any: for tests.
#[cfg(test)]
pub(in crate::lab) mod tests {
    use super::*;
    use crate::lab::netns::tests::current_and_other;

    fn link(name: &str) -> Link {
        Link { name: name.to_owned(), index: 2, mac: [2, 0, 0, 0, 0, 1] }
    }

    fn token(netns: PrivateNetns) -> NetnsToken {
        NetnsToken { netns, kernel_end: link("qviz0"), client_end: link("qviz1") }
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
