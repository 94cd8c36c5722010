//! Client events and server events.

use std::time::Duration;

use super::note::{Note, who};
use super::{World, observations};
use crate::fold::connection::{ClientSide, Connection, Retry, ServerSide, Travel};
use crate::fold::world::log_writing;
use crate::model::cause::Cause;
use crate::model::event::{ClientEvent, ServerEvent};
use crate::model::peer::Peer;
use crate::model::segment::Kind;
use crate::model::stamp::Stamp;

/// With more connections than this nobody follows single segments.
const MOST_FOLLOWED: usize = 10_000;

pub(super) fn client_event(world: &mut World, at: Stamp, id: u32, peer: Peer, event: ClientEvent) {
    match event {
        ClientEvent::Started { half_open } => start(world, at, id, peer, half_open),
        ClientEvent::Departed { kind, attempt, arrives } => {
            let left = world.tempo.at(at);
            log_writing::write_departure(world, at, peer, (kind, attempt, world.tempo.moment(arrives)));
            let followed = world.roster.count() <= MOST_FOLLOWED;
            if let Some(connection) = world.roster.known(&peer).filter(|_| followed) {
                // The request leaves with the handshake's ACK, whose outcome decides.
                let with_ack = |travel: Travel| travel.kind == Kind::Ack && travel.left == left;
                if !connection.travel().is_some_and(with_ack) {
                    connection.inference.seldom_mut().travel = Some(Travel { kind, left, arrives });
                }
            }
        }
        ClientEvent::Lost { kind, outbound } => {
            log_writing::write_loss(world, peer, kind, outbound);
            if let Some(connection) = world.roster.known(&peer).filter(|_| !outbound) {
                connection.lose_acknowledgement();
            }
            world.charge(at, peer, Cause::ClientLost);
        }
        ClientEvent::Held { kind, outbound } => {
            log_writing::write_hold(world, at, peer, (kind, outbound));
            if let Some(connection) = world.roster.known(&peer).filter(|_| outbound) {
                connection.arrive();
            }
        }
        ClientEvent::WillRetry { at: when, gives_up } => {
            if let Some(connection) = world.roster.known(&peer) {
                connection.retry = Some(Retry { at: when, gives_up });
                if let Some(seldom) = connection.inference.seldom_if_any() {
                    (seldom.data_end, seldom.acknowledged_retry) = (None, None);
                }
            }
        }
        ClientEvent::Connected => connected(world, at, peer),
        ClientEvent::Finished => {
            world.clients.finished += 1;
            client_over(world, at, peer, ClientSide::Finished);
        }
        ClientEvent::Refused => {
            world.clients.refused += 1;
            client_over(world, at, peer, ClientSide::Refused);
        }
        ClientEvent::Reset => {
            world.clients.reset += 1;
            client_over(world, at, peer, ClientSide::Reset);
        }
        ClientEvent::TimedOut => {
            world.clients.timed_out += 1;
            client_over(world, at, peer, ClientSide::TimedOut);
        }
        ClientEvent::Vanished => {
            world.clients.vanished += 1;
            client_over(world, at, peer, ClientSide::Vanished);
        }
        ClientEvent::Failed { errno } => {
            *world.clients.errors.entry(errno).or_default() += 1;
            client_over(world, at, peer, ClientSide::Failed(errno));
        }
    }
}

fn start(world: &mut World, at: Stamp, id: u32, peer: Peer, half_open: bool) {
    world.clients.started += 1;
    if world.roster.connection(&peer).is_some_and(Connection::is_over) {
        world.roster.forget(&peer);
    }
    let connection = world.roster.entry(peer, at);
    if connection.client.is_over() {
        // The port is in use again while the server still has something of the client before.
        let Connection { server, server_since, queued_at, queue_order, .. } = *connection;
        *connection = Connection { server, server_since, queued_at, queue_order, ..Connection::new(peer, at) };
    }
    connection.id = Some(id);
    connection.half_open = half_open;
    connection.first_seen = connection.first_seen.min(at);
    log_writing::begin_log(world, peer);
}

fn connected(world: &mut World, at: Stamp, peer: Peer) {
    world.clients.connected += 1;
    let Some(connection) = world.roster.known(&peer) else { return };
    connection.client = ClientSide::Connected;
    connection.client_since = at;
    connection.retry = None;
    connection.write_connected(at);
    let took = at.since(connection.first_seen);
    world.connect.record(took);
}

fn client_over(world: &mut World, at: Stamp, peer: Peer, side: ClientSide) {
    let Some(connection) = world.roster.known(&peer) else { return };
    connection.client = side;
    connection.client_since = at;
    connection.retry = None;
    connection.arrive();
    connection.write_client_end(at, side);
    if std::mem::take(&mut connection.inference.wanting) {
        world.demand.remove();
    }
    let who = who(connection);
    let known_cause = match side {
        ClientSide::TimedOut => connection.inference.charged,
        ClientSide::Reset if connection.hits(Cause::AckReset) > 0 => Some(Cause::AckReset),
        _ => None,
    };
    if let Some(cause) = known_cause {
        world.ledger.witnesses_mut(cause).client += 1;
    }
    match side {
        ClientSide::TimedOut => world.note(Note::GaveUp { who }),
        ClientSide::Reset | ClientSide::Refused => world.note(Note::Reset { who }),
        _ => {}
    }
    world.release_if_over(at, peer);
}

pub(super) fn serve(world: &mut World, at: Stamp, peer: Peer, event: ServerEvent) {
    match event {
        ServerEvent::Accepted { waited_ms, .. } => accepted(world, at, peer, waited_ms),
        // Told by another thread: a new client may have begun from the same port meanwhile.
        ServerEvent::Closed | ServerEvent::FoundReset if world.open.delivers && !is_served(world, peer) => {}
        ServerEvent::Closed => done(world, at, peer, ServerSide::Closed),
        ServerEvent::FoundReset => done(world, at, peer, ServerSide::ResetAway),
    }
}

fn is_served(world: &World, peer: Peer) -> bool {
    world.roster.connection(&peer).is_some_and(|connection| connection.server == ServerSide::Accepted)
}

fn done(world: &mut World, at: Stamp, peer: Peer, to: ServerSide) {
    log_writing::write_server_event(world, at, peer);
    world.server_to(at, peer, to);
}

fn accepted(world: &mut World, at: Stamp, peer: Peer, waited_ms: Option<u32>) {
    world.clients.accepted += 1;
    world.history.slot_at(at).accepts += 1;
    world.roster.entry(peer, at);
    if !world.open.delivers {
        observations::taken(world, peer);
    }
    let Some(connection) = world.roster.known(&peer) else { return };
    let seen = connection.queued_at().map(|since| at.since(since));
    let waited = seen.or_else(|| waited_ms.map(|millis| Duration::from_millis(millis.into())));
    let who = who(connection);
    if std::mem::take(&mut connection.inference.wanting) {
        world.demand.remove();
    }
    if let Some(waited) = waited {
        world.wait.record(waited);
    }
    done(world, at, peer, ServerSide::Accepted);
    world.traffic.accepted(at, 1, world.accept_queue.depth() == 0);
    world.note(Note::Accepted { who, waited_us: waited.map(|waited| waited.as_micros() as u64) });
}
