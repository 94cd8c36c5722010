//! The outcome of a SYN and of a final ACK: the kernel's order of tests (`tcp_conn_request`, net/ipv4/tcp_input.c;
//! `tcp_v4_syn_recv_sock`, net/ipv4/tcp_ipv4.c) over the depths that the fold keeps. In the lab this is a prediction, held against
//! each outcome.

use super::World;
use crate::fold::connection::{ServerSide, Verdict};
use crate::model::cause::Cause;
use crate::model::delivery::{Delivery, Outcome};
use crate::model::peer::Peer;
use crate::model::queue::three_quarters_refuses;
use crate::model::segment::Kind;
use crate::model::settings::Sysctl;

/// What the order of tests leads to expect of a segment; `None` where it does not tell, or where nothing was read to hold it against.
pub(super) fn foreseen(world: &World, delivery: &Delivery) -> Option<Outcome> {
    if delivery.outcome == Outcome::Undetermined {
        return None;
    }
    let limit = world.accept_limit()?;
    let segment = &delivery.segment;
    let one = world.roster.connection(&segment.peer);
    let server = one.map_or(ServerSide::Nothing, |one| one.server);
    let full = delivery.depth_before.unwrap_or_else(|| world.accept_queue.depth()) > limit;
    match (segment.kind(), server) {
        (Kind::Syn, _) if server.is_over() => Some(match admission(world, full) {
            Verdict::Request => Outcome::Request,
            Verdict::Cookie => Outcome::Cookie,
            Verdict::Drop(cause) => Outcome::Dropped(cause),
        }),
        (Kind::Ack, ServerSide::HalfOpen | ServerSide::CookieSent) if one.is_some_and(|one| one.completes(segment)) => {
            Some(if full { Outcome::Dropped(refusal_cause(world, server)) } else { Outcome::Queued })
        }
        _ => None,
    }
}

/// The verdict on a SYN that arrives now from an unknown peer.
pub(super) fn admission(world: &World, accept_full: bool) -> Verdict {
    let Some(limit) = world.accept_limit() else { return Verdict::Request };
    let cookies = world.sysctls.value(Sysctl::Syncookies).unwrap_or(1);
    let half_open = world.syn_queue.depth() + world.open.coming;
    let syn_queue_full = half_open >= world.syn_rule.capacity(limit);
    if syn_queue_full && cookies == 0 {
        return Verdict::Drop(Cause::SynSynQueueFull);
    }
    if accept_full {
        return Verdict::Drop(Cause::SynAcceptQueueFull);
    }
    if cookies == 0 && three_quarters(world, half_open) {
        return Verdict::Drop(Cause::SynMaxSynBacklog);
    }
    if cookies == 2 || syn_queue_full { Verdict::Cookie } else { Verdict::Request }
}

/// True when the kernel answers an admitted SYN with a cookie now.
pub(super) fn answers_with_cookies(world: &World) -> bool {
    let half_open = world.syn_queue.depth() + world.open.coming;
    match world.sysctls.value(Sysctl::Syncookies) {
        Some(0) => false,
        Some(2) => true,
        _ => world.accept_limit().is_some_and(|limit| half_open >= world.syn_rule.capacity(limit)),
    }
}

fn three_quarters(world: &World, half_open: u32) -> bool {
    let max = world.sysctls.value(Sysctl::MaxSynBacklog).and_then(|max| u32::try_from(max).ok());
    max.is_some_and(|max| three_quarters_refuses(max, half_open))
}

/// The cause of an unanswered SYN that the verdict admits: the test that was nearest to refusing it. `None` when none was near;
/// the counters may still name it.
pub(super) fn nearest_cause(world: &World) -> Option<Cause> {
    let limit = world.accept_limit()?;
    let cookies_off = world.sysctls.value(Sysctl::Syncookies) == Some(0);
    if cookies_off && world.syn_queue.depth() + 1 >= world.syn_rule.capacity(limit) {
        return Some(Cause::SynSynQueueFull);
    }
    if world.accept_depth() >= limit {
        return Some(Cause::SynAcceptQueueFull);
    }
    (cookies_off && three_quarters(world, world.syn_queue.depth() + 1)).then_some(Cause::SynMaxSynBacklog)
}

/// Why a final ACK to a connection in this state is refused, if it is.
pub(super) fn ack_refusal(world: &World, server: ServerSide) -> Option<Cause> {
    let full = world.accept_limit().is_some_and(|limit| world.accept_depth() > limit);
    full.then(|| refusal_cause(world, server))
}

/// The cause that an ignored ACK has in this state.
pub(super) fn refusal_cause(world: &World, server: ServerSide) -> Cause {
    if server == ServerSide::CookieSent {
        Cause::AckCookieAcceptQueueFull
    } else if world.sysctls.value(Sysctl::AbortOnOverflow).unwrap_or(0) != 0 {
        Cause::AckReset
    } else {
        Cause::AckAcceptQueueFull
    }
}

/// How often a SYN-ACK is retransmitted.
pub(super) fn synack_retries(world: &World) -> i64 {
    world.sysctls.value(Sysctl::SynackRetries).unwrap_or(5)
}

/// True when the request's last SYN-ACK had been sent: it has expired, not been pruned.
pub(super) fn has_expired(world: &World, peer: Peer) -> bool {
    world.roster.connection(&peer).is_some_and(|connection| i64::from(connection.syn_acks) > synack_retries(world))
}
