//! `/proc` as a directory: its processes, their descriptors, names and cgroups. Any entry may vanish between two
//! reads.

use std::ffi::CStr;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, openat, readlinkat_raw, statat};
use rustix::io::Errno;

use super::ProcVisibility;
use super::cgroup;
use crate::kernel::printable::printable;
use crate::model::watch::Owner;

/// The process that holds a socket, as far as the scan has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// The lowest process id.
    pub(super) pid: u32,
    /// One of its descriptors.
    pub(super) fd: u32,
    /// Further processes.
    pub(super) others: u32,
}

/// An open `/proc`.
#[derive(Debug)]
pub(super) struct ProcDir {
    root: OwnedFd,
    visibility: ProcVisibility,
}

/// A process's directory of descriptors.
#[derive(Debug)]
pub(super) struct Descriptors {
    directory: OwnedFd,
    entries: Dir,
}

/// What came of opening a process.
#[derive(Debug)]
pub(super) enum Opened {
    /// Its descriptors can be read.
    Here(Descriptors),
    /// They may not be read.
    Denied,
    /// It has ended.
    Gone,
}

impl ProcDir {
    /// Opens it where it is mounted.
    pub(super) fn open() -> Option<Self> {
        let root = openat(rustix::fs::CWD, "/proc", DIRECTORY, Mode::empty()).ok()?;
        // A directory without /proc/self is no procfs, or one of a pid namespace in which this process has no pid.
        let own = fs::read_link("/proc/self").map(|own| own.to_string_lossy().into_owned());
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let nested = fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link != Path::new(FIRST_PID_NAMESPACE));
        let view = match own {
            Err(_) if !root_is_proc(&root) => return None,
            Ok(own) if own == std::process::id().to_string() => {
                if hides_processes(&mounts) && !rustix::process::geteuid().is_root() {
                    ProcVisibility::Hidden
                } else if nested {
                    ProcVisibility::Nested
                } else {
                    ProcVisibility::Whole
                }
            }
            _ => ProcVisibility::Foreign,
        };
        Some(Self { root, visibility: view })
    }

    /// Which processes it shows.
    pub(super) const fn visibility(&self) -> ProcVisibility {
        self.visibility
    }

    /// All processes.
    pub(super) fn processes(&self) -> Vec<u32> {
        let Ok(listing) = Dir::read_from(&self.root) else { return Vec::new() };
        listing.map_while(Result::ok).filter_map(|entry| number(entry.file_name())).collect()
    }

    /// The descriptors of one process.
    pub(super) fn descriptors(&self, pid: u32) -> Opened {
        let directory = match openat(&self.root, format!("{pid}/fd"), DIRECTORY, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::ACCESS | Errno::PERM) => return Opened::Denied,
            Err(_) => return Opened::Gone,
        };
        match Dir::read_from(&directory) {
            Ok(entries) => Opened::Here(Descriptors { directory, entries }),
            Err(_) => Opened::Gone,
        }
    }

    /// The number of a process's network namespace; `Some(Err(()))`: it may not be seen, `None`: the process has ended.
    pub(super) fn network_namespace(&self, pid: u32) -> Option<Result<u64, ()>> {
        let mut buffer = [0; LINK_BYTES];
        match readlinkat_raw(&self.root, format!("{pid}/ns/net"), &mut buffer) {
            Ok(length) => Some(Ok(numbered(&buffer[..length], b"net:[")?)),
            Err(Errno::ACCESS | Errno::PERM) => Some(Err(())),
            Err(_) => None,
        }
    }

    /// How many descriptors a process has open, without going through them (`proc_readfd_count`, fs/proc/fd.c). `None` before Linux 6.2,
    /// which says 0, and for a process that has ended.
    pub(super) fn descriptor_count(&self, pid: u32) -> Option<u32> {
        let stat = statat(&self.root, format!("{pid}/fd"), AtFlags::empty()).ok()?;
        u32::try_from(stat.st_size).ok().filter(|count| *count > 0)
    }

    /// True when that descriptor of that process is still this socket.
    pub(super) fn still_holds(&self, holder: Holder, inode: u64) -> bool {
        let mut buffer = [0; LINK_BYTES];
        let path = format!("{}/fd/{}", holder.pid, holder.fd);
        readlinkat_raw(&self.root, path, &mut buffer).is_ok_and(|length| socket(&buffer[..length]) == Some(inode))
    }

    /// True when that descriptor of that process is this socket.
    pub(super) fn is_socket(&self, pid: u32, fd: u32, inode: u64) -> bool {
        self.still_holds(Holder { pid, fd, others: 0 }, inode)
    }

    /// The process's name; `None` when it has ended.
    pub(super) fn command(&self, pid: u32) -> Option<String> {
        let text = self.small_file(&format!("{pid}/comm"))?;
        Some(printable(text.strip_suffix(b"\n").unwrap_or(&text)))
    }

    /// What is known of a process that holds something; `None` when it has ended.
    pub(super) fn owner(&self, pid: u32) -> Option<Owner> {
        let command = self.command(pid)?;
        let cgroup = self.small_file(&format!("{pid}/cgroup"));
        let place = cgroup.and_then(|text| cgroup::container_or_unit(&printable_lines(&text)));
        Some(Owner { pid, command, others: 0, place })
    }

    /// The first bytes of a file.
    pub(super) fn small_file(&self, path: &str) -> Option<Vec<u8>> {
        let file = openat(&self.root, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut buffer = vec![0; FILE_BYTES];
        let mut length = 0;
        while length < FILE_BYTES {
            match rustix::io::read(&file, &mut buffer[length..]) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(Errno::INTR) => {}
                Err(_) => return None,
            }
        }
        buffer.truncate(length);
        Some(buffer)
    }
}

