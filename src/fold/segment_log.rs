//! The log of one connection: every segment in the order of departure, its outcome, and the state of both sides after it.
//!
//! A log belongs to its connection. Logs are written only while there are so few connections and segments that a person can
//! follow them; otherwise segments are only counted. Start at [`SegmentLog`], then [`next_steps`](super::world::next_steps).

use std::collections::VecDeque;

use crate::fold::belief::{ClientSide, ServerSide};
use crate::model::cause::Cause;
use crate::model::segment::{Kind, Toward};
use crate::model::stamp::Stamp;

/// With more connections than this no log is written.
pub const MOST_CONNECTIONS: usize = 512;

/// Entries kept per connection, the latest ones.
pub const MOST_ENTRIES: usize = 40;

/// The log of one connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SegmentLog {
    pub(in crate::fold) entries: VecDeque<LogEntry>,
    /// The number of earlier entries dropped.
    pub earlier: u32,
    /// False when the connection is older than its log.
    pub from_start: bool,
    /// SYN-ACKs that the request's timer has sent since the request was made.
    pub(in crate::fold) resent: u8,
}

/// One entry of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// What it is about.
    pub what: LogItem,
    /// The client's state after it.
    pub client: ClientSide,
    /// The server's state after it.
    pub server: ServerSide,
    /// The depth of the queue that the connection entered by it, itself included.
    pub place: Option<u32>,
}

/// What an entry is about.
#[derive(Clone, Debug, PartialEq)]
pub enum LogItem {
    /// A segment.
    Passed(SegmentPath),
    /// The server's state changed without a segment: accepted, closed, expired, pruned.
    Server(Stamp),
    /// The client's state changed without a segment: given up, reset, finished.
    Client(Stamp),
}

/// A segment's path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentPath {
    /// Its kind.
    pub kind: Kind,
    /// Its direction.
    pub toward: Toward,
    /// Its transmission, from 1; above 1: a retransmission.
    pub attempt: u16,
    /// When it left; `None` where only its arrival was seen.
    pub left: Option<Stamp>,
    /// When it arrived, or will if it is under way; `None` where that cannot be known.
    pub arrives: Option<Stamp>,
    /// Its outcome.
    pub fate: SegmentOutcome,
}

/// The outcome of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentOutcome {
    /// In flight.
    UnderWay,
    /// The wire holds it until it is let go.
    Held,
    /// It arrived; whether it is answered is not known yet.
    Unanswered,
    /// It arrived.
    Arrived,
    /// A SYN that was answered with a cookie: nothing was kept.
    Cookie,
    /// The kernel dropped, ignored or reset it for this cause.
    Dropped(Cause),
    /// The simulated network lost it.
    Lost,
}

impl SegmentOutcome {
    /// True for a segment that has not arrived.
    pub(in crate::fold) const fn is_on_its_way(self) -> bool {
        matches!(self, Self::UnderWay | Self::Held | Self::Lost)
    }
}

impl SegmentLog {
    /// The entries, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &LogEntry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// True when the client has sent a segment that the server must answer or reset.
    pub fn has_sent_data(&self) -> bool {
        self.paths().any(|way| way.toward == Toward::Listener && matches!(way.kind, Kind::Data | Kind::Fin))
    }

    /// The transmission number of the client's next ACK: each ignored one before it counts.
    pub(in crate::fold) fn next_ack(&self) -> u16 {
        let ignored = |way: &&SegmentPath| way.kind == Kind::Ack && matches!(way.fate, SegmentOutcome::Dropped(_));
        1 + self.paths().filter(ignored).count() as u16
    }

    pub(in crate::fold) fn paths(&self) -> impl DoubleEndedIterator<Item = &SegmentPath> {
        self.entries.iter().filter_map(|entry| match &entry.what {
            LogItem::Passed(way) => Some(way),
            LogItem::Server(_) | LogItem::Client(_) => None,
        })
    }

