//! All listeners of a network namespace: TCP over IPv4 and IPv6, and unix stream sockets; half-open requests and
//! waiting connections, each with the local address it came to. No right is needed, and no listener is touched. Start
//! at [`Census::read`].

use std::net::SocketAddr;

use thiserror::Error;

use super::printable::printable;
use super::sock_diag::codec::Row;
use super::sock_diag::unix::UnixRow;
use super::sock_diag::{Diag, DiagError, DumpCompleteness};
use crate::model::sample::{HalfOpen, QueueReading, Waiting};
use crate::model::watch::{Address, ListenerId, ListenerReading};

/// A reader of all listeners of the network namespace in which it was opened.
#[derive(Debug)]
pub struct Census {
    diag: Diag,
    unix: bool,
    rows: Vec<Row>,
}

/// Why the listeners could not be listed.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct CensusError(#[from] DiagError);

impl CensusError {
    /// What the reader can do about it.
    pub fn hint(&self) -> &'static str {
        self.0.hint()
    }
}

impl Census {
    /// Opens sock_diag in the network namespace of the calling thread. Without unix_diag only TCP is listed.
    ///
    /// # Errors
    /// [`CensusError`] where the kernel or a sandbox does not offer it.
    pub fn open() -> Result<Self, CensusError> {
        let mut diag = Diag::open()?;
        diag.probe()?;
        let unix = diag.unix_listeners(|_| ()).is_ok();
        Ok(Self { diag, unix, rows: Vec::new() })
    }

    /// True when unix sockets are listed too (CONFIG_UNIX_DIAG).
    pub const fn has_unix(&self) -> bool {
        self.unix
    }

    /// Replaces `out` by all listening sockets, ordered by address and id. When the kernel marks the dump as
    /// interrupted, it is repeated once; [`DumpCompleteness::interrupted`] is then true only when the second dump was
    /// interrupted too. A listener that is missing from an interrupted dump may still exist.
    ///
    /// # Errors
    /// [`CensusError`] when a dump was truncated twice; `out` is empty then, which does not mean that listeners are
    /// gone.
    pub fn read(&mut self, out: &mut Vec<ListenerReading>) -> Result<DumpCompleteness, CensusError> {
        let first = self.read_once(out)?;
        if first.interrupted { self.read_once(out) } else { Ok(first) }
    }

    fn read_once(&mut self, out: &mut Vec<ListenerReading>) -> Result<DumpCompleteness, CensusError> {
        let whole = self.collect(out);
        if whole.is_err() {
            out.clear();
        }
        let mut dumped = whole?;
        out.sort_unstable_by(|listener, other| listener.address.cmp(&other.address).then(listener.id.cmp(&other.id)));
        // Duplicate rows are adjacent after sorting.
        let listed = out.len();
        out.dedup_by_key(|listener| listener.id);
        dumped.duplicates += (listed - out.len()) as u32;
        Ok(dumped)
    }

    fn collect(&mut self, out: &mut Vec<ListenerReading>) -> Result<DumpCompleteness, DiagError> {
        out.clear();
        let mut dumped = self.diag.tcp_listeners(|row| match row {
            Some(row) => out.push(tcp(row)),
            None => out.clear(),
        })?;
        if self.unix {
            let before = out.len();
            let asked = self.diag.unix_listeners(|row| match row {
                Some(row) => out.push(unix(&row)),
                None => out.truncate(before),
            })?;
            dumped.interrupted |= asked.interrupted;
        }
        Ok(dumped)
    }

    /// Replaces `out` by the half-open requests of all ports from one walk of the kernel's tables, each with the
    /// local address it came to: [`listeners_for`] finds its listener.
    ///
    /// # Errors
    /// [`CensusError`] when the dump was truncated twice; `out` is empty then.
    pub fn requests(&mut self, out: &mut Vec<(SocketAddr, HalfOpen)>) -> Result<DumpCompleteness, CensusError> {
        Ok(self.diag.half_open_everywhere(out)?)
    }

    /// Replaces `out` by the connections to the local `port` that wait for `accept()`, each with the local address it
    /// came to: [`listeners_for`] finds its listener. A connection that its client has reset is no longer listed but
    /// still occupies a slot of the queue: the number of these is the queue's depth minus the listed connections.
    ///
    /// # Errors
    /// [`CensusError`] when the dump was truncated twice; `out` is empty then.
    pub fn waiting(
        &mut self,
        port: u16,
        out: &mut Vec<(SocketAddr, Waiting)>,
    ) -> Result<DumpCompleteness, CensusError> {
        Ok(self.diag.waiting_where(port, out)?)
    }

    /// Replaces `out` by the inodes of the connections at the local `port` that were accepted and that a process holds, each with the local
    /// address it came to.
    ///
    /// # Errors
    /// [`CensusError`] when the dump was truncated twice; `out` is empty then.
    pub fn accepted(&mut self, port: u16, out: &mut Vec<(SocketAddr, u64)>) -> Result<DumpCompleteness, CensusError> {
        let mut rows = std::mem::take(&mut self.rows);
        let dumped = self.diag.of_port(port, &mut rows);
        out.clear();
        let accepted = rows.iter().filter(|row| row.full && row.inode != 0 && !row.is_listener());
        out.extend(accepted.map(|row| (row.local, u64::from(row.inode))));
        self.rows = rows;
        Ok(dumped?)
    }
}

