//! What the two sides of a connection believe about it.

/// What the client believes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientSide {
    /// It has sent a SYN and waits (SYN_SENT).
    SynSent,
    /// It has got the SYN-ACK: connected (ESTABLISHED), whatever the server thinks.
    Connected,
    /// Finished in good order.
    Finished,
    /// ECONNREFUSED.
    Refused,
    /// ECONNRESET.
    Reset,
    /// ETIMEDOUT.
    TimedOut,
    /// Half-open by design: it will never answer again.
    Vanished,
    /// connect() failed with this errno.
    Failed(i32),
}

impl ClientSide {
    /// True when nothing more will come from this client.
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::SynSent | Self::Connected)
    }
}

/// What the server's kernel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerSide {
    /// Nothing: no SYN arrived, or it was dropped.
    Nothing,
    /// A half-open request in the SYN queue (SYN_RCVD).
    HalfOpen,
    /// Nothing, but a SYN cookie is out: a valid ACK will make a connection.
    CookieSent,
    /// A finished connection in the accept queue (ESTABLISHED, not accepted).
    Queued,
    /// In the accept queue still, although the client has reset it: a dead entry that holds a slot.
    QueuedDead,
    /// Returned by `accept()`, being served.
    Accepted,
    /// Served and closed.
    Closed,
    /// The request's last SYN-ACK found no answer: removed by its timer.
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
        matches!(self, Self::Queued | Self::QueuedDead)
    }

    /// True when the kernel keeps nothing that could still come to something.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Nothing | Self::CookieSent | Self::Closed | Self::Expired | Self::Pruned | Self::ResetAway)
    }
}

/// Both beliefs in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CombinedState {
    /// Its SYN is on the way or was refused; the server has nothing.
    SynSent,
    /// Half-open on the server; the client does not know yet, or never will.
    HalfOpen,
    /// A cookie is out; the server has nothing.
    CookieOut,
    /// Connected for the client; half-open for the server, which has ignored its ACK.
    Ghost,
    /// Connected for the client; the server has nothing at all (a cookie ACK met a full accept queue).
    Phantom,
    /// Connected for both, waiting for `accept()`.
    Queued,
    /// Waiting for `accept()`, though the client has gone already.
    DeadInQueue,
    /// Being served.
    Accepted,
    /// Over for both.
    Over,
}
