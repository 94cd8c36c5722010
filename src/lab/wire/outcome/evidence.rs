//! From what was read after a segment to what became of it.

use super::question::Question;
use super::{Moved, Outcomes};
use crate::model::cause::Cause;
use crate::model::counters::Counters;
use crate::model::delivery::{Outcome, Proof};
use crate::model::segment::{Kind, Segment};

/// The listener's answer to a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// SYN-ACK, RST, or ACK (a challenge, RFC 5961).
    pub kind: Kind,
    /// Its sequence number.
    pub seq: u32,
    /// True when it carries the window-scale option.
    pub window_scale: bool,
}

/// What was read after a segment was delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// By how much the listener's drop count has moved.
    pub drops: u32,
    /// By how much the accept queue has grown, or shrunk.
    pub growth: Option<i64>,
    /// The listener's answer to this client.
    pub answer: Option<Answer>,
    /// True when a later frame has been answered: everything before it has been processed.
    pub processed: bool,
}

/// What the evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// What became of it, and how that is known.
    Decided(Outcome, Proof),
    /// Several outcomes are left: the counters tell them apart ([`Outcomes::judge_by_counters`]).
    ReadCounters,
    /// It has not shown yet: look again, and after a while make sure that it has been processed.
    NotYet,
    /// It decided nothing.
    Nothing,
}

use Judgement::{Decided, NotYet, Nothing, ReadCounters};

impl Outcomes {
    /// Decides a question by what was read.
    pub fn judge(&self, question: Question, segment: &Segment, seen: &Evidence) -> Judgement {
        match question {
            Question::Syn => self.judge_syn(segment, seen),
            Question::SynAtRequest { isn, old } => match (seen.drops, seen.answer) {
                (0, Some(answer)) if answer.kind == Kind::SynAck && Some(answer.seq) == isn => NotYet,
                (0, _) => self.judge_syn(segment, seen),
                (1, Some(_)) => Decided(Outcome::Discarded, Proof::Drops),
                (1, None) if !old => Decided(Outcome::Discarded, Proof::Drops),
                (1, None) => ReadCounters,
                _ => odd(seen),
            },
            Question::AckAtRequest => match (seen.drops, seen.answer.map(|answer| answer.kind)) {
                (2, Some(Kind::Rst)) if self.aborts() => Decided(Outcome::Dropped(Cause::AckReset), Proof::Answer),
                (2, None) if self.aborts() && !seen.processed => NotYet,
                (2, _) => Decided(Outcome::Dropped(Cause::AckAcceptQueueFull), Proof::Drops),
                (1, _) if seen.processed => Decided(Outcome::Discarded, Proof::Drops),
                (0, Some(Kind::Rst)) => Decided(Outcome::AnsweredByReset, Proof::Answer),
                (0, _) => entered(seen),
                _ => odd(seen),
            },
            Question::AckOfCookie => match (seen.drops, seen.answer.map(|answer| answer.kind)) {
                (1, _) => Decided(Outcome::Dropped(Cause::AckCookieAcceptQueueFull), Proof::Drops),
                (0, Some(Kind::Rst)) => Decided(Outcome::AnsweredByReset, Proof::Answer),
                (0, _) if seen.growth == Some(1) => Decided(Outcome::Queued, Proof::Depth),
                // accept() has taken it already, or a socket was there.
                (0, _) if seen.processed => ReadCounters,
                _ => odd(seen),
            },
            // With the request in the way no connection can be entered for the cookie (`inet_ehash_nolisten` finds the request).
            Question::AckPastRequest => match (seen.drops, seen.answer.map(|answer| answer.kind)) {
                (1, _) => Decided(Outcome::Dropped(Cause::AckCookieAcceptQueueFull), Proof::Drops),
                (0, Some(Kind::Rst)) => Decided(Outcome::AnsweredByReset, Proof::Answer),
                (0, _) if seen.growth == Some(1) => Decided(Outcome::Queued, Proof::Depth),
                (0, _) if seen.processed => ReadCounters,
                _ => odd(seen),
            },
            Question::ResetAtRequest { certain } => match seen.drops {
                1 if certain => Decided(Outcome::RequestReset, Proof::Drops),
                1 => ReadCounters,
                // The request had gone: nobody answers a RST.
                0 if seen.processed => Nothing,
                _ => odd(seen),
            },
            Question::ResetAtListener => match seen.drops {
                1 => ReadCounters,
                // A socket that is closing has taken it.
                0 if seen.processed => Nothing,
                _ => odd(seen),
            },
        }
    }