    pub(in crate::fold) fn ways(&mut self) -> impl DoubleEndedIterator<Item = &mut SegmentPath> {
        self.entries.iter_mut().filter_map(|entry| match &mut entry.what {
            LogItem::Passed(way) => Some(way),
            LogItem::Server(_) | LogItem::Client(_) => None,
        })
    }

    pub(in crate::fold) fn push(&mut self, what: LogItem, client: ClientSide, server: ServerSide) {
        if self.entries.len() == MOST_ENTRIES {
            self.entries.pop_front();
            self.earlier = self.earlier.saturating_add(1);
        }
        self.entries.push_back(LogEntry { what, client, server, place: None });
    }

    /// A segment leaves the client: a new one, or one that was held and is let go.
    pub(in crate::fold) fn departed(&mut self, leaves: SegmentPath, sides: (ClientSide, ServerSide)) {
        let same = |way: &&mut SegmentPath| {
            (way.kind, way.toward, way.attempt) == (leaves.kind, leaves.toward, leaves.attempt)
                && way.fate == SegmentOutcome::Held
        };
        if let Some(way) = self.ways().find(same) {
            (way.arrives, way.fate) = (leaves.arrives, leaves.fate);
        } else {
            self.push(LogItem::Passed(leaves), sides.0, sides.1);
        }
    }

    /// The latest segment of its kind is held on its way; one that nobody saw leave leaves now.
    pub(in crate::fold) fn held(&mut self, at: Stamp, (kind, toward): (Kind, Toward), sides: (ClientSide, ServerSide)) {
        let open = |way: &&mut SegmentPath| {
            (way.kind, way.toward) == (kind, toward)
                && match toward {
                    Toward::Listener => way.fate == SegmentOutcome::UnderWay,
                    Toward::Client => way.fate == SegmentOutcome::Arrived && way.arrives.is_none(),
                }
        };
        if let Some(way) = self.ways().rfind(open) {
            (way.fate, way.arrives) = (SegmentOutcome::Held, None);
            return;
        }
        let attempt = 1 + self.paths().filter(|way| (way.kind, way.toward) == (kind, toward)).count() as u16;
        let way = SegmentPath { kind, toward, attempt, left: Some(at), arrives: None, fate: SegmentOutcome::Held };
        self.push(LogItem::Passed(way), sides.0, sides.1);
    }

    /// A segment reached the listener's end: the oldest of its kind in flight, or one whose departure is unknown.
    pub(in crate::fold) fn arrived(&mut self, at: Stamp, passed: SegmentPath, sides: (ClientSide, ServerSide)) {
        let is_awaited = |entry: &LogEntry, fate| match &entry.what {
            LogItem::Passed(way) => (way.kind, way.toward, way.fate) == (passed.kind, passed.toward, fate),
            LogItem::Server(_) | LogItem::Client(_) => false,
        };
        let fates = [SegmentOutcome::UnderWay, SegmentOutcome::Held];
        let index = fates.into_iter().find_map(|fate| self.entries.iter().position(|entry| is_awaited(entry, fate)));
        let awaited = index.and_then(|index| self.entries.get_mut(index)).and_then(|entry| match &mut entry.what {
            LogItem::Passed(way) => Some((way, &mut entry.server)),
            LogItem::Server(_) | LogItem::Client(_) => None,
        });
        match awaited {
            Some((way, server)) => {
                (way.arrives, way.fate, *server) = (Some(at), passed.fate, sides.1);
                way.attempt = way.attempt.max(passed.attempt);
            }
            None => self.push(LogItem::Passed(passed), sides.0, sides.1),
        }
    }

