//! Observations of segments that were only seen: which are open, what takes possibilities away, and the reading of the listener's drop count
//! that decides among what is left ([`assignment`](super::assignment)).

use std::collections::VecDeque;
use std::time::Duration;

use super::assignment::{Decision, Sightings, decide};
use super::{World, admission, wire};
use crate::fold::causes::Causes;
use crate::fold::connection::Connection;
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

/// How many silent SYNs wait for the drop count at most; with more, the drop count says more than was seen, and nothing is named.
const MOST_SILENT: usize = 65_536;

/// How many spans wait for evidence at most; with more, the latest are put together.
const MOST_SPANS: usize = 256;

/// What is open.
#[derive(Clone, Debug, Default)]
pub(super) struct SideView {
    /// SYNs whose answer may still come, in the order of their arrival.
    unanswered: VecDeque<(Stamp, Peer)>,
    /// SYNs without an answer that belong to no span yet, in the same order.
    silent: VecDeque<Silent>,
    /// What has come since the drop count was last read.
    present: Span,
    /// The spans before, each up to a reading, that are not decided.
    open: VecDeque<Span>,
    /// The drop count at the end of the last span whose silent SYNs are known.
    counted: u64,
}

/// The time between two readings of the drop count.
#[derive(Clone, Debug, Default)]
struct Span {
    /// The numbers of the spans that it was made of, the first and the last.
    numbers: (u32, u32),
    /// When it was read at its end, and what.
    read: (Stamp, u64),
    /// By how much the count moved; `None` while SYNs before the reading may still be answered.
    moved: Option<u64>,
    silent: Vec<Silent>,
    /// ACKs ignored for certain.
    ignored: Vec<(Peer, Cause)>,
    acks: u64,
    noise: u64,
}

/// A SYN without an answer.
#[derive(Clone, Copy, Debug)]
struct Silent {
    at: Stamp,
    peer: Peer,
    causes: Causes,
}

impl Span {
    fn sightings(&self) -> Sightings {
        let ignored = self.ignored.iter().map(|(_, cause)| cause.listener_weight()).sum();
        Sightings { silent: self.silent.len() as u64, ignored, open: self.acks, noise: self.noise }
    }

    /// Takes a span in that came just before.
    fn absorb(&mut self, before: Self) {
        self.numbers.0 = before.numbers.0;
        self.silent.extend(before.silent);
        self.ignored.extend(before.ignored);
        (self.acks, self.noise) = (self.acks + before.acks, self.noise + before.noise);
    }
}

impl SideView {
    /// A SYN came whose answer is open.
    pub(super) fn await_answer(&mut self, at: Stamp, peer: Peer) {
        self.unanswered.push_back((at, peer));
    }

    /// A segment came that may have ended at a request.
    pub(super) const fn note_noise(&mut self) {
        self.present.noise += 1;
    }

    /// A final ACK came, and it is open whether it was taken.
    pub(super) fn open_ack(&mut self, at: Stamp, one: &mut Connection) {
        let span = self.present.numbers.1;
        let before = one.inference.seldom().open_acks_in(span);
        let seldom = one.inference.seldom_mut();
        (seldom.open_acks, seldom.open_in, seldom.open_at) = (before.saturating_add(1), span, at);
        self.present.acks += 1;
    }

    /// This client was answered after all.
    pub(super) fn was_answered(&mut self, peer: Peer) {
        self.silent.retain(|silent| silent.peer != peer);
    }

    /// The span of this number, if it is not decided.
    fn span(&mut self, number: u32) -> Option<&mut Span> {
        let all = self.open.iter_mut().chain([&mut self.present]);
        all.into_iter().find(|span| (span.numbers.0..=span.numbers.1).contains(&number))
    }
}

/// The connection exists: one of its open ACKs was taken. Those before it may have been ignored.
pub(super) fn taken(world: &mut World, peer: Peer) {
    let World { roster, open, .. } = world;
    let Some(one) = roster.known(&peer) else { return };
    let seldom = one.inference.seldom();
    if seldom.open_acks == 0 {
        return;
    }
    one.inference.seldom_mut().open_acks = 0;
    if let Some(span) = open.side.span(seldom.open_in) {
        span.acks = span.acks.saturating_sub(1);
    }
}