impl Descriptors {
    /// The next descriptor that is a socket, and its inode. Each descriptor read takes one from `left`; `None` with
    /// `left` above zero means that all have been read.
    pub(super) fn next_socket(&mut self, left: &mut usize) -> Option<(u32, u64)> {
        while *left > 0 {
            let entry = self.entries.next()?.ok()?;
            let Some(fd) = number(entry.file_name()) else { continue };
            *left -= 1;
            let mut buffer = [0; LINK_BYTES];
            let Ok(length) = readlinkat_raw(&self.directory, entry.file_name(), &mut buffer) else { continue };
            if let Some(inode) = socket(&buffer[..length]) {
                return Some((fd, inode));
            }
        }
        None
    }
}

/// The inode in `socket:[4711]`.
fn socket(link: &[u8]) -> Option<u64> {
    numbered(link, b"socket:[")
}

/// The number between this beginning and `]`.
fn numbered(link: &[u8], kind: &[u8]) -> Option<u64> {
    let digits = link.strip_prefix(kind)?.strip_suffix(b"]")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn number(name: &CStr) -> Option<u32> {
    name.to_str().ok().filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))?.parse().ok()
}

/// Each line by itself made visible.
pub(super) fn printable_lines(text: &[u8]) -> String {
    text.split(|byte| *byte == b'\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Whether the proc that is mounted last on `/proc` hides processes, by the text of `mountinfo`
/// (`Documentation/filesystems/proc.rst`: hidepid by number or, since Linux 5.8, by name).
fn hides_processes(mountinfo: &str) -> bool {
    let mut proc = mountinfo.lines().rev().filter_map(|line| {
        let (mount, filesystem) = line.split_once(" - ")?;
        let at = mount.split(' ').nth(4)?;
        (at == "/proc").then(|| filesystem.split(' ').nth(2).unwrap_or_default())
    });
    let hiding = ["hidepid=1", "hidepid=2", "hidepid=4", "hidepid=noaccess", "hidepid=invisible", "hidepid=ptraceable"];
    proc.next().is_some_and(|options| options.split(',').any(|option| hiding.contains(&option)))
}

fn root_is_proc(root: &OwnedFd) -> bool {
    rustix::fs::fstatfs(root).is_ok_and(|filesystem| filesystem.f_type == rustix::fs::PROC_SUPER_MAGIC)
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The name of the first pid namespace (`PROC_PID_INIT_INO`, include/linux/proc_ns.h).
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// Bytes; `socket:[` and any number fit.
const LINK_BYTES: usize = 32;

/// Bytes; a cgroup's path may have 4,096.
const FILE_BYTES: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_socket_is_distinguished_from_all_others() {
        assert_eq!(socket(b"socket:[4711]"), Some(4711));
        for link in
            [&b"pipe:[4711]"[..], b"/tmp/socket:[1]", b"socket:[]", b"socket:[1", b"socket:[99999999999999999999]"]
        {
            assert_eq!(socket(link), None);
        }
    }

    #[test]
    fn the_last_mount_on_proc_decides_what_is_hidden() {
        let mount = |options: &str| format!("25 30 0:23 / /proc rw,nosuid shared:5 - proc proc rw,{options}\n");
        assert!(hides_processes(&mount("hidepid=invisible")) && hides_processes(&mount("gid=5,hidepid=2")));
        assert!(!hides_processes(&mount("hidepid=0")) && !hides_processes(&mount("relatime")));
        assert!(!hides_processes(&(mount("hidepid=2") + &mount("relatime"))));
        assert!(!hides_processes("26 30 0:23 / /mnt/proc rw - proc proc rw,hidepid=2\n"));
        assert!(!hides_processes("nonsense\n"));
    }
}
