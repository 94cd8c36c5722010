//! The floor: who was dropped, why, and when it will try again. Nobody tells them, so the picture does.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::cast::is_fresh;
use super::super::{Scene, ink};
use super::flows;
use crate::fold::connection::{ClientSide, Connection, ServerSide};
use crate::fold::history::Slot;
use crate::model::cause::Cause;
use crate::say;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (theme, sum) = (scene.theme, scene.world.ledger.kernel_drops());
    let state = if sum > 0 { theme.text(Meaning::Dying) } else { theme.calm() };
    let any = !scene.cast.dropped.is_empty();
    let title =
        if area.width >= 60 { say!("DROPPED IN SILENCE · each tries again") } else { say!("DROPPED IN SILENCE") };
    let line = if any { theme.text(Meaning::Dying) } else { theme.calm() };
    let inner = ink::frame(
        buf,
        area,
        (title, theme.strong()),
        (&say!("{count} in all", count = numbers::count(sum)), state),
        line,
    );
    if scene.state.density == Density::Cells {
        cells(buf, inner, scene);
    } else {
        by_cause(buf, inner, scene);
    }
}

fn cells(buf: &mut Buffer, inner: Rect, scene: &Scene<'_>) {
    let everyone: Vec<_> = scene.cast.dropped.iter().chain(&scene.cast.lost).collect();
    if everyone.is_empty() {
        let text = if scene.world.ledger.kernel_drops() == 0 {
            say!("nothing was dropped so far")
        } else {
            say!("nobody is waiting outside")
        };
        ink::write(buf, inner, (0, 0), text, scene.theme.calm());
    }
    let rows = usize::from(inner.height);
    if everyone.len() <= rows {
        for (row, one) in everyone.iter().enumerate() {
            entry(buf, inner, row as u16, scene, one);
        }
        return;
    }
    let fresh: Vec<_> = scene.cast.dropped.iter().copied().filter(|one| is_fresh(one, scene.now)).collect();
    let mut waiting: Vec<_> = everyone.iter().copied().copied().collect();
    waiting.sort_by_key(|one| (one.retry.is_none(), one.retry.map(|retry| retry.at)));
    let mut row = 0;
    if !fresh.is_empty() {
        just_died(buf, inner, scene, &fresh);
        row += 1;
    }
    let room = rows - usize::from(row);
    let shown = if waiting.len() > room { room.saturating_sub(1) } else { waiting.len() };
    for one in &waiting[..shown] {
        entry(buf, inner, row, scene, one);
        row += 1;
    }
    crowd(buf, inner, row, scene, &waiting[shown..]);
}

/// Several died within the last second: one line with their names, so that each is to be read for as long as it is news.
fn just_died(buf: &mut Buffer, inner: Rect, scene: &Scene<'_>, fresh: &[&Connection]) {
    let theme = scene.theme;
    let why = fresh
        .iter()
        .filter_map(|one| one.last_drop)
        .map(|drop| reason(drop.cause))
        .next()
        .unwrap_or_else(|| say!("no answer"));
    let words = if inner.width >= 50 { say!(" SYN dropped: {why}: ", why) } else { format!(" {why}: ") };
    let pieces = [(format!("✗ ×{}", fresh.len()), theme.alarm()), (words, theme.text(Meaning::Dying))];
    let col = ink::pieces(buf, inner, (0, 0), &pieces);
    ink::write(buf, inner, (col, 0), &names_within(fresh, inner.width.saturating_sub(col)), theme.strong());
}

fn entry(buf: &mut Buffer, inner: Rect, row: u16, scene: &Scene<'_>, one: &Connection) {
    let theme = scene.theme;
    let fresh = is_fresh(one, scene.now);
    let (sign, words) = obituary(one, inner.width >= 50);
    let right = sequel(one, scene);
    let name = format!("{sign} {}", one.label());
    let (badge, text) =
        if fresh { (theme.alarm(), theme.text(Meaning::Dying)) } else { (theme.strong(), Style::new()) };
    let col = ink::pieces(buf, inner, (0, row), &[(name.as_str(), badge), (" ", Style::new())]);
    let room = inner.width.saturating_sub(col + ink::width(&right) + 1);
    ink::write(buf, inner, (col, row), &ink::fit(&words, room), text);
    ink::right(buf, inner, row, &right, if fresh { theme.strong() } else { Style::new() });
    scene.hit_map.borrow_mut().connection(ink::row(inner, row), one);
}

