//! This process's own sockets, read through their descriptors: the listener's accept queue in one microsecond, how
//! long an accepted connection had waited, a socket's cookie, and the progress of a connecting socket.
//!
//! No privilege is needed. Start at [`OwnListener`].

use std::os::fd::AsFd;

use super::sys;
use crate::model::sample::QueueReading;
use crate::model::watch::ListenerOptions;

/// A listener of this process: a socket, or all members of an SO_REUSEPORT group. It reads through the given handles (a borrowed
/// descriptor, an `Arc` of a socket): a duplicated descriptor would keep the listener open after its owner has closed it.
#[derive(Debug)]
pub struct OwnListener<F: AsFd> {
    members: Vec<F>,
}

impl<F: AsFd> OwnListener<F> {
    /// Reads the listening socket `fd`.
    pub fn new(fd: F) -> Self {
        Self { members: vec![fd] }
    }

    /// Reads these sockets as one listener: depths and drops are sums, and the limit is such that the group holds one more, as each member
    /// does.
    pub const fn group(members: Vec<F>) -> Self {
        Self { members }
    }

    /// Depth and limit of the accept queue and the listener's drops, each `None` where it could not be read. Depth and limit
    /// are one reading of the kernel; the drops follow some hundred nanoseconds later.
    pub fn read(&self) -> QueueReading {
        let (depth, limit) = self.depth_and_limit();
        QueueReading { depth, limit, drops: self.drops() }
    }

    /// The listener's drops alone (`sk_drops`).
    pub fn drops(&self) -> Option<u32> {
        let read = |fd: &F| sys::option_words::<MEMINFO_WORDS>(fd, libc::SOL_SOCKET, libc::SO_MEMINFO).ok();
        let counts = self.members.iter().map(|fd| read(fd).map(|words| words[MEMINFO_DROPS]));
        counts.reduce(|sum, count| Some(sum?.wrapping_add(count?)))?
    }

    /// Depth and limit of the accept queue alone: `tcpi_unacked` and `tcpi_sacked` mean the accept queue in state LISTEN alone (`tcp_get_info`, `net/ipv4/tcp.c`).
    pub fn depth_and_limit(&self) -> (Option<u32>, Option<u32>) {
        let all = self.depths().map(|each| each.map(|(depth, limit)| (depth, u64::from(limit) + 1)));
        match all.reduce(|sum, each| Some((sum?.0 + each?.0, sum?.1 + each?.1))).flatten() {
            Some((depth, holds)) => (Some(depth), u32::try_from(holds - 1).ok()),
            None => (None, None),
        }
    }

    /// Depth and limit of the member that has the least room.
    pub fn fullest(&self) -> Option<(u32, u32)> {
        self.depths().flatten().min_by_key(|(depth, limit)| i64::from(*limit) - i64::from(*depth))
    }

    fn depths(&self) -> impl Iterator<Item = Option<(u32, u32)>> {
        self.members.iter().map(|fd| match tcp_info::<8>(fd) {
            Some(words) if state(words[0]) == LISTEN => Some((words[UNACKED], words[SACKED])),
            _ => None,
        })
    }
}

/// The progress of a connecting socket, from TCP_INFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectProgress {
    /// Segments sent again so far (`tcpi_total_retrans`); in SYN_SENT these are its SYNs.
    pub retransmits: u32,
    /// The socket's state by its number in `include/net/tcp_states.h` (1 ESTABLISHED, 2 SYN_SENT, 7 CLOSE).
    pub state: u8,
}

/// How long an accepted connection had waited in the accept queue, in milliseconds: `tcpi_last_data_sent`, the time
/// since the connection was created, for as long as this side has not sent. Call it right after `accept()`. `None`
/// when it could not be read.
pub fn queue_wait_ms(fd: impl AsFd) -> Option<u32> {
    tcp_info::<12>(fd).map(|words| words[LAST_DATA_SENT])
}

/// The seconds of TCP_DEFER_ACCEPT of the listener `fd`, 0 where it is off. `None` when it could not be read.
pub fn defer_accept_s(fd: impl AsFd) -> Option<u32> {
    sys::option_words::<1>(fd, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT).ok().map(|[seconds]| seconds)
}

/// The options of the listener `fd` that change what its queues do.
pub fn listener_options(fd: impl AsFd) -> ListenerOptions {
    let word = |level, name| sys::option_words::<1>(&fd, level, name).ok().map(|[value]| value);
    ListenerOptions {
        defer_accept_s: defer_accept_s(&fd),
        fastopen: word(libc::IPPROTO_TCP, libc::TCP_FASTOPEN),
        reuseport: word(libc::SOL_SOCKET, libc::SO_REUSEPORT).map(|value| value != 0),
    }
}

/// The socket's cookie (SO_COOKIE): the same number that sock_diag shows for it as a half-open request and as a queued child.
pub fn cookie(fd: impl AsFd) -> Option<u64> {
    rustix::net::sockopt::socket_cookie(fd).ok()
}

/// The progress of the connecting socket `fd`. `None` when it could not be read.
pub fn connect_progress(fd: impl AsFd) -> Option<ConnectProgress> {
    tcp_info::<26>(fd).map(|words| ConnectProgress { retransmits: words[TOTAL_RETRANS], state: state(words[0]) })
}

/// The first `WORDS` words of `struct tcp_info`.
fn tcp_info<const WORDS: usize>(fd: impl AsFd) -> Option<[u32; WORDS]> {
    sys::option_words(fd, libc::IPPROTO_TCP, libc::TCP_INFO).ok()
}

/// `tcpi_state`, the first byte of the structure.
const fn state(first_word: u32) -> u8 {
    first_word.to_ne_bytes()[0]
}

/// The number of TCP_LISTEN in `include/net/tcp_states.h`.
const LISTEN: u8 = 10;

// Positions in `struct tcp_info` (include/uapi/linux/tcp.h), in 32-bit words.
const UNACKED: usize = 6;
const SACKED: usize = 7;
const LAST_DATA_SENT: usize = 11;
const TOTAL_RETRANS: usize = 25;

// SO_MEMINFO (include/uapi/linux/sock_diag.h): SK_MEMINFO_VARS words, of which SK_MEMINFO_DROPS is the last.
const MEMINFO_WORDS: usize = 9;
const MEMINFO_DROPS: usize = 8;

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    #[test]
    fn a_listener_shows_its_limit_and_what_waits() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = OwnListener::new(&listener);
        let before = own.read();
        assert_eq!((before.depth, before.drops), (Some(0), Some(0)));
        assert!(before.limit.is_some_and(|limit| limit > 0));
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(own.read().depth, Some(1));
        let (accepted, _) = listener.accept().unwrap();
        assert_eq!(own.read().depth, Some(0));
        assert!(queue_wait_ms(&accepted).is_some());
        assert_eq!(connect_progress(&client), Some(ConnectProgress { retransmits: 0, state: 1 }));
        assert_ne!(cookie(&accepted), cookie(&client));
    }

    #[test]
    fn what_is_no_listener_has_no_queue() {
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(OwnListener::new(&datagrams).read().depth, None);
        assert_eq!(queue_wait_ms(&datagrams), None);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let reading = OwnListener::new(&client).read();
        assert_eq!((reading.depth, reading.limit), (None, None));
    }
}
