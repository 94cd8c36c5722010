//! The diary of one connection: every segment in the order in which it set out, its fate, and what both sides believed after it.
//!
//! A page lives in its connection and goes with it. Pages are written only while there are so few connections and moves that a
//! person can follow them; else one flag is looked at, and what was not written is counted. Start at [`SegmentLog`], then
//! [`next_steps`](super::world::next_steps).

use std::collections::VecDeque;

use crate::fold::belief::{ClientSide, ServerSide};
use crate::model::cause::Cause;
use crate::model::segment::{Kind, Toward};
use crate::model::stamp::Stamp;

/// With more connections than this nothing is written.
pub const MOST_CONNECTIONS: usize = 512;

/// So many entries are kept of one connection, the latest ones.
pub const MOST_ENTRIES: usize = 40;

/// One connection's diary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SegmentLog {
    pub(in crate::fold) entries: VecDeque<LogEntry>,
    /// How many earlier entries were let go.
    pub earlier: u32,
    /// False when the connection was there before its diary was begun.
    pub from_birth: bool,
    /// SYN-ACKs that the request's timer has sent since the request was made.
    pub(in crate::fold) resent: u8,
}

/// One line of a diary.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// What it is about.
    pub what: LogItem,
    /// What the client believed after it.
    pub client: ClientSide,
    /// What the server's kernel had after it.
    pub server: ServerSide,
    /// Entries in the queue that it brought the connection into, with this one.
    pub place: Option<u32>,
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq)]
pub enum LogItem {
    /// A segment.
    Passed(SegmentPath),
    /// The server's side changed without a segment: accepted, closed, expired, pruned.
    Server(Stamp),
    /// The client's side changed without a segment: given up, reset, finished.
    Client(Stamp),
}

/// A segment's way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentPath {
    /// What it was.
    pub kind: Kind,
    /// Which way it went.
    pub toward: Toward,
    /// Which try of its kind, from 1.
    pub attempt: u16,
    /// When it left; `None` where only its arrival was seen.
    pub left: Option<Stamp>,
    /// When it arrived, or will if it is under way; `None` where that cannot be known.
    pub arrives: Option<Stamp>,
    /// What became of it.
    pub fate: SegmentOutcome,
}

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentOutcome {
    /// On its way.
    UnderWay,
    /// It is there; whether it is answered is not known yet.
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

impl SegmentLog {
    /// The lines, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &LogEntry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// True when the client has sent something that the server must answer or reset: it will learn what became of it.
    pub fn has_sent_data(&self) -> bool {
        self.passages().any(|way| way.toward == Toward::Listener && matches!(way.kind, Kind::Data | Kind::Fin))
    }

    /// Which try the next ACK of the client is: each one before it that was ignored was one.
    pub(in crate::fold) fn next_ack(&self) -> u16 {
        let ignored = |way: &&SegmentPath| way.kind == Kind::Ack && matches!(way.fate, SegmentOutcome::Dropped(_));
        1 + self.passages().filter(ignored).count() as u16
    }

    pub(in crate::fold) fn passages(&self) -> impl DoubleEndedIterator<Item = &SegmentPath> {
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

    /// A segment reached the listener's end: the oldest of its kind that is under way, or one whose departure was not told.
    pub(in crate::fold) fn arrived(&mut self, at: Stamp, passed: SegmentPath, sides: (ClientSide, ServerSide)) {
        let awaited = self.entries.iter_mut().find_map(|entry| match &mut entry.what {
            LogItem::Passed(way)
                if (way.kind, way.toward, way.fate) == (passed.kind, passed.toward, SegmentOutcome::UnderWay) =>
            {
                Some((way, &mut entry.server))
            }
            _ => None,
        });
        match awaited {
            Some((way, server)) => {
                (way.arrives, way.fate, *server) = (Some(at), passed.fate, sides.1);
                way.attempt = way.attempt.max(passed.attempt);
            }
            None => self.push(LogItem::Passed(passed), sides.0, sides.1),
        }
    }

    /// A SYN-ACK leaves: it answers the SYNs that wait, or the request's timer has sent it.
    pub(in crate::fold) fn answer(&mut self, passed: SegmentPath, sides: (ClientSide, ServerSide)) {
        let here = |way: &&SegmentPath| {
            !matches!(way.fate, SegmentOutcome::UnderWay | SegmentOutcome::Lost) || way.toward == Toward::Client
        };
        let before = self.passages().rev().filter(here).find(|way| matches!(way.kind, Kind::Syn | Kind::SynAck));
        if before.is_some_and(|way| way.kind == Kind::SynAck) {
            self.resent = self.resent.saturating_add(1);
        }
        self.settle_syns(sides.1);
        self.push(LogItem::Passed(passed), sides.0, sides.1);
    }

    /// The SYNs that wait are answered, by a request or by a cookie.
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

    /// The last segment that arrived at the listener (or what the server did after it) has led to `to`.
    pub(in crate::fold) fn server_is(&mut self, to: ServerSide, place: Option<u32>) {
        for entry in self.entries.iter_mut().rev() {
            entry.server = to;
            let moved = match &entry.what {
                LogItem::Passed(way) => {
                    way.toward == Toward::Listener
                        && !matches!(way.fate, SegmentOutcome::UnderWay | SegmentOutcome::Lost)
                }
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

    /// The client has got the SYN-ACK.
    pub(in crate::fold) fn connected(&mut self, at: Stamp) {
        let told = |entry: &LogEntry| match &entry.what {
            LogItem::Passed(way) => way.kind == Kind::SynAck && way.fate != SegmentOutcome::Lost,
            LogItem::Server(_) | LogItem::Client(_) => false,
        };
        let Some(first) = self.entries.iter().position(told) else {
            let server = self.entries.back().map_or(ServerSide::Nothing, |entry| entry.server);
            self.push(LogItem::Client(at), ClientSide::Connected, server);
            return;
        };
        for entry in self.entries.range_mut(first..) {
            entry.client = ClientSide::Connected;
        }
        if let LogItem::Passed(way) = &mut self.entries[first].what {
            way.arrives.get_or_insert(at);
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

    pub(in crate::fold) fn refunded(&mut self, cause: Cause) {
        if let Some(way) = self.ways().rfind(|way| way.fate == SegmentOutcome::Dropped(cause)) {
            way.fate = if cause.is_syn() { SegmentOutcome::Unanswered } else { SegmentOutcome::Arrived };
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
    /// When it began: when the segment left or, where that is not known, arrived.
    pub fn at(&self) -> Stamp {
        match &self.what {
            LogItem::Passed(way) => way.left.or(way.arrives).unwrap_or(Stamp::ZERO),
            LogItem::Server(at) | LogItem::Client(at) => *at,
        }
    }
}
