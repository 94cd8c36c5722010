//! One connection's life, as both sides believe it. Ghosts and phantoms are states here.

pub use super::belief::{ClientSide, CombinedState, ServerSide};
use crate::fold::segment_log::SegmentLog;
use crate::model::cause::Cause;
use crate::model::peer::Peer;
use crate::model::segment::Kind;
use crate::model::stamp::Stamp;

/// When and why a segment of this connection died last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastDrop {
    /// When.
    pub at: Stamp,
    /// Why.
    pub cause: Cause,
}

/// When the client tries again if nothing is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// When, in the clients' time.
    pub at: Stamp,
    /// True when it gives up then.
    pub gives_up: bool,
}

/// A segment under way from the client to the listener.
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
    /// What the client believes.
    pub client: ClientSide,
    /// Since when.
    pub client_since: Stamp,
    /// What the server's kernel has.
    pub server: ServerSide,
    /// Since when.
    pub server_since: Stamp,
    /// When it was first heard of.
    pub born: Stamp,
    /// SYNs that reached the listener's end.
    pub syns: u16,
    /// SYN-ACKs that left it.
    pub syn_acks: u16,
    /// ACKs (or data) of this client that the kernel threw away.
    pub acks_ignored: u16,
    /// When the client tries again.
    pub retry: Option<Retry>,
    /// The last drop.
    pub last_drop: Option<LastDrop>,
    /// What is under way to the listener.
    pub travel: Option<Travel>,
    /// When it entered the accept queue.
    pub queued_at: Option<Stamp>,
    /// The order in which connections entered the accept queue (0 = first of the session).
    pub queue_order: Option<u64>,
    /// True when it was a ghost at any moment.
    pub was_ghost: bool,
    /// True when it was a phantom at any moment.
    pub was_phantom: bool,
    /// Bytes that the client sent before it was accepted.
    pub bytes: u32,
    /// True when the client closed its side in good order.
    pub client_closed: bool,
    pub(super) trace: InferenceState,
    pub(super) diary: Option<Box<SegmentLog>>,
}

/// What the fold has to remember of a connection's segments to tell one cause from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each remembers one thing that was seen")]
pub(super) struct InferenceState {
    pub(super) client_isn: u32,
    pub(super) server_isn: u32,
    /// The last SYN had the window-scale option and no timestamps: its answer tells a cookie by itself.
    pub(super) tells_cookie: bool,
    /// The options of the last SYN as a cookie's timestamp would carry them.
    pub(super) cookie_bits: Option<u8>,
    /// The last answer has told by itself whether it was a cookie.
    pub(super) told: bool,
    /// When the SYN came whose answer is still open.
    pub(super) pending: Option<Stamp>,
    /// What the queues' state at that moment says about it.
    pub(super) verdict: Verdict,
    /// The last SYN has stayed without an answer.
    pub(super) silent: bool,
    /// The cause to which that silence was put down; `None` where none is known.
    pub(super) charged: Option<Cause>,
    /// Where the client's data (or FIN) ends that has arrived since its retry was told; what does not arrive is not acknowledged.
    pub(super) data_end: Option<u32>,
    /// The retry that an acknowledgement has ended: it counts again when the acknowledgement is lost on its way.
    pub(super) heard: Option<Retry>,
    /// The connection was made (or would have been) by a cookie.
    pub(super) by_cookie: bool,
    /// Packets hit, by cause.
    pub(super) hits: [u16; Cause::ALL.len()],
    /// Dumps in a row that should have listed the request and did not.
    pub(super) missed: u8,
    /// When the first of them was made.
    pub(super) missed_at: Stamp,
    /// What was decided about its last final ACK.
    pub(super) last_ack: LastAck,
    /// Its ACKs thought thrown away since the last `accept()`, and how many connections had been accepted by then.
    pub(super) refused_since: (u64, u16),
    /// The client counts among those that want to be accepted.
    pub(super) wanting: bool,
    /// Ignored ACKs of its earlier requests, if it has come again with the same port.
    pub(super) acks_before: u16,
    /// Ignored ACKs of which a repeated SYN-ACK has told.
    pub(super) acks_proved: u16,
    /// Ignored ACKs after which a list has shown that it still did not wait for `accept()`.
    pub(super) acks_certain: u16,
    /// Segments that came since it was thought queued and would have been final ACKs, had it not been.
    pub(super) at_door: u16,
    /// The server's end of the connection has spoken: it exists.
    pub(super) child_spoke: bool,
    /// When its last ACK was thought thrown away.
    pub(super) ignored_at: Stamp,
    /// The number of the last dump that listed it.
    pub(super) listed: u64,
    /// It has left what is watched: nothing more will be known of it.
    pub(super) left: bool,
    /// The number of the last list of waiting connections that it stood on; 0: none.
    pub(super) waiting_dump: u64,
    /// When that was.
    pub(super) waiting_at: Stamp,
    /// Lists in a row on which it should have stood and did not.
    pub(super) away: u8,
    /// When its last SYN came.
    pub(super) last_syn: Stamp,
}

