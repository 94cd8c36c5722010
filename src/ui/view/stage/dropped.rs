//! The floor: which connections were dropped, why, and when the client will try again.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::placement::is_fresh;
use super::super::{Scene, ledger, text};
use super::flows;
use crate::fold::connection::{ClientSide, Connection, ServerSide};
use crate::fold::history::Slot;
use crate::fold::reduced;
use crate::model::cause::Cause;
use crate::say;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::{Meaning, ascii};

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (theme, sum) = (scene.theme, reduced::drops(scene.world));
    let state = if sum.is_some_and(|sum| sum > 0) { theme.text(Meaning::Lost) } else { theme.calm() };
    let any = !scene.placement.dropped.is_empty();
    let unseen = scene.world.is_reduced();
    let title = match area.width {
        _ if unseen => say!("DROPS"),
        60.. => say!("SILENT DROPS · clients will retry"),
        _ => say!("SILENT DROPS"),
    };
    let line = if any { theme.text(Meaning::Lost) } else { theme.calm() };
    let sum = sum.map_or_else(|| "?".to_owned(), packets);
    let inner = text::frame(buf, area, (title, theme.strong()), (&sum, state), line);
    let inner = text::padded(inner);
    if unseen {
        without_causes(buf, inner, scene);
    } else if scene.state.density == Density::Cells {
        cells(buf, inner, scene);
    } else {
        by_cause(buf, inner, scene);
    }
}

/// Where no segment is seen: how many the listener counted, and what of them is not known.
fn without_causes(buf: &mut Buffer, inner: Rect, scene: &Scene<'_>) {
    let (theme, connecting) =
        (scene.theme, scene.world.roster.iter().filter(|one| reduced::is_connecting(one)).count());
    let counted = match reduced::drops_without_cause(scene.world) {
        None => say!("? the listener's own count cannot be read").into(),
        Some(0) => say!("the listener has dropped nothing").into(),
        Some(count) => say!("✗ dropped: {count} (sk_drops)", count = numbers::count(count)),
    };
    let waiting = say!("connect() has not returned: {count}", count = connecting);
    let cause = say!("? cause not visible here").to_owned();
    let rows = [(counted, Style::new()), (cause, theme.calm()), (waiting, Style::new())];
    // A label without a value says nothing.
    let shown = if connecting > 0 { rows.len() } else { rows.len() - 1 };
    for (row, (words, style)) in (0..).zip(rows).take(shown) {
        text::write(buf, inner, (0, row), &text::fit(&ascii::written_out(&words, theme.ascii), inner.width), style);
    }
}

/// How many were dropped; nothing where none was.
fn packets(sum: u64) -> String {
    match sum {
        0 => String::new(),
        1 => say!("1 packet").into(),
        _ => say!("{count} packets", count = numbers::count(sum)),
    }
}

fn cells(buf: &mut Buffer, inner: Rect, scene: &Scene<'_>) {
    let outside: Vec<_> = scene.placement.dropped.iter().chain(&scene.placement.lost).collect();
    if outside.is_empty() {
        let text = if scene.world.ledger.kernel_drops() == 0 {
            say!("no drops")
        } else {
            say!("no client is waiting to retry")
        };
        text::write(buf, inner, (0, 0), text, scene.theme.calm());
    }
    let rows = usize::from(inner.height);
    if outside.len() <= rows {
        for (row, connection) in outside.iter().enumerate() {
            entry(buf, inner, row as u16, scene, connection);
        }
        return;
    }
    let fresh: Vec<_> =
        scene.placement.dropped.iter().copied().filter(|connection| is_fresh(connection, scene.now)).collect();
    let mut waiting: Vec<_> = outside.iter().copied().copied().collect();
    waiting.sort_by_key(|connection| (connection.retry.is_none(), connection.retry.map(|retry| retry.at)));
    let mut row = 0;
    if !fresh.is_empty() {
        recent_drops(buf, inner, scene, &fresh);
        row += 1;
    }
    let room = rows.saturating_sub(usize::from(row));
    let shown = if waiting.len() > room { room.saturating_sub(1) } else { waiting.len() };
    for connection in &waiting[..shown] {
        entry(buf, inner, row, scene, connection);
        row += 1;
    }
    crowd(buf, inner, row, scene, &waiting[shown..]);
}

/// Several drops within the last second: one line with their names, so that each can be read for as long as it is fresh.
fn recent_drops(buf: &mut Buffer, inner: Rect, scene: &Scene<'_>, fresh: &[&Connection]) {
    let theme = scene.theme;
    let why = fresh
        .iter()
        .filter_map(|connection| connection.last_drop)
        .map(|drop| reason(drop.cause))
        .next()
        .unwrap_or_else(|| say!("no answer"));
    let words = if inner.width >= 50 { say!(" SYN dropped: {why}: ", why) } else { format!(" {why}: ") };
    let words = ascii::written_out(&words, theme.ascii).into_owned();
    let pieces = [(format!("✗ ×{}", fresh.len()), theme.alarm()), (words, theme.text(Meaning::Lost))];
    let col = text::pieces(buf, inner, (0, 0), &pieces);
    text::write(buf, inner, (col, 0), &names_within(fresh, inner.width.saturating_sub(col)), theme.strong());
}

