//! Readings of the kernel, held against what the fold has kept event by event.

use super::{MISSED, World, admission, observations, watched};
use crate::fold::connection::{Connection, ServerSide};
use crate::fold::ledger::Unexplained;
use crate::model::cause::Cause;
use crate::model::counters::Counters;
use crate::model::peer::Peer;
use crate::model::sample::{HalfOpen, Listed, QueueReading, Waiting};
use crate::model::stamp::Stamp;

pub(super) fn read_queue(world: &mut World, at: Stamp, reading: &QueueReading) {
    let limit_before = world.reading.limit;
    world.reading = *reading;
    if reading.limit != limit_before {
        world.set_capacities(at);
    }
    let Some(depth) = reading.depth else { return };
    if world.is_watched() {
        watched::read_watched_depth(world, at, depth);
    }
    world.open.foreign.supposed = depth;
    if world.accept_queue.depth() != depth {
        world.accept_queue.corrections += u64::from(world.open.delivers);
        world.accept_queue.set(at, depth);
    }
    read_drops(world, at, reading.drops);
    let slot = world.history.slot_at(at);
    slot.accept_last = depth;
    slot.accept_max = slot.accept_max.max(depth);
}

/// The listener's own drop count: read far more often than the counters, it shows the outcome of a segment within a moment.
fn read_drops(world: &mut World, at: Stamp, drops: Option<u32>) {
    if drops.is_none() {
        return;
    }
    let more = world.listener_drops.read(drops);
    if world.is_reduced() {
        world.history.slot_at(at).uncaused += u32::try_from(more).unwrap_or(u32::MAX);
    }
    if !world.open.delivers {
        observations::count_read(world, at);
    } else if world.listener_drops.counted == world.ledger.listener_drops() {
        world.ledger.confirm_by_listener();
    }
}

/// The difference between the listener's drop count and the ledger.
pub(super) fn unexplained_by_listener(world: &World) -> Option<Unexplained> {
    let (kernel, accounted) = (world.listener_drops.total()?, world.ledger.listener_drops());
    (kernel != accounted).then_some(Unexplained { counter: "sk_drops", kernel, accounted })
}

pub(super) fn read_lists(world: &mut World, at: Stamp, listed: &Listed) {
    if let Some(half_open) = &listed.half_open {
        read_half_open(world, at, half_open);
        world.log_switch.listed_at = at;
        world.listed.half_open = Some(half_open.clone());
    }
    if let Some(waiting) = &listed.waiting {
        if world.is_watched() {
            watched::read_watched_waiting(world, at, waiting);
        } else {
            read_own_waiting(world, at, waiting);
        }
        world.listed.waiting = Some(waiting.clone());
    }
}

/// What the clients of waiting connections have sent and closed; without a tap also that they wait.
fn read_own_waiting(world: &mut World, at: Stamp, listed: &[Waiting]) {
    for waiting in listed {
        let one = world.roster.entry(waiting.peer, at);
        one.bytes = one.bytes.max(waiting.bytes);
        one.client_closed |= waiting.closed;
        let thought_out = matches!(one.server, ServerSide::Nothing | ServerSide::HalfOpen | ServerSide::CookieSent);
        if thought_out && !world.open.delivers {
            observations::taken(world, waiting.peer);
            world.server_to(at, waiting.peer, ServerSide::Queued);
        }
    }
}

fn read_half_open(world: &mut World, at: Stamp, listed: &[HalfOpen]) {
    let dump = world.open.dump.wrapping_add(1);
    world.open.dump = dump;
    world.open.dumped.rotate_right(1);
    world.open.dumped[0] = at;
    for request in listed {
        watched::forget_if_left(world, request.peer);
        let one = world.roster.entry(request.peer, at);
        one.inference.listed = dump;
        match one.server {
            ServerSide::HalfOpen if one.is_refused_by_list(at) => observations::ignored(world, at, request.peer),
            ServerSide::Nothing | ServerSide::Expired | ServerSide::Pruned => {
                world.server_to(at, request.peer, ServerSide::HalfOpen);
            }
            _ => {}
        }
        if !world.open.delivers {
            watched::learn_retransmits(world, request);
        }
    }
    let gone = missing_requests(world);
    for (peer, cause) in gone {
        if !world.open.delivers && watched::request_vanished(world, at, peer) {
            continue;
        }
        world.charge(at, peer, cause);
        let to = if cause == Cause::RequestExpired { ServerSide::Expired } else { ServerSide::Pruned };
        world.server_to(at, peer, to);
    }
    watched::set_listed_requests(world, at, listed.len());
}

/// Requests that several dumps in a row did not list: removed by their timer. After the last SYN-ACK it has expired, before it
/// was pruned.
fn missing_requests(world: &World) -> Vec<(Peer, Cause)> {
    let (retries, dump) = (admission::synack_retries(world), world.open.dump);
    let lacked = |one: &&Connection| dump.wrapping_sub(one.inference.listed) >= MISSED;
    let cause = |one: &Connection| {
        if i64::from(one.syn_acks) > retries { Cause::RequestExpired } else { Cause::RequestPruned }
    };
    let mut gone: Vec<_> = world.roster.requests().filter(lacked).map(|one| (one.peer, cause(one))).collect();
    gone.sort_unstable();
    gone
}

pub(super) fn read_client_counters(world: &mut World, counters: &Counters) {
    world.client_counters_first.get_or_insert_with(|| Box::new(counters.clone()));
    world.client_counters_last = Some(Box::new(counters.clone()));
}

pub(super) fn read_counters(world: &mut World, counters: &Counters) {
    if world.counters_first.is_none() {
        world.counters_first = Some(counters.clone());
    }
    world.counters_last = Some(counters.clone());
    world.counters_at = Some(world.now);
    if world.open.delivers && world.ledger.balance(&world.counters()).balanced == Some(true) {
        world.open.balanced_at = Some(world.now);
        world.ledger.confirm();
    }
}
