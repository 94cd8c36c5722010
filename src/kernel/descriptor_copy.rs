//! A copy of another process's descriptor: the same socket, not a new one. Copying changes nothing.
//!
//! pidfd_open(2) (Linux 5.3) and pidfd_getfd(2) (Linux 5.6) make it. The kernel allows it to whoever may trace the process
//! (`ptrace_may_access` with PTRACE_MODE_ATTACH_REALCREDS, kernel/pid.c): the same user, unless the process has dropped
//! privileges, or CAP_SYS_PTRACE; Yama (security/yama/yama_lsm.c) may narrow it. Start at [`copy`].

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, getuid, pidfd_getfd, pidfd_open};

use super::own_socket;
use crate::say;
use crate::text::errno::describe;

/// Why a descriptor could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The process belongs to this other user.
    #[error("{}", say!("process {pid} belongs to user {uid}", pid, uid))]
    OtherUser {
        /// The process.
        pid: u32,
        /// Its real user.
        uid: u32,
    },
    /// Yama's `kernel.yama.ptrace_scope` forbids it: 1 allows a process's ancestors, 2 CAP_SYS_PTRACE, 3 nobody.
    #[error("{}", say!("kernel.yama.ptrace_scope is {scope}: process {pid} may not be traced", scope, pid))]
    Yama {
        /// The process.
        pid: u32,
        /// The setting.
        scope: u32,
    },
    /// The same user may not either: the process has capabilities or has changed its user (`PR_SET_DUMPABLE`), or a filter forbids the call.
    #[error("{}", say!("process {pid} may not be traced: it has changed its user or has rights of its own, or a filter forbids pidfd_getfd(2)", pid))]
    Protected {
        /// The process.
        pid: u32,
    },
    /// The descriptor is another socket by now, or the process is another one.
    #[error("{}", say!("process {pid} has closed the socket meanwhile", pid))]
    Changed {
        /// The process.
        pid: u32,
    },
    /// Linux before 5.6.
    #[error("{}", say!("this kernel cannot copy descriptors: pidfd_getfd(2) needs Linux 5.6"))]
    Unsupported,
    /// Something else.
    #[error("{}", say!("copying descriptor {fd} of process {pid}: {error}", fd, pid, error = describe(source)))]
    System {
        /// The process.
        pid: u32,
        /// Its descriptor.
        fd: u32,
        /// The kernel's answer.
        source: io::Error,
    },
}

/// Copies the descriptor `fd` of the process `pid`, if it is the socket with this cookie (SO_COOKIE).
///
/// # Errors
/// [`CopyError`] with what is missing.
pub fn copy(pid: u32, fd: u32, cookie: u64) -> Result<OwnedFd, CopyError> {
    let Some(process) = Pid::from_raw(pid.cast_signed()) else { return Err(CopyError::Changed { pid }) };
    let copied = pidfd_open(process, PidfdFlags::empty())
        .and_then(|process| pidfd_getfd(&process, fd.cast_signed(), PidfdGetfdFlags::empty()));
    let copy = copied.map_err(|errno| refused(pid, fd, errno))?;
    // Descriptors and process ids are used again; a cookie never is.
    if own_socket::cookie(&copy) == Some(cookie) { Ok(copy) } else { Err(CopyError::Changed { pid }) }
}

/// Copies a descriptor of this process, which is allowed wherever copying is possible at all.
///
/// # Errors
/// As [`copy`].
pub fn of_own(socket: impl AsFd) -> Result<OwnedFd, CopyError> {
    let (pid, fd) = (std::process::id(), socket.as_fd().as_raw_fd().cast_unsigned());
    copy(pid, fd, own_socket::cookie(&socket).unwrap_or_default())
}

/// The user and group that clients of a listening unix socket see as its owner (SO_PEERCRED): those that called `listen()` last
/// (`unix_listen` → `init_peercred`, net/unix/af_unix.c).
///
/// # Errors
/// `getsockopt(2)`'s own errors.
pub fn listening_user(socket: &OwnedFd) -> io::Result<(u32, u32)> {
    let owner = socket_peercred(socket)?;
    Ok((owner.uid.as_raw(), owner.gid.as_raw()))
}

/// The value of `kernel.yama.ptrace_scope`, 0 to 3; `None` without Yama.
pub fn yama_scope() -> Option<u32> {
    fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok()?.trim().parse().ok()
}

fn refused(pid: u32, fd: u32, errno: Errno) -> CopyError {
    match errno {
        Errno::NOSYS => CopyError::Unsupported,
        Errno::SRCH | Errno::BADF => CopyError::Changed { pid },
        Errno::PERM | Errno::ACCESS => match (user_of(pid), yama_scope()) {
            (_, Some(3)) => CopyError::Yama { pid, scope: 3 },
            (Some(uid), _) if uid != getuid().as_raw() => CopyError::OtherUser { pid, uid },
            (_, Some(scope)) if scope > 0 => CopyError::Yama { pid, scope },
            _ => CopyError::Protected { pid },
        },
        errno => CopyError::System { pid, fd, source: errno.into() },
    }
}

/// The real user of a process (`Uid:` in /proc/PID/status); `None` when it has ended.
fn user_of(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_copy_is_the_same_socket_and_another_cookie_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (pid, fd) = (std::process::id(), listener.as_raw_fd().cast_unsigned());
        let cookie = own_socket::cookie(&listener).unwrap();
        let copied = copy(pid, fd, cookie).unwrap();
        assert_eq!(own_socket::cookie(&copied), Some(cookie));
        assert_eq!(own_socket::cookie(of_own(&listener).unwrap()), Some(cookie));
        assert!(matches!(copy(pid, fd, cookie + 1), Err(CopyError::Changed { .. })));
        assert!(matches!(copy(pid, 1 << 20, cookie), Err(CopyError::Changed { .. })));
        assert_eq!(user_of(pid), Some(getuid().as_raw()));
    }

    #[test]
    fn each_refusal_has_its_reason() {
        assert!(matches!(refused(1, 3, Errno::NOSYS), CopyError::Unsupported));
        assert!(matches!(refused(u32::MAX, 3, Errno::SRCH), CopyError::Changed { .. }));
        assert!(matches!(refused(1, 3, Errno::MFILE), CopyError::System { .. }));
    }
}