/// The request still stands: all that has come for it was ignored.
pub(super) fn ignored(world: &mut World, at: Stamp, peer: Peer) {
    let World { roster, open, .. } = world;
    let Some(one) = roster.known(&peer) else { return };
    let seldom = one.inference.seldom();
    one.inference.seldom_mut().open_acks = 0;
    let cause = admission::refusal_cause_of_request(&world.sysctls);
    if let Some(span) = open.side.span(seldom.open_in) {
        span.acks = span.acks.saturating_sub(seldom.open_acks.into());
        span.ignored.extend(std::iter::repeat_n((peer, cause), seldom.open_acks.into()));
    }
    for _ in 0..seldom.open_acks {
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
    let causes = one.inference.seldom().causes;
    if open.side.silent.len() < MOST_SILENT {
        open.side.silent.push_back(Silent { at, peer, causes });
    }
    if causes.without(Cause::SynAcceptQueueFull, true) != causes {
        wire::refused(world, at, peer);
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
    fill_spans(&mut world.open.side, now);
    decide_spans(world, now);
}

/// The listener's drop count was read.
pub(super) fn count_read(world: &mut World, at: Stamp) {
    if world.segments.is_none() {
        return;
    }
    let (counted, side) = (world.listener_drops.counted, &mut world.open.side);
    let next = side.present.numbers.1.wrapping_add(1);
    let mut span = std::mem::replace(&mut side.present, Span { numbers: (next, next), ..Span::default() });
    span.read = (at, counted);
    if side.open.len() >= MOST_SPANS
        && side.open.back().is_some_and(|before| before.moved.is_none())
        && let Some(before) = side.open.pop_back()
    {
        span.absorb(before);
    }
    side.open.push_back(span);
}

/// The session is over: what the readings decide is decided, the rest stays open.
pub(super) fn end(world: &mut World) {
    fill_spans(&mut world.open.side, Stamp::from_nanos(u64::MAX));
    decide_spans(world, Stamp::from_nanos(u64::MAX));
}

/// Gives each span whose SYNs are all answered or silent those that are silent. One that ends beside a SYN ends with the next.
fn fill_spans(side: &mut SideView, now: Stamp) {
    let mut index = 0;
    while index < side.open.len() {
        let (at, counted) = side.open[index].read;
        if side.open[index].moved.is_some() {
            index += 1;
            continue;
        }
        if now.since(at) < SILENCE {
            return;
        }
        let before = side.silent.iter().take_while(|silent| silent.at + NEAR <= at).count();
        let near = side.silent.get(before).is_some_and(|silent| silent.at <= at + NEAR);
        if near && index + 1 == side.open.len() {
            return;
        }
        let silent = side.silent.drain(..before).collect::<Vec<_>>();
        side.open[index].silent.extend(silent);
        if near && let Some(span) = side.open.remove(index) {
            side.open[index].absorb(span);
        } else {
            side.open[index].moved = Some(counted.saturating_sub(side.counted));
            side.counted = counted;
        }
    }
}

/// Decides the spans of which nothing is open any more, and those whose evidence has had its time.
fn decide_spans(world: &mut World, now: Stamp) {
    let mut index = 0;
    while let Some(span) = world.open.side.open.get(index) {
        let Some(moved) = span.moved else { return };
        let decision = decide(moved, span.sightings());
        let patient = now.since(span.read.0) < PATIENCE;
        if patient && (span.acks > 0 || decision == Decision::Open) {
            index += 1;
        } else if let Some(span) = world.open.side.open.remove(index) {
            share_out(world, &span, decision);
        }
    }
}

fn share_out(world: &mut World, span: &Span, decision: Decision) {
    let noise = match decision {
        Decision::AllDropped { noise } => {
            span.silent.iter().for_each(|silent| charge_silent(world, *silent));
            noise
        }
        Decision::NoneDropped { noise } => {
            world.ledger.unanswered += span.silent.len() as u64;
            noise
        }
        Decision::Open => None,
    };
    if span.moved.is_some_and(|moved| span.sightings().ignored <= moved) {
        for (peer, cause) in &span.ignored {
            world.charge(span.read.0, *peer, *cause);
            world.ledger.witnesses_mut(*cause).wire += 1;
        }
    }
    world.ledger.ended_at_request += noise.unwrap_or(0);
    world.ledger.confirm_by_listener();
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
