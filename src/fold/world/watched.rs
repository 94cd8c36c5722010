//! A listener of another program: its `accept()` calls and its clients' events are not reported. They are derived from the
//! kernel's order: the accept queue is first in, first out, and only `accept()` makes it shorter.

use std::collections::VecDeque;
use std::time::Duration;

use super::note::{Note, who};
use super::{MISSED, World, admission, observations};
use crate::fold::connection::{ClientSide, ServerSide};
use crate::fold::rhythm::Rhythm;
use crate::model::peer::Peer;
use crate::model::sample::{HalfOpen, Waiting};
use crate::model::stamp::Stamp;

/// The most clients kept that have no request in the kernel: unanswered ones, and those with a cookie.
pub const MAX_UNTRACKED: usize = 8192;

/// A client without segments for this long has given up (the longest schedule of SYNs is about 135 s).
const CLIENT_TIMEOUT: Duration = Duration::from_secs(140);

/// A list has changed too much for its gaps to prove anything when more than one in so many came or went since the one before.
const CHURN: u32 = 4;

/// So many dumps show that an entry of the queue has no connection.
const PROVEN: usize = 3;

/// The state of a watched listener.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact, not a state")]
pub(super) struct ForeignListener {
    /// True in a watch: the accept queue is as deep as it was read.
    pub(super) active: bool,
    /// True without a tap: the SYN queue is as long as it was listed.
    pub(super) blind: bool,
    /// The accept queue's depth when it was read, and what has entered since.
    pub(super) supposed: u32,
    /// The connections that entered the accept queue, in order; some may have left.
    queue: VecDeque<Peer>,
    /// The number of known connections in the accept queue.
    known: u32,
    /// Several sockets share its address: wire and dumps cover all of them, the queue is its own.
    pub(super) shared: bool,
    /// Queue entries without a listed connection, at the last dumps, the latest first.
    pub(super) hidden: [Option<u32>; 4],
    /// The entries that the last dump listed, until the queue was read after it.
    visible: Option<u32>,
    /// True when the last dump lacks many that the one before listed, or the other way round: then what it lacks may have come and gone meanwhile.
    churned: bool,
    /// The queue has become shorter since the last dump.
    fell: bool,
    /// Number of the last list of waiting connections.
    dump: u64,
    /// How many it listed.
    listed: u32,
    /// Clients that came, and connections that were accepted.
    pub(super) arrivals: Rhythm,
    pub(super) accepts: Rhythm,
    /// The latest SYNs, oldest first.
    syns: VecDeque<(Stamp, Peer)>,
}

impl ForeignListener {
    /// Entries of the queue whose connections no list names: their clients have reset them. At least so many; `None` where that is undecided.
    pub(super) fn reset_entries(&self) -> Option<u32> {
        // One accept() and one arrival between two readings look like an entry that is not listed: who is reset stays so for several dumps.
        let known = self.hidden.iter().flatten();
        let enough = known.clone().count() >= PROVEN && !self.churned && !self.shared;
        known.min().copied().filter(|_| enough)
    }

    pub(super) fn entered(&mut self, peer: Peer) {
        self.supposed = self.supposed.saturating_add(u32::from(!self.shared));
        self.known += 1;
        self.queue.push_back(peer);
    }

    pub(super) const fn left(&mut self) {
        self.known = self.known.saturating_sub(1);
    }
}

/// The listener's queue was read.
pub(super) fn read_watched_depth(world: &mut World, at: Stamp, depth: u32) {
    world.open.foreign.shared =
        world.listeners.chosen().is_some_and(|connection| world.listeners.group_of(connection).is_shared());
    let kept = world.open.foreign.supposed;
    world.traffic.begin(depth);
    if world.segments.is_some() && !world.open.foreign.shared {
        let gone = world.open.foreign.supposed.saturating_sub(depth);
        accept_from_head(world, at, gone);
        if gone > 0 {
            let emptied = is_nearly_empty(world, depth);
            world.traffic.accepted(at, gone, emptied);
        }
    }
    let foreign = &mut world.open.foreign;
    foreign.fell |= depth < kept;
    foreign.supposed = depth;
    if let Some(visible) = foreign.visible.take() {
        // A dump is older than the reading after it and younger than the one before: only what both lack is without a connection.
        foreign.hidden[0] = foreign.hidden[0].map(|hidden| hidden.min(depth.saturating_sub(visible)));
    }
    if world.accept_queue.depth() != depth {
        world.accept_queue.set(at, depth);
    }
}

