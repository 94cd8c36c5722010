//! One connection as a ladder: each segment between client and server with its time, both sides' states after it, and what will
//! come next.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, ink, list, next_steps};
use crate::fold::connection::ServerSide;
use crate::fold::segment_log::{LogEntry, LogItem, SegmentOutcome, SegmentPath};
use crate::model::segment::Toward;
use crate::model::stamp::Stamp;
use crate::say;
use crate::text::wrap::split;
use crate::ui::browse::{Chosen, address, belief_words, client_words};
use crate::ui::hit_map::Scroll;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

mod words;

/// A wait shorter than this between two lines is not told.
const WORTH_TELLING: Duration = Duration::from_millis(50);

/// Where the columns begin, and how wide the arrows are.
#[derive(Clone, Copy)]
struct Columns {
    what: u16,
    client: u16,
    arrow: u16,
    width: u16,
    server: u16,
}

/// One line and what stood before it.
struct LadderRow<'a> {
    entry: &'a LogEntry,
    before: Option<&'a LogEntry>,
}

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let area = list::around(buf, scene);
    scene.hit_map.borrow_mut().scroll(area, Scroll::Rows);
    let theme = scene.theme;
    let Some(chosen) = &scene.state.browse.chosen else {
        ink::frame(buf, area, (say!("LADDER"), theme.strong()), ("", Style::new()), theme.calm());
        return;
    };
    let one = &chosen.one;
    let (sign, meaning) = list::sign(one.belief());
    let style = meaning.map_or(theme.calm(), |meaning| theme.text(meaning));
    let title = format!("{} · {} · {}", say!("LADDER"), one.label(), address(one.peer));
    let ended = if chosen.gone.is_some() { say!("ended") } else { belief_words(one.belief()) };
    let moment = numbers::moment(one.first_seen);
    let state = say!("{sign} {ended} · began at {moment} s", sign, ended, moment = moment.trim());
    let inner = ink::frame(buf, area, (&title, theme.strong()), (&state, style), theme.calm());
    let text = next_steps::whole(chosen, scene.world, scene.now);
    let words = 2 + ink::width(say!("next:"));
    let (first, rest) = split(&text, inner.width.saturating_sub(words + 1));
    let foot = 1 + u16::from(!rest.is_empty());
    let columns = columns(inner.width);
    heads(buf, Rect { height: 1, ..inner }, columns, scene);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1 + foot), ..inner };
    if !lines(buf, body, columns, scene, chosen) {
        let missing = numbers::count(scene.world.segments_not_logged());
        let text =
            say!("nothing was written down: too much to follow ({missing} segments), or none is seen here", missing);
        ink::write(buf, body, (1, 0), &ink::fit(&text, body.width.saturating_sub(1)), theme.calm());
    }
    let bottom = Rect { y: inner.bottom().saturating_sub(foot), height: foot, ..inner };
    ink::write(buf, bottom, (1, 0), say!("next:"), theme.strong());
    ink::write(buf, bottom, (words, 0), first, theme.strong());
    ink::write(buf, bottom, (words, 1), &ink::fit(rest, bottom.width.saturating_sub(words)), theme.strong());
}

const fn columns(width: u16) -> Columns {
    let (what, side, arrow) = match width {
        0..90 => (12, 12, 11),
        90..160 => (18, 13, 28),
        _ => (24, 16, 60),
    };
    let client = 9 + what;
    Columns { what: 9, client, arrow: client + side, width: arrow, server: client + side + arrow + 1 }
}

fn heads(buf: &mut Buffer, area: Rect, columns: Columns, scene: &Scene<'_>) {
    let theme = scene.theme;
    ink::write(buf, area, (1, 0), say!("seconds"), theme.calm());
    let client = say!("CLIENT");
    ink::write(buf, area, (columns.arrow.saturating_sub(1 + ink::width(client)), 0), client, theme.strong());
    ink::write(buf, area, (columns.server, 0), say!("SERVER"), theme.strong());
}

/// What was written down of a connection; false where that is nothing.
fn lines(buf: &mut Buffer, body: Rect, columns: Columns, scene: &Scene<'_>, chosen: &Chosen) -> bool {
    let Some(page) = chosen.one.segment_log().filter(|page| page.entries().len() > 0) else { return false };
    let entries: Vec<_> = page.entries().collect();
    let later = scene.state.browse.later.min(entries.len().saturating_sub(1));
    let shown = &entries[..entries.len() - later];
    let height = usize::from(body.height);
    let airy = shown.len() * 2 <= height;
    let fit = if airy { shown.len() } else { height };
    let hidden = shown.len().saturating_sub(fit);
    let mut row = 0;
    for index in hidden..shown.len() {
        let before = index.checked_sub(1).map(|index| shown[index]);
        let rung = LadderRow { entry: shown[index], before };
        if airy && index > 0 {
            gap(buf, (body, row), columns, scene, &rung);
            row += 1;
        }
        line(buf, (body, row), columns, (scene, chosen), &rung);
        row += 1;
    }
    let earlier = hidden + page.earlier as usize;
    let hint = match (earlier, later) {
        (0, 0) if page.from_start => return true,
        (0, 0) => say!("its beginning was not written down").to_owned(),
        _ => say!("↑ {earlier} earlier  ↓ {later} later", earlier, later),
    };
    let head = Rect { y: body.y.saturating_sub(1), height: 1, ..body };
    ink::write(
        buf,
        head,
        (columns.arrow, 0),
        &ink::fit(&hint, columns.server - columns.arrow + 22),
        scene.theme.calm(),
    );
    true
}

