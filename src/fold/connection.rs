//! One connection, with its state at both sides. Ghosts and phantoms are states here.

use std::time::Duration;

pub use super::belief::{ClientSide, CombinedState, ServerSide};
use crate::fold::causes::Causes;
use crate::fold::segment_log::SegmentLog;
use crate::model::cause::Cause;
use crate::model::peer::Peer;
use crate::model::segment::Kind;
use crate::model::stamp::Stamp;

/// The last lost segment of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastDrop {
    /// When.
    pub at: Stamp,
    /// Why.
    pub cause: Cause,
}

/// The client's next retransmission if nothing arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// When, in the clients' time.
    pub at: Stamp,
    /// True when it gives up instead.
    pub gives_up: bool,
}

/// A segment in flight from the client to the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Travel {
    /// What.
    pub kind: Kind,
    /// When it left, in the clients' time.
    pub left: Stamp,
    /// When it reaches the listener's end, in the clients' time.
    pub arrives: Stamp,
}

/// One connection.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact of one life, not a state")]
pub struct Connection {
    /// The client's number, where the client is one of ours.
    pub id: Option<u32>,
    /// The client's address.
    pub peer: Peer,
    /// True when this client never sends its final ACK.
    pub half_open: bool,
    /// The client's state.
    pub client: ClientSide,
    /// Since when.
    pub client_since: Stamp,
    /// What the server's kernel has.
    pub server: ServerSide,
    /// Since when.
    pub server_since: Stamp,
    /// When it was first seen.
    pub first_seen: Stamp,
    /// SYNs that reached the listener's end.
    pub syns: u16,
    /// SYN-ACKs that left it.
    pub syn_acks: u16,
    /// ACKs (or data) of this client that the kernel ignored.
    pub acks_ignored: u16,
    /// The client's next retransmission.
    pub retry: Option<Retry>,
    /// The last drop.
    pub last_drop: Option<LastDrop>,
    /// When it entered the accept queue; [`NOT_YET`] before that.
    pub(super) queued_at: Stamp,
    /// The order in which connections entered the accept queue (0 = first of the session); the largest number before that.
    pub queue_order: u32,
    /// True when it was a ghost at any moment.
    pub was_ghost: bool,
    /// True when it was a phantom at any moment.
    pub was_phantom: bool,
    /// Bytes that the client sent before it was accepted.
    pub bytes: u32,
    /// True when the client has sent FIN.
    pub client_closed: bool,
    pub(super) inference: Trace,
    pub(super) segment_log: Option<Box<SegmentLog>>,
}

/// What the fold remembers of each connection between its facts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Trace {
    pub(super) client_isn: u32,
    pub(super) server_isn: u32,
    /// The sequence number of the last cookie sent to it; 0: none.
    pub(super) cookie_isn: u32,
    /// The number of the last dump that listed it, or after which it became a request.
    pub(super) listed: u32,
    /// The cause for which its last SYN was dropped.
    pub(super) charged: Option<Cause>,
    /// Packets hit, by cause.
    pub(super) hits: [u8; Cause::ALL.len()],
    /// The client is counted in [`Demand`](super::world::demand::Demand).
    pub(super) wanting: bool,
    seldom: Option<Box<Seldom>>,
}

/// What is remembered only of connections that are seen from the side, or whose segments are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact, not a state")]
pub(super) struct Seldom {
    /// The listener is somebody else's, and has refused it at least once.
    pub(super) refused: bool,
    /// Whether its last SYN was answered with a request or a cookie is certain, or will be by the answer's options.
    pub(super) kind_told: bool,
    /// Arrival of the SYN that is not answered yet, seen from the side.
    pub(super) pending: Option<Stamp>,
    /// The causes that a missing answer to it may have.
    pub(super) causes: Causes,
    /// ACKs, and data, of which it is open whether they were ignored.
    pub(super) open_acks: u16,
    /// The number of the span in which they came.
    pub(super) open_in: u32,
    /// When the last of them came.
    pub(super) open_at: Stamp,
    /// The segment in flight to the listener.
    pub(super) travel: Option<Travel>,
    /// End of the client's data (or FIN) that has arrived since its retransmission was announced.
    pub(super) data_end: Option<u32>,
    /// The retransmission that an acknowledgement cancelled: it is restored if that is lost on its way.
    pub(super) acknowledged_retry: Option<Retry>,
    /// A dump has listed its request.
    pub(super) was_listed: bool,
    /// It has left the queues of a watched listener and is no longer tracked.
    pub(super) left: bool,
    /// The number of the last dump of waiting connections that listed it; 0: none.
    pub(super) waiting_dump: u64,
    /// The stamp of that dump.
    pub(super) waiting_at: Stamp,
    /// Consecutive dumps of waiting connections that lack it.
    pub(super) untracked: u8,
    /// Arrival of its last SYN.
    pub(super) last_syn: Stamp,
}

/// From a SYN to its first repetition (TCP_TIMEOUT_INIT).
const FIRST_GAP: Duration = Duration::from_secs(1);

/// The gaps double so often at most: 64 s, with tcp_syn_retries = 6.
const LONGEST_GAP: u32 = 6;

/// The moment of what has not happened.
pub(super) const NOT_YET: Stamp = Stamp::from_nanos(u64::MAX);

impl Trace {
    /// What is seldom remembered, if anything is.
    pub(super) fn seldom_if_any(&mut self) -> Option<&mut Seldom> {
        self.seldom.as_deref_mut()
    }

