//! Half-open requests, connections waiting for `accept()` and all listening sockets, from NETLINK_SOCK_DIAG. No right is needed.
//!
//! One request is in flight at a time. A dump is not a snapshot: under churn rows come twice (duplicates are removed
//! here) or not at all. Both address families are listed in one walk of the kernel's tables. Start at [`Diag`].

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use crate::kernel::sock_diag::codec::Row;
use crate::kernel::sock_diag::socket::NetlinkSocket;
use crate::kernel::sock_diag::unix::UnixRow;
use crate::model::sample::{HalfOpen, QueueReading, Waiting};
use crate::say;
use crate::text::errno::describe;

pub mod codec;
pub mod envelope;
mod socket;
pub mod unix;

/// An open NETLINK_SOCK_DIAG socket, in the network namespace in which it was opened.
#[derive(Debug)]
pub struct Diag {
    socket: NetlinkSocket,
    rows: Vec<Row>,
}

/// How complete one dump was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DumpCompleteness {
    /// True when the kernel marked the dump as interrupted by changes (NLM_F_DUMP_INTR). False does not prove the
    /// opposite.
    pub interrupted: bool,
    /// Duplicate rows that were removed.
    pub duplicates: u32,
}

/// One listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its accept queue and drops.
    pub queue: QueueReading,
    /// The inode that `/proc/PID/fd` shows for it.
    pub inode: u32,
    /// The user that made it.
    pub uid: u32,
    /// True when it takes IPv6 alone; `None` for IPv4.
    pub v6_only: Option<bool>,
    /// Socket cookie; unique within an SO_REUSEPORT group.
    pub cookie: u64,
}

/// Why sock_diag gave no answer.
#[derive(Debug, Error)]
#[error("{}", say!("sock_diag could not {operation} {target}: {source}", operation, target, source = describe(source)))]
pub struct DiagError {
    operation: &'static str,
    target: &'static str,
    source: io::Error,
}

impl DiagError {
    /// What the reader can do about it.
    pub fn hint(&self) -> &'static str {
        match self.source.raw_os_error() {
            Some(libc::EPROTONOSUPPORT | libc::EAFNOSUPPORT | libc::ENOENT) => {
                say!("this kernel was built without INET_DIAG, or could not load it: run `modprobe tcp_diag` as root")
            }
            Some(libc::EPERM | libc::EACCES) => {
                say!("a sandbox (seccomp, SELinux) refuses netlink: allow AF_NETLINK, or run qviz outside the sandbox")
            }
            Some(libc::ENOBUFS | libc::EAGAIN) => {
                say!("the kernel was too busy to answer; the next reading asks again")
            }
            _ => say!("run `ss -ltn` to see whether sock_diag works here at all"),
        }
    }
}

impl From<DiagError> for io::Error {
    fn from(error: DiagError) -> Self {
        Self::new(error.source.kind(), error)
    }
}

impl Diag {
    /// Opens sock_diag in the network namespace of the calling thread.
    ///
    /// # Errors
    /// [`DiagError`] where the kernel or a sandbox does not offer it.
    pub fn open() -> Result<Self, DiagError> {
        let failed = |source| DiagError { operation: say!("open"), target: say!("a netlink socket"), source };
        Ok(Self { socket: NetlinkSocket::open().map_err(failed)?, rows: Vec::new() })
    }

    /// Replaces `out` by the half-open requests for the local `port`, in no particular order.
    ///
    /// # Errors
    /// [`DiagError`] where the dump failed twice; `out` is empty then.
    #[cfg(any(test, feature = "internals"))]
    pub fn half_open(&mut self, port: u16, out: &mut Vec<HalfOpen>) -> Result<DumpCompleteness, DiagError> {
        out.clear();
        let request = DumpRequest { states: SYN_RECV, extensions: 0, port, wanted: Row::is_request };
        let dumped = self.dump(&request, say!("list half-open requests of"))?;
        out.extend(self.rows.iter().map(half_open));
        Ok(dumped)
    }

