//! Segments seen from the side: what became of them is inferred.

use std::time::Duration;

use super::answer::Answer;
use super::demand::BURST;
use super::note::{Note, who};
use super::wire::tally;
use super::{World, admission, answer, doubt, watched, wire};
use crate::fold::connection::{ClientSide, Connection, LastAck, ServerSide, Verdict};
use crate::fold::history::SLOT;
use crate::model::cause::Cause;
use crate::model::peer::Peer;
use crate::model::segment::{Kind, Segment, Toward};
use crate::model::stamp::Stamp;

/// Two processors may handle two segments of one client within this time.
const AT_ONCE: Duration = Duration::from_millis(1);

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
    let full = world.accept_limit().is_some_and(|limit| world.accept_depth() > limit);
    let verdict = admission::admission(world, full);
    let peer = segment.peer;
    watched::new_client(world, at, peer);
    if let Some(before) = world.roster.connection(&peer).and_then(|connection| connection.inference.pending) {
        world.charge_silence(before, peer);
    }
    let connection = world.roster.entry(peer, at);
    // A dump can list a request before its SYN is read from the tap; that SYN does not end at the request.
    let meets_request = connection.server == ServerSide::HalfOpen && connection.syn_acks > 0;
    world.ledger.ended_at_request += u64::from(meets_request);
    connection.inference.silent = false;
    if let Some(cause) = connection.inference.charged.take() {
        world.ledger.witnesses_mut(cause).client += 1;
    }
    connection.travel = None;
    connection.inference.last_syn = at;
    connection.syns = connection.syns.saturating_add(1);
    connection.inference.client_isn = segment.seq;
    connection.inference.cookie_decidable = segment.window_scale && !segment.timestamps;
    connection.inference.cookie_bits = segment.cookie_bits;
    let first = connection.syns == 1;
    let open = matches!(connection.server, ServerSide::Nothing | ServerSide::CookieSent) || connection.server.is_over();
    if open {
        connection.inference.pending = Some(at);
        world.open.pending += 1;
        connection.inference.verdict = verdict;
        world.open.coming += u32::from(verdict == Verdict::Request);
    }
    if first {
        connection.inference.wanting = !connection.half_open;
        world.history.slot_at(at).arrivals += 1;
        if connection.inference.wanting {
            let World { demand, history, .. } = world;
            let slots = (BURST.as_millis() / SLOT.as_millis()) as usize;
            demand.add(|| history.last(slots).map(|slot| slot.arrivals).sum());
        }
        world.clients.started += u64::from(world.open.foreign.active);
    }
    if open {
        world.await_answer(at, peer);
    }
    tally(world, |tally| if first { tally.syn += 1 } else { tally.syn_retransmit += 1 });
}

fn syn_ack(world: &mut World, at: Stamp, segment: &Segment) {
    let peer = segment.peer;
    let Some(connection) = world.roster.known(&peer) else {
        tally(world, |tally| tally.syn_ack += 1);
        return;
    };
    let first = connection.syn_acks == 0;
    connection.syn_acks = connection.syn_acks.saturating_add(1);
    connection.inference.server_isn = segment.seq;
    let answers = world.open.settle(connection);
    let late = connection.inference.silent;
    tally(world, |tally| if first { tally.syn_ack += 1 } else { tally.syn_ack_retransmit += 1 });
    if late && !answers {
        world.take_back_silence(peer);
    }
    if answers || late {
        let answer = answer::read_answer(world, at, segment);
        answered(world, at, peer, answer);
    } else {
        answered_again(world, at, peer);
    }
}

fn answered(world: &mut World, at: Stamp, peer: Peer, answer: Answer) {
    let either = answer::may_be_either(world);
    let Some(connection) = world.roster.known(&peer) else { return };
    (connection.inference.by_cookie, connection.inference.cookie_decided) = (answer.cookie, answer.decided);
    connection.inference.missed = 0;
    connection.inference.acks_before = connection.acks_ignored;
    world.open.guesses |= !answer.decided && either;
    let who = who(connection);
    if answer.cookie {
        world.ledger.cookies_sent += 1;
        world.server_to(at, peer, ServerSide::CookieSent);
        world.note(Note::Cookie { who });
    } else {
        world.server_to(at, peer, ServerSide::HalfOpen);
        world.note(Note::HalfOpen { who, place: world.syn_queue.depth() });
    }
}

