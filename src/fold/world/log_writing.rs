//! What the fold writes into the diaries. Each of these looks at one flag, or at one `Option`, before it does anything.

use std::time::Duration;

use crate::fold::connection::{ClientSide, Connection, ServerSide};
use crate::fold::segment_log::{LogItem, MOST_CONNECTIONS, SegmentLog, SegmentOutcome, SegmentPath};
use crate::fold::world::World;
use crate::model::cause::Cause;
use crate::model::peer::Peer;
use crate::model::segment::{Kind, Segment, Toward};
use crate::model::stamp::Stamp;

/// Writing begins again below so many connections.
const FEW_CONNECTIONS: usize = 384;

/// More entries than this within [`WINDOW`] are more than anybody follows, and cost more than they tell.
const MOST_IN_WINDOW: u32 = 1_000;

/// The time over which entries are counted.
const WINDOW: Duration = Duration::from_millis(100);

/// How long writing rests at least.
const REST: Duration = Duration::from_secs(1);

/// Whether diaries are written.
#[derive(Clone, Copy, Debug)]
pub(in crate::fold::world) struct LogSwitch {
    pub(in crate::fold::world) open: bool,
    window: Stamp,
    /// Entries in this window, or what would have been entries.
    written: u32,
    rests_until: Stamp,
    /// Segments that no diary has.
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

/// Closes the diaries where nobody could follow them, and opens them again.
pub(in crate::fold::world) fn tend_diaries(world: &mut World, at: Stamp) {
    let connections = world.roster.count();
    let over = at.since(world.desk.window) >= WINDOW;
    if !world.desk.open {
        if over {
            let calm = world.desk.written <= MOST_IN_WINDOW / 2 && connections <= FEW_CONNECTIONS;
            world.desk.open = calm && at >= world.desk.rests_until;
            (world.desk.window, world.desk.written) = (at, 0);
        }
        return;
    }
    if over {
        (world.desk.window, world.desk.written) = (at, 0);
    }
    if connections > MOST_CONNECTIONS || world.desk.written > MOST_IN_WINDOW {
        world.desk.open = false;
        world.desk.rests_until = at + REST;
        for one in world.roster.iter_mut() {
            one.diary = None;
        }
    }
}

/// The connection with its page, if one is kept.
fn page(world: &mut World, peer: Peer) -> Option<&mut Connection> {
    world.desk.written = world.desk.written.saturating_add(1);
    if !world.desk.open {
        world.desk.not_kept += 1;
        return None;
    }
    let one = world.roster.known(&peer)?;
    if one.diary.is_none() {
        let from_birth = one.syns == 0 && one.syn_acks == 0;
        one.diary = Some(Box::new(SegmentLog { from_birth, ..SegmentLog::default() }));
    }
    Some(one)
}

/// A client of ours begins.
pub(in crate::fold::world) fn write_birth(world: &mut World, peer: Peer) {
    page(world, peer);
}

/// The server does something of its own; its new state is written next.
pub(in crate::fold::world) fn write_deed(world: &mut World, at: Stamp, peer: Peer) {
    if world.desk.open
        && let Some(one) = world.roster.known(&peer)
    {
        one.write_server_deed(at);
    }
}

/// A segment sets out from a client.
pub(in crate::fold::world) fn write_departure(world: &mut World, left: Stamp, peer: Peer, sent: (Kind, u8, Stamp)) {
    let Some(one) = page(world, peer) else { return };
    let (kind, attempt, arrives) = sent;
    let way = SegmentPath {
        kind,
        toward: Toward::Listener,
        attempt: attempt.into(),
        left: Some(left),
        arrives: Some(arrives),
        fate: SegmentOutcome::UnderWay,
    };
    let sides = (one.client, one.server);
    if let Some(page) = &mut one.diary {
        page.push(LogItem::Passed(way), sides.0, sides.1);
    }
}

/// A segment passes the tap; written before the fold takes it.
pub(in crate::fold::world) fn write_segment(world: &mut World, at: Stamp, segment: &Segment) {
    let (peer, kind, toward) = (segment.peer, segment.kind(), segment.toward);
    if world.desk.open && kind == Kind::Syn {
        world.roster.entry(peer, at);
    }
    let Some(one) = page(world, peer) else { return };
    let sides = (one.client, one.server);
    let attempt = 1 + match kind {
        Kind::Syn => one.syns,
        Kind::SynAck => one.syn_acks,
        _ => 0,
    };
    let attempt = match (&one.diary, kind, toward) {
        (Some(page), Kind::Ack, Toward::Listener) => page.next_ack(),
        _ => attempt,
    };
    let way = SegmentPath { kind, toward, attempt, left: None, arrives: None, fate: SegmentOutcome::Arrived };
    let Some(page) = &mut one.diary else { return };
    match (toward, kind) {
        (Toward::Listener, Kind::Syn) => {
            let opens = sides.1.is_over();
            if opens {
                page.resent = 0;
            }
            let fate = if opens { SegmentOutcome::Unanswered } else { SegmentOutcome::Arrived };
            page.arrived(at, SegmentPath { arrives: Some(at), fate, ..way }, sides);
        }
        (Toward::Listener, _) => page.arrived(at, SegmentPath { arrives: Some(at), ..way }, sides),
        (Toward::Client, Kind::SynAck) => page.answer(SegmentPath { left: Some(at), ..way }, sides),
        (Toward::Client, _) => page.push(LogItem::Passed(SegmentPath { left: Some(at), ..way }), sides.0, sides.1),
    }
}

/// The simulated network lost a segment.
pub(in crate::fold::world) fn write_loss(world: &mut World, peer: Peer, kind: Kind, outbound: bool) {
    if let Some(page) = world.roster.known(&peer).and_then(|one| one.diary.as_mut()) {
        page.lost(kind, outbound);
    }
}

impl Connection {
    /// The client is connected in its own eyes.
    pub(in crate::fold::world) fn write_connected(&mut self, at: Stamp) {
        if let Some(page) = &mut self.diary {
            page.connected(at);
        }
    }

    /// The client has come to an end.
    pub(in crate::fold::world) fn write_client_end(&mut self, at: Stamp, side: ClientSide) {
        let server = self.server;
        if let Some(page) = &mut self.diary {
            page.push(LogItem::Client(at), side, server);
        }
    }

    fn write_server_deed(&mut self, at: Stamp) {
        let sides = (self.client, self.server);
        if let Some(page) = &mut self.diary {
            page.push(LogItem::Server(at), sides.0, sides.1);
        }
    }

    /// The server's side has this state now, and this place in its queue.
    pub(in crate::fold::world) fn write_server(&mut self, to: ServerSide, depths: (u32, u32)) {
        let place = match to {
            ServerSide::HalfOpen => Some(depths.0),
            ServerSide::Queued => Some(depths.1),
            _ => None,
        };
        if let Some(page) = &mut self.diary {
            page.server_is(to, place);
        }
    }

    /// A loss has a cause; a request that its timer has removed is a deed of the server.
    pub(in crate::fold::world) fn write_charge(&mut self, at: Stamp, cause: Cause) {
        if matches!(cause, Cause::RequestExpired | Cause::RequestPruned) {
            self.write_server_deed(at);
        } else if let Some(page) = &mut self.diary {
            page.charged(cause);
        }
    }

    /// A cause was taken back.
    pub(in crate::fold::world) fn write_refund(&mut self, cause: Cause) {
        if let Some(page) = &mut self.diary {
            page.refunded(cause);
        }
    }
}