    /// Replaces `out` by the connections to the local `port` that wait for `accept()`, in no particular order.
    ///
    /// # Errors
    /// [`DiagError`] where the dump failed twice; `out` is empty then.
    #[cfg(any(test, feature = "internals"))]
    pub fn waiting(&mut self, port: u16, out: &mut Vec<Waiting>) -> Result<DumpCompleteness, DiagError> {
        out.clear();
        let request = DumpRequest { states: QUEUED, extensions: WITH_INFO, port, wanted: Row::is_unaccepted };
        let dumped = self.dump(&request, say!("list waiting connections of"))?;
        out.extend(self.rows.iter().map(waiting));
        Ok(dumped)
    }

    /// Both lists from one walk of the kernel's tables: half the cost of two dumps.
    ///
    /// # Errors
    /// [`DiagError`] where the dump failed twice; both lists are empty then.
    pub fn both(
        &mut self,
        port: u16,
        requests: &mut Vec<HalfOpen>,
        children: &mut Vec<Waiting>,
    ) -> Result<DumpCompleteness, DiagError> {
        requests.clear();
        children.clear();
        let wanted = |row: &Row| row.is_request() || row.is_unaccepted();
        let request = DumpRequest { states: QUEUED, extensions: WITH_INFO, port, wanted };
        let dumped = self.dump(&request, say!("list both queues of"))?;
        for row in &self.rows {
            if row.is_request() { requests.push(half_open(row)) } else { children.push(waiting(row)) }
        }
        Ok(dumped)
    }

    /// Replaces `out` by all listening TCP sockets of the namespace, ordered by port, address and cookie.
    ///
    /// # Errors
    /// [`DiagError`] where the dump failed twice; `out` is empty then.
    pub fn listeners(&mut self, out: &mut Vec<Listening>) -> Result<DumpCompleteness, DiagError> {
        out.clear();
        let request = DumpRequest { states: LISTEN, extensions: WITH_MEMORY, port: 0, wanted: |_| true };
        let dumped = self.dump(&request, say!("list listeners of"))?;
        out.extend(self.rows.iter().map(|row| Listening {
            address: row.local,
            queue: QueueReading { depth: Some(row.rqueue), limit: Some(row.wqueue), drops: row.drops },
            inode: row.inode,
            uid: row.uid,
            v6_only: row.v6_only,
            cookie: row.cookie,
        }));
        out.sort_unstable_by_key(|listener| (listener.address.port(), listener.address.ip(), listener.cookie));
        Ok(dumped)
    }

    /// Replaces `out` by the half-open requests of all ports, each with the local address it came to.
    ///
    /// # Errors
    /// [`DiagError`] where the dump failed twice; `out` is empty then.
    pub fn half_open_everywhere(
        &mut self,
        out: &mut Vec<(SocketAddr, HalfOpen)>,
    ) -> Result<DumpCompleteness, DiagError> {
        out.clear();
        let request = DumpRequest { states: SYN_RECV, extensions: 0, port: 0, wanted: Row::is_request };
        let dumped = self.dump(&request, say!("list half-open requests of"))?;
        out.extend(self.rows.iter().map(|row| (row.local, half_open(row))));
        Ok(dumped)
    }

    /// As [`Diag::waiting`], each with the local address it came to.
    ///
    /// # Errors
    /// [`DiagError`] where the dump failed twice; `out` is empty then.
    pub fn waiting_where(
        &mut self,
        port: u16,
        out: &mut Vec<(SocketAddr, Waiting)>,
    ) -> Result<DumpCompleteness, DiagError> {
        out.clear();
        let request = DumpRequest { states: QUEUED, extensions: WITH_INFO, port, wanted: Row::is_unaccepted };
        let dumped = self.dump(&request, say!("list waiting connections of"))?;
        out.extend(self.rows.iter().map(|row| (row.local, waiting(row))));
        Ok(dumped)
    }

