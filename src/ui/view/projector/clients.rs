//! The clients: how many come per second, and what is under way, each with its name in its own hue.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::large::{boxed, cut};
use super::super::letters::Letter;
use super::super::places::hue;
use super::super::stage::{flows, lanes};
use super::super::{Scene, text};
use super::fall;
use super::plan::Plan;
use crate::fold::connection::{Connection, Travel};
use crate::say;
use crate::ui::numbers;
use crate::ui::state::Density;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, plan: &Plan, scene: &Scene<'_>) {
    let inner = boxed(buf, plan.clients, scene, plan.text, (say!("CLIENTS"), false));
    let (digits, rest) = cut(inner, plan.numbers.rows());
    let style = scene.theme.text(Meaning::Travelling).patch(scene.theme.strong());
    let unseen = scene.world.is_reduced();
    let per_s = if unseen { f64::NAN } else { flows::rate(scene, |slot| slot.arrivals) };
    rate(buf, digits, plan, scene, (per_s, style));
    match scene.state.density {
        Density::Flows => flow(buf, rest, plan, scene),
        Density::Marks => marks(buf, rest, scene),
        Density::Cells => segments(buf, rest, plan, scene),
    }
}

/// So many per second, measured over the last one, in large digits; NaN where it is not seen.
pub(super) fn rate(buf: &mut Buffer, area: Rect, plan: &Plan, scene: &Scene<'_>, (per_s, style): (f64, Style)) {
    let text = if per_s.is_nan() {
        "?".to_owned()
    } else if per_s < 1000.0 {
        format!("{per_s:.0}")
    } else {
        numbers::rate(per_s).replace("/s", "")
    };
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    let unit = plan.text;
    let room = Rect { width: area.width.saturating_sub(unit.width("/s").unwrap_or(2) + 1), ..area };
    let end = scene.large_text(plan.numbers, style).fit(buf, room, &text);
    let row = area.height.saturating_sub(unit.rows());
    scene.large_text(unit, style).write(buf, area, (end + 1, row), "/s");
}

fn segments(buf: &mut Buffer, area: Rect, plan: &Plan, scene: &Scene<'_>) {
    let high = plan.chip.rows() + u16::from(plan.chip != Letter::Plain);
    let lanes = usize::from((area.height + u16::from(high > 1)) / high);
    let mut taken = lanes::lanes_for(&scene.placement.travelling, lanes);
    let falling = fall::areas(buf, plan, scene);
    let mut without_lane = 0;
    for connection in &scene.placement.travelling {
        let Some(travel) = connection.travel() else { continue };
        let Some(lane) = lanes::free_lane(&mut taken, connection) else {
            without_lane += 1;
            continue;
        };
        let lane = cut(Rect { y: area.y + lane * high, ..area }, plan.chip.rows()).0;
        // Half of a name behind what falls past it could not be read.
        if !falling.iter().any(|(_, area)| area.intersects(lane)) {
            segment(buf, lane, plan, scene, (connection, travel));
        }
    }
    if without_lane > 0 && area.height > 0 {
        let text = say!("+{count} more", count = without_lane);
        text::right(buf, area, area.height - 1, &text, scene.theme.text(Meaning::Travelling));
    }
}

/// The name on its hue, the segment before it, moving to the right.
fn segment(buf: &mut Buffer, lane: Rect, plan: &Plan, scene: &Scene<'_>, (connection, travel): (&Connection, Travel)) {
    let theme = scene.theme;
    let name = connection.label();
    let body = plan.chip.width(&name).unwrap_or(2) + 2;
    let head = lanes::head(connection, travel.kind, false);
    let letter = plan.text.fitting(&head, (lane.width.saturating_sub(body + 1), lane.height));
    let whole = (body + 1 + letter.width(&head).unwrap_or(4)).min(lane.width);
    let track = f64::from(lane.width - whole);
    let col = (track * lanes::progress(travel, scene.clients_now)).round() as u16;
    // Large letters on a surface as high as they are cannot be read: they are drawn without one.
    let on = if plan.chip == Letter::Plain { theme.fill(hue(connection)) } else { theme.text(hue(connection)) };
    let fill = on.patch(theme.strong());
    let chip_area = Rect { x: lane.x + col, width: whole, ..lane };
    for row in 0..chip_area.height {
        text::write(buf, chip_area, (0, row), &" ".repeat(usize::from(body)), fill);
    }
    scene.large_text(plan.chip, fill).write(buf, chip_area, (1, 0), &name);
    let row = (chip_area.height.saturating_sub(letter.rows())) / 2;
    scene.large_text(letter, theme.text(Meaning::Travelling).patch(theme.strong())).write(
        buf,
        chip_area,
        (body + u16::from(letter != Letter::Plain), row),
        &head,
    );
    scene.hit_map.borrow_mut().connection(chip_area, connection);
}

/// Too many for names: a mark for each.
fn marks(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let style = scene.theme.text(Meaning::Travelling).patch(scene.theme.strong());
    text::write(buf, area, (0, 0), &text::fit(say!("1 ▶ = 1 client"), area.width), scene.theme.calm());
    for connection in &scene.placement.travelling {
        let rows = usize::from(area.height.saturating_sub(1));
        let (Some(travel), Some(row)) = (connection.travel(), lanes::home(connection, rows)) else { continue };
        let col = f64::from(area.width.saturating_sub(2)) * lanes::progress(travel, scene.clients_now);
        text::write(buf, area, (col.round() as u16, row as u16 + 1), "█▶", style);
    }
}

/// Too many for marks: a band as wide as the flow, and the word.
fn flow(buf: &mut Buffer, area: Rect, plan: &Plan, scene: &Scene<'_>) {
    let (words, band) = cut(area, plan.text.rows() * 2 + 1);
    let style = scene.theme.strong();
    let line = plan.text.rows();
    scene.large_text(plan.text, style).fit(buf, Rect { height: line.min(words.height), ..words }, say!("TOO FAST:"));
    let second = cut(words, line).1;
    scene.large_text(plan.text, style).fit(buf, Rect { height: line.min(second.height), ..second }, say!("FLOWS"));
    let per_s = flows::rate(scene, |slot| slot.arrivals);
    let rows = (per_s.max(1.0).log10() / 5.0 * f64::from(band.height)).ceil() as u16;
    let style = scene.theme.text(Meaning::Travelling);
    for row in 0..rows.min(band.height) {
        text::write(buf, band, (0, row), &"▶".repeat(usize::from(band.width)), style);
    }
}
