//! Observations of segments that were only seen: which are open, what takes possibilities away, and the reading of the listener's drop count
//! that decides among what is left ([`assignment`](super::assignment)).

use std::collections::VecDeque;
use std::time::Duration;

use super::assignment::{Decision, Sightings, decide};
use super::{World, admission};
use crate::fold::causes::Causes;
use crate::fold::connection::{Connection, ServerSide};
use crate::model::cause::Cause;
use crate::model::counters::Counter;
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

/// How long a SYN may stay without an answer before it counts as silent. The kernel answers within the same softirq; this allows for a
/// processor that is busy elsewhere, and for facts of several sources that are put in one line.
pub(super) const SILENCE: Duration = Duration::from_millis(50);

/// How long what is open may wait for evidence. A request whose ACK was ignored repeats its SYN-ACK after a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// A SYN so near to a reading of the drop count may have been counted in it or not.
const NEAR: Duration = Duration::from_micros(200);

/// How many silent SYNs wait for the drop count at most; with more, none of them is named.
const MOST_SILENT: usize = 65_536;

/// How many readings of the drop count wait at most; with more, the latest replaces the one before it.
const MOST_READINGS: usize = 4;

/// What is open.
#[derive(Clone, Debug, Default)]
pub(super) struct SideView {
    /// SYNs whose answer may still come, in the order of their arrival.
    unanswered: VecDeque<(Stamp, Peer)>,
    /// SYNs without an answer that no reading of the drop count has decided, in the same order.
    silent: VecDeque<Silent>,
    /// Silent SYNs beyond [`MOST_SILENT`].
    not_kept: u64,
    /// ACKs ignored for certain, not yet held against the drop count.
    ignored: Vec<(Peer, Cause)>,
    open: u64,
    noise: u64,
    /// The number of the present span: from one decision to the next.
    span: u32,
    began: Stamp,
    /// The drop count at its beginning.
    counted: u64,
    /// Readings that wait until it is known of each SYN before them whether it was answered.
    readings: VecDeque<(Stamp, u64)>,
}

/// A SYN without an answer.
#[derive(Clone, Copy, Debug)]
struct Silent {
    at: Stamp,
    peer: Peer,
    causes: Causes,
}

impl SideView {
    /// A SYN came whose answer is open.
    pub(super) fn await_answer(&mut self, at: Stamp, peer: Peer) {
        self.unanswered.push_back((at, peer));
    }

    /// A segment came that may have ended at a request.
    pub(super) const fn note_noise(&mut self) {
        self.noise += 1;
    }

    /// A final ACK came, and it is open whether it was taken.
    pub(super) fn open_ack(&mut self, at: Stamp, one: &mut Connection) {
        let before = one.inference.seldom().open_acks_in(self.span);
        let seldom = one.inference.seldom_mut();
        (seldom.open_acks, seldom.open_in, seldom.open_at) = (before.saturating_add(1), self.span, at);
        self.open += 1;
    }

    /// This client was answered after all.
    pub(super) fn was_answered(&mut self, peer: Peer) {
        self.silent.retain(|silent| silent.peer != peer);
    }
}

/// The connection exists: one of its open ACKs was taken. Those before it may have been ignored.
pub(super) fn taken(world: &mut World, peer: Peer) {
    let World { roster, open, .. } = world;
    let Some(one) = roster.known(&peer) else { return };
    if one.inference.seldom().open_acks_in(open.side.span) > 0 {
        open.side.open = open.side.open.saturating_sub(1);
    }
    one.inference.seldom_mut().open_acks = 0;
}

/// The request still stands: all that has come for it was ignored.
pub(super) fn ignored(world: &mut World, at: Stamp, peer: Peer) {
    let World { roster, open, .. } = world;
    let Some(one) = roster.known(&peer) else { return };
    let (count, in_span) = (one.inference.seldom().open_acks, one.inference.seldom().open_acks_in(open.side.span));
    one.inference.seldom_mut().open_acks = 0;
    let cause = admission::refusal_cause(world, ServerSide::HalfOpen);
    let side = &mut world.open.side;
    side.open = side.open.saturating_sub(in_span.into());
    side.ignored.extend(std::iter::repeat_n((peer, cause), in_span.into()));
    for _ in 0..count {
        world.mark_ignored(at, peer, cause);
    }
}

impl Connection {
    /// True when its request was listed although its final ACK had come: that was ignored.
    pub(super) fn is_refused_by_list(&self, listed: Stamp) -> bool {
        self.inference.seldom().open_acks > 0 && listed.since(self.inference.seldom().open_at) >= SILENCE
    }
}

