//! Proof that a thread is in a network namespace that this program made: without it no packet is sent and no sysctl
//! is written.

use serde::{Deserialize, Serialize};

use super::Network;
use crate::lab::knobs::{self, KnobError};
use crate::lab::netns::PrivateNetns;
use crate::model::settings::{Sysctl, Sysctls};

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
    /// What was measured of settings whose files are hidden here.
    hidden: Sysctls,
}

impl NetnsToken {
    pub(super) fn new(netns: PrivateNetns, network: &Network) -> Self {
        let mut hidden = Sysctls::default();
        for (sysctl, value) in network.sysctls.iter() {
            if let (Some(value), true) = (value, knobs::read(sysctl.name()).is_err()) {
                hidden.set(sysctl, value);
            }
        }
        let (kernel_end, client_end) = (network.kernel_end.clone(), network.client_end.clone());
        Self { netns, kernel_end, client_end, hidden }
    }

    /// Adds what is known of settings whose files are hidden here.
    pub fn complete(&self, sysctls: &mut Sysctls) {
        for (sysctl, value) in self.hidden.iter() {
            if let (Some(value), None) = (value, sysctls.value(sysctl)) {
                sysctls.set(sysctl, value);
            }
        }
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

    fn link(name: &str) -> Link {
        Link { name: name.to_owned(), index: 2, mac: [2, 0, 0, 0, 0, 1] }
    }

    fn token(netns: PrivateNetns) -> NetnsToken {
        let (kernel_end, client_end) = (link("qviz0"), link("qviz1"));
        NetnsToken { netns, kernel_end, client_end, hidden: Sysctls::default() }
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