    /// A SYN-ACK leaves: it answers pending SYNs, or the request's timer sent it.
    pub(in crate::fold) fn answer(&mut self, passed: SegmentPath, sides: (ClientSide, ServerSide)) {
        let here = |way: &&SegmentPath| !way.fate.is_on_its_way() || way.toward == Toward::Client;
        let before = self.paths().rev().filter(here).find(|way| matches!(way.kind, Kind::Syn | Kind::SynAck));
        if before.is_some_and(|way| way.kind == Kind::SynAck) {
            self.resent = self.resent.saturating_add(1);
        }
        self.settle_syns(sides.1);
        self.push(LogItem::Passed(passed), sides.0, sides.1);
    }

    /// Pending SYNs are answered, by a request or a cookie.
    pub(in crate::fold) fn settle_syns(&mut self, server: ServerSide) {
        let fate = match server {
            ServerSide::HalfOpen => SegmentOutcome::Arrived,
            ServerSide::CookieSent => SegmentOutcome::Cookie,
            _ => return,
        };
        for way in self.ways().filter(|way| way.kind == Kind::Syn && way.fate == SegmentOutcome::Unanswered) {
            way.fate = fate;
        }
    }

    /// The last segment that arrived (or an action of the server after it) led to `to`.
    pub(in crate::fold) fn server_is(&mut self, to: ServerSide, place: Option<u32>) {
        for entry in self.entries.iter_mut().rev() {
            entry.server = to;
            let moved = match &entry.what {
                LogItem::Passed(way) => way.toward == Toward::Listener && !way.fate.is_on_its_way(),
                LogItem::Server(_) => true,
                LogItem::Client(_) => false,
            };
            if moved {
                entry.place = place;
                break;
            }
        }
        self.settle_syns(to);
    }

    /// The client received the SYN-ACK.
    pub(in crate::fold) fn connected(&mut self, at: Stamp) {
        let is_delivery = |entry: &LogEntry| match &entry.what {
            LogItem::Passed(way) => way.kind == Kind::SynAck && way.fate != SegmentOutcome::Lost,
            LogItem::Server(_) | LogItem::Client(_) => false,
        };
        let Some(first) = self.entries.iter().position(is_delivery) else {
            let server = self.entries.back().map_or(ServerSide::Nothing, |entry| entry.server);
            self.push(LogItem::Client(at), ClientSide::Connected, server);
            return;
        };
        for entry in self.entries.range_mut(first..) {
            entry.client = ClientSide::Connected;
        }
        if let LogItem::Passed(way) = &mut self.entries[first].what {
            way.arrives.get_or_insert(at);
            if way.fate == SegmentOutcome::Held {
                way.fate = SegmentOutcome::Arrived;
            }
        }
    }

    pub(in crate::fold) fn charged(&mut self, cause: Cause) {
        let hit = |way: &&mut SegmentPath| match cause {
            cause if cause.is_syn() => way.kind == Kind::Syn && way.fate == SegmentOutcome::Unanswered,
            Cause::AckAcceptQueueFull | Cause::AckCookieAcceptQueueFull | Cause::AckReset => {
                way.toward == Toward::Listener && way.kind != Kind::Syn && way.fate == SegmentOutcome::Arrived
            }
            _ => false,
        };
        let way = if cause.is_syn() { self.ways().find(hit) } else { self.ways().rfind(hit) };
        if let Some(way) = way {
            way.fate = SegmentOutcome::Dropped(cause);
        }
    }

    pub(in crate::fold) fn lost(&mut self, kind: Kind, outbound: bool) {
        let toward = if outbound { Toward::Listener } else { Toward::Client };
        if let Some(way) = self.ways().rfind(|way| (way.kind, way.toward) == (kind, toward)) {
            (way.fate, way.arrives) = (SegmentOutcome::Lost, None);
        }
    }
}

impl LogEntry {
    /// When the segment left or, if unknown, arrived.
    pub fn at(&self) -> Stamp {
        match &self.what {
            LogItem::Passed(way) => way.left.or(way.arrives).unwrap_or(Stamp::ZERO),
            LogItem::Server(at) | LogItem::Client(at) => *at,
        }
    }
}
