//! Moves between the queues, and charges to the ledger. Every change of a depth or of a toll goes through here.

use std::collections::VecDeque;
use std::time::Duration;

use super::doubt::{Doubts, RepeatedReading};
use super::note::{Note, who};
use super::watched::{self, ForeignListener};
use super::{World, admission};
use crate::fold::connection::{Connection, LastDrop, ServerSide, Verdict};
use crate::model::cause::Cause;
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

/// How long a SYN may stay without an answer before it counts as dropped. The kernel answers within the same softirq; this
/// allows for a processor that is busy elsewhere. A later answer takes the charge back.
pub(super) const SILENCE: Duration = Duration::from_millis(4);

/// How many decisions about final ACKs can still be revised by a reading of the queue.
const DECISIONS: usize = 1024;

/// How many charged SYNs can still be named anew by the counters.
const CHARGES: usize = 4096;

/// What is still open: decisions that a later fact may confirm or revise.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenDecisions {
    /// True in the lab: each segment that decides something comes with its outcome.
    pub(super) delivers: bool,
    /// SYNs without an answer yet, in the order of their arrival.
    pub(super) unanswered: VecDeque<(Stamp, Peer)>,
    /// Final ACKs decided since the queue was last read and found as deep as kept here.
    pub(super) decisions: VecDeque<Decision>,
    /// SYNs charged since the ledger last balanced.
    pub(super) charges: VecDeque<(Peer, Option<Cause>)>,
    /// SYNs whose answer is open.
    pub(super) pending: u32,
    /// SYNs without an answer yet that must become requests: the kernel counts them already, the wire does not show them yet.
    pub(super) coming: u32,
    /// Connections made by a SYN-ACK that does not tell whether it was a cookie.
    pub(super) untold: u64,
    /// True when a SYN-ACK has not told whether it was a request's or a cookie, and it may have been either.
    pub(super) guesses: bool,
    /// Where the low bits of the kernel's clock begin anew in the session's time, in microseconds, as the SYN-ACKs of the latest
    /// requests have told it; more than one, because a single stamp may be wrong.
    pub(super) phases: [Option<u64>; 4],
    /// Those of them that were taken for cookies.
    pub(super) guessed: u64,
    /// Segments since the ledger last balanced that came together with the one that redeemed their client's cookie: where two
    /// processors look at them at the same time, each counts a valid cookie, and only one makes the connection.
    pub(super) twice: u64,
    /// Cookies that the counters know beyond those of the ledger: the kernel may have counted one that is not seen yet.
    pub(super) beyond: RepeatedReading,
    /// Cookies redeemed twice, in the same way.
    pub(super) again: RepeatedReading,
    /// What is kept about a listener that is somebody else's.
    pub(super) foreign: ForeignListener,
    /// Final ACKs that came together with an `accept()`.
    pub(super) doubts: Doubts,
    /// When the ledger balanced last.
    pub(super) balanced_at: Option<Stamp>,
    /// How many connections have entered the accept queue.
    pub(super) entered: u64,
    /// Number of the last dump of half-open requests.
    pub(super) dump: u64,
    /// Number of the last dump of connections that wait for `accept()`.
    pub(super) waiting_dump: u64,
}

/// What was decided about one final ACK.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decision {
    pub(super) peer: Peer,
    pub(super) taken: bool,
}

impl OpenDecisions {
    /// The SYN of this connection is not open any more; true when it was.
    pub(super) fn settle(&mut self, one: &mut Connection) -> bool {
        let was_open = one.inference.pending.take().is_some();
        self.pending = self.pending.saturating_sub(u32::from(was_open));
        if was_open && one.inference.verdict == Verdict::Request {
            self.coming = self.coming.saturating_sub(1);
        }
        was_open
    }
}