    fn judge_syn(&self, segment: &Segment, seen: &Evidence) -> Judgement {
        match (seen.drops, seen.answer) {
            (0, Some(answer)) => match answer.kind {
                Kind::SynAck => self.cookie_or_request(segment, answer),
                Kind::Rst => Decided(Outcome::AnsweredByReset, Proof::Answer),
                // An earlier connection of this client still exists, and answers with a challenge.
                _ => Nothing,
            },
            (1, None) => match self.causes().as_slice() {
                [cause] => Decided(Outcome::Dropped(*cause), Proof::Drops),
                _ => ReadCounters,
            },
            _ => odd(seen),
        }
    }

    fn cookie_or_request(&self, segment: &Segment, answer: Answer) -> Judgement {
        match self.limits.cookies {
            0 => Decided(Outcome::Request, Proof::Answer),
            2 => Decided(Outcome::Cookie, Proof::Answer),
            _ if !self.syn_queue_may_be_full() => Decided(Outcome::Request, Proof::Answer),
            // Without timestamps a cookie cannot keep the option (`tcp_clear_options` in `tcp_conn_request`).
            _ if segment.window_scale && !segment.timestamps => {
                Decided(if answer.window_scale { Outcome::Request } else { Outcome::Cookie }, Proof::Answer)
            }
            _ => ReadCounters,
        }
    }

    /// The causes that a SYN can be dropped for at this moment.
    fn causes(&self) -> Vec<Cause> {
        let off = self.limits.cookies == 0;
        [
            (off && self.syn_queue_may_be_full(), Cause::SynSynQueueFull),
            (self.accept_queue_may_be_full(), Cause::SynAcceptQueueFull),
            (self.three_quarters_may_refuse(), Cause::SynMaxSynBacklog),
        ]
        .into_iter()
        .filter_map(|(possible, cause)| possible.then_some(cause))
        .collect()
    }

    const fn aborts(&self) -> bool {
        self.limits.abort
    }

    /// Decides by the counters, which are read when [`Outcomes::judge`] asks for it: they have moved by this segment alone since all
    /// earlier outcomes.
    pub fn judge_by_counters(&mut self, question: Question, seen: &Evidence, read: &Counters) -> Judgement {
        let Some(moved) = self.beyond(read) else {
            self.is_counted = true;
            return Decided(Outcome::Undetermined, Proof::None);
        };
        let outcome = match question {
            Question::ResetAtRequest { .. } | Question::ResetAtListener if moved.embryonic_resets == 1 => {
                Outcome::RequestReset
            }
            Question::ResetAtRequest { .. } | Question::ResetAtListener => Outcome::Discarded,
            Question::AckOfCookie if moved.cookies_received > 0 => Outcome::Queued,
            Question::AckPastRequest if moved.cookies_received > 0 => Outcome::Shadowed,
            Question::AckOfCookie | Question::AckPastRequest => return Nothing,
            _ => match moved {
                Moved { syn_queue_full: 1, .. } => Outcome::Dropped(Cause::SynSynQueueFull),
                Moved { overflows: 1, .. } => Outcome::Dropped(Cause::SynAcceptQueueFull),
                Moved { drops: 1, .. } => Outcome::Dropped(Cause::SynMaxSynBacklog),
                Moved { cookies_sent: 1, .. } => Outcome::Cookie,
                Moved { drops: 0, .. } if seen.drops == 1 => Outcome::Discarded,
                Moved { cookies_sent: 0, .. } if seen.answer.is_some() => Outcome::Request,
                _ => Outcome::Undetermined,
            },
        };
        self.is_counted = true;
        Decided(outcome, if outcome == Outcome::Undetermined { Proof::None } else { Proof::Counters })
    }
}

/// The drop count has not moved, and no RST has come: the connection was made, once that shows.
fn entered(seen: &Evidence) -> Judgement {
    if seen.growth == Some(1) {
        Decided(Outcome::Queued, Proof::Depth)
    } else if seen.processed {
        Decided(Outcome::Queued, Proof::Processed)
    } else {
        NotYet
    }
}

/// What does not fit has not shown completely; if it never does, it stays open.
const fn odd(seen: &Evidence) -> Judgement {
    if seen.processed { Decided(Outcome::Undetermined, Proof::None) } else { NotYet }
}
