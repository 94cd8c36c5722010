//! What this kernel does and does not show, measured in a network namespace that is thrown away. Unsafe code: `getsockopt(TCP_INFO)`.
//!
//! No table of versions can tell it: the name of a distribution's kernel does not show which fixes it carries.

use std::io;
use std::mem::size_of;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::attempt::{in_child, unshare_network};
use super::netlink::{LOOPBACK_INDEX, Route};
use super::refusal::Fault;
use crate::model::queue::SynRule;

/// What was measured; `None` where it could not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// When a SYN queue is full.
    pub syn_rule: Option<SynRule>,
    /// `net.core.somaxconn` of a fresh namespace, which some kernels do not show there.
    pub somaxconn: Option<u32>,
}

impl Probe {
    /// Measures in a namespace of its own, in a forked child; knows nothing where no namespace can be had. Call it while the process
    /// has one thread.
    pub fn in_throw_away_namespace() -> Self {
        let measured = in_child(|| -> Result<Self, Fault> {
            unshare_network()?;
            Ok(Self::here())
        });
        measured.unwrap_or_default()
    }

    /// Measures in the present namespace, which must be fresh: its loopback is set up, and nothing else uses its counters.
    pub(super) fn here() -> Self {
        let up = Route::open().and_then(|mut route| route.set_up(LOOPBACK_INDEX, 0));
        if up.is_err() { Self::default() } else { Self::as_it_is() }
    }

    /// Measures in the present namespace, over its loopback as it is.
    pub(super) fn as_it_is() -> Self {
        Self { syn_rule: syn_rule().ok().flatten(), somaxconn: somaxconn().ok() }
    }
}

/// `listen(2147483647)` leaves the ceiling as the limit.
fn somaxconn() -> io::Result<u32> {
    let listener = listener(i32::MAX)?;
    limit(&listener.into())
}

/// With backlog 0 the first SYN already meets a full queue where the test is `>=`: it is answered with a cookie, or dropped. Where the
/// test is `>` it becomes a request (`inet_csk_reqsk_queue_is_full`, include/net/inet_connection_sock.h).
fn syn_rule() -> io::Result<Option<SynRule>> {
    let listener = listener(0)?;
    let Some(address) = listener.local_addr()?.as_socket() else { return Ok(None) };
    let before = met_full_queue()?;
    let client = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    match client.connect(&SockAddr::from(address)) {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::INPROGRESS) => {}
        other => other?,
    }
    let client = OwnedFd::from(client);
    for _ in 0..TRIES {
        let mut fds = [PollFd::new(&client, PollFlags::OUT)];
        let connected = poll(&mut fds, Some(&MOMENT))? > 0;
        if met_full_queue()? > before {
            return Ok(Some(SynRule::AtLeast));
        }
        if connected {
            return Ok(Some(SynRule::Above));
        }
    }
    Ok(None)
}

fn listener(backlog: i32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&SockAddr::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))?;
    socket.listen(backlog)?;
    Ok(socket)
}

/// How many SYNs have met a full SYN queue in this namespace: TCPReqQFullDoCookies and TCPReqQFullDrop of TcpExt.
fn met_full_queue() -> io::Result<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/net/netstat")?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt:"));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let wanted = |name: &str| matches!(name, "TCPReqQFullDoCookies" | "TCPReqQFullDrop");
    let columns = names.split_whitespace().zip(values.split_whitespace()).filter(|(name, _)| wanted(name));
    Ok(columns.filter_map(|(_, value)| value.parse::<u64>().ok()).sum())
}

/// A listener's limit: `tcpi_sacked` of TCP_INFO (`tcp_get_info`, net/ipv4/tcp.c).
#[expect(unsafe_code, reason = "neither rustix nor socket2 reads this option")]
fn limit(listener: &OwnedFd) -> io::Result<u32> {
    let mut words = [0_u32; SACKED + 1];
    let mut length = size_of::<[u32; SACKED + 1]>() as libc::socklen_t;
    // SAFETY: `words` is writable memory of exactly `length` bytes, both outlive the call, the kernel writes at most `length` bytes,
    // and every bit pattern is a valid u32.
    let done = unsafe {
        let place = words.as_mut_ptr().cast::<libc::c_void>();
        libc::getsockopt(listener.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, place, &raw mut length)
    };
    if done == 0 { Ok(words[SACKED]) } else { Err(io::Error::last_os_error()) }
}

/// The place of `tcpi_sacked` in `struct tcp_info`, in words of 32 bits (include/uapi/linux/tcp.h).
const SACKED: usize = 7;

/// A handshake over loopback takes microseconds; so long is waited for it on a very busy machine.
const TRIES: u32 = 100;
const MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
