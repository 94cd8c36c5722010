//! Proof of standing in a network namespace that this program made: without it no packet is sent and no sysctl is written.

use std::os::unix::fs::MetadataExt;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::Network;
use super::refusal::errno_of;

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

/// The right to send packets and to turn sysctls: only an entered [`super::Namespace`] gives it, and it holds only inside.
#[derive(Clone, Debug)]
pub struct SendPass {
    ground: Ground,
    kernel_end: Link,
    client_end: Link,
}

/// A network namespace that is not the one in which the program was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) struct Ground(NetworkId);

/// The kernel's identity of a network namespace: device and inode of `/proc/thread-self/ns/net`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NetworkId {
    device: u64,
    inode: u64,
}

impl SendPass {
    pub(super) fn new(ground: Ground, network: &Network) -> Self {
        Self { ground, kernel_end: network.kernel_end.clone(), client_end: network.client_end.clone() }
    }

    /// Whether the calling thread stands in the namespace for which this pass was given. Costs one `statx`, about 1 µs.
    pub fn holds_here(&self) -> bool {
        self.ground.holds_here()
    }

    /// The listener's end: its MAC is the destination of every frame.
    pub const fn kernel_end(&self) -> &Link {
        &self.kernel_end
    }

    /// The clients' end: packet sockets are bound to its index.
    pub const fn client_end(&self) -> &Link {
        &self.client_end
    }

    pub(in crate::lab) const fn ground(&self) -> Ground {
        self.ground
    }
}

impl Ground {
    /// The present namespace, if it is another one than `origin`.
    pub(super) fn outside_of(origin: NetworkId) -> Result<Self, Errno> {
        let here = NetworkId::here()?;
        if here == origin { Err(Errno::PERM) } else { Ok(Self(here)) }
    }

    /// Whether the calling thread stands in it.
    pub(in crate::lab) fn holds_here(self) -> bool {
        NetworkId::here() == Ok(self.0)
    }
}

impl NetworkId {
    /// The calling thread's namespace.
    pub(super) fn here() -> Result<Self, Errno> {
        let entry = std::fs::metadata("/proc/thread-self/ns/net").map_err(|error| errno_of(&error))?;
        Ok(Self { device: entry.dev(), inode: entry.ino() })
    }
}

/// A pass for this very place and one for another place, without any namespace: for tests of what depends on a pass.
#[cfg(test)]
pub(in crate::lab) mod tests {
    use super::*;

    fn link(name: &str) -> Link {
        Link { name: name.to_owned(), index: 2, mac: [2, 0, 0, 0, 0, 1] }
    }

    /// A pass that does not hold where the test runs.
    pub(in crate::lab) fn pass_for_elsewhere() -> SendPass {
        let mut elsewhere = NetworkId::here().unwrap();
        elsewhere.inode += 1;
        SendPass { ground: Ground(elsewhere), kernel_end: link("qviz0"), client_end: link("qviz1") }
    }

    #[test]
    fn a_pass_holds_only_where_it_was_given() {
        let here = NetworkId::here().unwrap();
        let pass = SendPass { ground: Ground(here), kernel_end: link("qviz0"), client_end: link("qviz1") };
        assert!(pass.holds_here());
        assert!(!pass_for_elsewhere().holds_here());
    }

    #[test]
    fn the_place_of_the_start_is_never_our_ground() {
        let here = NetworkId::here().unwrap();
        assert_eq!(Ground::outside_of(here), Err(Errno::PERM));
        let other = NetworkId { device: here.device, inode: here.inode + 1 };
        assert_eq!(Ground::outside_of(other), Ok(Ground(here)));
    }
}