/// What was decided about a final ACK; a RST that follows it says that there was no request any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LastAck {
    /// There was none, or something else has passed since.
    #[default]
    None,
    /// It was taken.
    Taken,
    /// It was thrown away.
    Ignored(Cause),
}

/// What must become of a SYN, by the kernel's order of tests and the queues' depths at that moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It becomes a request.
    #[default]
    Request,
    /// It is answered with a cookie.
    Cookie,
    /// It is dropped.
    Drop(Cause),
}

impl Connection {
    /// A connection first heard of at `at`.
    pub(super) fn new(peer: Peer, at: Stamp) -> Self {
        Self {
            id: None,
            peer,
            half_open: false,
            client: ClientSide::SynSent,
            client_since: at,
            server: ServerSide::Nothing,
            server_since: at,
            born: at,
            syns: 0,
            syn_acks: 0,
            acks_ignored: 0,
            retry: None,
            last_drop: None,
            travel: None,
            queued_at: None,
            queue_order: None,
            was_ghost: false,
            was_phantom: false,
            bytes: 0,
            client_closed: false,
            trace: InferenceState::default(),
            diary: None,
        }
    }

    /// Both beliefs in one word.
    pub const fn belief(&self) -> CombinedState {
        match (self.server, self.client) {
            (ServerSide::HalfOpen, ClientSide::Connected) if self.acks_ignored > 0 => CombinedState::Ghost,
            (ServerSide::HalfOpen, _) => CombinedState::HalfOpen,
            (ServerSide::CookieSent, ClientSide::Connected) if self.acks_ignored > 0 => CombinedState::Phantom,
            (ServerSide::CookieSent, ClientSide::SynSent | ClientSide::Connected) => CombinedState::CookieOut,
            (ServerSide::Queued, ClientSide::SynSent | ClientSide::Connected) => CombinedState::Queued,
            (ServerSide::Queued | ServerSide::QueuedDead, _) => CombinedState::DeadInQueue,
            (ServerSide::Accepted, _) => CombinedState::Accepted,
            (_, ClientSide::SynSent) => CombinedState::SynSent,
            _ => CombinedState::Over,
        }
    }

    /// Packets of this connection that were lost for `cause`.
    pub fn hits(&self, cause: Cause) -> u32 {
        self.trace.hits[cause as usize].into()
    }

    /// What has passed, where it was written down.
    pub fn diary(&self) -> Option<&SegmentLog> {
        self.diary.as_deref()
    }

    /// True when neither side will move this connection any further.
    pub const fn is_over(&self) -> bool {
        self.trace.left || (self.client.is_over() && self.server.is_over())
    }

    /// The name by which an eye can follow it on the screen: a letter and a digit (a0 … z9, then again); "··" when the client is
    /// not one of ours.
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
        let mut one = Connection::new(peer, Stamp::ZERO);
        one.server = ServerSide::HalfOpen;
        one.client = ClientSide::Connected;
        assert_eq!(one.belief(), CombinedState::HalfOpen);
        one.acks_ignored = 1;
        assert_eq!(one.belief(), CombinedState::Ghost);
    }
}
