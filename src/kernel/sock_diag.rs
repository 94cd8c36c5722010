//! Half-open requests, connections waiting for `accept()` and all listening sockets, from NETLINK_SOCK_DIAG. No right is needed.
//!
//! One request is in flight at a time. A dump is not a snapshot: under churn rows come twice (here made one again) or not at all.
//! Both address families are asked in one walk of the kernel's tables. Start at [`Diag`].

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::net::RecvFlags;
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

use crate::kernel::sock_diag::codec::{Message, Messages, REQUEST_BYTES, Row};
use crate::model::sample::{HalfOpen, QueueReading, Waiting};

pub mod codec;

/// An open NETLINK_SOCK_DIAG socket, looking at the network namespace in which it was opened.
#[derive(Debug)]
pub struct Diag {
    socket: Socket,
    buffer: Vec<u8>,
    rows: Vec<Row>,
    sequence: u32,
}

/// How complete one dump was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dumped {
    /// True when the kernel itself said that its tables changed during the dump (NLM_F_DUMP_INTR). Its absence proves nothing.
    pub interrupted: bool,
    /// Rows that came more than once and were left out.
    pub doubled: u32,
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
    /// Socket cookie; it tells the sockets of an SO_REUSEPORT group apart.
    pub cookie: u64,
}

/// Why sock_diag gave no answer.
#[derive(Debug, Error)]
#[error("sock_diag could not {operation} {target}: {source}")]
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
                "this kernel was built without INET_DIAG, or could not load it: run `modprobe tcp_diag` as root"
            }
            Some(libc::EPERM | libc::EACCES) => {
                "a sandbox (seccomp, SELinux) refuses netlink: allow AF_NETLINK, or run qviz outside the sandbox"
            }
            Some(libc::ENOBUFS | libc::EAGAIN) => "the kernel was too busy to answer; the next reading asks again",
            _ => "run `ss -ltn` to see whether sock_diag works here at all",
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
        let failed = |source| DiagError { operation: "open", target: "a netlink socket", source };
        let netlink = Domain::from(libc::AF_NETLINK);
        let socket =
            Socket::new(netlink, Type::DGRAM, Some(Protocol::from(libc::NETLINK_SOCK_DIAG))).map_err(failed)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        Ok(Self { socket, buffer: vec![0; BUFFER], rows: Vec::new(), sequence: 0 })
    }

    /// Replaces `out` by the half-open requests for the local `port`, in no particular order.
    ///
    /// # Errors
    /// [`DiagError`] where the dump failed twice; `out` is empty then.
    pub fn half_open(&mut self, port: u16, out: &mut Vec<HalfOpen>) -> Result<Dumped, DiagError> {
        out.clear();
        let question = Question { states: SYN_RECV, extensions: 0, port, wanted: Row::is_request };
        let dumped = self.dump(&question, "list half-open requests of")?;
        out.extend(self.rows.iter().map(half_open));
        Ok(dumped)
    }

    /// Replaces `out` by the connections to the local `port` that wait for `accept()`, in no particular order.
    ///
    /// # Errors
    /// [`DiagError`] where the dump failed twice; `out` is empty then.
    pub fn waiting(&mut self, port: u16, out: &mut Vec<Waiting>) -> Result<Dumped, DiagError> {
        out.clear();
        let question = Question { states: QUEUED, extensions: WITH_INFO, port, wanted: Row::is_unaccepted };
        let dumped = self.dump(&question, "list waiting connections of")?;
        out.extend(self.rows.iter().map(waiting));
        Ok(dumped)
    }

    /// Both lists from one walk of the kernel's tables: half the price of asking for each.
    ///
    /// # Errors
    /// [`DiagError`] where the dump failed twice; both lists are empty then.
    pub fn both(
        &mut self,
        port: u16,
        requests: &mut Vec<HalfOpen>,
        children: &mut Vec<Waiting>,
    ) -> Result<Dumped, DiagError> {
        requests.clear();
        children.clear();
        let wanted = |row: &Row| row.is_request() || row.is_unaccepted();
        let question = Question { states: QUEUED, extensions: WITH_INFO, port, wanted };
        let dumped = self.dump(&question, "list both queues of")?;
        for row in &self.rows {
            if row.is_request() { requests.push(half_open(row)) } else { children.push(waiting(row)) }
        }
        Ok(dumped)
    }

    /// Replaces `out` by all listening TCP sockets of the namespace, ordered by port, address and cookie.
    ///
    /// # Errors
    /// [`DiagError`] where the dump failed twice; `out` is empty then.
    pub fn listeners(&mut self, out: &mut Vec<Listening>) -> Result<Dumped, DiagError> {
        out.clear();
        let question = Question { states: LISTEN, extensions: WITH_MEMORY, port: 0, wanted: |_| true };
        let dumped = self.dump(&question, "list listeners of")?;
        out.extend(self.rows.iter().map(|row| Listening {
            address: row.local,
            queue: QueueReading { depth: Some(row.rqueue), limit: Some(row.wqueue), drops: row.drops },
            inode: row.inode,
            uid: row.uid,
            cookie: row.cookie,
        }));
        out.sort_unstable_by_key(|one| (one.address.port(), one.address.ip(), one.cookie));
        Ok(dumped)
    }

    /// Asks and collects the wanted rows, once more after a first failure.
    fn dump(&mut self, question: &Question, operation: &'static str) -> Result<Dumped, DiagError> {
        let first = self.ask(question);
        let answer = if first.is_err() {
            self.resynchronise();
            self.ask(question)
        } else {
            first
        };
        let interrupted = answer.map_err(|source| {
            self.rows.clear();
            DiagError { operation, target: "this network namespace", source }
        })?;
        Ok(Dumped { interrupted, doubled: each_once(&mut self.rows) })
    }

    /// One request and its whole answer; true when the kernel called it interrupted.
    fn ask(&mut self, question: &Question) -> io::Result<bool> {
        self.rows.clear();
        self.sequence = self.sequence.wrapping_add(1);
        let request: [u8; REQUEST_BYTES] =
            codec::request(self.sequence, question.states, question.extensions, question.port);
        self.socket.send(&request)?;
        let mut interrupted = false;
        loop {
            let length = receive(&self.socket, &mut self.buffer, RecvFlags::TRUNC)?;
            let datagram = self.buffer.get(..length).ok_or(io::ErrorKind::InvalidData)?;
            for message in Messages::of(datagram, self.sequence) {
                match message? {
                    Message::Row { row, interrupted: hinted } => {
                        interrupted |= hinted;
                        if (question.wanted)(&row) {
                            self.rows.push(row);
                        }
                    }
                    Message::Done { interrupted: hinted } => return Ok(interrupted | hinted),
                    Message::Failed(errno) => return Err(io::Error::from_raw_os_error(errno)),
                }
            }
        }
    }

    /// Reads away what is left of an earlier answer: a dump that is still running makes the next one EBUSY.
    fn resynchronise(&mut self) {
        while receive(&self.socket, &mut self.buffer, RecvFlags::DONTWAIT).is_ok_and(|length| length > 0) {}
    }
}