/// The SYN of this client that was open stays without an answer.
pub(super) fn close(world: &mut World, peer: Peer) {
    let World { roster, open, .. } = world;
    let Some(one) = roster.known(&peer) else { return };
    let Some(at) = one.inference.seldom_mut().pending.take() else { return };
    if open.side.silent.len() < MOST_SILENT {
        open.side.silent.push_back(Silent { at, peer, causes: one.inference.seldom().causes });
    } else {
        open.side.not_kept += 1;
    }
    world.release_if_over(world.now, peer);
}

/// SYNs that have stayed without an answer for too long are silent; the reading that waited for them decides.
pub(super) fn resolve_silence(world: &mut World, now: Stamp) {
    while let Some((at, peer)) = world.open.side.unanswered.front().copied() {
        if now.since(at) < SILENCE {
            break;
        }
        world.open.side.unanswered.pop_front();
        if world.roster.connection(&peer).is_some_and(|one| one.inference.seldom().pending == Some(at)) {
            close(world, peer);
        }
    }
    while let Some((at, counted)) = world.open.side.readings.front().copied()
        && now.since(at) >= SILENCE
    {
        world.open.side.readings.pop_front();
        share_out(world, at, counted);
    }
}

/// The listener's drop count was read.
pub(super) fn count_read(world: &mut World, at: Stamp) {
    if world.segments.is_none() {
        return;
    }
    let readings = &mut world.open.side.readings;
    if readings.len() == MOST_READINGS {
        readings.pop_back();
    }
    readings.push_back((at, world.listener_drops.counted));
}

/// The session is over: what the last reading decides is decided, the rest stays open.
pub(super) fn end(world: &mut World) {
    if world.segments.is_some() && world.listener_drops.total().is_some() {
        world.open.side.readings.clear();
        world.open.side.began = Stamp::ZERO;
        share_out(world, world.now, world.listener_drops.counted);
    }
}

/// Holds what was seen up to `at` against the drop count of that moment.
fn share_out(world: &mut World, at: Stamp, counted: u64) {
    let side = &world.open.side;
    let before = side.silent.iter().take_while(|silent| silent.at + NEAR <= at).count();
    let near = side.silent.iter().skip(before).take_while(|silent| silent.at <= at + NEAR).count();
    let ignored = side.ignored.iter().map(|(_, cause)| cause.listener_weight()).sum();
    let silent = before as u64 + side.not_kept;
    let seen = Sightings { silent, ignored, open: side.open, noise: side.noise };
    let moved = counted.saturating_sub(side.counted);
    let patient = world.now.since(side.began) < PATIENCE && side.not_kept == 0;
    let decision = if near == 0 { decide(moved, seen) } else { Decision::Open };
    if patient && (side.open > 0 || decision == Decision::Open) {
        return;
    }
    let noise = match decision {
        Decision::AllDropped { noise } => {
            for index in 0..before {
                charge_silent(world, world.open.side.silent[index]);
            }
            noise
        }
        Decision::NoneDropped { noise } => {
            world.ledger.unanswered += silent;
            noise
        }
        Decision::Open => None,
    };
    if decision != Decision::Open || ignored <= moved {
        for (peer, cause) in std::mem::take(&mut world.open.side.ignored) {
            world.charge(at, peer, cause);
            world.ledger.witnesses_mut(cause).wire += 1;
        }
    }
    world.ledger.ended_at_request += noise.unwrap_or(0);
    world.ledger.confirm_by_listener();
    let side = &mut world.open.side;
    side.silent.drain(..before + near);
    side.ignored.clear();
    (side.open, side.noise, side.not_kept) = (0, 0, 0);
    (side.counted, side.began) = (counted, world.now);
    side.span = side.span.wrapping_add(1);
}

/// The listener has dropped this SYN; where several tests may have refused it, it is not attributed.
fn charge_silent(world: &mut World, silent: Silent) {
    let covered = world.counters_at.is_some_and(|read| read >= silent.at);
    let stands = |counter| covered && world.counter(counter) == Some(0);
    let causes = silent
        .causes
        .without(Cause::SynAcceptQueueFull, stands(Counter::ListenOverflows))
        .without(Cause::SynSynQueueFull, stands(Counter::TCPReqQFullDrop));
    let Some(cause) = causes.only() else { return };
    world.charge(silent.at, silent.peer, cause);
    world.ledger.witnesses_mut(cause).wire += 1;
    if let Some(one) = world.roster.known(&silent.peer) {
        one.inference.charged = Some(cause);
    }
}
