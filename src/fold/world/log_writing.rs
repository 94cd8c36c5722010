//! What the fold writes into the segment logs. Each function first checks one flag, or one `Option`.

use std::time::Duration;

use crate::fold::connection::{ClientSide, Connection, ServerSide};
use crate::fold::segment_log::{LogItem, MOST_CONNECTIONS, SegmentLog, SegmentOutcome, SegmentPath};
use crate::fold::world::World;
use crate::model::cause::Cause;
use crate::model::peer::Peer;
use crate::model::segment::{Kind, Segment, Toward};
use crate::model::stamp::Stamp;

/// Writing resumes below this many connections.
const FEW_CONNECTIONS: usize = 384;

/// Writing stops above this many entries within [`WINDOW`]: more than a person can follow, at a cost.
const MOST_IN_WINDOW: u32 = 1_000;

/// The time over which entries are counted.
const WINDOW: Duration = Duration::from_millis(100);

/// The shortest pause of writing.
const REST: Duration = Duration::from_secs(1);

/// Whether segment logs are written.
#[derive(Clone, Copy, Debug)]
pub(in crate::fold::world) struct LogSwitch {
    pub(in crate::fold::world) open: bool,
    window: Stamp,
    /// Entries in this window, written or not.
    written: u32,
    rests_until: Stamp,
    /// Segments in no log.
    pub(in crate::fold::world) not_kept: u64,
    /// When the half-open requests were last listed.
    pub(in crate::fold::world) listed_at: Stamp,
}

impl Default for LogSwitch {
    fn default() -> Self {
        let start = Stamp::ZERO;
        Self { open: true, window: start, written: 0, rests_until: start, not_kept: 0, listed_at: start }
    }
}

/// Stops writing when there is too much to follow, and resumes it.
pub(in crate::fold::world) fn update_switch(world: &mut World, at: Stamp) {
    let connections = world.roster.count();
    let over = at.since(world.log_switch.window) >= WINDOW;
    if !world.log_switch.open {
        if over {
            let calm = world.log_switch.written <= MOST_IN_WINDOW / 2 && connections <= FEW_CONNECTIONS;
            world.log_switch.open = calm && at >= world.log_switch.rests_until;
            (world.log_switch.window, world.log_switch.written) = (at, 0);
        }
        return;
    }
    if over {
        (world.log_switch.window, world.log_switch.written) = (at, 0);
    }
    if connections > MOST_CONNECTIONS || world.log_switch.written > MOST_IN_WINDOW {
        world.log_switch.open = false;
        world.log_switch.rests_until = at + REST;
        world.roster.forget_logs();
    }
}

/// The connection with its log, if one is kept.
fn log_of(world: &mut World, peer: Peer) -> Option<&mut Connection> {
    world.log_switch.written = world.log_switch.written.saturating_add(1);
    if !world.log_switch.open {
        world.log_switch.not_kept += 1;
        return None;
    }
    let connection = world.roster.known(&peer)?;
    if connection.segment_log.is_none() {
        let from_start = connection.syns == 0 && connection.syn_acks == 0;
        connection.segment_log = Some(Box::new(SegmentLog { from_start, ..SegmentLog::default() }));
    }
    Some(connection)
}

/// A client of ours starts.
pub(in crate::fold::world) fn begin_log(world: &mut World, peer: Peer) {
    log_of(world, peer);
}

/// The server acts by itself; its new state is written next.
pub(in crate::fold::world) fn write_server_event(world: &mut World, at: Stamp, peer: Peer) {
    if world.log_switch.open
        && let Some(connection) = world.roster.known(&peer)
    {
        connection.write_server_entry(at);
    }
}

/// A segment leaves a client.
pub(in crate::fold::world) fn write_departure(world: &mut World, left: Stamp, peer: Peer, sent: (Kind, u8, Stamp)) {
    let Some(connection) = log_of(world, peer) else { return };
    let (kind, attempt, arrives) = sent;
    let way = SegmentPath {
        kind,
        toward: Toward::Listener,
        attempt: attempt.into(),
        left: Some(left),
        arrives: Some(arrives),
        fate: SegmentOutcome::UnderWay,
    };
    let sides = (connection.client, connection.server);
    if let Some(log) = &mut connection.segment_log {
        log.departed(way, sides);
    }
}