/// A SYN-ACK without a SYN: the request's timer sent it, so the request still exists.
fn answered_again(world: &mut World, at: Stamp, peer: Peer) {
    match world.roster.connection(&peer).map(|connection| connection.server) {
        Some(ServerSide::Queued) => {
            world.revise_to_ignored(at, peer);
            world.ledger.witnesses_mut(Cause::AckAcceptQueueFull).wire += 1;
        }
        Some(ServerSide::HalfOpen) => wire_saw_ignored_acks(world, peer),
        Some(ServerSide::Nothing | ServerSide::Expired | ServerSide::Pruned) => {
            world.server_to(at, peer, ServerSide::HalfOpen);
        }
        _ => {}
    }
}

/// The SYN-ACK is retransmitted after its ACK: each ACK since the last such proof was ignored.
fn wire_saw_ignored_acks(world: &mut World, peer: Peer) {
    let Some(connection) = world.roster.known(&peer) else { return };
    let unseen = connection.acks_ignored.saturating_sub(connection.inference.acks_proved);
    connection.inference.acks_proved = connection.acks_ignored;
    world.ledger.witnesses_mut(Cause::AckAcceptQueueFull).wire += u64::from(unseen);
}

fn ack(world: &mut World, at: Stamp, segment: &Segment) {
    let peer = segment.peer;
    let Some(connection) = world.roster.known(&peer) else { return };
    connection.travel = None;
    if segment.end() != segment.seq {
        connection.inference.data_end = Some(segment.end());
    }
    let answers_syn_ack = connection.syn_acks > 0 && segment.ack == connection.inference.server_isn.wrapping_add(1);
    let at_start = segment.seq == connection.inference.client_isn.wrapping_add(1);
    let server = connection.server;
    let is_final = answers_syn_ack && at_start && segment.kind() == Kind::Ack;
    if is_final {
        tally(world, |tally| tally.ack += 1);
    }
    match server {
        ServerSide::HalfOpen if answers_syn_ack => final_ack(world, at, segment),
        ServerSide::CookieSent if answers_syn_ack && at_start => {
            world.ledger.cookies_redeemed += 1;
            final_ack(world, at, segment);
        }
        ServerSide::Queued => {
            let Some(connection) = world.roster.known(&peer) else { return };
            let at_once = connection.inference.by_cookie && at.since(connection.server_since) < AT_ONCE;
            world.open.twice += u64::from(answers_syn_ack && at_start && at_once);
            connection.inference.late_acks =
                connection.inference.late_acks.saturating_add(u16::from(answers_syn_ack && at_start));
            note_side_arrival(Some(connection), segment);
        }
        ServerSide::ResetAway if answers_syn_ack && at_start => ack_after_reset(world, at, peer),
        _ => {}
    }
}

/// The request was reset. Its RST leaves before it is removed (`tcp_check_req`, net/ipv4/tcp_minisocks.c).
fn ack_after_reset(world: &mut World, at: Stamp, peer: Peer) {
    let reset = world.roster.connection(&peer).map(|connection| connection.server_since);
    if reset.is_some_and(|reset| at.since(reset) < AT_ONCE) {
        world.open.doubts.late(at, peer);
    }
}

fn final_ack(world: &mut World, at: Stamp, segment: &Segment) {
    let peer = segment.peer;
    let Some(connection) = world.roster.known(&peer) else { return };
    if connection.client == ClientSide::SynSent {
        connection.client = ClientSide::Connected;
        connection.client_since = at;
        connection.write_connected(at);
        world.clients.connected += u64::from(world.open.foreign.active);
    }
    let (server, again, who) = (connection.server, connection.acks_ignored > 0, who(connection));
    let decided = connection.inference.cookie_decided;
    if again {
        let cause = admission::refusal_cause(world, server);
        world.ledger.witnesses_mut(cause).client += 1;
    }
    let refusal = admission::ack_refusal(world, server);
    world.decided(peer, refusal.is_none());
    if let Some(connection) = world.roster.known(&peer) {
        connection.inference.last_ack = refusal.map_or(LastAck::Taken, LastAck::Ignored);
    }
    if let Some(cause) = refusal {
        world.ignore_ack(at, peer, cause);
        return;
    }
    world.open.untold += u64::from(server == ServerSide::HalfOpen && !decided);
    world.open.guessed += u64::from(server == ServerSide::CookieSent && !decided);
    doubt::doubt_taken(world, at, peer, server);
    world.server_to(at, peer, ServerSide::Queued);
    note_side_arrival(world.roster.known(&peer), segment);
    let place = world.accept_queue.depth();
    world.note(if again {
        Note::Healed { who, phantom: server == ServerSide::CookieSent }
    } else {
        Note::Queued { who, place }
    });
}

