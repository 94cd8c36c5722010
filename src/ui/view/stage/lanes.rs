//! The clients' box: segments under way to the listener, each in a lane of its own, and dropped SYNs falling out of it.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::placement::FALL;
use super::super::{Scene, text};
use super::flows;
use crate::fold::connection::{Connection, Travel};
use crate::fold::reduced;
use crate::model::segment::Kind;
use crate::model::stamp::Stamp;
use crate::say;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

/// Columns at the gate, in which dropped SYNs fall.
const CHUTE: u16 = 4;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    let arrivals = scene.world.knobs.as_ref().map_or_else(String::new, numbers::arrivals);
    let inner = text::frame(buf, area, (say!("CLIENTS"), theme.strong()), (&arrivals, Style::new()), theme.calm());
    if scene.world.is_reduced() {
        return connecting(buf, inner, scene);
    }
    let lanes = Rect { width: inner.width.saturating_sub(CHUTE), ..inner };
    match scene.state.density {
        Density::Flows => return flows::paint(buf, inner, scene),
        Density::Marks => marks(buf, lanes, scene),
        Density::Cells => cells(buf, lanes, scene),
    }
    for connection in &scene.placement.falling {
        fall(buf, inner, scene, connection);
    }
}

/// Where no segment is seen: whose `connect()` has not returned, the longest first.
fn connecting(buf: &mut Buffer, inner: Rect, scene: &Scene<'_>) {
    let mut waiting: Vec<_> = scene.world.roster.iter().filter(|one| reduced::is_connecting(one)).collect();
    waiting.sort_unstable_by_key(|one| (one.client_since, one.id));
    let rows = usize::from(inner.height.saturating_sub(1));
    let shown = if waiting.len() > rows { rows.saturating_sub(1) } else { waiting.len() };
    for (row, one) in (0..).zip(&waiting[..shown]) {
        let waits = numbers::tenths(scene.now.since(one.client_since));
        let col = text::pieces(buf, inner, (0, row), &[(one.label(), scene.theme.strong())]);
        let room = inner.width.saturating_sub(col + 1 + text::width(&waits) + 1);
        let call = if room >= 9 { " connect()" } else { "" };
        text::write(buf, inner, (col, row), call, scene.theme.calm());
        text::right(buf, inner, row, &waits, scene.theme.text(Meaning::Travelling));
        scene.hit_map.borrow_mut().connection(text::row(inner, row), one);
    }
    if shown < waiting.len() {
        let text = say!("+{count} more", count = waiting.len() - shown);
        text::write(buf, inner, (0, shown as u16), &text, scene.theme.text(Meaning::Travelling));
    }
    let foot = inner.height.saturating_sub(1);
    let words = if inner.width < 17 { say!("? unseen") } else { say!("? segments unseen") };
    text::write(buf, inner, (0, foot), words, scene.theme.calm());
}

fn cells(buf: &mut Buffer, inner: Rect, scene: &Scene<'_>) {
    let mut taken = lanes_for(&scene.placement.travelling, usize::from(inner.height));
    let mut without_lane = 0;
    for connection in &scene.placement.travelling {
        let Some(travel) = connection.travel() else { continue };
        let Some(row) = free_lane(&mut taken, connection) else {
            without_lane += 1;
            continue;
        };
        segment(buf, inner, row, scene, (connection, travel));
    }
    if without_lane > 0 && inner.height > 0 {
        let text = say!("+{count} more", count = without_lane);
        text::right(buf, inner, inner.height - 1, &text, scene.theme.text(Meaning::Travelling));
    }
}

/// The lanes, none of them taken; where there are more segments than lanes the last one is for saying how many more.
pub(in crate::ui::view) fn lanes_for(travelling: &[&Connection], lanes: usize) -> Vec<bool> {
    let mut taken = vec![false; lanes];
    if travelling.len() > lanes
        && let Some(last) = taken.last_mut()
    {
        *last = true;
    }
    taken
}

/// The lane of a connection: always the same one for the same client, the next free one where it is taken.
pub(in crate::ui::view) fn free_lane(taken: &mut [bool], connection: &Connection) -> Option<u16> {
    let lanes = taken.len();
    let first = home(connection, lanes)?;
    let lane = (0..lanes).map(|step| (first + step) % lanes).find(|lane| !taken[*lane])?;
    taken[lane] = true;
    Some(lane as u16)
}