/// A segment passes the tap; written before the fold applies it.
pub(in crate::fold::world) fn write_segment(world: &mut World, at: Stamp, segment: &Segment) {
    let (peer, kind, toward) = (segment.peer, segment.kind(), segment.toward);
    if world.log_switch.open && kind == Kind::Syn {
        world.roster.entry(peer, at);
    }
    let Some(connection) = log_of(world, peer) else { return };
    let sides = (connection.client, connection.server);
    let attempt = 1 + match kind {
        Kind::Syn => connection.syns,
        Kind::SynAck => connection.syn_acks,
        _ => 0,
    };
    let attempt = match (&connection.segment_log, kind, toward) {
        (Some(log), Kind::Ack, Toward::Listener) => log.next_ack(),
        _ => attempt,
    };
    let way = SegmentPath { kind, toward, attempt, left: None, arrives: None, fate: SegmentOutcome::Arrived };
    let Some(log) = &mut connection.segment_log else { return };
    match (toward, kind) {
        (Toward::Listener, Kind::Syn) => {
            let opens = sides.1.is_over();
            if opens {
                log.resent = 0;
            }
            let fate = if opens { SegmentOutcome::Unanswered } else { SegmentOutcome::Arrived };
            log.arrived(at, SegmentPath { arrives: Some(at), fate, ..way }, sides);
        }
        (Toward::Listener, _) => log.arrived(at, SegmentPath { arrives: Some(at), ..way }, sides),
        (Toward::Client, Kind::SynAck) => log.answer(SegmentPath { left: Some(at), ..way }, sides),
        (Toward::Client, _) => log.push(LogItem::Passed(SegmentPath { left: Some(at), ..way }), sides.0, sides.1),
    }
}

/// The simulated network lost a segment.
pub(in crate::fold::world) fn write_loss(world: &mut World, peer: Peer, kind: Kind, outbound: bool) {
    if let Some(log) = world.roster.known(&peer).and_then(|connection| connection.segment_log.as_mut()) {
        log.lost(kind, outbound);
    }
}

/// The wire holds a segment until it is let go.
pub(in crate::fold::world) fn write_hold(world: &mut World, at: Stamp, peer: Peer, held: (Kind, bool)) {
    let Some(connection) = log_of(world, peer) else { return };
    let sides = (connection.client, connection.server);
    let toward = if held.1 { Toward::Listener } else { Toward::Client };
    if let Some(log) = &mut connection.segment_log {
        log.held(at, (held.0, toward), sides);
    }
}

impl Connection {
    /// The client is ESTABLISHED on its side.
    pub(in crate::fold::world) fn write_connected(&mut self, at: Stamp) {
        if let Some(log) = &mut self.segment_log {
            log.connected(at);
        }
    }

    /// The client is in a final state.
    pub(in crate::fold::world) fn write_client_end(&mut self, at: Stamp, side: ClientSide) {
        let server = self.server;
        if let Some(log) = &mut self.segment_log {
            log.push(LogItem::Client(at), side, server);
        }
    }

    fn write_server_entry(&mut self, at: Stamp) {
        let sides = (self.client, self.server);
        if let Some(log) = &mut self.segment_log {
            log.push(LogItem::Server(at), sides.0, sides.1);
        }
    }

    /// The server's side has this state now, and this position in its queue.
    pub(in crate::fold::world) fn write_server(&mut self, to: ServerSide, depths: (u32, u32)) {
        let place = match to {
            ServerSide::HalfOpen => Some(depths.0),
            ServerSide::Queued => Some(depths.1),
            _ => None,
        };
        if let Some(log) = &mut self.segment_log {
            log.server_is(to, place);
        }
    }

    /// A loss has a cause; a request removed by its timer is a server event.
    pub(in crate::fold::world) fn write_charge(&mut self, at: Stamp, cause: Cause) {
        if matches!(cause, Cause::RequestExpired | Cause::RequestPruned) {
            self.write_server_entry(at);
        } else if let Some(log) = &mut self.segment_log {
            log.charged(cause);
        }
    }
}
