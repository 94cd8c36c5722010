//! The outcome of a SYN and of a final ACK: the kernel's order of tests (`tcp_conn_request`, net/ipv4/tcp_input.c;
//! `tcp_v4_syn_recv_sock`, net/ipv4/tcp_ipv4.c) over the depths that the fold keeps. In the lab this is a prediction, held against
//! each outcome.

use super::World;
use crate::fold::connection::ServerSide;
use crate::model::cause::Cause;
use crate::model::delivery::{Delivery, Outcome};
use crate::model::peer::Peer;
use crate::model::queue::three_quarters_refuses;
use crate::model::segment::Kind;
use crate::model::settings::{Sysctl, Sysctls};

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
        (Kind::Syn, _) if server.is_over() => Some(admission(world, full)),
        (Kind::Ack, ServerSide::HalfOpen | ServerSide::CookieSent) if one.is_some_and(|one| one.completes(segment)) => {
            Some(if full { Outcome::Dropped(refusal_cause(world, server)) } else { Outcome::Queued })
        }
        _ => None,
    }
}

/// What becomes of a SYN that arrives now and meets no request.
fn admission(world: &World, accept_full: bool) -> Outcome {
    let Some(limit) = world.accept_limit() else { return Outcome::Request };
    let cookies = world.sysctls.value(Sysctl::Syncookies).unwrap_or(1);
    let half_open = world.syn_queue.depth();
    let syn_queue_full = half_open >= world.syn_rule.capacity(limit);
    if syn_queue_full && cookies == 0 {
        return Outcome::Dropped(Cause::SynSynQueueFull);
    }
    if accept_full {
        return Outcome::Dropped(Cause::SynAcceptQueueFull);
    }
    if cookies == 0 && three_quarters(world, half_open) {
        return Outcome::Dropped(Cause::SynMaxSynBacklog);
    }
    if cookies == 2 || syn_queue_full { Outcome::Cookie } else { Outcome::Request }
}

/// True when the three-quarters rule refuses a SYN beside so many requests.
pub(super) fn three_quarters(world: &World, half_open: u32) -> bool {
    let max = world.sysctls.value(Sysctl::MaxSynBacklog).and_then(|max| u32::try_from(max).ok());
    max.is_some_and(|max| three_quarters_refuses(max, half_open))
}

/// The cause that an ignored ACK has in this state.
pub(super) fn refusal_cause(world: &World, server: ServerSide) -> Cause {
    if server == ServerSide::CookieSent {
        Cause::AckCookieAcceptQueueFull
    } else {
        refusal_cause_of_request(&world.sysctls)
    }
}

/// The cause that the ignored ACK of a request has.
pub(super) fn refusal_cause_of_request(sysctls: &Sysctls) -> Cause {
    if sysctls.value(Sysctl::AbortOnOverflow).unwrap_or(0) != 0 { Cause::AckReset } else { Cause::AckAcceptQueueFull }
}

/// How often a SYN-ACK is retransmitted.
pub(super) fn synack_retries(world: &World) -> i64 {
    world.sysctls.value(Sysctl::SynackRetries).unwrap_or(5)
}

/// True when the request's last SYN-ACK had been sent: it has expired, not been pruned.
pub(super) fn has_expired(world: &World, peer: Peer) -> bool {
    world.roster.connection(&peer).is_some_and(|connection| i64::from(connection.syn_acks) > synack_retries(world))
}