    /// Replaces `out` by every TCP socket with the local `port`, in any state and of any process, in no particular
    /// order.
    ///
    /// # Errors
    /// [`DiagError`] where the dump failed twice; `out` is empty then.
    pub fn of_port(&mut self, port: u16, out: &mut Vec<Row>) -> Result<DumpCompleteness, DiagError> {
        out.clear();
        let request = DumpRequest { states: EVERY, extensions: 0, port, wanted: |_| true };
        let dumped = self.dump(&request, "list the sockets of")?;
        out.append(&mut self.rows);
        Ok(dumped)
    }

    /// Asks for listeners of a port that nobody uses: whether the kernel answers.
    ///
    /// # Errors
    /// [`DiagError`] where it does not.
    pub fn probe(&mut self) -> Result<(), DiagError> {
        let request = DumpRequest { states: LISTEN, extensions: 0, port: 1, wanted: |_| true };
        self.dump(&request, say!("list listeners of")).map(drop)
    }

    /// Passes every listening TCP socket of the namespace to `each`, in the kernel's order, possibly with duplicates.
    /// `each(None)` means that the answer was truncated and starts again: earlier rows are void.
    ///
    /// # Errors
    /// [`DiagError`] where the dump failed twice; the rows passed so far are void then.
    pub fn tcp_listeners(&mut self, mut each: impl FnMut(Option<&Row>)) -> Result<DumpCompleteness, DiagError> {
        let request = |sequence| codec::request(sequence, LISTEN, WITH_MEMORY, 0);
        let answer = self.socket.request(request, |body| {
            each(body.map(Row::read).transpose()?.as_ref());
            Ok(())
        });
        let failed = |source| DiagError { operation: say!("list listeners of"), target: this_netns(), source };
        Ok(DumpCompleteness { interrupted: answer.map_err(failed)?, duplicates: 0 })
    }

    /// Passes every listening unix socket of the namespace to `each`, in no particular order. `each(None)` means that
    /// the answer was truncated and starts again: earlier rows are void.
    ///
    /// # Errors
    /// [`DiagError`] where the dump failed twice; the rows passed so far are void then.
    pub fn unix_listeners(&mut self, mut each: impl FnMut(Option<UnixRow<'_>>)) -> Result<DumpCompleteness, DiagError> {
        let answer = self.socket.request(unix::request, |body| {
            each(body.map(UnixRow::read).transpose()?);
            Ok(())
        });
        let failed = |source| DiagError { operation: say!("list unix listeners of"), target: this_netns(), source };
        Ok(DumpCompleteness { interrupted: answer.map_err(failed)?, duplicates: 0 })
    }

    /// Sends the request and collects the wanted rows.
    fn dump(&mut self, request: &DumpRequest, operation: &'static str) -> Result<DumpCompleteness, DiagError> {
        let Self { socket, rows } = self;
        let encode = |sequence| codec::request(sequence, request.states, request.extensions, request.port);
        let answer = socket.request(encode, |body| {
            match body {
                Some(body) => rows.extend(Some(Row::read(body)?).filter(request.wanted)),
                None => rows.clear(),
            }
            Ok(())
        });
        let interrupted = answer.map_err(|source| {
            rows.clear();
            DiagError { operation, target: this_netns(), source }
        })?;
        Ok(DumpCompleteness { interrupted, duplicates: remove_duplicates(rows) })
    }
}

/// What one dump requests.
struct DumpRequest {
    states: u32,
    extensions: u8,
    port: u16,
    wanted: fn(&Row) -> bool,
}

/// Removes duplicate rows (a request that becomes a child during the dump keeps its cookie: one of the two stays) and
/// returns their number.
fn remove_duplicates(rows: &mut Vec<Row>) -> u32 {
    let listed = rows.len();
    rows.sort_unstable_by_key(|row| (row.cookie, !row.full));
    rows.dedup_by_key(|row| row.cookie);
    (listed - rows.len()) as u32
}

fn half_open(row: &Row) -> HalfOpen {
    HalfOpen { peer: row.peer.into(), retransmits: row.retransmits, next_ms: row.expires_ms, cookie: row.cookie }
}

/// A FIN takes one sequence number, and `idiag_rqueue` counts it as if it were a byte (`tcp_diag_get_info`).
fn waiting(row: &Row) -> Waiting {
    let closed = row.state == codec::CLOSE_WAIT;
    Waiting {
        peer: row.peer.into(),
        age_ms: row.last_data_sent_ms,
        bytes: row.rqueue.saturating_sub(closed.into()),
        closed,
        cookie: row.cookie,
    }
}

/// The target of a request in error messages.
fn this_netns() -> &'static str {
    say!("this network namespace")
}

