//! The system calls of one client: open and connect, send the request, read until the end. The only unsafe one sets a socket option.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use libc::{c_int, c_void, socklen_t};
use rustix::io::Errno;
use rustix::net::sockopt::{ip_ttl, ipv6_unicast_hops};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, connect, getsockname, ipproto, recv, send,
    socket_with,
};

use crate::model::event::ClientEvent;
use crate::model::peer::Peer;

/// The request that every client sends.
const REQUEST: &[u8] = b"GET / HTTP/1.0\r\n\r\n";

/// Opens a client's socket and sends its SYN: when this returns, the handshake is in progress, and over loopback
/// usually complete. A half-open client's socket drops everything that arrives.
///
/// # Errors
/// The errno of the call that failed; no SYN has left, except with ECONNREFUSED, ECONNRESET and ETIMEDOUT.
pub(super) fn open(target: SocketAddr, source: Option<SocketAddr>, half_open: bool) -> Result<(OwnedFd, Peer), Errno> {
    let family = if target.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    if half_open {
        drop_all(&socket, family)?;
    }
    if let Some(source) = source {
        bind(&socket, &source)?;
    }
    match connect(&socket, &target) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => {}
        Err(errno) => return Err(errno),
    }
    let peer = match source {
        Some(source) if source.port() != 0 => source,
        _ => SocketAddr::try_from(getsockname(&socket)?)?,
    };
    Ok((socket, peer.into()))
}

/// Drops everything that arrives: the least TTL of an incoming packet is the greatest that there is (`tcp_v4_rcv`, net/ipv4/tcp_ipv4.c,
/// `tcp_v6_rcv`; TCPMinTTLDrop). It takes no right, unlike a socket filter on TCP.
#[expect(unsafe_code, reason = "neither rustix nor socket2 sets IP_MINTTL and IPV6_MINHOPCOUNT")]
fn drop_all(socket: &OwnedFd, family: AddressFamily) -> Result<(), Errno> {
    let (level, name, usual) = if family == AddressFamily::INET {
        (libc::IPPROTO_IP, libc::IP_MINTTL, ip_ttl(socket)?)
    } else {
        (libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT, u32::from(ipv6_unicast_hops(socket)?))
    };
    let most: c_int = 255;
    if usual >= most.cast_unsigned() {
        // Answers come with that TTL, too (net.ipv4.ip_default_ttl): none would be dropped.
        return Err(Errno::OPNOTSUPP);
    }
    let (raw, value, length) = (socket.as_raw_fd(), (&raw const most).cast::<c_void>(), size_of::<c_int>());
    // SAFETY: `value` points to readable memory of exactly `length` bytes that outlives the call; the kernel only reads it.
    let done = unsafe { libc::setsockopt(raw, level, name, value, length as socklen_t) };
    if done == 0 { Ok(()) } else { Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::NOTSUP)) }
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
