//! Moves between the queues, and charges to the ledger. Every change of a depth or of a toll goes through here.

use super::note::{Note, who};
use super::observations::SideView;
use super::server_resets::ServerResets;
use super::silent_clients::Answered;
use super::watched::{self, ForeignListener};
use super::{MISSED, World};
use crate::fold::connection::{Connection, LastDrop, ServerSide};
use crate::model::cause::Cause;
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;

/// What is remembered between facts.
#[derive(Clone, Debug, Default)]
pub(super) struct Bookkeeping {
    /// True in the lab: each segment that decides something comes with its outcome.
    pub(super) delivers: bool,
    /// What is kept about a listener that is somebody else's.
    pub(super) foreign: ForeignListener,
    /// Connections reset from the end of a watched listener.
    pub(super) resets: ServerResets,
    /// Clients of a watched listener whose answer is awaited.
    pub(super) answered: Answered,
    /// What is open about segments that are only seen.
    pub(super) side: SideView,
    /// When the ledger balanced last.
    pub(super) balanced_at: Option<Stamp>,
    /// How many connections have entered the accept queue.
    pub(super) entered: u32,
    /// How many have left it again.
    pub(super) left: u32,
    /// Number of the last dump of half-open requests.
    pub(super) dump: u32,
    /// The stamps of the last dumps, the latest first.
    pub(super) dumped: [Stamp; MISSED as usize],
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
            let lacked = open.dump.wrapping_sub(one.inference.listed) as usize;
            let listed = lacked.checked_sub(1).and_then(|lacked| open.dumped.get(lacked));
            let gone = if matches!(to, ServerSide::Expired | ServerSide::Pruned) { listed.copied() } else { None };
            let gone = gone.unwrap_or(at);
            stay.record(gone.since(one.server_since));
        }
        if to.in_syn_queue() && !from.in_syn_queue() {
            one.inference.listed = open.dump;
            if !open.foreign.blind {
                syn_queue.enter_room(at);
            }
        }
        if from.in_accept_queue() && !to.in_accept_queue() {
            open.left = open.left.wrapping_add(1);
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
                accept_queue.enter_room(at);
                open.foreign.supposed = open.foreign.supposed.saturating_add(1);
            }
            one.queued_at = at;
            one.queue_order = open.entered;
            open.entered = open.entered.wrapping_add(1);
        }
        one.server = to;
        one.server_since = at;
        if open.foreign.active && watched::ends(to) {
            one.inference.seldom_mut().left = true;
        }
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

    /// The kernel has thrown this client's ACK away.
    pub(super) fn ignore_ack(&mut self, at: Stamp, peer: Peer, cause: Cause) {
        self.charge(at, peer, cause);
        self.mark_ignored(at, peer, cause);
    }

    /// Its client believes in a connection that is none.
    pub(super) fn mark_ignored(&mut self, at: Stamp, peer: Peer, cause: Cause) {
        let Some(one) = self.roster.known(&peer) else { return };
        one.acks_ignored = one.acks_ignored.saturating_add(1);
        one.last_drop = Some(LastDrop { at, cause });
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
        super::wire::refused(self, at, peer);
    }
}
