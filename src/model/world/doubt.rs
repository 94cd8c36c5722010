//! Final ACKs that came at the same moment as an `accept()`: whether the queue was still full when the kernel looked cannot be seen
//! on the wire, because a timestamp is taken when a segment is queued for its processor and not when it is processed. Where the
//! counters differ steadily by just such ACKs, they decide.

use std::collections::VecDeque;
use std::time::Duration;

use super::World;
use crate::model::connection::{Connection, ServerSide};
use crate::model::counters::Counter;
use crate::model::ledger::Cause;
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

/// How near an ACK and an `accept()` must be for their order to be in doubt.
const NEAR: Duration = Duration::from_millis(20);

/// How many doubtful ACKs are remembered.
const DOUBTS: usize = 256;

/// Readings of the counters in a row that must show the same difference.
const STEADY: u8 = 2;

/// What is in doubt since the ledger last balanced.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubts {
    last_accept: Option<Stamp>,
    /// Thought ignored, and taken a moment later by the next segment.
    ignored: VecDeque<(Peer, Cause)>,
    /// Thought taken, by the place that an `accept()` had just made.
    taken: VecDeque<(Peer, Cause)>,
    by_counters: Steady,
    by_listener: Steady,
}

/// A difference that must be read more than once before it counts.
#[derive(Clone, Copy, Debug, Default)]
struct Steady {
    difference: i64,
    readings: u8,
}

impl Steady {
    /// True when it has been this much for long enough.
    fn is(&mut self, difference: i64) -> bool {
        self.readings = if difference == self.difference { self.readings.saturating_add(1) } else { 1 };
        self.difference = difference;
        difference != 0 && self.readings >= STEADY
    }
}

impl Doubts {
    pub(super) fn accepted(&mut self, at: Stamp) {
        self.last_accept = Some(at);
    }

    pub(super) fn clear(&mut self) {
        self.ignored.clear();
        self.taken.clear();
        (self.by_counters, self.by_listener) = (Steady::default(), Steady::default());
    }
}

impl World {
    /// A final ACK of this connection has just been judged as taken: remembers it if that is in doubt.
    pub(super) fn doubt_taken(&mut self, at: Stamp, peer: Peer, server: ServerSide) {
        let Some(accepted) = self.open.doubts.last_accept.filter(|accepted| at.since(*accepted) <= NEAR) else {
            return;
        };
        let Some(one) = self.roster.connection(&peer) else { return };
        let cause = self.refusal_cause(server);
        let was_full = self.accept_limit().is_some_and(|limit| self.accept_queue.depth() >= limit);
        let refused = refused_near(one, cause, accepted);
        let doubts = &mut self.open.doubts;
        if refused {
            push(&mut doubts.ignored, (peer, cause));
        } else if was_full && cause != Cause::AckReset {
            push(&mut doubts.taken, (peer, cause));
        }
    }

    /// Lets the counters decide about doubtful ACKs, if they differ steadily by no more than these.
    pub(super) fn settle_doubts(&mut self) {
        let Some(drops) = self.counter(Counter::ListenDrops) else { return };
        let accounted = self.ledger.kernel_drops() + self.ledger.syns_without_cause;
        let difference = drops.cast_signed() - accounted.cast_signed();
        if !self.open.doubts.by_counters.is(difference) {
            return;
        }
        let count = difference.unsigned_abs() as usize;
        if difference < 0 && count <= self.open.doubts.ignored.len() {
            for _ in 0..count {
                self.believe_taken();
            }
        } else if difference > 0 && count <= self.open.doubts.taken.len() {
            for _ in 0..count {
                self.believe_ignored();
            }
        }
    }

    /// Lets the listener's own drop count decide, if it differs steadily by just what the latest doubtful ACKs weigh.
    pub(super) fn settle_doubts_by_listener(&mut self, difference: i64) {
        if !self.open.doubts.by_listener.is(difference) {
            return;
        }
        let doubts = &self.open.doubts;
        let wanted = difference.unsigned_abs();
        if difference < 0 {
            if let Some(count) = latest(&doubts.ignored, wanted) {
                (0..count).for_each(|_| self.believe_taken());
            }
        } else if let Some(count) = latest(&doubts.taken, wanted) {
            (0..count).for_each(|_| self.believe_ignored());
        }
    }

    fn believe_taken(&mut self) {
        let Some((peer, cause)) = self.open.doubts.ignored.pop_back() else { return };
        self.take_back_ignored(peer, cause);
        if cause == Cause::AckCookieAcceptQueueFull {
            self.ledger.cookies_redeemed = self.ledger.cookies_redeemed.saturating_sub(1);
        }
    }

    fn believe_ignored(&mut self) {
        let Some((peer, cause)) = self.open.doubts.taken.pop_back() else { return };
        self.ignore_ack(self.now, peer, cause);
        self.ledger.cookies_redeemed += u64::from(cause == Cause::AckCookieAcceptQueueFull);
    }
}

/// True when an ACK of this connection was thought refused about when that `accept()` was.
fn refused_near(one: &Connection, cause: Cause, accepted: Stamp) -> bool {
    let near = |at: Stamp| at.since(accepted) <= NEAR && accepted.since(at) <= NEAR;
    one.acks_ignored > 0 && one.last_drop.is_some_and(|last| last.cause == cause && near(last.at))
}

/// How many of the latest doubts weigh just so much.
fn latest(doubts: &VecDeque<(Peer, Cause)>, wanted: u64) -> Option<usize> {
    let sums = doubts.iter().rev().scan(0, |sum, (_, cause)| {
        *sum += cause.listener_weight();
        Some(*sum)
    });
    sums.enumerate().take_while(|(_, sum)| *sum <= wanted).find(|(_, sum)| *sum == wanted).map(|(index, _)| index + 1)
}

fn push(list: &mut VecDeque<(Peer, Cause)>, doubt: (Peer, Cause)) {
    if list.len() == DOUBTS {
        list.pop_front();
    }
    list.push_back(doubt);
}
