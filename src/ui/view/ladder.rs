//! One connection as a ladder: each segment between client and server with its time, both sides' states after it, and what will
//! come next.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, list, next_steps, text};
use crate::fold::connection::ServerSide;
use crate::fold::segment_log::{LogEntry, LogItem, SegmentLog, SegmentOutcome, SegmentPath};
use crate::model::segment::Toward;
use crate::model::stamp::Stamp;
use crate::say;
use crate::text::wrap::split;
use crate::ui::browse::{Chosen, address, client_words, state_words};
use crate::ui::hit_map::Scroll;
use crate::ui::numbers;
use crate::ui::theme::{Meaning, ascii};

mod words;

/// A wait shorter than this between two lines is not shown.
const SHORTEST_GAP: Duration = Duration::from_millis(50);

/// Where the columns begin, and how wide the arrows are.
#[derive(Clone, Copy)]
struct Columns {
    what: u16,
    client: u16,
    arrow: u16,
    width: u16,
    server: u16,
}

/// One entry and the one before it.
struct LadderRow<'a> {
    entry: &'a LogEntry,
    before: Option<&'a LogEntry>,
    /// The moment that is shown, where that is not the present one.
    moment: Option<Stamp>,
}

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let area = list::around(buf, scene);
    scene.hit_map.borrow_mut().scroll(area, Scroll::Rows);
    let theme = scene.theme;
    let Some(chosen) = &scene.state.browse.chosen else {
        text::frame(buf, area, (say!("LADDER"), theme.strong()), ("", Style::new()), theme.calm());
        return;
    };
    let connection = &chosen.connection;
    let (mark, meaning) = list::mark(connection.belief());
    let style = meaning.map_or(theme.calm(), |meaning| theme.text(meaning));
    let title = format!("{} · {} · {}", say!("LADDER"), connection.label(), address(connection.peer));
    let ended = if chosen.gone.is_some() { say!("ended") } else { state_words(connection.belief()) };
    let moment = numbers::moment(connection.first_seen);
    let state = say!("{sign} {ended} · began at {moment} s", sign = mark, ended, moment = moment.trim());
    let inner = text::frame(buf, area, (&title, theme.strong()), (&state, style), theme.calm());
    let columns = columns(inner.width);
    heads(buf, Rect { height: 1, ..inner }, columns, scene);
    let body = next(buf, below_heads(inner), scene, (chosen, scene.now));
    if !lines(buf, body, columns, scene, chosen) {
        let missing = numbers::count(scene.world.segments_not_logged());
        let text =
            say!("nothing was written down: too much to follow ({missing} segments), or none is seen here", missing);
        text::write(buf, body, (1, 0), &text::fit(&text, body.width.saturating_sub(1)), theme.calm());
    }
}

/// The ladder of a connection in an area beside others: its lines, and what comes next.
pub(super) fn within(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, chosen: &Chosen) {
    let columns = columns(area.width);
    heads(buf, Rect { height: 1, ..area }, columns, scene);
    let body = next(buf, below_heads(area), scene, (chosen, scene.now));
    lines(buf, body, columns, scene, chosen);
}

