//! Final ACKs that came at the same moment as an `accept()`: whether the queue was still full when the kernel looked cannot be seen
//! on the wire, because a timestamp is taken when a segment is queued for its processor and not when it is processed. Where the
//! counters differ steadily by just such ACKs, they decide.

use std::collections::VecDeque;
use std::time::Duration;

use super::{World, admission};
use crate::fold::connection::{Connection, ServerSide};
use crate::model::cause::Cause;
use crate::model::counters::Counter;
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
    /// When connections were accepted, as far as that is near.
    accepts: VecDeque<Stamp>,
    /// Thought ignored, and taken a moment later by the next segment.
    ignored: VecDeque<Doubt>,
    /// Thought taken, by the place that an `accept()` had just made.
    taken: VecDeque<Doubt>,
    by_counters: RepeatedReading,
    by_listener: RepeatedReading,
}

/// An ACK of which it is not certain what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Doubt {
    at: Stamp,
    peer: Peer,
    cause: Cause,
    /// It shared the end of a request with another one, or came too late for it.
    shared: bool,
}

impl Doubt {
    /// By how much it moves the listener's own drop count, if it was thrown away.
    const fn listener_weight(self) -> u64 {
        self.cause.listener_weight() - self.shared as u64
    }
}

/// A difference that must be read more than once before it counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RepeatedReading {
    difference: i64,
    readings: u8,
}

impl RepeatedReading {
    /// True when it has been this much for long enough.
    pub(super) fn is(&mut self, difference: i64) -> bool {
        self.readings = if difference == self.difference { self.readings.saturating_add(1) } else { 1 };
        self.difference = difference;
        difference != 0 && self.readings >= STEADY
    }
}

impl Doubts {
    pub(super) fn accepted(&mut self, at: Stamp) {
        self.near(at);
        self.accepts.push_back(at);
    }

    /// When the last `accept()` was, and how many there were, as far as they are near.
    fn near(&mut self, at: Stamp) -> Option<(Stamp, u32)> {
        while self.accepts.front().is_some_and(|accept| at.since(*accept) > NEAR) {
            self.accepts.pop_front();
        }
        self.accepts.back().map(|last| (*last, self.accepts.len() as u32))
    }

    /// An ACK before the one that was taken is thought ignored; if an `accept()` was near, it may have been taken itself.
    pub(super) fn ignored(&mut self, at: Stamp, peer: Peer, cause: Cause) {
        if self.near(at).is_some() {
            push(&mut self.ignored, Doubt { at, peer, cause, shared: false });
        }
    }

    /// An ACK with tcp_abort_on_overflow met a request that another one has just ended; or it came too late, and met nothing.
    pub(super) fn shared(&mut self, at: Stamp, peer: Peer) {
        push(&mut self.ignored, Doubt { at, peer, cause: Cause::AckReset, shared: true });
    }

    /// An ACK came just after the RST that ended its request: thought to have met nothing, it may have met the request while it went.
    pub(super) fn late(&mut self, at: Stamp, peer: Peer) {
        push(&mut self.taken, Doubt { at, peer, cause: Cause::AckReset, shared: true });
    }

    /// It is known by other means what became of this client's ACKs: the counters have nothing to decide about them any more.
    pub(super) fn forget(&mut self, peer: Peer) {
        self.ignored.retain(|doubt| doubt.peer != peer);
        self.taken.retain(|doubt| doubt.peer != peer);
    }
}

/// A final ACK of this connection has just been judged as taken: remembers it if that is in doubt.
pub(super) fn doubt_taken(world: &mut World, at: Stamp, peer: Peer, server: ServerSide) {
    let Some((accepted, places)) = world.open.doubts.near(at) else { return };
    let Some(one) = world.roster.connection(&peer) else { return };
    let cause = admission::refusal_cause(world, server);
    let was_full = world.accept_limit().is_some_and(|limit| world.accept_queue.depth() + places > limit);
    let refused = refused_near(one, cause, accepted);
    let doubts = &mut world.open.doubts;
    if refused {
        push(&mut doubts.ignored, Doubt { at, peer, cause, shared: false });
    }
    if was_full && cause != Cause::AckReset {
        push(&mut doubts.taken, Doubt { at, peer, cause, shared: false });
    }
}