impl World {
    /// Moves a connection to another state on the server's side and keeps both queues' depths.
    pub(super) fn server_to(&mut self, at: Stamp, peer: Peer, to: ServerSide) {
        let Self { roster, accept_queue, syn_queue, history, stay, open, .. } = self;
        let Some(one) = roster.known(&peer) else { return };
        let from = one.server;
        if from == to {
            return;
        }
        if from.in_syn_queue() && !to.in_syn_queue() {
            if !open.foreign.blind {
                syn_queue.leave(at);
            }
            // A request whose timer has ended it was gone by the first list that lacked it.
            let gone = if matches!(to, ServerSide::Expired | ServerSide::Pruned) && one.inference.missed > 0 {
                one.inference.missed_at
            } else {
                at
            };
            stay.record(gone.since(one.server_since));
        }
        if to.in_syn_queue() && !from.in_syn_queue() && !open.foreign.blind {
            syn_queue.enter(at);
        }
        if from.in_accept_queue() && !to.in_accept_queue() {
            if open.foreign.active {
                open.foreign.left();
            } else {
                accept_queue.leave(at);
            }
        }
        if to.in_accept_queue() && !from.in_accept_queue() {
            if open.foreign.active {
                open.foreign.entered(peer);
            } else {
                accept_queue.enter(at);
            }
            one.queued_at = Some(at);
            one.inference.late_acks = 0;
            one.queue_order = Some(open.entered);
            open.entered += 1;
        }
        one.server = to;
        one.server_since = at;
        one.inference.left |= open.foreign.active && watched::ends(to);
        one.write_server(to, (syn_queue.depth(), accept_queue.depth()));
        let slot = history.slot_at(at);
        slot.syn_last = syn_queue.depth();
        slot.syn_max = slot.syn_max.max(slot.syn_last);
        slot.accept_last = accept_queue.depth();
        slot.accept_max = slot.accept_max.max(slot.accept_last);
        self.release_if_over(at, peer);
    }

    /// Lets a connection go when neither side will move it any further.
    pub(super) fn release_if_over(&mut self, at: Stamp, peer: Peer) {
        if self.roster.connection(&peer).is_some_and(Connection::is_over) {
            self.roster.release(peer, at);
        }
    }

    /// Puts one lost segment (or request) down to `cause`.
    pub(super) fn charge(&mut self, at: Stamp, peer: Peer, cause: Cause) {
        let toll = self.ledger.lost_mut(cause);
        toll.segments += 1;
        self.history.slot_at(at).drops[cause as usize] += 1;
        let Some(one) = self.roster.known(&peer) else { return };
        let hits = &mut one.inference.hits[cause as usize];
        if *hits == 0 {
            toll.clients += 1;
        }
        *hits = hits.saturating_add(1);
        one.last_drop = Some(LastDrop { at, cause });
        one.write_charge(at, cause);
        let note = Note::Dropped { who: who(one), cause, attempt: one.syns };
        self.note(note);
    }

    /// Takes one charge back.
    pub(super) fn refund(&mut self, peer: Peer, cause: Cause) {
        let toll = self.ledger.lost_mut(cause);
        toll.segments = toll.segments.saturating_sub(1);
        let Some(one) = self.roster.known(&peer) else { return };
        one.write_refund(cause);
        let hits = &mut one.inference.hits[cause as usize];
        *hits = hits.saturating_sub(1);
        if *hits == 0 {
            toll.clients = toll.clients.saturating_sub(1);
            one.last_drop = one.last_drop.filter(|last| last.cause != cause);
        }
    }

    /// Remembers a SYN whose answer is open.
    pub(super) fn await_answer(&mut self, at: Stamp, peer: Peer) {
        self.open.unanswered.push_back((at, peer));
    }

    /// Charges the SYNs that have stayed without an answer for too long.
    pub(super) fn resolve_silence(&mut self, now: Stamp) {
        while let Some((at, peer)) = self.open.unanswered.front().copied() {
            if now.since(at) < SILENCE {
                break;
            }
            self.open.unanswered.pop_front();
            self.charge_silence(at, peer);
        }
        if self.open.unanswered.is_empty() {
            (self.open.pending, self.open.coming) = (0, 0);
        }
    }

    /// The SYN that came at `at` has stayed without an answer.
    pub(super) fn charge_silence(&mut self, at: Stamp, peer: Peer) {
        let nearest = admission::nearest_cause(self);
        let Some(one) = self.roster.known(&peer) else { return };
        if one.inference.pending != Some(at) {
            return;
        }
        self.open.settle(one);
        let cause = match one.inference.verdict {
            Verdict::Drop(cause) => Some(cause),
            Verdict::Request | Verdict::Cookie => nearest,
        };
        one.inference.silent = true;
        one.inference.charged = cause;
        match cause {
            Some(cause) => {
                self.charge(at, peer, cause);
                self.ledger.witnesses_mut(cause).wire += 1;
            }
            None => self.ledger.syns_without_cause += 1,
        }
        if self.open.charges.len() == CHARGES {
            self.open.charges.pop_front();
        }
        self.open.charges.push_back((peer, cause));
        self.release_if_over(self.now, peer);
    }

    /// A SYN that was charged has been answered after all.
    pub(super) fn take_back_silence(&mut self, peer: Peer) {
        let Some(one) = self.roster.known(&peer) else { return };
        one.inference.silent = false;
        match one.inference.charged.take() {
            Some(cause) => self.refund(peer, cause),
            None => self.ledger.syns_without_cause = self.ledger.syns_without_cause.saturating_sub(1),
        }
        self.open.charges.retain(|(charged, _)| *charged != peer);
    }