fn client_reset(world: &mut World, at: Stamp, peer: Peer) {
    match world.roster.connection(&peer).map(|connection| connection.server) {
        Some(ServerSide::HalfOpen) => {
            world.ledger.client_resets += 1;
            world.ledger.ended_at_request += 1;
            world.server_to(at, peer, ServerSide::ResetAway);
        }
        Some(ServerSide::Queued) => world.server_to(at, peer, ServerSide::QueuedClosed),
        _ => {}
    }
}

fn server_reset(world: &mut World, at: Stamp, peer: Peer) {
    if watched::was_closed_late(world, at, peer) {
        return;
    }
    let aborts = admission::refusal_cause(world, ServerSide::HalfOpen) == Cause::AckReset;
    let Some(connection) = world.roster.known(&peer) else { return };
    world.open.settle(connection);
    let last_ack = std::mem::take(&mut connection.inference.last_ack);
    match (connection.server, last_ack) {
        (ServerSide::HalfOpen | ServerSide::CookieSent | ServerSide::Queued, LastAck::Taken | LastAck::Ignored(_))
            if !aborts || connection.inference.by_cookie =>
        {
            ack_met_nothing(world, at, peer, last_ack);
        }
        (ServerSide::Queued, LastAck::Taken) => {
            world.revise_to_ignored(at, peer);
            reset_away(world, at, peer);
        }
        (ServerSide::HalfOpen, _) => reset_away(world, at, peer),
        (ServerSide::CookieSent, _) => world.server_to(at, peer, ServerSide::Nothing),
        _ => {}
    }
}

/// A request ends once, however many ACKs arrive at the same time.
fn reset_away(world: &mut World, at: Stamp, peer: Peer) {
    world.ledger.witnesses_mut(Cause::AckReset).wire += 1;
    let ignored = world
        .roster
        .connection(&peer)
        .map_or(0, |connection| connection.acks_ignored.saturating_sub(connection.inference.acks_before));
    for _ in 1..ignored {
        world.ledger.resets_shared += 1;
        world.open.doubts.shared(at, peer);
    }
    world.server_to(at, peer, ServerSide::ResetAway);
}

/// The final ACK was answered with RST without tcp_abort_on_overflow: the request had gone (or the cookie was no longer valid),
/// so this ACK was neither accepted nor lost to a full queue.
fn ack_met_nothing(world: &mut World, at: Stamp, peer: Peer, last_ack: LastAck) {
    if let LastAck::Ignored(cause) = last_ack {
        world.take_back_ignored(peer, cause);
    }
    let Some(connection) = world.roster.known(&peer) else { return };
    if connection.inference.by_cookie {
        world.ledger.cookies_redeemed = world.ledger.cookies_redeemed.saturating_sub(1);
        world.server_to(at, peer, ServerSide::Nothing);
        return;
    }
    let expired = admission::has_expired(world, peer);
    let cause = if expired { Cause::RequestExpired } else { Cause::RequestPruned };
    world.charge(at, peer, cause);
    world.server_to(at, peer, if expired { ServerSide::Expired } else { ServerSide::Pruned });
}

/// Only an existing connection acknowledges data, sends data or FIN.
fn socket_sent(world: &mut World, at: Stamp, segment: &Segment) {
    let Some(connection) = world.roster.known(&segment.peer) else { return };
    connection.acknowledge(segment.ack);
    connection.inference.socket_sent = true;
    if connection.acks_ignored > 0 {
        world.revise_to_taken(at, segment.peer);
    }
    if segment.kind() != Kind::Ack {
        watched::server_spoke(world, at, segment.peer);
    }
}

fn note_side_arrival(connection: Option<&mut Connection>, segment: &Segment) {
    let Some(connection) = connection else { return };
    connection.bytes = connection.bytes.saturating_add(u32::from(segment.payload));
    connection.client_closed |= segment.kind() == Kind::Fin;
}