fn below_heads(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

/// What comes next, in the last row or two; returns the area above.
fn next(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, (chosen, now): (&Chosen, Stamp)) -> Rect {
    let text = next_steps::whole(chosen, scene.world, now);
    let words = 2 + text::width(say!("next:"));
    let room = area.width.saturating_sub(words + 1);
    let (first, rest) = if area.height > 2 { split(&text, room) } else { (text.as_str(), "") };
    let foot = (1 + u16::from(!rest.is_empty())).min(area.height);
    let (above, bottom) =
        (Rect { height: area.height - foot, ..area }, Rect { y: area.bottom() - foot, height: foot, ..area });
    let style = scene.theme.strong();
    text::write(buf, bottom, (1, 0), say!("next:"), style);
    text::write(buf, bottom, (words, 0), &text::fit(first, room), style);
    text::write(buf, bottom, (words, 1), &text::fit(rest, room), style);
    above
}

/// The arrows take what the words of the server's side leave.
fn columns(width: u16) -> Columns {
    let (what, side, words) = match width {
        0..90 => (12, 12, 33),
        90..160 => (18, 13, 48),
        _ => (24, 16, 50),
    };
    let client = 9 + what;
    let arrow = width.saturating_sub(client + side + 1 + words).clamp(11, 60);
    Columns { what: 9, client, arrow: client + side, width: arrow, server: client + side + arrow + 1 }
}

fn heads(buf: &mut Buffer, area: Rect, columns: Columns, scene: &Scene<'_>) {
    let theme = scene.theme;
    text::write(buf, area, (1, 0), say!("seconds"), theme.calm());
    let client = say!("CLIENT");
    text::write(buf, area, (columns.arrow.saturating_sub(1 + text::width(client)), 0), client, theme.strong());
    text::write(buf, area, (columns.server, 0), say!("SERVER"), theme.strong());
}

/// The segment log of a connection; false where it is empty.
fn lines(buf: &mut Buffer, body: Rect, columns: Columns, scene: &Scene<'_>, chosen: &Chosen) -> bool {
    let Some(log) = chosen.connection.segment_log().filter(|log| log.entries().len() > 0) else { return false };
    let entries: Vec<_> = log.entries().collect();
    let later = scene.state.browse.later.min(entries.len().saturating_sub(1));
    let shown = &entries[..entries.len() - later];
    let height = usize::from(body.height);
    let airy = shown.len() * 2 <= height;
    let fit = if airy { shown.len() } else { height };
    let hidden = shown.len().saturating_sub(fit);
    let mut row = 0;
    for index in hidden..shown.len() {
        let before = index.checked_sub(1).map(|index| shown[index]);
        let ladder_row = LadderRow { entry: shown[index], before, moment: None };
        if airy && index > 0 {
            gap(buf, (body, row), columns, scene, &ladder_row);
            row += 1;
        }
        line(buf, (body, row), columns, (scene, chosen), &ladder_row);
        row += 1;
    }
    let earlier = hidden + log.earlier as usize;
    let hint = match (earlier, later) {
        (0, 0) if log.from_start => return true,
        (0, 0) => say!("its beginning was not written down").to_owned(),
        _ => say!("↑ {earlier} earlier  ↓ {later} later", earlier, later),
    };
    let head = Rect { y: body.y.saturating_sub(1), height: 1, ..body };
    text::write(
        buf,
        head,
        (columns.arrow, 0),
        &text::fit(&hint, columns.server - columns.arrow + 22),
        scene.theme.calm(),
    );
    true
}

/// The time between two lines, and the vertical lines of both sides.
fn gap(buf: &mut Buffer, (area, row): (Rect, u16), columns: Columns, scene: &Scene<'_>, ladder_row: &LadderRow<'_>) {
    let calm = scene.theme.calm();
    let waited = ladder_row.before.map(|before| ladder_row.entry.at().since(before.at()));
    if let Some(waited) = waited.filter(|waited| *waited >= SHORTEST_GAP) {
        text::write(buf, area, (columns.what, row), &format!("⋮ {}", numbers::span(waited)), calm);
    }
    text::write(buf, area, (columns.arrow.saturating_sub(2), row), "│", calm);
    if ladder_row.before.is_some_and(|before| !before.server.is_over()) {
        text::write(buf, area, (columns.server, row), "│", calm);
    }
}

fn line(buf: &mut Buffer, at: (Rect, u16), columns: Columns, whose: (&Scene<'_>, &Chosen), ladder_row: &LadderRow<'_>) {
    let ((area, row), (scene, chosen)) = (at, whose);
    let (theme, entry) = (scene.theme, ladder_row.entry);
    let wide = area.width >= 90;
    let time = numbers::elapsed(entry.at().since(chosen.connection.first_seen));
    text::write(buf, area, (0, row), &time, theme.calm());
    let name = words::what(entry, wide);
    let room = columns.client - columns.what;
    text::write(buf, area, (columns.what, row), &text::fit(&name, room), theme.strong());
    let client = client_words(entry.client);
    let changed = ladder_row.before.is_none_or(|before| before.client != entry.client);
    let style = if changed { theme.strong() } else { theme.calm() };
    let col = (columns.arrow - 1).saturating_sub(text::width(client));
    text::write(buf, area, (col, row), client, style);
    if let LogItem::Passed(path) = &entry.what {
        let way = way(path, ladder_row.moment).or_else(|| under_way(chosen, scene.clients_now));
        arrow(buf, (area, row), columns, (scene, way), path);
    }
    let server_changed = ladder_row.before.map_or(ServerSide::Nothing, |before| before.server) != entry.server;
    let style = if server_changed { theme.strong() } else { theme.calm() };
    let mut col = columns.server;
    for (text, meaning) in words::server(entry, &chosen.connection, area.width.saturating_sub(columns.server)) {
        let style = meaning.map_or(style, |meaning| theme.text(meaning));
        let text = ascii::written_out(&text, theme.ascii);
        let text = text::fit(&text, area.width.saturating_sub(col));
        col = text::write(buf, area, (col, row), &text, style) + 1;
    }
}

/// The segment's way as an arrow: as far as it has come, with the time that it took where there is room for it.
fn arrow(
    buf: &mut Buffer,
    (area, row): (Rect, u16),
    columns: Columns,
    (scene, way): (&Scene<'_>, Option<f64>),
    path: &SegmentPath,
) {
    let full = columns.width.saturating_sub(2);
    let (length, meaning) = match path.fate {
        SegmentOutcome::UnderWay => (progress(way, full), Some(Meaning::Travelling)),
        SegmentOutcome::Held => (full / 2, Some(Meaning::Travelling)),
        SegmentOutcome::Lost => (full / 2, Some(Meaning::Lost)),
        SegmentOutcome::Dropped(_) => (full, Some(Meaning::Lost)),
        SegmentOutcome::Unanswered | SegmentOutcome::Arrived | SegmentOutcome::Cookie => (full, None),
    };
    let style = meaning.map_or(Style::new(), |meaning| scene.theme.text(meaning));
    let shaft = "─".repeat(usize::from(length.saturating_sub(1)));
    let tip = match (path.fate, path.toward) {
        (SegmentOutcome::Lost, _) => "✗",
        (_, Toward::Listener) => "▶",
        (_, Toward::Client) => "◀",
    };
    match path.toward {
        Toward::Listener => {
            let col = text::write(buf, area, (columns.arrow, row), &shaft, style);
            text::write(buf, area, (col, row), tip, style);
        }
        Toward::Client => {
            let col = columns.arrow + full - length;
            let col = text::write(buf, area, (col, row), tip, style);
            text::write(buf, area, (col, row), &shaft, style);
        }
    }
    if let (Some(left), Some(arrives)) = (path.left, path.arrives)
        && path.fate != SegmentOutcome::UnderWay
        && full >= 20
        && arrives > left
    {
        let text = format!(" {} ", numbers::span(arrives.since(left)));
        let col = columns.arrow + (full - text::width(&text)) / 2;
        text::write(buf, area, (col, row), &text, scene.theme.calm());
    }
}

/// How far a segment had come at a moment, 0 to 1.
fn way(path: &SegmentPath, moment: Option<Stamp>) -> Option<f64> {
    let (left, arrives) = (path.left?, path.arrives?);
    Some(share((left, arrives), moment?))
}

/// How far the segment that is under way has come, in the clients' time.
fn under_way(chosen: &Chosen, clients: Stamp) -> Option<f64> {
    let travel = chosen.next_steps.coming?;
    Some(share((travel.left, travel.arrives), clients))
}

fn share((left, arrives): (Stamp, Stamp), at: Stamp) -> f64 {
    let whole = arrives.since(left).as_secs_f64();
    if whole > 0.0 { (at.since(left).as_secs_f64() / whole).min(1.0) } else { 1.0 }
}

fn progress(way: Option<f64>, full: u16) -> u16 {
    way.map_or(full, |way| 1 + (way * f64::from(full.saturating_sub(1))) as u16)
}

/// The ladder as it was at a moment: what was under way then had not arrived.
pub(super) fn until(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, (chosen, moment): (&Chosen, Stamp)) {
    let columns = columns(area.width);
    heads(buf, Rect { height: 1, ..area }, columns, scene);
    let mut body = below_heads(area);
    let entries = || chosen.connection.segment_log().into_iter().flat_map(SegmentLog::entries);
    // After the last of them, what comes next.
    if body.height > 2 && entries().all(|entry| ended(entry) <= moment) {
        body = next(buf, body, scene, (chosen, moment));
    }
    let mut then: Vec<LogEntry> = Vec::new();
    for entry in entries().filter(|entry| began(entry) <= moment) {
        let mut entry = entry.clone();
        if let LogItem::Passed(path) = &mut entry.what
            && path.arrives.is_some_and(|arrives| arrives > moment)
        {
            path.fate = SegmentOutcome::UnderWay;
            let before = then.last();
            entry.server = before.map_or(ServerSide::Nothing, |before| before.server);
            entry.client = before.map_or(entry.client, |before| before.client);
        }
        then.push(entry);
    }
    let hidden = then.len().saturating_sub(usize::from(body.height));
    for (row, index) in (0..).zip(hidden..then.len()) {
        let before = index.checked_sub(1).map(|index| &then[index]);
        let ladder_row = LadderRow { entry: &then[index], before, moment: Some(moment) };
        line(buf, (body, row), columns, (scene, chosen), &ladder_row);
    }
}

/// When a segment arrived, or something else happened.
fn ended(entry: &LogEntry) -> Stamp {
    match &entry.what {
        LogItem::Passed(path) => path.arrives.unwrap_or_else(|| entry.at()),
        LogItem::Server(_) | LogItem::Client(_) => entry.at(),
    }
}

/// When a segment left, or something else happened.
fn began(entry: &LogEntry) -> Stamp {
    match &entry.what {
        LogItem::Passed(path) => path.left.unwrap_or_else(|| entry.at()),
        LogItem::Server(_) | LogItem::Client(_) => entry.at(),
    }
}