fn entry(buf: &mut Buffer, inner: Rect, row: u16, scene: &Scene<'_>, connection: &Connection) {
    let theme = scene.theme;
    let fresh = is_fresh(connection, scene.now);
    let (mark, words) = outcome(connection, inner.width >= 50);
    let right = next_retry(connection, scene);
    let name = format!("{mark} {}", connection.label());
    let (badge, text) = if fresh { (theme.alarm(), theme.text(Meaning::Lost)) } else { (theme.strong(), Style::new()) };
    let col = text::pieces(buf, inner, (0, row), &[(name.as_str(), badge), (" ", Style::new())]);
    let room = inner.width.saturating_sub(col + text::width(&right) + 1);
    let words = ascii::written_out(&words, theme.ascii);
    text::write(buf, inner, (col, row), &text::fit(&words, room), text);
    text::right(buf, inner, row, &right, if fresh { theme.strong() } else { Style::new() });
    scene.hit_map.borrow_mut().connection(text::row(inner, row), connection);
}

/// The outcome of a connection: a mark and a text.
fn outcome(connection: &Connection, long: bool) -> (&'static str, String) {
    match (connection.client, connection.server) {
        (ClientSide::TimedOut, _) => ("⊘", say!("gave up: ETIMEDOUT").into()),
        (ClientSide::Refused, _) => ("↯", say!("refused: ECONNREFUSED").into()),
        (ClientSide::Failed(errno), _) => ("⊘", say!("failed, errno {errno}", errno)),
        (_, ServerSide::ResetAway) => ("↯", say!("RST: connection reset").into()),
        (_, ServerSide::Expired) => ("⊘", say!("expired: no final ACK").into()),
        (_, ServerSide::Pruned) => ("⊖", say!("pruned: under pressure").into()),
        _ => {
            let why = connection.last_drop.map_or_else(|| say!("no answer"), |drop| reason(drop.cause));
            let mark =
                if connection.last_drop.is_some_and(|drop| drop.cause == Cause::ClientLost) { "≈" } else { "✗" };
            let lost = mark == "✗" && long;
            (mark, if lost { say!("SYN dropped: {why}", why) } else { why.into() })
        }
    }
}

fn reason(cause: Cause) -> &'static str {
    match cause {
        Cause::SynAcceptQueueFull | Cause::AckAcceptQueueFull | Cause::AckCookieAcceptQueueFull => {
            say!("accept queue full")
        }
        Cause::SynSynQueueFull => say!("SYN queue full"),
        Cause::SynMaxSynBacklog => say!("¾ rule (max_syn_backlog)"),
        Cause::AckReset => say!("reset on overflow"),
        Cause::RequestExpired => say!("request expired"),
        Cause::RequestPruned => say!("request pruned"),
        Cause::ClientLost => say!("lost on the way"),
    }
}

/// What happens next: the countdown to the client's retry.
fn next_retry(connection: &Connection, scene: &Scene<'_>) -> String {
    match connection.retry.filter(|_| connection.server != ServerSide::ResetAway) {
        Some(retry) => {
            let left = numbers::countdown(retry.at.since(scene.clients_now));
            if retry.gives_up { say!("gives up in {left}", left) } else { say!("retry in {left}", left) }
        }
        None => String::new(),
    }
}

/// More than there is room for: one line for all of them.
fn crowd(buf: &mut Buffer, inner: Rect, row: u16, scene: &Scene<'_>, rest: &[&Connection]) {
    if rest.is_empty() || row >= inner.height {
        return;
    }
    let next = rest.iter().filter_map(|connection| connection.retry).map(|retry| retry.at).min();
    let right = next
        .map_or_else(String::new, |at| say!("next in {left}", left = numbers::countdown(at.since(scene.clients_now))));
    let count = rest.len();
    let text = |names: &str| {
        if next.is_some() {
            say!("✗ ×{count} waiting to retry: {names}", count, names)
        } else {
            say!("×{count} more: {names}", count, names)
        }
    };
    let room = inner.width.saturating_sub(text::width(&right) + 1);
    let text = text(&names_within(rest, room.saturating_sub(text::width(&text("")))));
    text::write(buf, inner, (0, row), &text::fit(&text, room), Style::new());
    text::right(buf, inner, row, &right, Style::new());
}

/// As many names as there is room for, none of them cut.
fn names_within(list: &[&Connection], room: u16) -> String {
    let mut text = String::new();
    for (index, connection) in list.iter().enumerate() {
        let label = connection.label();
        let more = if index + 1 < list.len() { 2 } else { 0 };
        if text::width(&text) + 1 + text::width(&label) + more > room {
            return if text.is_empty() { text } else { text + " …" };
        }
        if index > 0 {
            text.push(' ');
        }
        text.push_str(&label);
    }
    text
}

/// Too fast for names: the causes with their rates.
fn by_cause(buf: &mut Buffer, inner: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    let per_s = flows::rate(scene, Slot::kernel_drops);
    let style = if per_s > 0.0 { theme.alarm() } else { theme.calm() };
    let rate = text::right_cell(&numbers::rate(per_s), 7);
    text::write(buf, inner, (0, 0), &say!("✗ {rate} dropped now", rate), style);
    let counts = scene.world.ledger.lost_by_cause().filter(|(_, count)| count.segments > 0);
    for (row, (cause, count)) in (1..inner.height).zip(counts) {
        let words = if inner.width >= 50 { cause.words() } else { ledger::words(cause) };
        let words = ascii::written_out(words, theme.ascii);
        let text = format!("✗ ×{:<5} {words}", numbers::count(count.segments));
        text::write(buf, inner, (0, row), &text::fit(&text, inner.width), theme.text(Meaning::Lost));
    }
}