/// `count` connections were accepted: the oldest, those from before the watch first. Only the depth tells how many; lists tell which.
fn accept_from_head(world: &mut World, at: Stamp, count: u32) {
    let foreign = &world.open.foreign;
    let unknown = foreign.supposed.saturating_sub(foreign.known);
    let mut ours = count.saturating_sub(unknown);
    count_accepts(world, at, count);
    while ours > 0 {
        let Some(peer) = world.open.foreign.queue.pop_front() else { break };
        if world.roster.connection(&peer).is_some_and(|connection| connection.server.in_accept_queue()) {
            // It was accepted before it was reset.
            let at = world.open.resets.at(peer).unwrap_or(at);
            forget(world, at, peer, ServerSide::Accepted);
            ours -= 1;
        }
    }
}

/// Of the connections left in a queue that was taken to its end an eighth of so many, and of its capacity, came meanwhile.
const MEANWHILE: u32 = 16;

/// True when a queue of this depth was taken to its end, but for those who came meanwhile.
fn is_nearly_empty(world: &World, depth: u32) -> bool {
    world.accept_capacity().map_or(depth == 0, |capacity| depth.saturating_mul(8) <= capacity.min(MEANWHILE))
}

fn count_accepts(world: &mut World, at: Stamp, count: u32) {
    if world.segments.is_some() {
        world.clients.accepted += u64::from(count);
        world.history.slot_at(at).accepts += count;
        if count > 0 {
            world.open.foreign.accepts.note(at, count);
        }
    }
}

/// A connection is no longer tracked.
pub(super) fn forget(world: &mut World, at: Stamp, peer: Peer, to: ServerSide) {
    let Some(connection) = world.roster.known(&peer) else { return };
    connection.inference.seldom_mut().left = true;
    let accepted = to == ServerSide::Accepted;
    // Without a tap only the last dump that listed it is known.
    let until = if world.open.foreign.blind { connection.inference.seldom().waiting_at } else { at };
    let waited = connection.queued_at().filter(|_| accepted).map(|since| until.since(since));
    let wanting = std::mem::take(&mut connection.inference.wanting);
    let who = who(connection);
    if wanting {
        world.demand.remove();
    }
    if let Some(waited) = waited {
        world.wait.record(waited);
    }
    world.server_to(at, peer, to);
    world.release_if_over(at, peer);
    if accepted {
        world.note(Note::Accepted { who, waited_us: waited.map(|waited| waited.as_micros() as u64) });
    }
}

/// The connections that wait for `accept()` were listed.
pub(super) fn read_watched_waiting(world: &mut World, at: Stamp, listed: &[Waiting]) {
    world.open.foreign.dump += 1;
    let dump = world.open.foreign.dump;
    let mut by_age: Vec<_> = listed.iter().collect();
    by_age.sort_by_key(|connection| std::cmp::Reverse(connection.age_ms));
    let mut again = 0_u32;
    for waiting in by_age {
        again += u32::from(see_waiting(world, at, dump, waiting));
    }
    let visible = u32::try_from(listed.len()).unwrap_or(u32::MAX);
    let before = std::mem::replace(&mut world.open.foreign.listed, visible);
    world.open.foreign.churned =
        dump > 1 && (before.abs_diff(again) + visible.abs_diff(again)) * CHURN > before.max(visible);
    world.open.foreign.visible = Some(visible);
    judge_missing(world, at, dump, visible);
    world.open.foreign.fell = false;
}