/// Lets the counters decide about doubtful ACKs, if they differ steadily by no more than these.
pub(super) fn settle_doubts(world: &mut World) {
    let Some(drops) = world.counter(Counter::ListenDrops).filter(|_| !awaits_dump(world)) else { return };
    let accounted = world.ledger.kernel_drops() + world.ledger.syns_without_cause;
    let difference = drops.cast_signed() - accounted.cast_signed();
    if !world.open.doubts.by_counters.is(difference) {
        return;
    }
    let wanted = difference.unsigned_abs();
    if difference < 0 {
        if let Some(latest) = adding_up(world.open.doubts.ignored.iter().rev().copied(), wanted, |_| 1) {
            for doubt in latest {
                believe_taken(world, doubt);
            }
        }
    } else if let Some(likely) = adding_up(likely_ignored(world), wanted, |doubt| segments_of(world, doubt)) {
        for doubt in likely {
            believe_ignored(world, doubt);
        }
    }
}

/// The ledger has balanced: nothing is in doubt any more, but of whoever has not shown itself yet. Two errors may have cancelled each other.
pub(super) fn clear_doubts(world: &mut World) {
    let World { roster, open, .. } = world;
    let doubts = &mut open.doubts;
    doubts.ignored.clear();
    doubts.taken.retain(|doubt| roster.connection(&doubt.peer).is_some_and(has_not_shown));
    (doubts.by_counters, doubts.by_listener) = (RepeatedReading::default(), RepeatedReading::default());
}

/// Lets the listener's own drop count decide, if it differs steadily by just what the latest doubtful ACKs weigh.
pub(super) fn settle_doubts_by_listener(world: &mut World, difference: i64) {
    if !world.open.doubts.by_listener.is(difference) || awaits_dump(world) {
        return;
    }
    let wanted = difference.unsigned_abs();
    if difference < 0 {
        let weight = |doubt: &Doubt| doubt.listener_weight();
        if let Some(latest) = adding_up(world.open.doubts.ignored.iter().rev().copied(), wanted, weight) {
            for doubt in latest {
                believe_taken(world, doubt);
            }
        }
    } else {
        let weight = |doubt: &Doubt| segments_of(world, doubt) * doubt.listener_weight();
        if let Some(likely) = adding_up(likely_ignored(world), wanted, weight) {
            for doubt in likely {
                believe_ignored(world, doubt);
            }
        }
    }
}

/// True while somebody may be out of whom no list has told yet: lists say who it is, the counters only how many.
fn awaits_dump(world: &World) -> bool {
    let untold = |doubt: &Doubt| doubt.at >= world.log_switch.listed_at && may_be_out(world, doubt);
    world.open.waiting_dump > 0 && world.open.doubts.taken.iter().any(untold)
}

fn believe_taken(world: &mut World, doubt: Doubt) {
    let doubts = &mut world.open.doubts.ignored;
    if let Some(index) = doubts.iter().rposition(|other| *other == doubt) {
        doubts.remove(index);
    }
    world.take_back_ignored(doubt.peer, doubt.cause);
    world.ledger.resets_shared = world.ledger.resets_shared.saturating_sub(doubt.shared.into());
    if doubt.cause == Cause::AckCookieAcceptQueueFull {
        world.ledger.cookies_redeemed = world.ledger.cookies_redeemed.saturating_sub(1);
    }
}