/// The listeners that can own a connection with this local address, as [`Census::requests`] and [`Census::waiting`]
/// give it: those bound to the very address, else those bound to all addresses of its family. More than one is an
/// SO_REUSEPORT group. An IPv4 client of a dual-stack listener has a local address of `::ffff:0:0/96` and belongs to
/// the IPv6 listener.
pub fn listeners_for(local: SocketAddr, listeners: &[ListenerReading]) -> impl Iterator<Item = &ListenerReading> {
    let near = move |listener: &ListenerReading| {
        let of_its_family = |bound: &Bound| bound.to.is_ipv4() == local.is_ipv4();
        Bound::of(listener).filter(of_its_family).and_then(|bound| bound.nearness(local))
    };
    let nearest = listeners.iter().filter_map(near).min();
    listeners.iter().filter(move |listener| nearest.is_some() && near(listener) == nearest)
}

/// Where a TCP listener is bound, which decides the connections it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Its address and port.
    pub to: SocketAddr,
    /// True when an IPv6 listener takes no IPv4 clients (IPV6_V6ONLY).
    v6_only: bool,
}

impl Bound {
    /// Where this listener is bound; `None` for a unix socket.
    pub const fn of(listener: &ListenerReading) -> Option<Self> {
        let v6_only = matches!(listener.v6_only, Some(true));
        match listener.address {
            Address::Tcp(to) => Some(Self { to, v6_only }),
            Address::Unix(_) => None,
        }
    }

    /// How specifically it is bound with respect to `local`; the kernel chooses the lowest: 0 is bound to exactly
    /// this address, 1 to all addresses of the family, 2 to those of both families. `None` when it receives nothing
    /// for `local`.
    pub fn nearness(self, local: SocketAddr) -> Option<u8> {
        let (bound, local_ip) = (self.to.ip(), local.ip());
        if self.to.port() != local.port() {
            None
        } else if !bound.is_unspecified() {
            (bound.to_canonical() == local_ip.to_canonical()).then_some(0)
        } else if bound.is_ipv4() == local_ip.is_ipv4() {
            Some(1)
        } else {
            (bound.is_ipv6() && !self.v6_only).then_some(2)
        }
    }
}

fn tcp(row: &Row) -> ListenerReading {
    ListenerReading {
        id: ListenerId(row.cookie),
        address: Address::Tcp(row.local),
        v6_only: row.v6_only,
        queue: QueueReading { depth: Some(row.rqueue), limit: Some(row.wqueue), drops: row.drops },
        inode: row.inode.into(),
        uid: Some(row.uid),
    }
}

fn unix(row: &UnixRow<'_>) -> ListenerReading {
    ListenerReading {
        id: ListenerId(row.cookie),
        address: Address::Unix(path(row.name)),
        v6_only: None,
        queue: QueueReading { depth: row.rqueue, limit: row.wqueue, drops: None },
        inode: row.inode.into(),
        uid: row.uid,
    }
}

/// Trailing zero bytes of a name are dropped: a path may end with one, an abstract name is often padded with them.
fn path(name: &[u8]) -> String {
    let end = name.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    match name[..end].split_first() {
        Some((0, rest)) => {
            let mut text = printable(rest);
            text.insert(0, '@');
            text
        }
        _ => printable(&name[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(id: u64, address: &str) -> ListenerReading {
        let address = Address::Tcp(address.parse().unwrap());
        let (id, queue) = (ListenerId(id), QueueReading::default());
        ListenerReading { id, address, v6_only: None, queue, inode: id.0, uid: Some(0) }
    }

    #[test]
    fn a_connection_belongs_to_the_nearest_listener_of_its_family() {
        let all = [
            listening(1, "0.0.0.0:80"),
            listening(2, "127.0.0.1:80"),
            listening(3, "[::]:80"),
            listening(4, "[::1]:80"),
            listening(5, "0.0.0.0:81"),
            listening(6, "0.0.0.0:81"),
            listening(7, "[::]:82"),
        ];
        let ids =
            |local: &str| listeners_for(local.parse().unwrap(), &all).map(|listener| listener.id.0).collect::<Vec<_>>();
        assert_eq!(ids("127.0.0.1:80"), [2]);
        assert_eq!(ids("127.0.0.2:80"), [1]);
        assert_eq!(ids("[::1]:80"), [4]);
        assert_eq!(ids("[::ffff:127.0.0.1]:80"), [3]);
        assert_eq!(ids("127.0.0.1:81"), [5, 6]);
        assert_eq!(ids("[::ffff:127.0.0.1]:82"), [7]);
        assert_eq!(ids("127.0.0.1:82"), [0; 0]);
    }

    #[test]
    fn names_of_unix_sockets_are_visible_and_steer_nothing() {
        assert_eq!(path(b"/run/a.sock\0"), "/run/a.sock");
        assert_eq!(path(b"\0name\0\0"), "@name");
        assert_eq!(path(b"\0two\0parts"), "@two\\x00parts");
        assert_eq!(path(b"/tmp/\x1b[2J"), "/tmp/\\x1b[2J");
        assert_eq!(path(b""), "");
    }
}
