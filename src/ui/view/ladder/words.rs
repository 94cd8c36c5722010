//! The texts beside the arrows of a ladder.

use super::super::text;
use crate::fold::connection::{ClientSide, Connection, ServerSide};
use crate::fold::segment_log::{LogEntry, LogItem, SegmentOutcome};
use crate::model::cause::Cause;
use crate::model::segment::Toward;
use crate::say;
use crate::text::words::segment_name;
use crate::ui::browse::server_words;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

/// What a line is about: `SYN, 2nd try`, `SYN-ACK`, `accept()`.
pub(super) fn what(entry: &LogEntry, wide: bool) -> String {
    match &entry.what {
        LogItem::Passed(path) => match (path.attempt, wide) {
            (0 | 1, _) => segment_name(path.kind).into(),
            (again, true) => {
                say!("{segment}, {nth} try", segment = segment_name(path.kind), nth = numbers::ordinal(again))
            }
            (again, false) => say!("{segment} {nth}", segment = segment_name(path.kind), nth = numbers::ordinal(again)),
        },
        LogItem::Server(_) => server_event(entry.server).into(),
        LogItem::Client(_) => end(entry.client).into(),
    }
}

fn server_event(server: ServerSide) -> &'static str {
    match server {
        ServerSide::Accepted => "accept()",
        ServerSide::Closed => "close()",
        ServerSide::Expired => say!("timer ends"),
        ServerSide::Pruned => say!("pruning"),
        ServerSide::ResetAway => say!("found reset"),
        _ => say!("server"),
    }
}

fn end(client: ClientSide) -> &'static str {
    match client {
        ClientSide::Connected => say!("connected"),
        ClientSide::Finished => say!("finished"),
        ClientSide::Refused | ClientSide::Reset => say!("reset"),
        ClientSide::TimedOut => say!("gives up"),
        ClientSide::Vanished => say!("falls silent"),
        ClientSide::Failed(_) | ClientSide::SynSent => say!("fails"),
    }
}

type Piece = (String, Option<Meaning>);

/// The server's side of a line: its state, and what it did with the segment, whole if there are so many columns.
pub(super) fn server(entry: &LogEntry, connection: &Connection, room: u16) -> Vec<Piece> {
    let state = || (server_words(entry.server).to_owned(), None);
    let outbound = match &entry.what {
        LogItem::Passed(path) => path.toward == Toward::Listener,
        LogItem::Server(_) => return vec![(removal(entry, connection), meaning_of(entry.server))],
        LogItem::Client(_) => return if entry.server == ServerSide::Nothing { Vec::new() } else { vec![state()] },
    };
    let LogItem::Passed(path) = &entry.what else { return Vec::new() };
    match path.fate {
        SegmentOutcome::UnderWay => Vec::new(),
        SegmentOutcome::Held => vec![(say!("held on the wire").into(), Some(Meaning::Travelling))],
        SegmentOutcome::Lost if outbound => vec![(say!("lost by the simulated network").into(), Some(Meaning::Lost))],
        SegmentOutcome::Lost => vec![state(), (say!("✗ lost on its way").into(), Some(Meaning::Lost))],
        SegmentOutcome::Unanswered => vec![(say!("no answer so far").into(), Some(Meaning::Travelling))],
        SegmentOutcome::Cookie => vec![(say!("¤ cookie: nothing is kept").into(), Some(Meaning::Travelling))],
        SegmentOutcome::Dropped(cause) => {
            let whole = dropped(cause, entry.server, true);
            let columns: u16 = whole.iter().map(|(text, _)| text::width(text) + 1).sum();
            if columns <= room + 1 { whole } else { dropped(cause, entry.server, false) }
        }
        SegmentOutcome::Arrived => match entry.place {
            Some(place) => vec![state(), (say!("place {place}", place), None)],
            None if entry.server == ServerSide::Nothing => Vec::new(),
            None => vec![state()],
        },
    }
}

fn dropped(cause: Cause, server: ServerSide, wide: bool) -> Vec<Piece> {
    let lost = |text: &str| (format!("✗ {text}"), Some(Meaning::Lost));
    let state = || (server_words(server).to_owned(), None);
    let divergent = |text: &str| (text.to_owned(), Some(Meaning::Divergent));
    match (cause, wide) {
        (Cause::SynAcceptQueueFull, true) => vec![lost(say!("accept queue full: dropped, no reply"))],
        (Cause::SynAcceptQueueFull, false) => vec![lost(say!("accept queue full: dropped"))],
        (Cause::SynSynQueueFull, true) => vec![lost(say!("SYN queue full, cookies off: dropped"))],
        (Cause::SynSynQueueFull, false) => vec![lost(say!("SYN queue full: dropped"))],
        (Cause::SynMaxSynBacklog, _) => vec![lost(say!("¾ rule (max_syn_backlog): dropped"))],
        (Cause::AckAcceptQueueFull, true) => {
            vec![state(), lost(say!("accept queue full: ignored")), divergent(say!("◌ GHOST"))]
        }
        (Cause::AckAcceptQueueFull, false) => vec![divergent("◌ SYN_RCVD"), lost(say!("ignored: queue full"))],
        (Cause::AckCookieAcceptQueueFull, true) => {
            vec![(say!("nothing").into(), None), lost(say!("accept queue full: ignored")), divergent(say!("◌ PHANTOM"))]
        }
        (Cause::AckCookieAcceptQueueFull, false) => {
            vec![divergent(say!("◌ nothing")), lost(say!("ignored: queue full"))]
        }
        (Cause::AckReset, _) => vec![lost(say!("accept queue full: RST"))],
        (Cause::RequestExpired | Cause::RequestPruned | Cause::ClientLost, _) => vec![lost(cause.words())],
    }
}

fn removal(entry: &LogEntry, connection: &Connection) -> String {
    match entry.server {
        ServerSide::Accepted => {
            let waited = connection.queued_at().map(|since| entry.at().since(since));
            waited.map_or_else(
                || say!("accepted").into(),
                |waited| say!("accepted after {time} in the queue", time = numbers::span(waited)),
            )
        }
        ServerSide::Expired => say!("⊘ request expired: no RST").into(),
        ServerSide::Pruned => say!("⊘ request pruned: SYN queue half full").into(),
        ServerSide::ResetAway => say!("↯ found reset").into(),
        side => server_words(side).into(),
    }
}

const fn meaning_of(server: ServerSide) -> Option<Meaning> {
    match server {
        ServerSide::Accepted => Some(Meaning::Served),
        ServerSide::Expired | ServerSide::Pruned | ServerSide::ResetAway => Some(Meaning::Lost),
        _ => None,
    }
}