/// What one dump asks for.
struct Question {
    states: u32,
    extensions: u8,
    port: u16,
    wanted: fn(&Row) -> bool,
}

fn receive(socket: &Socket, buffer: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
    loop {
        match rustix::net::recv(socket, &mut *buffer, flags) {
            Ok((_, length)) => return Ok(length),
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Leaves out rows that came more than once (a request that becomes a child during the dump keeps its cookie too: one of the two
/// stays) and returns how many they were.
fn each_once(rows: &mut Vec<Row>) -> u32 {
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

/// The kernel answers within microseconds; waiting longer than this is an error and no reason to stop the picture.
const PATIENCE: Duration = Duration::from_secs(1);

/// Bytes; a dump's datagram never has more (`netlink_dump`, `net/netlink/af_netlink.c`: SKB_WITH_OVERHEAD(32768)).
const BUFFER: usize = 32 * 1024;

const SYN_RECV: u32 = 1 << codec::SYN_RECV;
const LISTEN: u32 = 1 << codec::LISTEN;
/// Everything that can stand in one of the two queues. A Fast Open child is a full socket in SYN_RECV.
const QUEUED: u32 = SYN_RECV | 1 << codec::ESTABLISHED | 1 << codec::CLOSE_WAIT;

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
        let mine: Vec<_> = all.iter().filter(|one| one.address == address).collect();
        assert_eq!(mine.len(), 1);
        assert_eq!((mine[0].queue.depth, mine[0].queue.drops), (Some(1), Some(0)));
        assert!(mine[0].inode > 0);
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
        };
        let mut rows = vec![row(9, false), row(4, false), row(9, true), row(9, false)];
        assert_eq!(each_once(&mut rows), 2);
        assert_eq!(rows, [row(4, false), row(9, true)]);
    }

    #[test]
    fn the_remains_of_an_earlier_answer_do_not_reach_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut diag = Diag::open().unwrap();
        diag.sequence = 40;
        let stale = codec::request(7, LISTEN, 0, 0);
        diag.socket.send(&stale).unwrap();
        let mut children = Vec::new();
        assert_eq!(diag.waiting(port, &mut children).unwrap(), Dumped::default());
        assert_eq!(children, []);
        let mut all = Vec::new();
        diag.listeners(&mut all).unwrap();
        assert!(all.iter().any(|one| one.address.port() == port));
    }
}
