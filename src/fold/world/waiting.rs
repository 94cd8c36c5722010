//! Connections that wait for `accept()`, as sock_diag lists them. The depth says how many are in, the lists say who: what the depth
//! alone had decided about one of several final ACKs is settled here.

use std::cmp::Reverse;

use super::account::SILENCE;
use super::{MISSED, World, doubt};
use crate::fold::connection::{Connection, ServerSide};
use crate::model::peer::Peer;
use crate::model::sample::Waiting;
use crate::model::stamp::Stamp;

pub(super) fn read_waiting(world: &mut World, at: Stamp, listed: &[Waiting]) {
    world.open.waiting_dump += 1;
    let dump = world.open.waiting_dump;
    let mut unexpected = 0;
    for waiting in listed {
        let one = world.roster.entry(waiting.peer, at);
        one.bytes = one.bytes.max(waiting.bytes);
        one.client_closed |= waiting.closed;
        (one.inference.waiting_dump, one.inference.untracked) = (dump, 0);
        match one.server {
            ServerSide::HalfOpen | ServerSide::CookieSent if world.segments.is_some() => {
                unexpected += u32::from(world.revise_to_taken(at, waiting.peer));
            }
            ServerSide::Nothing | ServerSide::HalfOpen | ServerSide::CookieSent => {
                world.server_to(at, waiting.peer, ServerSide::Queued);
            }
            _ => {}
        }
    }
    if world.segments.is_some() {
        put_absent_right(world, at, unexpected);
    }
}

/// Who was thought to be in the queue and is not on the list: somebody whose ACK was thought ignored had that place, or a second
/// list lacks it too (a dump is not a snapshot). Its ACK was ignored.
fn put_absent_right(world: &mut World, at: Stamp, mut unexpected: u32) {
    for (peer, away) in absent(world, at) {
        if unexpected == 0 && away < MISSED {
            continue;
        }
        unexpected = unexpected.saturating_sub(1);
        doubt::put_out(world, at, peer);
    }
}

/// Those thought queued since before the latest walk that it lacks, the latest comer first, each with how many lists in a row have
/// lacked it.
fn absent(world: &mut World, at: Stamp) -> Vec<(Peer, u8)> {
    let (dump, began) = (world.open.waiting_dump, world.log_switch.listed_at);
    let mut absent = Vec::new();
    for one in world.roster.iter_mut().filter(|one| one.inference.waiting_dump != dump) {
        match one.server {
            ServerSide::Queued if one.server_since <= began && !one.inference.socket_sent => {
                one.inference.untracked = one.inference.untracked.saturating_add(1);
                absent.push((Reverse(one.queue_order), one.peer, one.inference.untracked));
            }
            ServerSide::HalfOpen | ServerSide::CookieSent => is_still_out(one, at),
            _ => {}
        }
    }
    absent.sort_unstable();
    absent.into_iter().map(|(_, peer, away)| (peer, away)).collect()
}

/// A list taken at `at` lacks it: all its ACKs that the kernel has looked at by then were ignored, whatever becomes of a later one.
fn is_still_out(one: &mut Connection, at: Stamp) {
    if at.since(one.inference.ignored_at) >= SILENCE {
        one.inference.acks_certain = one.acks_ignored;
    }
}
