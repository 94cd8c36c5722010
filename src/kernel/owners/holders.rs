//! Every process that has a socket open, with one of its descriptors: from each of them the socket can be copied.

use std::collections::{BTreeMap, BTreeSet};

use super::proc_dir::{Opened, ProcDir};

/// A process and its descriptor of a socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Descriptor {
    /// The process, as this `/proc` numbers it.
    pub pid: u32,
    /// The lowest of its descriptors that `/proc/PID/fd` lists for the socket.
    pub fd: u32,
    /// The process's name (`/proc/PID/comm`), control characters made visible.
    pub command: String,
}

/// Who has which socket open, from one reading of `/proc`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketHolders {
    by_inode: BTreeMap<u64, Vec<Descriptor>>,
    /// Processes whose descriptors may not be read.
    pub denied: u32,
}

impl SocketHolders {
    /// Reads the descriptors of all processes once, for the sockets `inodes`. Processes that end meanwhile are left out; without
    /// `/proc` nobody is found.
    pub fn find(inodes: &BTreeSet<u64>) -> Self {
        let mut found = Self::default();
        let Some(proc) = ProcDir::open() else { return found };
        let mut processes = proc.processes();
        processes.sort_unstable();
        for pid in processes {
            match proc.descriptors(pid) {
                Opened::Denied => found.denied += 1,
                Opened::Gone => {}
                Opened::Here(mut descriptors) => {
                    let (mut here, mut unlimited) = (BTreeMap::<u64, u32>::new(), usize::MAX);
                    while let Some((fd, inode)) = descriptors.next_socket(&mut unlimited) {
                        if inodes.contains(&inode) {
                            here.entry(inode).and_modify(|lowest| *lowest = fd.min(*lowest)).or_insert(fd);
                        }
                    }
                    found.take(&proc, pid, here);
                }
            }
        }
        found
    }

    /// The processes that have this socket open, the lowest process first.
    pub fn of(&self, inode: u64) -> &[Descriptor] {
        self.by_inode.get(&inode).map_or(&[], Vec::as_slice)
    }

    fn take(&mut self, proc: &ProcDir, pid: u32, sockets: BTreeMap<u64, u32>) {
        if sockets.is_empty() {
            return;
        }
        let Some(command) = proc.command(pid) else { return };
        for (inode, fd) in sockets {
            self.by_inode.entry(inode).or_default().push(Descriptor { pid, fd, command: command.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_socket_with_two_descriptors_is_found_once_with_the_lowest() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let second = listener.try_clone().unwrap();
        let inode = rustix::fs::fstat(&listener).unwrap().st_ino;
        let holders = SocketHolders::find(&BTreeSet::from([inode]));
        let own: Vec<_> = holders.of(inode).iter().filter(|holder| holder.pid == std::process::id()).collect();
        assert_eq!(own.len(), 1, "{holders:?}");
        assert_eq!(i64::from(own[0].fd), i64::from(listener.as_raw_fd().min(second.as_raw_fd())));
        assert!(!own[0].command.is_empty());
        assert_eq!(holders.of(inode + 1_000_000_000), []);
    }
}
