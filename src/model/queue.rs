//! Queue arithmetic: what `listen(backlog)` really gives, and when a queue is full. Linux has two separate limits, never a sum
//! of both queues and no factor 1.5.

use serde::{Deserialize, Serialize};

/// The limit that `listen(backlog)` puts on a socket: the smaller of the backlog, taken as unsigned, and `somaxconn` of the
/// socket's network namespace (`__sys_listen`, `net/socket.c`). `listen(-1)` therefore gives `somaxconn`.
pub const fn effective_limit(backlog: i32, somaxconn: u32) -> u32 {
    let asked = backlog.cast_unsigned();
    if asked < somaxconn { asked } else { somaxconn }
}

/// How many connections the accept queue of a socket with this limit holds: `limit + 1`, because `sk_acceptq_is_full` asks
/// `sk_ack_backlog > sk_max_ack_backlog`.
pub const fn accept_capacity(limit: u32) -> u32 {
    limit.saturating_add(1)
}

/// How many half-open requests fit before the SYN queue is full. Two rules exist, and no version tells which one holds: it is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SynRule {
    /// `qlen > limit`: limit + 1 fit ("tcp/dccp: allow a connection when sk_max_ack_backlog is zero", January 2025, also in stable kernels).
    #[default]
    Above,
    /// `qlen >= limit`: limit fit.
    AtLeast,
}

impl SynRule {
    /// How many half-open requests the SYN queue of a socket with this limit holds.
    pub const fn capacity(self, limit: u32) -> u32 {
        match self {
            Self::Above => limit.saturating_add(1),
            Self::AtLeast => limit,
        }
    }
}

/// True when the three-quarters rule refuses a SYN from a new peer: SYN cookies off and less than a quarter of
/// `tcp_max_syn_backlog` left (`tcp_conn_request`, `net/ipv4/tcp_input.c`).
pub const fn three_quarters_refuses(max_syn_backlog: u32, half_open: u32) -> bool {
    (max_syn_backlog as i64) - (half_open as i64) < (max_syn_backlog >> 2) as i64
}
