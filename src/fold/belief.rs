//! The state of a connection at the client and at the server.

/// The client's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientSide {
    /// It has sent a SYN and waits (SYN_SENT).
    SynSent,
    /// It has received the SYN-ACK (ESTABLISHED), whatever the server's state.
    Connected,
    /// Closed regularly.
    Finished,
    /// ECONNREFUSED.
    Refused,
    /// ECONNRESET.
    Reset,
    /// ETIMEDOUT.
    TimedOut,
    /// Half-open by design: it never answers.
    Vanished,
    /// connect() failed with this errno.
    Failed(i32),
}

impl ClientSide {
    /// True in a final state.
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::SynSent | Self::Connected)
    }
}

/// The state in the server's kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerSide {
    /// Nothing: no SYN arrived, or it was dropped.
    Nothing,
    /// A half-open request in the SYN queue (SYN_RCVD).
    HalfOpen,
    /// Nothing, but a SYN cookie was sent: a valid ACK will make a connection.
    CookieSent,
    /// A finished connection in the accept queue (ESTABLISHED, not accepted).
    Queued,
    /// Still in the accept queue, although the client has reset it: it occupies an entry until `accept()`.
    QueuedClosed,
    /// Returned by `accept()`, being served.
    Accepted,
    /// Served and closed.
    Closed,
    /// The request's last SYN-ACK was not answered: removed by its timer.
    Expired,
    /// The request was removed early because the SYN queue was more than half full (`reqsk_timer_handler`).
    Pruned,
    /// Removed by a RST, from the client or by tcp_abort_on_overflow.
    ResetAway,
}

impl ServerSide {
    /// True when the kernel counts it in the SYN queue.
    pub const fn in_syn_queue(self) -> bool {
        matches!(self, Self::HalfOpen)
    }

    /// True when the kernel counts it in the accept queue.
    pub const fn in_accept_queue(self) -> bool {
        matches!(self, Self::Queued | Self::QueuedClosed)
    }

    /// True in a final state.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Nothing | Self::CookieSent | Self::Closed | Self::Expired | Self::Pruned | Self::ResetAway)
    }
}

impl CombinedState {
    /// How many there are.
    pub(in crate::fold) const COUNT: usize = Self::Over as usize + 1;
}

/// Both states combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CombinedState {
    /// The SYN is in flight or was dropped; the server has nothing.
    SynSent,
    /// Half-open on the server; the client has not received the SYN-ACK, or never answers.
    HalfOpen,
    /// A cookie was sent; the server has nothing.
    CookieOut,
    /// Connected at the client; half-open at the server, which ignored the ACK.
    Ghost,
    /// Connected at the client; nothing at the server (a cookie ACK met a full accept queue).
    Phantom,
    /// Connected at both, waiting for `accept()`.
    Queued,
    /// Waiting for `accept()`, though the client has closed or reset it.
    ClosedInQueue,
    /// Being served.
    Accepted,
    /// Over at both.
    Over,
}
