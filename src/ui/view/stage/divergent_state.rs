//! Connections whose client state (filled) and server state (hollow) differ.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, text};
use crate::fold::connection::{CombinedState, Connection};
use crate::say;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    let style = theme.text(Meaning::Divergent);
    let room = area.width.saturating_sub(text::width(say!("CLIENT AND SERVER DISAGREE")) + 6);
    let sums = sums(scene);
    let sum = sums.iter().find(|sum| text::width(sum) <= room).map_or("", String::as_str);
    let line = if scene.placement.divergent.is_empty() { theme.calm() } else { style };
    let inner = text::frame(buf, area, (say!("CLIENT AND SERVER DISAGREE"), theme.strong()), (sum, style), line);
    let inner = text::padded(inner);
    let cookies = &scene.placement.cookies;
    let shown_connections = divergent(scene);
    if shown_connections.is_empty() && cookies.is_empty() {
        let (text, style) = when_empty(scene);
        text::write(buf, inner, (0, 0), &text::fit(&text, inner.width), style);
    }
    let rows = usize::from(inner.height).saturating_sub(usize::from(!cookies.is_empty()));
    let shown = if shown_connections.len() > rows { rows.saturating_sub(1) } else { shown_connections.len() };
    for (row, connection) in shown_connections.iter().take(shown).enumerate() {
        let style =
            if connection.belief() == CombinedState::HalfOpen { theme.text(Meaning::Travelling) } else { style };
        text::write(buf, inner, (0, row as u16), &text::fit(&words(connection, inner.width), inner.width), style);
        scene.hit_map.borrow_mut().connection(text::row(inner, row as u16), connection);
    }
    if shown < shown_connections.len() {
        let (count, names) = (shown_connections.len() - shown, names(&shown_connections[shown..]));
        let text = if shown > 0 {
            say!("◌ ×{count} more: {names}", count, names)
        } else {
            format!("◌ ×{count} {names}")
        };
        text::write(buf, inner, (0, shown as u16), &text::fit(&text, inner.width), style);
    }
    if !cookies.is_empty() {
        let text = say!(
            "¤ ×{count} cookie sent, server keeps nothing: {names}",
            count = cookies.len(),
            names = names(cookies)
        );
        let row = rows.min(shown_connections.len()) as u16;
        text::write(buf, inner, (0, row), &text::fit(&text, inner.width), theme.text(Meaning::Travelling));
    }
}

/// The connections whose sides differ. Handshakes whose last ACK is under way are among them where the clients' time is so
/// slow that they can be looked at.
fn divergent<'a>(scene: &Scene<'a>) -> Vec<&'a Connection> {
    let tempo = scene.world.tempo;
    let slow = tempo.held || tempo.pace < 1.0;
    let finishing = if slow { &scene.placement.finishing[..] } else { &[] };
    scene.placement.divergent.iter().chain(finishing).copied().collect()
}

/// The text where no connection is shown.
fn when_empty(scene: &Scene<'_>) -> (String, Style) {
    let (calm, finishing) = (scene.theme.calm(), &scene.placement.finishing);
    if scene.world.is_reduced() {
        (say!("? not visible here: no packet tap").into(), calm)
    } else if scene.state.density == Density::Flows {
        (say!("too fast to draw single clients").into(), calm)
    } else if finishing.is_empty() {
        (say!("client and server agree").into(), calm)
    } else {
        (say!("last ACK under way: {names}", names = names(finishing)), calm)
    }
}

/// How many there are now, and how many there have been since the beginning: in words, and in the shortest form.
fn sums(scene: &Scene<'_>) -> [String; 2] {
    let (ghosts, phantoms) = (scene.world.clients.ghosts, scene.world.clients.phantoms);
    let kinds = match (ghosts, phantoms) {
        (0, 0) => return [String::new(), String::new()],
        (ghosts, 0) => self::ghosts(ghosts),
        (0, phantoms) => self::phantoms(phantoms),
        (some, others) => say!("{ghosts}, {phantoms}", ghosts = self::ghosts(some), phantoms = self::phantoms(others)),
    };
    let count = numbers::count(ghosts + phantoms);
    if scene.state.density == Density::Flows {
        // Single connections are not drawn.
        return [say!("{kinds} in total", kinds), say!("{count} in total", count)];
    }
    let now = scene.placement.divergent.len();
    if now as u64 == ghosts + phantoms {
        return [kinds, count];
    }
    if now == 0 {
        return [say!("{kinds} in total", kinds), say!("{count} in total", count)];
    }
    [say!("{now} now · {kinds} in total", now, kinds), say!("{now} now · {count} in total", now, count)]
}

fn ghosts(count: u64) -> String {
    if count == 1 { say!("1 ghost").into() } else { say!("{count} ghosts", count = numbers::count(count)) }
}

fn phantoms(count: u64) -> String {
    if count == 1 { say!("1 phantom").into() } else { say!("{count} phantoms", count = numbers::count(count)) }
}

/// The names of several, side by side.
fn names(list: &[&Connection]) -> String {
    list.iter().take(40).map(|connection| connection.label()).collect::<Vec<_>>().join(" ")
}

fn words(connection: &Connection, width: u16) -> String {
    let name = connection.label();
    let times = connection.acks_ignored;
    if connection.belief() == CombinedState::HalfOpen {
        let [whole, most, least] = [
            say!("{name} client: ESTABLISHED · server: SYN_RCVD, ACK under way", name),
            say!("{name} client: ESTABLISHED · server: SYN_RCVD", name),
            say!("{name} ESTABLISHED · server: SYN_RCVD", name),
        ];
        return [whole, most].into_iter().find(|text| text::width(text) <= width).unwrap_or(least);
    }
    match (connection.belief(), width >= 50) {
        (CombinedState::Ghost, true) => say!("● {name} client: connected  ◌ server: ACK ignored ×{times}", name, times),
        (CombinedState::Ghost, false) => say!("● {name} connected ◌ server: half-open", name),
        (_, true) => say!("● {name} client: connected  ◌ server: has nothing", name),
        (_, false) => say!("● {name} connected ◌ server: nothing", name),
    }
}
