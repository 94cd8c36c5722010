//! Segments seen from the side: of another program's listener, or on the host's loopback. What became of one shows only afterwards, if at
//! all. Each that may have been dropped is an observation; evidence takes possibilities away, and the listener's own drop count decides
//! among what is left ([`observations`](super::observations)). What stays open is *not attributed*.

use std::time::Duration;

use super::note::{Note, who};
use super::observations::{close, ignored, taken};
use super::{World, admission, server_resets, silent_clients, watched, wire};
use crate::fold::causes::Causes;
use crate::fold::connection::ServerSide;
use crate::model::cause::Cause;
use crate::model::peer::Peer;
use crate::model::segment::{Kind, Segment, Toward};
use crate::model::settings::Sysctl;
use crate::model::stamp::Stamp;

/// Data without an acknowledgement is not sent again before this (TCP_RTO_MIN is 200 ms).
const REPEATED: Duration = Duration::from_millis(150);

pub(super) fn seen(world: &mut World, at: Stamp, segment: &Segment) {
    wire::notice(world, at, segment);
    match (segment.toward, segment.kind()) {
        (Toward::Listener, Kind::Syn) => syn(world, at, segment),
        (Toward::Listener, Kind::Ack | Kind::Data | Kind::Fin) => ack(world, at, segment),
        (Toward::Listener, Kind::Rst) => client_reset(world, at, segment.peer),
        (Toward::Client, Kind::SynAck) => syn_ack(world, at, segment),
        (Toward::Client, Kind::Ack | Kind::Data | Kind::Fin) => socket_sent(world, at, segment),
        (Toward::Client, Kind::Rst) => server_reset(world, at, segment.peer),
        (Toward::Listener, Kind::SynAck) | (Toward::Client, Kind::Syn) => {}
    }
}

fn syn(world: &mut World, at: Stamp, segment: &Segment) {
    let peer = segment.peer;
    watched::new_client(world, at, peer);
    close(world, peer);
    let causes = possible_causes(world);
    wire::count_syn(world, at, segment);
    let Some(one) = world.roster.known(&peer) else { return };
    one.inference.seldom_mut().last_syn = at;
    one.inference.seldom_mut().kind_told = segment.window_scale && !segment.timestamps;
    if one.server.in_syn_queue() {
        // It ends at the request, or begins a new one if that has gone.
        world.open.side.note_noise();
    } else if one.server.is_over() {
        let seldom = one.inference.seldom_mut();
        (seldom.pending, seldom.causes) = (Some(at), causes);
        world.open.side.await_answer(at, peer);
    }
}

/// The tests that may refuse a SYN now. The depths kept are no lower than the kernel's: only `accept()` and timers make them less.
fn possible_causes(world: &World) -> Causes {
    let Some(limit) = world.accept_limit() else { return Causes::default() };
    let half_open = world.syn_queue.depth();
    let cookies_off = world.sysctls.value(Sysctl::Syncookies) == Some(0);
    let crowded = half_open >= world.syn_rule.capacity(limit);
    Causes::default()
        .with(Cause::SynAcceptQueueFull, world.accept_depth_at_most() > limit)
        .with(Cause::SynSynQueueFull, cookies_off && crowded)
        .with(Cause::SynMaxSynBacklog, cookies_off && admission::three_quarters(world, half_open))
}

fn syn_ack(world: &mut World, at: Stamp, segment: &Segment) {
    let peer = segment.peer;
    let Some(one) = world.roster.known(&peer) else {
        return wire::tally(world, |tally| tally.syn_ack += 1);
    };
    let first = one.syn_acks == 0;
    one.syn_acks = one.syn_acks.saturating_add(1);
    one.inference.server_isn = segment.seq;
    let answers = one.inference.seldom_mut().pending.take().is_some();
    let server = one.server;
    wire::tally(world, |tally| if first { tally.syn_ack += 1 } else { tally.syn_ack_retransmit += 1 });
    if answers {
        if first {
            silent_clients::answered(world, at, peer);
        }
        return answered(world, at, segment);
    }
    // Nobody asked: a request's timer repeats its answer, so that the request still stands, whatever has come for it.
    match server {
        ServerSide::HalfOpen => ignored(world, at, peer),
        ServerSide::Queued | ServerSide::Nothing | ServerSide::Expired | ServerSide::Pruned => {
            world.open.side.was_answered(peer);
            world.server_to(at, peer, ServerSide::HalfOpen);
            ignored(world, at, peer);
        }
        _ => {}
    }
}

/// A SYN is answered: with a request's SYN-ACK or a cookie, as far as the wire tells.
fn answered(world: &mut World, at: Stamp, segment: &Segment) {
    let peer = segment.peer;
    let (cookie, told) = is_cookie(world, segment);
    let Some(one) = world.roster.known(&peer) else { return };
    one.inference.seldom_mut().kind_told = told;
    let who = who(one);
    world.ledger.answers_untold += u64::from(!told);
    if cookie {
        world.ledger.cookies_sent += 1;
        world.server_to(at, peer, ServerSide::CookieSent);
        world.note(Note::Cookie { who });
    } else {
        world.server_to(at, peer, ServerSide::HalfOpen);
        world.note(Note::HalfOpen { who, place: world.syn_queue.depth() });
    }
}

