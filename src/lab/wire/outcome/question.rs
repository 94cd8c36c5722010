//! Before a segment is delivered: can it have more than one outcome?

use super::{COOKIE_AGE, Cookie, FIRST_TIMER, Held, Outcomes, is_syn};
use crate::model::delivery::{Outcome, Proof};
use crate::model::segment::{Kind, Segment, flags};
use crate::model::stamp::Stamp;

/// What is known of a segment before it is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreseen {
    /// It decides nothing: it belongs to a socket, or to nothing that is kept.
    Nothing,
    /// It can have this outcome alone.
    Certain(Outcome, Proof),
    /// Only the SYN-ACK has to be awaited, nothing can be full: it decides a moment later what is certain but for a connection that the
    /// listener may still have.
    Open(Question),
}

/// What has to be read after a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// A SYN of a client that has no request.
    Syn,
    /// A SYN of a client whose request was there; `old`: a timer may have ended it.
    SynAtRequest {
        /// The sequence number of the request's SYN-ACK.
        isn: Option<u32>,
        /// True when the request may have ended unseen.
        old: bool,
    },
    /// What may complete a request.
    AckAtRequest,
    /// What may redeem a cookie.
    AckOfCookie,
    /// What may redeem a cookie that its client got before its request.
    AckPastRequest,
    /// A client's RST for its request; `in_order`: at just the sequence number that the request expects.
    ResetAtRequest {
        /// True when the kernel cannot but take it.
        in_order: bool,
    },
    /// A client's RST that meets neither request nor socket, but the listener itself.
    ResetAtListener,
}

impl Question {
    /// True when the accept queue may grow by it.
    pub const fn is_of_depth(self) -> bool {
        matches!(self, Self::AckAtRequest | Self::AckOfCookie | Self::AckPastRequest)
    }
}

impl Outcomes {
    /// What can become of a segment toward the listener. The accept queue's depth is exact if it was read just before
    /// ([`Outcomes::set_queue`]), else an upper bound.
    pub fn foresee(&self, now: Stamp, segment: &Segment) -> Foreseen {
        let held = self.peers.get(&segment.peer).copied();
        if is_syn(segment) {
            return self.foresee_syn(now, held);
        }
        let acknowledges = segment.flags & flags::ACK != 0;
        match held {
            Some(Held::Request { client_isn, .. }) if segment.kind() == Kind::Rst => {
                Foreseen::Open(Question::ResetAtRequest { in_order: segment.seq == client_isn.wrapping_add(1) })
            }
            // Its ACK is of a cookie that the client got before: the kernel passes by the request (`tcp_check_req` returns the listener).
            Some(Held::Request { .. }) if acknowledges && self.passes_by_request(segment) => {
                Foreseen::Open(Question::AckPastRequest)
            }
            Some(Held::Request { since, isn, client_isn }) if acknowledges => {
                let completes = isn.is_some_and(|isn| segment.ack == isn.wrapping_add(1))
                    && segment.seq == client_isn.wrapping_add(1);
                let certain = completes && now.since(since) < FIRST_TIMER && !self.accept_queue_may_be_full();
                if certain {
                    Foreseen::Certain(Outcome::Queued, Proof::Room)
                } else {
                    Foreseen::Open(Question::AckAtRequest)
                }
            }
            Some(Held::Cookie(Cookie { since, isn, client_isn })) if acknowledges && segment.kind() != Kind::Rst => {
                let redeems = isn.is_some_and(|isn| segment.ack == isn.wrapping_add(1))
                    && segment.seq == client_isn.wrapping_add(1);
                let certain = redeems && now.since(since) < COOKIE_AGE && !self.accept_queue_may_be_full();
                if certain {
                    Foreseen::Certain(Outcome::Queued, Proof::Room)
                } else {
                    Foreseen::Open(Question::AckOfCookie)
                }
            }
            // The listener throws it away (`tcp_rcv_state_process`); one with an ACK makes it answer, and a RST is never answered.
            None | Some(Held::Cookie(_)) if segment.kind() == Kind::Rst && !acknowledges => {
                Foreseen::Open(Question::ResetAtListener)
            }
            _ => Foreseen::Nothing,
        }
    }

    fn foresee_syn(&self, now: Stamp, held: Option<Held>) -> Foreseen {
        match held {
            Some(Held::Request { since, isn, .. }) => {
                Foreseen::Open(Question::SynAtRequest { isn, old: now.since(since) >= FIRST_TIMER })
            }
            None if !self.accept_queue_may_be_full() && !self.three_quarters_may_refuse() => {
                match (self.limits.cookies, self.syn_queue_may_be_full()) {
                    (2, _) => Foreseen::Certain(Outcome::Cookie, Proof::Room),
                    (_, false) => Foreseen::Certain(Outcome::Request, Proof::Room),
                    _ => Foreseen::Open(Question::Syn),
                }
            }
            _ => Foreseen::Open(Question::Syn),
        }
    }
}