    /// Remembers a decision that the next reading of the queue may revise.
    pub(super) fn decided(&mut self, peer: Peer, taken: bool) {
        if self.open.decisions.len() == DECISIONS {
            self.open.decisions.pop_front();
        }
        self.open.decisions.push_back(Decision { peer, taken });
    }

    /// A final ACK that was thought ignored was taken: the connection exists. The queue had no place since the last `accept()`, so it
    /// was the first ACK since then that was taken (two processors can look at the same last place), and what followed went to the
    /// connection. ACKs after which it was still seen half-open stay ignored: it was made by one that is not seen yet. True when an
    /// ACK was taken back.
    pub(super) fn revise_to_taken(&mut self, at: Stamp, peer: Peer) -> bool {
        let accepted = self.clients.accepted;
        let Some(one) = self.roster.connection(&peer) else { return false };
        let server = one.server;
        if !matches!(server, ServerSide::HalfOpen | ServerSide::CookieSent) {
            return false;
        }
        let cause = admission::refusal_cause(self, server);
        let (since, times) = one.inference.refused_since;
        let open = one.acks_ignored.saturating_sub(one.inference.acks_certain.max(one.inference.acks_proved));
        let charged = one.inference.hits[cause as usize].min(if since == accepted { times } else { 1 }).min(open);
        for _ in 0..charged {
            self.take_back_ignored(peer, cause);
        }
        if server == ServerSide::CookieSent {
            let redeemed = self.ledger.cookies_redeemed + u64::from(charged == 0);
            self.ledger.cookies_redeemed = redeemed.saturating_sub(u64::from(charged.saturating_sub(1)));
        }
        self.server_to(at, peer, ServerSide::Queued);
        self.open.doubts.forget(peer);
        for _ in charged..open {
            self.open.doubts.ignored(at, peer, cause);
        }
        charged > 0
    }

    /// An ACK that was thought ignored was not.
    pub(super) fn take_back_ignored(&mut self, peer: Peer, cause: Cause) {
        self.refund(peer, cause);
        self.unghost(peer);
    }

    fn unghost(&mut self, peer: Peer) {
        let Some(one) = self.roster.known(&peer) else { return };
        one.acks_ignored = one.acks_ignored.saturating_sub(1);
        if one.acks_ignored > 0 {
            return;
        }
        if std::mem::take(&mut one.was_ghost) {
            self.clients.ghosts = self.clients.ghosts.saturating_sub(1);
        }
        if std::mem::take(&mut one.was_phantom) {
            self.clients.phantoms = self.clients.phantoms.saturating_sub(1);
        }
    }

    /// A final ACK that was thought taken was ignored: the connection does not exist. What has come since met a full queue, too; after a
    /// reset it met nothing.
    pub(super) fn revise_to_ignored(&mut self, at: Stamp, peer: Peer) {
        let Some(one) = self.roster.connection(&peer) else { return };
        if one.server != ServerSide::Queued {
            return;
        }
        let back = if one.inference.by_cookie { ServerSide::CookieSent } else { ServerSide::HalfOpen };
        let cause = admission::refusal_cause(self, back);
        let more = if cause == Cause::AckReset { 0 } else { one.inference.late_acks };
        self.server_to(at, peer, back);
        self.open.doubts.forget(peer);
        for _ in 0..=more {
            self.ignore_ack(at, peer, cause);
        }
        if back == ServerSide::CookieSent {
            self.ledger.cookies_redeemed += u64::from(more);
        }
    }

    /// The kernel has thrown this client's ACK away.
    pub(super) fn ignore_ack(&mut self, at: Stamp, peer: Peer, cause: Cause) {
        self.charge(at, peer, cause);
        let accepted = self.clients.accepted;
        let Some(one) = self.roster.known(&peer) else { return };
        one.acks_ignored = one.acks_ignored.saturating_add(1);
        let (since, times) = one.inference.refused_since;
        one.inference.refused_since = (accepted, if since == accepted { times.saturating_add(1) } else { 1 });
        one.inference.ignored_at = at;
        match cause {
            Cause::AckAcceptQueueFull if !one.was_ghost => {
                one.was_ghost = true;
                self.clients.ghosts += 1;
            }
            Cause::AckCookieAcceptQueueFull if !one.was_phantom => {
                one.was_phantom = true;
                self.clients.phantoms += 1;
            }
            _ => {}
        }
    }
}
