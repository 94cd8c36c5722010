//! Readings of the kernel, held against what the fold has kept event by event.

use super::{MISSED, World, admission, arbiter, doubt, listener, waiting, watched};
use crate::fold::connection::ServerSide;
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
    if world.segments.is_some() && !world.is_watched() && !world.open.delivers {
        revise_to_depth(world, at, depth);
    }
    if world.accept_queue.depth() != depth {
        world.accept_queue.corrections += u64::from(world.segments.is_some());
        world.accept_queue.set(at, depth);
    }
    world.open.decisions.clear();
    listener::read_drops(world, reading.drops);
    let slot = world.history.slot_at(at);
    slot.accept_last = depth;
    slot.accept_max = slot.accept_max.max(depth);
}

/// Revises the latest decisions about final ACKs until the depth is what was read.
fn revise_to_depth(world: &mut World, at: Stamp, depth: u32) {
    for index in (0..world.open.decisions.len()).rev() {
        let kept = world.accept_queue.depth();
        let decision = world.open.decisions[index];
        if kept == depth {
            break;
        } else if kept < depth && !decision.taken {
            world.revise_to_taken(at, decision.peer);
        } else if kept > depth && decision.taken && !has_shown_itself(world, decision.peer) {
            world.revise_to_ignored(at, decision.peer);
        }
    }
    doubt::revise_doubtful(world, at, depth);
}

/// True when the server's end of the connection has spoken: it exists, whatever the depth seems to say.
fn has_shown_itself(world: &World, peer: Peer) -> bool {
    world.roster.connection(&peer).is_some_and(|one| one.inference.socket_sent)
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
        } else if world.open.delivers {
            read_own_waiting(world, waiting);
        } else {
            waiting::read_waiting(world, at, waiting);
        }
        world.listed.waiting = Some(waiting.clone());
    }
}

/// What the clients of waiting connections have sent and closed.
fn read_own_waiting(world: &mut World, listed: &[Waiting]) {
    for waiting in listed {
        if let Some(one) = world.roster.known(&waiting.peer) {
            one.bytes = one.bytes.max(waiting.bytes);
            one.client_closed |= waiting.closed;
        }
    }
}

fn read_half_open(world: &mut World, at: Stamp, listed: &[HalfOpen]) {
    world.open.dump += 1;
    let dump = world.open.dump;
    for request in listed {
        watched::forget_if_left(world, request.peer);
        let one = world.roster.entry(request.peer, at);
        one.inference.listed = dump;
        one.inference.missed = 0;
        match one.server {
            ServerSide::Queued | ServerSide::CookieSent if world.open.delivers => {}
            ServerSide::Queued if !world.open.foreign.blind => world.revise_to_ignored(at, request.peer),
            ServerSide::CookieSent if !one.inference.cookie_decided => arbiter::was_a_request(world, at, request.peer),
            ServerSide::Nothing | ServerSide::Expired | ServerSide::Pruned => {
                world.server_to(at, request.peer, ServerSide::HalfOpen);
            }
            _ => {}
        }
        watched::learn_retransmits(world, request);
    }
    let gone = missing_requests(world, at, dump);
    for (peer, cause) in gone {
        if watched::request_vanished(world, at, peer)
            || (!world.open.delivers && arbiter::was_a_cookie(world, at, peer))
        {
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
fn missing_requests(world: &mut World, at: Stamp, dump: u64) -> Vec<(Peer, Cause)> {
    let retries = admission::synack_retries(world);
    let mut gone = Vec::new();
    for one in world.roster.iter_mut() {
        if !one.server.in_syn_queue() || one.inference.listed == dump {
            continue;
        }
        if one.inference.missed == 0 {
            one.inference.missed_at = at;
        }
        one.inference.missed = one.inference.missed.saturating_add(1);
        if one.inference.missed >= MISSED {
            let last_sent = i64::from(one.syn_acks) > retries;
            gone.push((one.peer, if last_sent { Cause::RequestExpired } else { Cause::RequestPruned }));
        }
    }
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
    if !world.open.delivers {
        arbiter::arbitrate(world);
    } else if world.ledger.balance(&world.counters()).balanced == Some(true) {
        world.open.balanced_at = Some(world.now);
        world.ledger.confirm();
    }
}