    /// What is seldom remembered, as it is.
    pub(super) fn seldom(&self) -> Seldom {
        self.seldom.as_deref().copied().unwrap_or_default()
    }

    /// What is seldom remembered, to be changed.
    pub(super) fn seldom_mut(&mut self) -> &mut Seldom {
        self.seldom.get_or_insert_default()
    }
}

impl Seldom {
    /// Open ACKs that came in this span.
    pub(super) const fn open_acks_in(&self, span: u32) -> u16 {
        if self.open_in == span { self.open_acks } else { 0 }
    }
}

impl Connection {
    /// A connection first seen at `at`.
    pub(super) fn new(peer: Peer, at: Stamp) -> Self {
        Self {
            id: None,
            peer,
            half_open: false,
            client: ClientSide::SynSent,
            client_since: at,
            server: ServerSide::Nothing,
            server_since: at,
            first_seen: at,
            syns: 0,
            syn_acks: 0,
            acks_ignored: 0,
            retry: None,
            last_drop: None,
            queued_at: NOT_YET,
            queue_order: u32::MAX,
            was_ghost: false,
            was_phantom: false,
            bytes: 0,
            client_closed: false,
            inference: Trace::default(),
            segment_log: None,
        }
    }

    /// Both states combined.
    pub const fn belief(&self) -> CombinedState {
        match (self.server, self.client) {
            (ServerSide::HalfOpen, ClientSide::Connected) if self.acks_ignored > 0 => CombinedState::Ghost,
            (ServerSide::HalfOpen, _) => CombinedState::HalfOpen,
            (ServerSide::CookieSent, ClientSide::Connected) if self.acks_ignored > 0 => CombinedState::Phantom,
            (ServerSide::CookieSent, ClientSide::SynSent | ClientSide::Connected) => CombinedState::CookieOut,
            (ServerSide::Queued, ClientSide::SynSent | ClientSide::Connected) => CombinedState::Queued,
            (ServerSide::Queued | ServerSide::QueuedClosed, _) => CombinedState::ClosedInQueue,
            (ServerSide::Accepted, _) => CombinedState::Accepted,
            (_, ClientSide::SynSent) => CombinedState::SynSent,
            _ => CombinedState::Over,
        }
    }

    /// Packets of this connection that were lost for `cause`.
    pub fn hits(&self, cause: Cause) -> u32 {
        self.inference.hits[cause as usize].into()
    }

    /// True while a client whose own timers are not seen may still repeat a SYN that was dropped: the gaps of its schedule double at most. Later it has
    /// given up.
    pub fn may_come_again(&self, now: Stamp) -> bool {
        let gap = FIRST_GAP * (1 << u32::from(self.syns.saturating_sub(1)).min(LONGEST_GAP));
        self.last_drop.is_some_and(|drop| now.since(drop.at) <= gap + gap / 2)
    }

    /// When it entered the accept queue.
    pub fn queued_at(&self) -> Option<Stamp> {
        Some(self.queued_at).filter(|at| *at != NOT_YET)
    }

    /// The segment in flight to the listener, as far as segments are followed one by one.
    pub fn travel(&self) -> Option<Travel> {
        self.inference.seldom().travel
    }

    /// Its segment log, if one is kept.
    pub fn segment_log(&self) -> Option<&SegmentLog> {
        self.segment_log.as_deref()
    }

    /// True when both sides are in a final state.
    pub fn is_over(&self) -> bool {
        self.inference.seldom.as_ref().is_some_and(|seldom| seldom.left)
            || (self.client.is_over() && self.server.is_over())
    }

    /// A short name for the screen: a letter and a digit (a0 … z9, then again); "··" when the client is not one of ours.
    pub fn label(&self) -> String {
        self.id.map_or_else(|| format!("{:02}", self.peer.port() % 100), label)
    }
}

/// The label of client `id`: a0, a1, … a9, b0, … z9, a0, …
pub fn label(id: u32) -> String {
    let letter = char::from(b'a' + ((id / 10) % 26) as u8);
    format!("{letter}{}", id % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_run_through_the_alphabet() {
        assert_eq!(label(0), "a0");
        assert_eq!(label(108), "k8");
        assert_eq!(label(260), "a0");
    }

    #[test]
    fn a_ghost_needs_an_ignored_ack() {
        let peer = Peer::v4(std::net::Ipv4Addr::LOCALHOST, 9);
        let mut connection = Connection::new(peer, Stamp::ZERO);
        connection.server = ServerSide::HalfOpen;
        connection.client = ClientSide::Connected;
        assert_eq!(connection.belief(), CombinedState::HalfOpen);
        connection.acks_ignored = 1;
        assert_eq!(connection.belief(), CombinedState::Ghost);
    }

    #[test]
    fn a_client_that_does_not_come_again_in_time_has_given_up() {
        let peer = Peer::v4(std::net::Ipv4Addr::LOCALHOST, 1);
        let mut one = Connection::new(peer, Stamp::ZERO);
        assert!(!one.may_come_again(Stamp::ZERO), "nothing of it was dropped");
        for (syns, last_ms) in [(1, 1500), (2, 3000), (3, 6000), (9, 96_000)] {
            one.syns = syns;
            one.last_drop = Some(LastDrop { at: Stamp::ZERO, cause: Cause::SynAcceptQueueFull });
            assert!(one.may_come_again(Stamp::from_millis(last_ms)), "{syns}");
            assert!(!one.may_come_again(Stamp::from_millis(last_ms + 1)), "{syns}");
        }
    }
}
