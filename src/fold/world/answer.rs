//! What a SYN-ACK is: a request's, or a cookie.
//!
//! Without timestamps its options tell. With them a cookie keeps the client's options in the low bits of its timestamp, which it turns
//! back for that by up to 63 ms. A request's timestamp is the kernel's clock as it is, so that it has the same bits by chance only, once
//! in 64 times, and then it does not lag.

use super::{World, admission};
use crate::fold::connection::Verdict;
use crate::model::segment::Segment;
use crate::model::settings::Sysctl;
use crate::model::stamp::Stamp;

/// What a SYN-ACK is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// True for a cookie.
    pub(super) cookie: bool,
    /// True when the wire tells it; otherwise it follows from the depths that the fold keeps, and lists and counters may know better.
    pub(super) decided: bool,
}

/// Reads a SYN-ACK that answers this client's last SYN.
pub(super) fn read_answer(world: &mut World, at: Stamp, segment: &Segment) -> Answer {
    let Some(one) = world.roster.connection(&segment.peer) else { return Answer { cookie: false, decided: false } };
    let trace = &one.inference;
    let cookie = match trace.verdict {
        Verdict::Cookie => true,
        Verdict::Request => false,
        // It was let in after all: somebody was accepted meanwhile.
        Verdict::Drop(_) => admission::answers_with_cookies(world),
    };
    let supposed = Answer { cookie, decided: false };
    if trace.cookie_decidable {
        return Answer { cookie: !segment.window_scale, decided: true };
    }
    let (Some(offered), Some(carried)) = (trace.cookie_bits, segment.cookie_bits) else { return supposed };
    let phase = (at.as_nanos() / 1_000 + TURN_US - u64::from(carried % 64) * 1_000) % TURN_US;
    if offered != carried {
        world.open.phases.rotate_right(1);
        world.open.phases[0] = Some(phase);
        return Answer { cookie: false, decided: true };
    }
    let mut clock = world.open.phases.iter().flatten().peekable();
    if clock.peek().is_none() || clock.any(|own| apart(*own, phase) <= PRECISION_US) {
        return supposed;
    }
    // By the wire a cookie. Where the SYN queue seemed to have room, a stamp may have been late instead.
    Answer { cookie: true, decided: supposed.cookie }
}

/// True when the SYN queue is so nearly full that an answer may be a request's as well as a cookie.
pub(super) fn may_be_either(world: &World) -> bool {
    let always_one = matches!(world.sysctls.value(Sysctl::Syncookies), Some(0 | 2));
    let half_open = world.syn_queue.depth() + world.open.coming;
    !always_one && world.accept_limit().is_some_and(|limit| half_open + 1 >= limit)
}

/// How far two points of the clock's low bits lie apart, the shorter way round.
const fn apart(one: u64, other: u64) -> u64 {
    let ahead = (one + TURN_US - other) % TURN_US;
    if ahead > TURN_US / 2 { TURN_US - ahead } else { ahead }
}

/// The low six bits of a clock that counts milliseconds.
const TURN_US: u64 = 64_000;

/// How far two requests can seem apart: their timestamps are cut to milliseconds, and the tap's stamp comes a moment later.
const PRECISION_US: u64 = 1_250;