/// Those thought taken that may have been ignored, the likeliest first: those that have not shown themselves since, then those of whom
/// more than one segment has come, each the latest first. That a cookie came back twice is for its counter to say.
fn likely_ignored(world: &World) -> Vec<Doubt> {
    let latest = || world.open.doubts.taken.iter().rev().copied();
    let redeemed = world.counter(Counter::SyncookiesRecv);
    let mut again = redeemed.map_or(u64::MAX, |redeemed| redeemed.saturating_sub(world.ledger.cookies_redeemed));
    let shown = latest().filter(|doubt| !may_be_out(world, doubt)).filter(|doubt| {
        let cookie = doubt.cause == Cause::AckCookieAcceptQueueFull;
        let possible = !cookie || again > 0;
        again -= u64::from(cookie && possible);
        possible
    });
    latest().filter(|doubt| may_be_out(world, doubt)).chain(shown).collect()
}

fn may_be_out(world: &World, doubt: &Doubt) -> bool {
    world.roster.connection(&doubt.peer).is_some_and(has_not_shown)
}

/// How many of its segments were ignored if this doubt is right.
fn segments_of(world: &World, doubt: &Doubt) -> u64 {
    let one = world.roster.connection(&doubt.peer).filter(|one| has_not_shown(one));
    1 + one.map_or(0, |one| u64::from(one.inference.late_acks))
}

/// It was ignored: its client is out if it has not shown itself since; otherwise what it has sent since was taken.
fn believe_ignored(world: &mut World, doubt: Doubt) {
    if may_be_out(world, &doubt) {
        return put_out(world, world.now, doubt.peer);
    }
    world.open.doubts.taken.retain(|other| *other != doubt);
    world.ignore_ack(world.now, doubt.peer, doubt.cause);
    world.ledger.resets_shared += u64::from(doubt.shared);
    world.ledger.cookies_redeemed += u64::from(doubt.cause == Cause::AckCookieAcceptQueueFull);
}

/// The queue is less deep than is kept: whose ACK was thought to have the place that an `accept()` made, and has not shown since
/// that it exists, did not get it.
pub(super) fn revise_doubtful(world: &mut World, at: Stamp, depth: u32) {
    while world.accept_queue.depth() > depth {
        let Some(latest) = world.open.doubts.taken.iter().rev().find(|doubt| may_be_out(world, doubt)) else { return };
        world.revise_to_ignored(at, latest.peer);
    }
}

/// Somebody who was thought to be in the accept queue is not. The depth that was read is not less for that: it had been put right
/// before it was known who it was.
pub(super) fn put_out(world: &mut World, at: Stamp, peer: Peer) {
    let kept = world.accept_queue.depth();
    world.revise_to_ignored(at, peer);
    if world.reading.depth == Some(kept) {
        world.accept_queue.set(at, kept);
    }
}

/// Thought to wait for `accept()`, and nothing has shown since that it exists.
fn has_not_shown(one: &Connection) -> bool {
    let shown = one.inference.socket_sent || one.inference.waiting_dump > 0;
    one.server == ServerSide::Queued && !shown
}

/// True when an ACK of this connection was thought refused about when that `accept()` was.
fn refused_near(one: &Connection, cause: Cause, accepted: Stamp) -> bool {
    let near = |at: Stamp| at.since(accepted) <= NEAR && accepted.since(at) <= NEAR;
    one.acks_ignored > 0 && one.last_drop.is_some_and(|last| last.cause == cause && near(last.at))
}

/// The first of these doubts whose weights add up to just so much; what weighs more than is left is passed over.
fn adding_up(
    doubts: impl IntoIterator<Item = Doubt>,
    wanted: u64,
    weight: impl Fn(&Doubt) -> u64,
) -> Option<Vec<Doubt>> {
    let mut left = wanted;
    let mut chosen = Vec::new();
    for doubt in doubts {
        if left == 0 {
            break;
        }
        if let Some(rest) = left.checked_sub(weight(&doubt)) {
            left = rest;
            chosen.push(doubt);
        }
    }
    (left == 0).then_some(chosen)
}

fn push(list: &mut VecDeque<Doubt>, doubt: Doubt) {
    if list.len() == DOUBTS {
        list.pop_front();
    }
    list.push_back(doubt);
}
