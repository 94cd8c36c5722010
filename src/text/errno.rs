//! Error numbers by name, and as text.

use std::borrow::Cow;

use rustix::io::Errno;

mod words;

pub use words::{describe, describe_errno};

/// The name of an error number as C writes it (`EADDRNOTAVAIL`), or `errno 123` for one that a socket call does not give.
pub fn name(errno: i32) -> Cow<'static, str> {
    let known = NAMES.iter().find(|(one, _)| one.raw_os_error() == errno);
    known.map_or_else(|| Cow::Owned(format!("errno {errno}")), |(_, name)| Cow::Borrowed(*name))
}

/// The error number of this name.
pub fn number(name: &str) -> Option<i32> {
    NAMES.iter().find(|(_, one)| *one == name).map(|(errno, _)| errno.raw_os_error())
}

/// Every name that [`name`] gives.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().map(|(_, name)| name)
}

/// The errors that a client can meet before its SYN leaves: always listed, zeros too.
pub const ALWAYS_LISTED: [Errno; 8] = [
    Errno::ADDRNOTAVAIL,
    Errno::ADDRINUSE,
    Errno::AGAIN,
    Errno::HOSTUNREACH,
    Errno::MFILE,
    Errno::NETUNREACH,
    Errno::NFILE,
    Errno::NOBUFS,
];

const NAMES: [(Errno, &str); 45] = [
    (Errno::ACCESS, "EACCES"),
    (Errno::ADDRINUSE, "EADDRINUSE"),
    (Errno::ADDRNOTAVAIL, "EADDRNOTAVAIL"),
    (Errno::AFNOSUPPORT, "EAFNOSUPPORT"),
    (Errno::AGAIN, "EAGAIN"),
    (Errno::ALREADY, "EALREADY"),
    (Errno::BADF, "EBADF"),
    (Errno::BUSY, "EBUSY"),
    (Errno::CONNABORTED, "ECONNABORTED"),
    (Errno::CONNREFUSED, "ECONNREFUSED"),
    (Errno::CONNRESET, "ECONNRESET"),
    (Errno::DESTADDRREQ, "EDESTADDRREQ"),
    (Errno::EXIST, "EEXIST"),
    (Errno::FBIG, "EFBIG"),
    (Errno::HOSTUNREACH, "EHOSTUNREACH"),
    (Errno::INPROGRESS, "EINPROGRESS"),
    (Errno::INTR, "EINTR"),
    (Errno::INVAL, "EINVAL"),
    (Errno::IO, "EIO"),
    (Errno::ISCONN, "EISCONN"),
    (Errno::ISDIR, "EISDIR"),
    (Errno::MFILE, "EMFILE"),
    (Errno::NETDOWN, "ENETDOWN"),
    (Errno::NETUNREACH, "ENETUNREACH"),
    (Errno::NFILE, "ENFILE"),
    (Errno::NOBUFS, "ENOBUFS"),
    (Errno::NODEV, "ENODEV"),
    (Errno::NOENT, "ENOENT"),
    (Errno::NOMEM, "ENOMEM"),
    (Errno::NOPROTOOPT, "ENOPROTOOPT"),
    (Errno::NOSPC, "ENOSPC"),
    (Errno::NOSYS, "ENOSYS"),
    (Errno::NOTCONN, "ENOTCONN"),
    (Errno::NOTDIR, "ENOTDIR"),
    (Errno::NOTSOCK, "ENOTSOCK"),
    (Errno::NXIO, "ENXIO"),
    (Errno::OPNOTSUPP, "EOPNOTSUPP"),
    (Errno::PERM, "EPERM"),
    (Errno::PIPE, "EPIPE"),
    (Errno::PROTO, "EPROTO"),
    (Errno::PROTONOSUPPORT, "EPROTONOSUPPORT"),
    (Errno::ROFS, "EROFS"),
    (Errno::SRCH, "ESRCH"),
    (Errno::TIMEDOUT, "ETIMEDOUT"),
    (Errno::USERS, "EUSERS"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_error_has_a_name() {
        for errno in ALWAYS_LISTED {
            assert!(name(errno.raw_os_error()).starts_with('E'), "{errno:?}");
        }
        assert_eq!(name(9999), "errno 9999");
        assert_eq!((number("ECONNREFUSED"), number("ENOSUCH")), (Some(libc::ECONNREFUSED), None));
    }
}
