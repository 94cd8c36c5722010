//! What a SYN-ACK is: a request's, or a cookie.
//!
//! Without timestamps its options tell. With them a cookie keeps the client's options in the low bits of its timestamp, which it turns
//! back for that by up to 63 ms. A request's timestamp is the kernel's clock as it is, so that it has the same bits by chance only, once
//! in 64 times, and then it does not lag.

use super::World;
use crate::model::connection::Verdict;
use crate::model::segment::Segment;
use crate::model::settings::Sysctl;
use crate::model::stamp::Stamp;

/// What a SYN-ACK is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// True for a cookie.
    pub(super) cookie: bool,
    /// True when the wire tells it; otherwise it follows from the depths that the fold keeps, and lists and counters may know better.
    pub(super) told: bool,
}

impl World {
    /// Reads a SYN-ACK that answers this client's last SYN.
    pub(super) fn read_answer(&mut self, at: Stamp, segment: &Segment) -> Answer {
        let Some(one) = self.roster.connection(&segment.peer) else { return Answer { cookie: false, told: false } };
        let trace = &one.trace;
        let supposed = Answer { cookie: trace.verdict == Verdict::Cookie, told: false };
        if trace.tells_cookie {
            return Answer { cookie: !segment.window_scale, told: true };
        }
        let (Some(offered), Some(carried)) = (trace.cookie_bits, segment.cookie_bits) else { return supposed };
        let phase = (at.as_nanos() / 1_000 + TURN_US - u64::from(carried % 64) * 1_000) % TURN_US;
        if offered != carried {
            let earlier = self.open.phase.is_none_or(|clock| behind(clock, phase) > TURN_US / 2);
            self.open.phase = if earlier { Some(phase) } else { self.open.phase };
            return Answer { cookie: false, told: true };
        }
        match self.open.phase.map(|clock| behind(clock, phase)) {
            Some(lag) if (PRECISION_US..TURN_US - NOISE_US).contains(&lag) => Answer { cookie: true, told: true },
            _ => supposed,
        }
    }

    /// True when the SYN queue is so nearly full that an answer may be a request's as well as a cookie.
    pub(super) fn may_be_either(&self) -> bool {
        let always_one = matches!(self.sysctls.value(Sysctl::Syncookies), Some(0 | 2));
        let half_open = self.syn_queue.depth() + self.open.coming;
        !always_one && self.accept_limit().is_some_and(|limit| half_open + 1 >= limit)
    }
}

/// How far an answer's timestamp lies behind the kernel's clock, in microseconds; more than half a turn means that it is ahead.
const fn behind(clock: u64, phase: u64) -> u64 {
    (phase + TURN_US - clock) % TURN_US
}

/// The low six bits of a clock that counts milliseconds.
const TURN_US: u64 = 64_000;

/// How far a request's timestamp may lie behind: it is cut to milliseconds, and the tap's stamp comes a moment later.
const PRECISION_US: u64 = 1_250;

/// By how much the tap's clock may be wrong.
const NOISE_US: u64 = 250;