pub(in crate::ui::view) fn home(connection: &Connection, lanes: usize) -> Option<usize> {
    let number = connection.id.unwrap_or_else(|| u32::from(connection.peer.port())) as usize;
    number.checked_rem(lanes)
}

/// `n4 ────SYN▶`: the client stays on the left, the head moves.
fn segment(buf: &mut Buffer, inner: Rect, row: u16, scene: &Scene<'_>, (connection, travel): (&Connection, Travel)) {
    let handshake = matches!(travel.kind, Kind::Syn | Kind::Ack);
    let style = if handshake { scene.theme.text(Meaning::Travelling) } else { scene.theme.calm() };
    let name = connection.label();
    let head = head(connection, travel.kind, inner.width >= 15);
    let start = text::write(buf, inner, (0, row), &name, scene.theme.strong()) + 1;
    let track = inner.width.saturating_sub(start + text::width(&head));
    let trail = (f64::from(track) * progress(travel, scene.clients_now)).round() as usize;
    let col = text::write(buf, inner, (start, row), &"─".repeat(trail), style);
    let end = text::write(buf, inner, (col, row), &head, style);
    let whole = Rect { y: inner.y + row, height: 1, width: end.min(inner.width), ..inner };
    scene.hit_map.borrow_mut().connection(whole, connection);
}

pub(in crate::ui::view) fn head(connection: &Connection, kind: Kind, wide: bool) -> String {
    match kind {
        Kind::Syn if connection.syns > 0 && wide => say!("{nth} SYN▶", nth = numbers::ordinal(connection.syns + 1)),
        Kind::Syn if connection.syns > 0 => format!("SYN{}▶", (connection.syns + 1).min(99)),
        Kind::Syn => "SYN▶".into(),
        Kind::Ack => "ACK▶".into(),
        Kind::Data => say!("data▶").into(),
        Kind::Fin => "FIN▶".into(),
        Kind::Rst => "RST▶".into(),
        Kind::SynAck => "SYN-ACK▶".into(),
    }
}

/// How far a segment has come, 0 to 1.
pub(in crate::ui::view) fn progress(travel: Travel, now: Stamp) -> f64 {
    let whole = travel.arrives.since(travel.left).as_secs_f64();
    if whole > 0.0 { (now.since(travel.left).as_secs_f64() / whole).min(1.0) } else { 1.0 }
}

fn marks(buf: &mut Buffer, inner: Rect, scene: &Scene<'_>) {
    let style = scene.theme.text(Meaning::Travelling);
    for connection in &scene.placement.travelling {
        let (Some(travel), Some(row)) =
            (connection.travel(), home(connection, usize::from(inner.height.saturating_sub(1))))
        else {
            continue;
        };
        let col = f64::from(inner.width.saturating_sub(1)) * progress(travel, scene.clients_now);
        text::write(buf, inner, (col.round() as u16, row as u16 + 1), "▶", style);
    }
    let text = if inner.width >= 14 { say!("1 ▶ = 1 client") } else { say!("fast:▶=1") };
    text::write(buf, inner, (0, 0), text, scene.theme.calm());
}

/// A dropped SYN falls along the gate, from its lane to the floor.
fn fall(buf: &mut Buffer, inner: Rect, scene: &Scene<'_>, connection: &Connection) {
    let (Some(drop), Some(lane)) = (connection.last_drop, home(connection, usize::from(inner.height))) else { return };
    let share = fallen(scene.now.since(drop.at));
    let rest = f64::from(inner.height.saturating_sub(1)) - lane as f64;
    let row = lane as u16 + (rest * share).round() as u16;
    let text = if scene.state.density == Density::Cells { format!("✗ {}", connection.label()) } else { "✗".into() };
    text::right(buf, inner, row, &text, scene.theme.alarm());
}

/// How far it has fallen, 0 to 1: slowly at first.
pub(in crate::ui::view) fn fallen(since: Duration) -> f64 {
    let share = (since.as_secs_f64() / FALL.as_secs_f64()).min(1.0);
    share * share
}