/// What became of it: a sign and words.
fn obituary(one: &Connection, long: bool) -> (&'static str, String) {
    match (one.client, one.server) {
        (ClientSide::TimedOut, _) => ("⊘", say!("gave up: ETIMEDOUT").into()),
        (ClientSide::Refused, _) => ("↯", say!("refused: ECONNREFUSED").into()),
        (ClientSide::Failed(errno), _) => ("⊘", say!("failed, errno {errno}", errno)),
        (_, ServerSide::ResetAway) => ("↯", say!("RST: connection reset").into()),
        (_, ServerSide::Expired) => ("⊘", say!("expired: no final ACK").into()),
        (_, ServerSide::Pruned) => ("⊖", say!("pruned: under pressure").into()),
        _ => {
            let why = one.last_drop.map_or_else(|| say!("no answer"), |drop| reason(drop.cause));
            let sign = if one.last_drop.is_some_and(|drop| drop.cause == Cause::ClientLost) { "≈" } else { "✗" };
            let lost = sign == "✗" && long;
            (sign, if lost { say!("SYN dropped: {why}", why) } else { why.into() })
        }
    }
}

fn reason(cause: Cause) -> &'static str {
    match cause {
        Cause::SynAcceptQueueFull | Cause::AckAcceptQueueFull | Cause::AckCookieAcceptQueueFull => {
            say!("accept queue full")
        }
        Cause::SynSynQueueFull => say!("SYN queue full"),
        Cause::SynMaxSynBacklog => say!("three-quarters rule"),
        Cause::AckReset => say!("reset on overflow"),
        Cause::RequestExpired => say!("request expired"),
        Cause::RequestPruned => say!("request pruned"),
        Cause::ClientLost => say!("lost on the way"),
    }
}

/// What happens next: the countdown to the client's retry.
fn sequel(one: &Connection, scene: &Scene<'_>) -> String {
    match one.retry.filter(|_| one.server != ServerSide::ResetAway) {
        Some(retry) => {
            let left = numbers::countdown(retry.at.since(scene.clients));
            if retry.gives_up { say!("gives up in {left}", left) } else { say!("again in {left}", left) }
        }
        None => String::new(),
    }
}

/// More than there is room for: one line for all of them.
fn crowd(buf: &mut Buffer, inner: Rect, row: u16, scene: &Scene<'_>, rest: &[&Connection]) {
    if rest.is_empty() || row >= inner.height {
        return;
    }
    let next = rest.iter().filter_map(|one| one.retry).map(|retry| retry.at).min();
    let right =
        next.map_or_else(String::new, |at| say!("next in {left}", left = numbers::countdown(at.since(scene.clients))));
    let count = rest.len();
    let text = |names: &str| {
        if next.is_some() {
            say!("✗ ×{count} wait outside: {names}", count, names)
        } else {
            say!("×{count} more: {names}", count, names)
        }
    };
    let room = inner.width.saturating_sub(ink::width(&right) + 1);
    let text = text(&names_within(rest, room.saturating_sub(ink::width(&text("")))));
    ink::write(buf, inner, (0, row), &ink::fit(&text, room), Style::new());
    ink::right(buf, inner, row, &right, Style::new());
}

/// As many names as there is room for, none of them cut.
fn names_within(list: &[&Connection], room: u16) -> String {
    let mut text = String::new();
    for (index, one) in list.iter().enumerate() {
        let label = one.label();
        let more = if index + 1 < list.len() { 2 } else { 0 };
        if ink::width(&text) + 1 + ink::width(&label) + more > room {
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
    let rate = ink::right_cell(&numbers::rate(per_s), 7);
    ink::write(buf, inner, (0, 0), &say!("✗ {rate} dropped now", rate), style);
    let tolls = scene.world.ledger.lost_by_cause().filter(|(_, toll)| toll.segments > 0);
    for (row, (cause, toll)) in (1..inner.height).zip(tolls) {
        let text = format!("✗ ×{:<5} {}", numbers::count(toll.segments), cause.words());
        ink::write(buf, inner, (0, row), &ink::fit(&text, inner.width), theme.text(Meaning::Dying));
    }
}
