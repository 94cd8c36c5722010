//! The network namespace of the calling thread, and whether qviz made it.

use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;

use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network namespace that is not the one in which the program was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) struct PrivateNetns(NetworkId);

/// The kernel's identity of a network namespace: device and inode of `/proc/thread-self/ns/net`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) struct NetworkId {
    device: u64,
    inode: u64,
}

impl PrivateNetns {
    /// The current namespace, if it is not `origin`.
    pub(in crate::lab) fn current_if_not(origin: NetworkId) -> Result<Self, Errno> {
        let here = NetworkId::current()?;
        if here == origin { Err(Errno::PERM) } else { Ok(Self(here)) }
    }

    /// A namespace of which the builder of the network knows that it has made it.
    pub(in crate::lab) const fn made(id: NetworkId) -> Self {
        Self(id)
    }

    /// Whether the calling thread is in it. Costs one `statx`, about 1 µs.
    pub(in crate::lab) fn is_current(self) -> bool {
        NetworkId::current() == Ok(self.0)
    }
}

impl NetworkId {
    /// The calling thread's namespace.
    pub(in crate::lab) fn current() -> Result<Self, Errno> {
        let entry = std::fs::metadata("/proc/thread-self/ns/net");
        let entry = entry.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        Ok(Self { device: entry.dev(), inode: entry.ino() })
    }
}

/// Moves the calling thread into another network namespace; its other threads stay.
pub(in crate::lab) fn move_thread(netns: BorrowedFd<'_>) -> Result<(), Errno> {
    move_into_link_name_space(netns, Some(LinkNameSpaceType::Network))
}

#[cfg(test)]
pub(in crate::lab) mod tests {
    use super::*;

    /// The current namespace, and one that does not exist.
    pub(in crate::lab) fn current_and_other() -> [PrivateNetns; 2] {
        let here = NetworkId::current().unwrap();
        [PrivateNetns(here), PrivateNetns(NetworkId { inode: here.inode + 1, ..here })]
    }

    #[test]
    fn the_initial_namespace_is_never_private() {
        let [PrivateNetns(here), PrivateNetns(other)] = current_and_other();
        assert_eq!(PrivateNetns::current_if_not(here), Err(Errno::PERM));
        assert_eq!(PrivateNetns::current_if_not(other), Ok(PrivateNetns(here)));
    }
}