const SYN_RECV: u32 = 1 << codec::SYN_RECV;
const LISTEN: u32 = 1 << codec::LISTEN;
/// Every state of an entry in one of the two queues. A Fast Open child is a full socket in SYN_RECV.
const QUEUED: u32 = SYN_RECV | 1 << codec::ESTABLISHED | 1 << codec::CLOSE_WAIT;
/// Every state of `include/net/tcp_states.h`, TCP_ESTABLISHED (1) to TCP_CLOSING (11).
const EVERY: u32 = 0xffe;

const WITH_INFO: u8 = 1 << (codec::INFO - 1);
const WITH_MEMORY: u8 = 1 << (codec::MEMORY - 1);

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_waiting_child_is_listed_until_it_is_accepted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).unwrap();
        let mut diag = Diag::open().unwrap();
        let mut children = Vec::new();
        diag.waiting(address.port(), &mut children).unwrap();
        let peers: Vec<_> = children.iter().map(|child| child.peer).collect();
        assert_eq!(peers, [client.local_addr().unwrap().into()]);
        let accepted = listener.accept().unwrap();
        diag.waiting(address.port(), &mut children).unwrap();
        assert_eq!(children, []);
        drop(accepted);
    }

    #[test]
    fn the_listener_is_listed_with_its_queue() {
        let listener = TcpListener::bind("[::1]:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _client = TcpStream::connect(address).unwrap();
        let mut all = Vec::new();
        Diag::open().unwrap().listeners(&mut all).unwrap();
        let mine: Vec<_> = all.iter().filter(|listener| listener.address == address).collect();
        assert_eq!(mine.len(), 1);
        assert_eq!((mine[0].queue.depth, mine[0].queue.drops), (Some(1), Some(0)));
        assert!(mine[0].inode > 0);
    }

    #[test]
    fn a_port_is_listed_with_its_listener_and_both_ends_of_its_connections() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut diag = Diag::open().unwrap();
        let mut rows = Vec::new();
        diag.of_port(port, &mut rows).unwrap();
        // Somebody else's sockets may have the same port at another address, or toward another peer.
        let of_listener = |row: &&Row| row.local == listener.local_addr().unwrap();
        let mut states: Vec<_> = rows.iter().filter(of_listener).map(|row| (row.state, row.is_unaccepted())).collect();
        states.sort_unstable();
        assert_eq!(states, [(codec::ESTABLISHED, true), (codec::LISTEN, false)]);
        let local = client.local_addr().unwrap();
        diag.of_port(local.port(), &mut rows).unwrap();
        let of_client = |row: &&Row| row.local == local && row.peer == listener.local_addr().unwrap();
        let states: Vec<_> = rows.iter().filter(of_client).map(|row| (row.state, row.is_unaccepted())).collect();
        assert_eq!(states, [(codec::ESTABLISHED, false)]);
    }

    #[test]
    fn a_row_that_came_twice_is_listed_once_and_as_what_it_became() {
        let row = |cookie, full| Row {
            state: codec::SYN_RECV,
            retransmits: 0,
            local: "198.51.100.1:8080".parse().unwrap(),
            peer: "198.18.0.1:1024".parse().unwrap(),
            cookie,
            expires_ms: 0,
            rqueue: 0,
            wqueue: 0,
            uid: 0,
            inode: 0,
            full,
            last_data_sent_ms: None,
            drops: None,
            v6_only: None,
        };
        let mut rows = vec![row(9, false), row(4, false), row(9, true), row(9, false)];
        assert_eq!(remove_duplicates(&mut rows), 2);
        assert_eq!(rows, [row(4, false), row(9, true)]);
    }
}