/// True when the dump before listed it too.
fn see_waiting(world: &mut World, at: Stamp, dump: u64, waiting: &Waiting) -> bool {
    let peer = waiting.peer;
    let blind = world.open.foreign.blind;
    let connection = world.roster.entry(peer, at);
    let was_listed = connection.inference.seldom().waiting_dump + 1 == dump;
    connection.bytes = connection.bytes.max(waiting.bytes);
    connection.client_closed |= waiting.closed;
    connection.inference.seldom_mut().waiting_dump = dump;
    connection.inference.seldom_mut().waiting_at = at;
    connection.inference.seldom_mut().untracked = 0;
    if connection.client == ClientSide::SynSent {
        connection.client = ClientSide::Connected;
    }
    if connection.server == ServerSide::Accepted {
        connection.inference.seldom_mut().left = false;
    }
    let server = connection.server;
    observations::taken(world, peer);
    match server {
        ServerSide::Queued | ServerSide::QueuedClosed => {}
        _ => {
            let supposed = world.open.foreign.supposed;
            world.server_to(at, peer, ServerSide::Queued);
            // It was counted already.
            world.open.foreign.supposed = supposed;
        }
    }
    let Some(connection) = world.roster.known(&peer) else { return was_listed };
    if let Some(age_ms) = waiting.age_ms.filter(|_| blind || connection.inference.seldom().waiting_dump == 1) {
        connection.queued_at = at.saturating_sub(Duration::from_millis(age_ms.into()));
    }
    was_listed
}

/// Connections no longer listed: where the depth shows that an entry is still in the queue its client has reset it, the youngest first; all others
/// were accepted. Their order alone proves nothing: clients that came in the same millisecond have none, and several workers take them.
fn judge_missing(world: &mut World, at: Stamp, dump: u64, visible: u32) {
    let mut head = u32::MAX;
    let (mut missing, mut closed) = (Vec::new(), Vec::new());
    for peer in world.roster.queued_peers() {
        let Some(connection) = world.roster.known(&peer) else { continue };
        let order = connection.queue_order;
        if connection.inference.seldom().waiting_dump == dump {
            head = head.min(order);
        } else if connection.server == ServerSide::QueuedClosed {
            closed.push((order, connection.peer));
        } else {
            connection.inference.seldom_mut().untracked = connection.inference.seldom().untracked.saturating_add(1);
            missing.push((
                order,
                connection.peer,
                connection.inference.seldom().untracked,
                connection.inference.seldom().waiting_dump > 0,
            ));
        }
    }
    missing.sort_unstable();
    closed.sort_unstable();
    if world.open.foreign.shared {
        // Each socket has a queue of its own: the order of another one proves nothing.
        let gone = missing.into_iter().filter(|(.., away, _)| u32::from(*away) >= MISSED);
        gone.for_each(|(_, peer, ..)| forget(world, at, peer, ServerSide::Closed));
        return;
    }
    let Some(depth) = world.reading.depth else { return };
    world.open.foreign.hidden.rotate_right(1);
    world.open.foreign.hidden[0] = Some(depth.saturating_sub(visible));
    let places = depth.saturating_sub(visible);
    let mut hidden = places.saturating_sub(u32::try_from(closed.len()).unwrap_or(u32::MAX));
    for (order, peer, away, was_listed) in missing.into_iter().rev() {
        let sure = u32::from(away) >= MISSED;
        if sure && hidden > 0 {
            hidden -= 1;
            world.server_to(at, peer, ServerSide::QueuedClosed);
        } else if sure || (order < head && hidden == 0 && was_listed && world.open.foreign.fell) {
            forget(world, at, peer, ServerSide::Accepted);
        }
    }
    let surplus = closed.len().saturating_sub(places as usize);
    for (_, peer) in closed.into_iter().take(surplus) {
        forget(world, at, peer, ServerSide::Accepted);
    }
}

/// The SYN-ACKs of a listed request, those before the watch included.
pub(super) fn learn_retransmits(world: &mut World, request: &HalfOpen) {
    let active = world.open.foreign.active;
    if let Some(connection) = world.roster.known(&request.peer) {
        connection.inference.seldom_mut().was_listed = true;
        if !active {
            return;
        }
        connection.syn_acks = connection.syn_acks.max(u16::from(request.retransmits) + 1);
    }
}

