//! Another network namespace: that of a container, of a process, or one with a name under `/run/netns`. Entering
//! moves the calling thread and affects no other thread or process. Start at [`enter`].

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use thiserror::Error;

use super::sys;
use crate::say;
use crate::text::errno::describe;

/// Why another network namespace cannot be entered.
#[derive(Debug, Error)]
#[error("{}", say!("cannot {operation} {path}: {why}", operation, path = path.display(), why))]
pub struct NetnsError {
    operation: &'static str,
    path: PathBuf,
    why: NetnsErrorKind,
    /// The process whose namespace was asked for.
    pid: Option<u32>,
}

#[derive(Debug, Error)]
enum NetnsErrorKind {
    #[error("{}", describe(_0))]
    Kernel(#[from] io::Error),
    #[error("{}", say!("this is no network namespace"))]
    NoNamespace,
    #[error("{}", say!("the process has {count} threads already; a user namespace is entered before the second", count = _0))]
    Threads(usize),
}

/// The privilege by which a namespace was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryRight {
    /// It already was the thread's namespace.
    Here,
    /// CAP_SYS_ADMIN over it.
    Right,
    /// The user owns the user namespace to which it belongs (a rootless container, the user's own lab), and that was
    /// entered first. Privileges of the old user namespace no longer apply.
    Owner,
}

impl NetnsError {
    /// What the reader can do about it.
    pub fn hint(&self) -> String {
        let errno = match &self.why {
            NetnsErrorKind::NoNamespace => {
                return say!("name a file as `/run/netns/NAME` or `/proc/PID/ns/net`: `ip netns`, `lsns -t net`")
                    .to_owned();
            }
            NetnsErrorKind::Threads(_) => return say!("this is a fault of qviz: please report it").to_owned(),
            NetnsErrorKind::Kernel(error) => error.raw_os_error(),
        };
        match (errno, self.pid) {
            (Some(libc::ENOENT | libc::ESRCH), Some(pid)) => {
                say!("there is no process {pid} in this /proc: `lsns -t net` lists the namespaces and their processes", pid)
            }
            (Some(libc::ENOENT), None) => say!("`ip netns` lists those with a name, `lsns -t net` all").to_owned(),
            (Some(libc::EPERM | libc::EACCES), _) => {
                say!("it belongs to another user: run qviz as root; drops without names are in /proc/PID/net/netstat for everybody")
                    .to_owned()
            }
            _ => say!("try `nsenter --net={path} true`", path = self.path.display()),
        }
    }
}

/// Moves the calling thread into the network namespace that the file `path` stands for (`/run/netns/NAME`, `/proc/PID/ns/net`).
/// Where the right is missing, the user namespace that owns it is entered first, which an ordinary user may do with its own rootless
/// containers. Call it while the process has one thread.
///
/// # Errors
/// [`NetnsError`]; the thread may already have entered that user namespace, so qviz should exit.
pub fn enter(path: &Path) -> Result<EntryRight, NetnsError> {
    enter_as(path, None)
}

/// As [`enter`], for the network namespace of the process `pid`, in /proc's own pid namespace.
///
/// # Errors
/// As [`enter`].
pub fn enter_pid(pid: u32) -> Result<EntryRight, NetnsError> {
    enter_as(&Path::new("/proc").join(pid.to_string()).join("ns/net"), Some(pid))
}

fn enter_as(path: &Path, pid: Option<u32>) -> Result<EntryRight, NetnsError> {
    let failed = |operation, why| NetnsError { operation, path: path.to_owned(), why, pid };
    let namespace = File::open(path).map_err(|error| failed(say!("open"), error.into()))?;
    if sys::namespace_kind(&namespace).ok() != Some(libc::CLONE_NEWNET) {
        return Err(failed(say!("enter"), NetnsErrorKind::NoNamespace));
    }
    if is_here(&namespace) {
        return Ok(EntryRight::Here);
    }
    let refused = match join(&namespace, LinkNameSpaceType::Network) {
        Ok(()) => return Ok(EntryRight::Right),
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => error,
        Err(error) => return Err(failed(say!("enter"), error.into())),
    };
    // If the owner cannot be looked up, report the first error.
    let owner = sys::owning_user_namespace(&namespace).map_err(|_| failed(say!("enter"), refused.into()))?;
    join_owner(&owner).map_err(|why| failed(say!("enter the user namespace that owns"), why))?;
    join(&namespace, LinkNameSpaceType::Network).map_err(|error| failed(say!("enter"), error.into()))?;
    Ok(EntryRight::Owner)
}

fn join(namespace: impl AsFd, kind: LinkNameSpaceType) -> io::Result<()> {
    Ok(move_into_link_name_space(namespace.as_fd(), Some(kind))?)
}

/// EINVAL means that the process has a second thread, or that this is its own user namespace.
fn join_owner(owner: &OwnedFd) -> Result<(), NetnsErrorKind> {
    join(owner, LinkNameSpaceType::User).map_err(|error| match error.raw_os_error() {
        Some(libc::EINVAL) if threads() > 1 => NetnsErrorKind::Threads(threads()),
        Some(libc::EINVAL) => io::Error::from_raw_os_error(libc::EPERM).into(),
        _ => error.into(),
    })
}

/// Whether this is the calling thread's network namespace.
fn is_here(namespace: &File) -> bool {
    let here = rustix::fs::stat("/proc/thread-self/ns/net");
    let there = rustix::fs::fstat(namespace);
    matches!((here, there), (Ok(here), Ok(there)) if (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino))
}

/// Threads of this process; 1 when /proc is not readable.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_network_namespace_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [file.path(), Path::new("/proc/self/ns/mnt"), Path::new("/dev/null")] {
            let error = enter(path).unwrap_err();
            assert!(error.to_string().contains("no network namespace"), "{error}");
            assert!(error.to_string().contains(&path.display().to_string()) && error.hint().contains("lsns"));
        }
    }

    #[test]
    fn what_does_not_exist_is_said_to_be_missing() {
        let error = enter(Path::new("/run/netns/qviz does not exist")).unwrap_err();
        assert!(error.to_string().starts_with("cannot open") && error.hint().contains("ip netns"), "{error}");
        let error = enter_pid(u32::MAX).unwrap_err();
        assert!(error.hint().contains("no process 4294967295"), "{error}: {}", error.hint());
    }

    #[test]
    fn ones_own_namespace_needs_no_right() {
        assert_eq!(enter_pid(std::process::id()).unwrap(), EntryRight::Here);
    }
}
