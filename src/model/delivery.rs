//! What became of one segment that reached the listener: read after it was delivered, and before the next one was.
//!
//! In the lab qviz is the only road to the listener, so that each outcome belongs to one segment. Elsewhere segments are only seen
//! ([`Event::Segment`](super::event::Event::Segment)).

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use super::segment::Segment;

/// A segment that was delivered to the listener, with its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The segment, towards the listener.
    pub segment: Segment,
    /// What the kernel did with it.
    pub outcome: Outcome,
    /// How that is known.
    pub proof: Proof,
    /// Connections in the accept queue before the segment was delivered; `None` where that was not read because it could not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth_before: Option<u32>,
    /// The same after its outcome; `accept()` may have taken some meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth_after: Option<u32>,
    /// By how much the segment moved the listener's own drop count (`sk_drops`), 0 to 2.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub drops: u8,
    /// True when a valid cookie came back with it (part of SyncookiesRecv), whatever its outcome.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redeems_cookie: bool,
}

/// What the kernel did with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A SYN became a request, answered with a SYN-ACK (`inet_csk_reqsk_queue_hash_add`).
    Request,
    /// A SYN was answered with a SYN cookie; the kernel keeps nothing (`cookie_init_sequence`).
    Cookie,
    /// A final ACK made a connection, which waits in the accept queue (`inet_csk_complete_hashdance`).
    Queued,
    /// It was thrown away because of a limit, and is part of ListenDrops.
    Dropped(Cause),
    /// It ended at a request or at the listener and changed nothing: a SYN sent again, a segment outside the window, a RST for what is not
    /// there. The listener's drop count moves by one, no counter does (`tcp_check_req` returns NULL; `tcp_rcv_state_process` in LISTEN).
    Discarded,
    /// A valid cookie came back while a newer request of its client stands (SyncookiesRecv): no connection was made, the request stays
    /// (`tcp_get_cookie_sock`, net/ipv4/syncookies.c).
    Shadowed,
    /// A client's RST ended its request (EmbryonicRsts).
    RequestReset,
    /// It met neither request nor valid cookie, and was answered with a RST.
    AnsweredByReset,
    /// It could not be read what became of it.
    Undetermined,
}

/// How an outcome is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// By the listener's answer to this segment.
    Answer,
    /// By the listener's drop count (`sk_drops`), where only one cause was possible.
    Drops,
    /// By the counters of the listener's namespace, where several causes were possible.
    Counters,
    /// By the accept queue, which grew by one.
    Depth,
    /// By the order of the kernel's tests: no queue could be full, so that there was only one outcome.
    Room,
    /// A later frame was answered, so that this one had been processed, and nothing had moved.
    Processed,
    /// It is not known.
    None,
}

impl Outcome {
    /// Its name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Cookie => "cookie",
            Self::Queued => "queued",
            Self::Dropped(_) => "dropped",
            Self::Discarded => "discarded",
            Self::Shadowed => "shadowed",
            Self::RequestReset => "request_reset",
            Self::AnsweredByReset => "answered_by_reset",
            Self::Undetermined => "undetermined",
        }
    }

    /// Why the segment was dropped, if it was.
    pub const fn cause(self) -> Option<Cause> {
        match self {
            Self::Dropped(cause) => Some(cause),
            _ => None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(count: &u8) -> bool {
    *count == 0
}