/// A request is no longer listed; true when nothing can or must be charged for it: its final ACK may have been taken, or it may have been a
/// cookie.
pub(super) fn request_vanished(world: &mut World, at: Stamp, peer: Peer) -> bool {
    if world.open.foreign.blind {
        forget(world, at, peer, ServerSide::Nothing);
        return true;
    }
    let Some(one) = world.roster.connection(&peer) else { return true };
    if !one.inference.seldom().kind_told && !one.inference.seldom().was_listed {
        world.server_to(at, peer, ServerSide::CookieSent);
        return true;
    }
    let has_answered = one.inference.seldom().open_acks > 0 || one.acks_ignored > 0;
    let may_wait = has_answered && !admission::has_expired(world, peer);
    if may_wait {
        observations::taken(world, peer);
        let supposed = world.open.foreign.supposed;
        world.server_to(at, peer, ServerSide::Queued);
        world.open.foreign.supposed = supposed;
    }
    may_wait
}

/// The requests were listed, `count` of them.
pub(super) fn set_listed_requests(world: &mut World, at: Stamp, count: usize) {
    if !world.open.foreign.blind {
        return;
    }
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    world.syn_queue.set(at, count);
    let slot = world.history.slot_at(at);
    slot.syn_last = count;
    slot.syn_max = slot.syn_max.max(count);
}

/// The server has sent data or FIN: the connection was accepted.
pub(super) fn server_spoke(world: &mut World, at: Stamp, peer: Peer) {
    if world.open.foreign.active
        && world.roster.connection(&peer).is_some_and(|connection| connection.server.in_accept_queue())
    {
        world.open.foreign.supposed = world.open.foreign.supposed.saturating_sub(1);
        count_accepts(world, at, 1);
        let emptied = is_nearly_empty(world, world.open.foreign.supposed);
        world.traffic.accepted(at, 1, emptied);
        forget(world, at, peer, ServerSide::Accepted);
    }
}

/// A SYN arrives: an earlier connection of this address belonged to another client.
pub(super) fn new_client(world: &mut World, at: Stamp, peer: Peer) {
    if !world.open.foreign.active {
        return;
    }
    forget_if_left(world, peer);
    world.open.foreign.syns.push_back((at, peer));
    forget_idle(world, at);
}

pub(super) fn forget_if_left(world: &mut World, peer: Peer) {
    if world.roster.connection(&peer).is_some_and(|connection| connection.inference.seldom().left) {
        world.roster.forget(&peer);
    }
}

/// Drops clients without state in the kernel: idle ones, and the oldest where there are too many.
pub(super) fn forget_idle(world: &mut World, now: Stamp) {
    while let Some((at, peer)) = world.open.foreign.syns.front().copied() {
        let crowded = world.open.foreign.syns.len() > MAX_UNTRACKED;
        if !crowded && now.since(at) < CLIENT_TIMEOUT {
            break;
        }
        world.open.foreign.syns.pop_front();
        if crowded {
            observations::close(world, peer);
        }
        let Some(connection) = world.roster.known(&peer) else { continue };
        let held = connection.server.in_syn_queue() || connection.server.in_accept_queue();
        if held || connection.inference.seldom().last_syn != at || connection.inference.seldom().left {
            continue;
        }
        let wanting = std::mem::take(&mut connection.inference.wanting);
        world.roster.forget(&peer);
        if wanting {
            world.demand.remove();
        }
        world.losses.detail_skipped += u64::from(crowded);
    }
    let foreign = &mut world.open.foreign;
    if foreign.queue.len() > MAX_UNTRACKED && foreign.queue.len() > 2 * foreign.known as usize {
        let roster = &world.roster;
        foreign
            .queue
            .retain(|peer| roster.connection(peer).is_some_and(|connection| connection.server.in_accept_queue()));
    }
}

/// True when no more segments of a connection in this state will be seen.
pub(super) const fn ends(to: ServerSide) -> bool {
    matches!(to, ServerSide::Expired | ServerSide::Pruned | ServerSide::ResetAway | ServerSide::Closed)
}
