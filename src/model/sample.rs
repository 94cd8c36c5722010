//! One reading of the kernel, exactly as it gave it. Every field that may be unknown is an `Option`: what was not read is `None`,
//! never 0.

use serde::{Deserialize, Serialize};

use super::peer::Peer;

/// The accept queue of one listener, from the listening socket itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueReading {
    /// Entries in the accept queue: `tcpi_unacked` of TCP_INFO on a LISTEN socket (`sk_ack_backlog`), or `idiag_rqueue`.
    pub depth: Option<u32>,
    /// Its limit: `tcpi_sacked` (`sk_max_ack_backlog`), or `idiag_wqueue`. The queue holds `limit + 1`.
    pub limit: Option<u32>,
    /// The listener's own drops since it was created: `sk_drops`, from `SO_MEMINFO[8]` or SKMEMINFO. A noisy number: a dropped
    /// final ACK counts twice, a retransmitted SYN of a queued request counts once. Wraps at 2^32.
    pub drops: Option<u32>,
}

impl QueueReading {
    /// What this reading knows, else what the one before it did.
    #[must_use]
    pub fn or(self, before: Self) -> Self {
        let Self { depth, limit, drops } = self;
        Self { depth: depth.or(before.depth), limit: limit.or(before.limit), drops: drops.or(before.drops) }
    }
}

/// One half-open request, from sock_diag (state SYN_RECV).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HalfOpen {
    /// The client.
    pub peer: Peer,
    /// SYN-ACKs retransmitted so far (`idiag_retrans`).
    pub retransmits: u8,
    /// Milliseconds until the kernel's next SYN-ACK or the request's expiry (`idiag_expires`).
    pub next_ms: u32,
    /// Socket cookie; the same number follows the connection into the accept queue and out of `accept()`.
    pub cookie: u64,
}

/// One finished connection that waits for `accept()`, from sock_diag (inode 0: no process owns it yet).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The client.
    pub peer: Peer,
    /// Milliseconds since the connection was created (`tcpi_last_data_sent`: a server that was not handed the socket cannot have
    /// sent), if INFO was given.
    pub age_ms: Option<u32>,
    /// Bytes that the client has already sent (`idiag_rqueue`).
    pub bytes: u32,
    /// True when the client has already closed its side (CLOSE_WAIT).
    pub closed: bool,
    /// Socket cookie.
    pub cookie: u64,
}

/// What sock_diag listed for one port at one moment. A dump is not a snapshot: under churn rows can be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Half-open requests; `None` when that dump was not made this time.
    pub half_open: Option<Vec<HalfOpen>>,
    /// Connections waiting for `accept()`; `None` when that dump was not made this time.
    pub waiting: Option<Vec<Waiting>>,
}

/// The source whose cost was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// TCP_INFO and SO_MEMINFO on the own listener.
    Queue,
    /// The SYN_RECV dump.
    HalfOpen,
    /// The dump of queued children.
    Waiting,
    /// `/proc/thread-self/net/netstat` and `snmp`.
    Counters,
    /// The packet tap.
    Tap,
    /// The dump of all listeners.
    Listeners,
    /// The owners of the listeners, from /proc.
    Owners,
    /// All of qviz: processor time of the whole process since the last report.
    Whole,
}