/// The time between two lines, and both lives going on.
fn gap(buf: &mut Buffer, (area, row): (Rect, u16), columns: Columns, scene: &Scene<'_>, rung: &LadderRow<'_>) {
    let calm = scene.theme.calm();
    let waited = rung.before.map(|before| rung.entry.at().since(before.at()));
    if let Some(waited) = waited.filter(|waited| *waited >= WORTH_TELLING) {
        ink::write(buf, area, (columns.what, row), &format!("⋮ {}", numbers::span(waited)), calm);
    }
    ink::write(buf, area, (columns.arrow.saturating_sub(2), row), "│", calm);
    if rung.before.is_some_and(|before| !before.server.is_over()) {
        ink::write(buf, area, (columns.server, row), "│", calm);
    }
}

fn line(buf: &mut Buffer, at: (Rect, u16), columns: Columns, whose: (&Scene<'_>, &Chosen), rung: &LadderRow<'_>) {
    let ((area, row), (scene, chosen)) = (at, whose);
    let (theme, entry) = (scene.theme, rung.entry);
    let wide = area.width >= 90;
    let time = numbers::moment_of_life(entry.at().since(chosen.one.first_seen));
    ink::write(buf, area, (0, row), &time, theme.calm());
    let name = words::what(entry, wide);
    let room = columns.client - columns.what;
    ink::write(buf, area, (columns.what, row), &ink::fit(&name, room), theme.strong());
    let client = client_words(entry.client);
    let changed = rung.before.is_none_or(|before| before.client != entry.client);
    let style = if changed { theme.strong() } else { theme.calm() };
    let col = (columns.arrow - 1).saturating_sub(ink::width(client));
    ink::write(buf, area, (col, row), client, style);
    if let LogItem::Passed(way) = &entry.what {
        arrow(buf, (area, row), columns, (scene, chosen), way);
    }
    let server_changed = rung.before.map_or(ServerSide::Nothing, |before| before.server) != entry.server;
    let style = if server_changed { theme.strong() } else { theme.calm() };
    let mut col = columns.server;
    for (text, meaning) in words::server(entry, &chosen.one, wide) {
        let style = meaning.map_or(style, |meaning| theme.text(meaning));
        let text = ink::fit(&text, area.width.saturating_sub(col));
        col = ink::write(buf, area, (col, row), &text, style) + 1;
    }
}

/// The segment's way as an arrow: as far as it has come, with the time that it took where there is room for it.
fn arrow(
    buf: &mut Buffer,
    (area, row): (Rect, u16),
    columns: Columns,
    (scene, chosen): (&Scene<'_>, &Chosen),
    way: &SegmentPath,
) {
    let full = columns.width.saturating_sub(2);
    let (length, meaning) = match way.fate {
        SegmentOutcome::UnderWay => (progress(chosen, scene.clients, full), Some(Meaning::Travelling)),
        SegmentOutcome::Lost => (full / 2, Some(Meaning::Dying)),
        SegmentOutcome::Dropped(_) => (full, Some(Meaning::Dying)),
        SegmentOutcome::Unanswered | SegmentOutcome::Arrived | SegmentOutcome::Cookie => (full, None),
    };
    let style = meaning.map_or(Style::new(), |meaning| scene.theme.text(meaning));
    let shaft = "─".repeat(usize::from(length.saturating_sub(1)));
    let tip = match (way.fate, way.toward) {
        (SegmentOutcome::Lost, _) => "✗",
        (_, Toward::Listener) => "▶",
        (_, Toward::Client) => "◀",
    };
    match way.toward {
        Toward::Listener => {
            let col = ink::write(buf, area, (columns.arrow, row), &shaft, style);
            ink::write(buf, area, (col, row), tip, style);
        }
        Toward::Client => {
            let col = columns.arrow + full - length;
            let col = ink::write(buf, area, (col, row), tip, style);
            ink::write(buf, area, (col, row), &shaft, style);
        }
    }
    if let (Some(left), Some(arrives)) = (way.left, way.arrives)
        && way.fate != SegmentOutcome::UnderWay
        && full >= 20
        && arrives > left
    {
        let text = format!(" {} ", numbers::span(arrives.since(left)));
        let col = columns.arrow + (full - ink::width(&text)) / 2;
        ink::write(buf, area, (col, row), &text, scene.theme.calm());
    }
}

/// How far the segment that is under way has come, in the clients' time.
fn progress(chosen: &Chosen, clients: Stamp, full: u16) -> u16 {
    let Some(travel) = chosen.outlook.coming else { return full };
    let whole = travel.arrives.since(travel.left).as_secs_f64();
    let share = if whole > 0.0 { (clients.since(travel.left).as_secs_f64() / whole).min(1.0) } else { 1.0 };
    1 + (share * f64::from(full.saturating_sub(1))) as u16
}
