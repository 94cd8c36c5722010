//! Before a segment is delivered: can it have more than one outcome?

use super::{COOKIE_AGE, FIRST_TIMER, Held, OfPeer, Outcomes, ServerEnd, SynAck, is_syn};
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
    /// A client's RST for its request, which may have ended unseen.
    ResetAtRequest {
        /// True when the request is there and the kernel cannot but take it: it has just the sequence number that the request expects.
        certain: bool,
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
        let held = self.held(&segment.peer);
        if is_syn(segment) {
            return self.foresee_syn(now, segment);
        }
        let acknowledges = segment.flags & flags::ACK != 0;
        match held {
            Held::Request(sent) if segment.kind() == Kind::Rst => {
                let in_order = segment.seq == sent.client_isn.wrapping_add(1);
                Foreseen::Open(Question::ResetAtRequest { certain: in_order && now.since(sent.since) < FIRST_TIMER })
            }
            // Its ACK is of a cookie that the client got before: the kernel passes by the request (`tcp_check_req` returns the listener).
            Held::Request(_) if acknowledges && self.passes_by_request(segment) => {
                Foreseen::Open(Question::AckPastRequest)
            }
            Held::Request(sent) if acknowledges => {
                let completes = sent.is_answered_by(segment) && !(self.limits.deferred && segment.payload == 0);
                let certain = completes && now.since(sent.since) < FIRST_TIMER && !self.accept_queue_may_be_full();
                if certain {
                    Foreseen::Certain(Outcome::Queued, Proof::Room)
                } else {
                    Foreseen::Open(Question::AckAtRequest)
                }
            }
            Held::Nothing if segment.kind() == Kind::Rst => {
                // The listener throws it away (`tcp_rcv_state_process`); one with an ACK makes it answer, and a RST is never answered.
                if acknowledges { Foreseen::Nothing } else { Foreseen::Open(Question::ResetAtListener) }
            }
            // A socket that was closed may end unseen: `tcp_rcv_state_process` resets an orphan that gets data, and ends one that cannot
            // be kept in TIME_WAIT. That takes a segment, of which this is the first.
            Held::Socket { server: ServerEnd::FinSent, .. } if segment.payload == 0 => Foreseen::Nothing,
            Held::Nothing | Held::Socket { server: ServerEnd::FinSent | ServerEnd::Closed, .. } if acknowledges => {
                self.foresee_cookie(now, segment)
            }
            _ => Foreseen::Nothing,
        }
    }

    /// What meets the listener itself may bring a cookie, later segments of the connection too: the kernel compares only the difference
    /// of both sequence numbers, and a cookie leaves a few of them open (`__cookie_v4_check`: the index of the MSS).
    fn foresee_cookie(&self, now: Stamp, segment: &Segment) -> Foreseen {
        let Some(OfPeer { held, cookie: Some(sent) }) = self.peers.get(&segment.peer) else { return Foreseen::Nothing };
        let is_young = now.since(sent.since) < COOKIE_AGE && *held == Held::Nothing;
        if sent.is_answered_by(segment) && is_young && !self.accept_queue_may_be_full() {
            Foreseen::Certain(Outcome::Queued, Proof::Room)
        } else {
            Foreseen::Open(Question::AckOfCookie)
        }
    }

    fn foresee_syn(&self, now: Stamp, segment: &Segment) -> Foreseen {
        match self.held(&segment.peer) {
            Held::Request(SynAck { since, isn, .. }) => {
                Foreseen::Open(Question::SynAtRequest { isn, old: now.since(since) >= FIRST_TIMER })
            }
            Held::Nothing if !self.accept_queue_may_be_full() && !self.three_quarters_may_refuse() => {
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

impl SynAck {
    /// True for a segment that is the next one of its client and acknowledges this SYN-ACK.
    fn is_answered_by(self, segment: &Segment) -> bool {
        self.isn.is_some_and(|isn| segment.ack == isn.wrapping_add(1)) && segment.seq == self.client_isn.wrapping_add(1)
    }
}
