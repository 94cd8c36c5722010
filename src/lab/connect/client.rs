//! The system calls of one client: open and connect, send the request, read until the end.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, connect, getsockname, ipproto, recv, send,
    socket_with,
};
use socket2::{SockFilter, SockRef};

use crate::model::event::ClientEvent;
use crate::model::peer::Peer;

/// The request that every client sends.
const REQUEST: &[u8] = b"GET / HTTP/1.0\r\n\r\n";

/// The one instruction of a socket filter that drops everything: `BPF_RET | BPF_K`, 0 bytes.
const DROP_ALL: [SockFilter; 1] = [SockFilter::new(0x06, 0, 0, 0)];

/// Opens a client's socket and sends its SYN: when this returns, the handshake is in progress, and over loopback
/// usually complete. A half-open client gets a filter that drops everything.
///
/// # Errors
/// The errno of the call that failed; no SYN has left, except with ECONNREFUSED, ECONNRESET and ETIMEDOUT.
pub(super) fn open(target: SocketAddr, source: Option<SocketAddr>, half_open: bool) -> Result<(OwnedFd, Peer), Errno> {
    let family = if target.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    if half_open {
        drop_all(&socket)?;
    }
    if let Some(source) = source {
        bind(&socket, &source)?;
    }
    match connect(&socket, &target) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => {}
        Err(errno) => return Err(errno),
    }
    let peer = SocketAddr::try_from(getsockname(&socket)?)?;
    Ok((socket, peer.into()))
}

/// True when this thread may attach a socket filter, which needs CAP_NET_ADMIN in the network namespace (an ordinary
/// user's `SO_ATTACH_FILTER` on TCP is answered with EPERM, measured on Linux 6.18).
pub(super) fn may_drop_all() -> bool {
    socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, Some(ipproto::TCP))
        .is_ok_and(|socket| drop_all(&socket) != Err(Errno::PERM))
}

/// Drops everything that arrives.
fn drop_all(socket: &OwnedFd) -> Result<(), Errno> {
    let attached = SockRef::from(socket).attach_filter(&DROP_ALL);
    attached.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::NOTSUP))
}

/// Sends the request. `Ok(false)` while the handshake is incomplete; a successful send shows that it is complete.
///
/// # Errors
/// The event with which the client ended.
pub(super) fn send_request(socket: impl AsFd) -> Result<bool, ClientEvent> {
    match send(socket, REQUEST, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
        Ok(_) => Ok(true),
        Err(Errno::AGAIN | Errno::INTR) => Ok(false),
        Err(errno) => Err(end_for_errno(errno)),
    }
}

/// Reads the answer; `None` until the server has closed the connection.
pub(super) fn read_until_end(socket: impl AsFd) -> Option<ClientEvent> {
    let socket = socket.as_fd();
    let mut buffer = [0_u8; 2048];
    loop {
        match recv(socket, &mut buffer[..], RecvFlags::DONTWAIT).map(|(read, _)| read) {
            Ok(0) => return Some(ClientEvent::Finished),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return None,
            Err(errno) => return Some(end_for_errno(errno)),
        }
    }
}

/// The client event for an errno of its socket. EPIPE is a RST that came after the FIN (`tcp_reset`,
/// `net/ipv4/tcp_input.c`).
pub(super) const fn end_for_errno(errno: Errno) -> ClientEvent {
    match errno {
        Errno::CONNREFUSED => ClientEvent::Refused,
        Errno::CONNRESET | Errno::PIPE => ClientEvent::Reset,
        Errno::TIMEDOUT => ClientEvent::TimedOut,
        _ => ClientEvent::Failed { errno: errno.raw_os_error() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_errno_has_its_end() {
        assert_eq!(end_for_errno(Errno::CONNREFUSED), ClientEvent::Refused);
        assert_eq!(end_for_errno(Errno::CONNRESET), ClientEvent::Reset);
        assert_eq!(end_for_errno(Errno::PIPE), ClientEvent::Reset);
        assert_eq!(end_for_errno(Errno::TIMEDOUT), ClientEvent::TimedOut);
        assert_eq!(end_for_errno(Errno::HOSTUNREACH), ClientEvent::Failed { errno: 113 });
        assert_eq!(end_for_errno(Errno::ADDRNOTAVAIL), ClientEvent::Failed { errno: 99 });
    }
}