/// Whether this SYN-ACK is a cookie, and whether that is certain. Without timestamps a cookie has no options (`tcp_conn_request`); with them
/// it looks like a request's answer, and only the SYN queue's room excludes it.
fn is_cookie(world: &World, segment: &Segment) -> (bool, bool) {
    let told = world.roster.connection(&segment.peer).is_some_and(|one| one.inference.seldom().kind_told);
    match world.sysctls.value(Sysctl::Syncookies) {
        Some(0) => (false, true),
        Some(2) => (true, true),
        _ if told => (!segment.window_scale, true),
        // A full queue takes no request more: what one's own listener answers then is a cookie, unless a place was free that was thought
        // taken. Of another program's it is left open.
        _ => {
            let room = world.syn_capacity().map(|capacity| world.syn_queue.depth() < capacity);
            (room == Some(false) && !world.is_watched(), room == Some(true))
        }
    }
}

fn ack(world: &mut World, at: Stamp, segment: &Segment) {
    let peer = segment.peer;
    wire::note_progress(world, segment);
    wire::note_arrival(world, segment);
    let full = world.accept_limit().is_some_and(|limit| world.accept_depth() > limit);
    let World { roster, open, .. } = &mut *world;
    let Some(one) = roster.known(&peer) else { return };
    let is_final = one.syn_acks > 0 && segment.ack == one.inference.server_isn.wrapping_add(1);
    if !is_final || !matches!(one.server, ServerSide::HalfOpen | ServerSide::CookieSent) {
        return;
    }
    if full {
        // Only `accept()` can have made room since the queue was read: open.
        // The first data comes right behind the ACK; what comes later is a repetition.
        let seldom = one.inference.seldom();
        let repeated = seldom.open_acks > 0 && at.since(seldom.open_at) >= REPEATED;
        open.side.open_ack(at, one);
        wire::client_is_connected(world, at, peer);
        if repeated {
            wire::refused(world, at, peer);
        }
        return;
    }
    let (who, cookie) = (who(one), one.server == ServerSide::CookieSent);
    world.ledger.cookies_redeemed += u64::from(cookie);
    wire::client_is_connected(world, at, peer);
    taken(world, peer);
    world.server_to(at, peer, ServerSide::Queued);
    wire::note_arrival(world, segment);
    world.note(Note::Queued { who, place: world.accept_queue.depth() });
}

fn client_reset(world: &mut World, at: Stamp, peer: Peer) {
    match world.roster.connection(&peer).map(|one| one.server) {
        Some(ServerSide::HalfOpen) => {
            world.ledger.client_resets += 1;
            world.open.side.note_noise();
            world.server_to(at, peer, ServerSide::ResetAway);
        }
        Some(ServerSide::Queued) => world.server_to(at, peer, ServerSide::QueuedClosed),
        _ => {}
    }
}

fn server_reset(world: &mut World, at: Stamp, peer: Peer) {
    let aborts = world.sysctls.value(Sysctl::AbortOnOverflow).unwrap_or(0) != 0;
    if server_resets::was_reset(world, at, peer, aborts) {
        return;
    }
    let Some(one) = world.roster.known(&peer) else { return };
    // Who answers with a RST has not dropped in silence.
    one.inference.seldom_mut().pending = None;
    match one.server {
        ServerSide::HalfOpen if aborts => {
            ignored(world, at, peer);
            world.server_to(at, peer, ServerSide::ResetAway);
        }
        ServerSide::HalfOpen => {
            taken(world, peer);
            request_gone(world, at, peer);
        }
        ServerSide::CookieSent => world.server_to(at, peer, ServerSide::Nothing),
        _ => {}
    }
}

/// A request was removed by its timer: after its last SYN-ACK it has expired, before that it was pruned.
pub(super) fn request_gone(world: &mut World, at: Stamp, peer: Peer) {
    let expired = admission::has_expired(world, peer);
    world.charge(at, peer, if expired { Cause::RequestExpired } else { Cause::RequestPruned });
    world.server_to(at, peer, if expired { ServerSide::Expired } else { ServerSide::Pruned });
}

/// Only an existing connection acknowledges data, sends data or FIN.
fn socket_sent(world: &mut World, at: Stamp, segment: &Segment) {
    let peer = segment.peer;
    let Some(one) = world.roster.known(&peer) else { return };
    one.acknowledge(segment.ack);
    if one.inference.seldom_mut().pending.take().is_some() {
        // An old connection with the same ports answers (TIME_WAIT, a challenge ACK): the SYN did not come to the listener.
        return;
    }
    let thought_out = matches!(one.server, ServerSide::HalfOpen | ServerSide::CookieSent);
    taken(world, peer);
    if thought_out {
        world.server_to(at, peer, ServerSide::Queued);
    }
    if segment.kind() != Kind::Ack {
        watched::server_spoke(world, at, peer);
    }
}
