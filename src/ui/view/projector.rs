//! Projector mode: the same picture for the last row of a room. Fewer, larger things: both queues with large places, the numbers
//! that matter in large digits, and a floor on which the dead lie with their cause in large words.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::letters::{Letter, Pen, broken};
use super::{Scene, caption, footer, header, ink, stage, timeline};
use crate::text::wrap::split;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

mod cells;
mod clients;
mod fall;
mod floor;
mod plan;
mod queues;
mod server;

use plan::Plan;

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let foot = picture(buf, buf.area, scene);
    footer::paint(buf, foot, scene);
}

/// The same without the keys at its foot; returns where they belong.
pub(super) fn picture(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) -> Rect {
    let plan = plan::plan(area);
    head(buf, &plan, scene);
    clients::paint(buf, &plan, scene);
    queues::syn(buf, &plan, scene);
    queues::accept(buf, &plan, scene);
    server::paint(buf, &plan, scene);
    stage::doors::paint(buf, &plan.doors(), scene);
    floor::paint(buf, &plan, scene);
    fall::paint(buf, &plan, scene);
    said(buf, &plan, scene);
    timeline::paint(buf, plan.timeline, scene);
    plan.footer
}

/// Where the timeline stands.
pub(super) fn timeline(area: Rect) -> Rect {
    plan::plan(area).timeline
}

/// What `listen()` gives, and the time; in the terminal's own letters where the room is small or there is more to be told.
fn head(buf: &mut Buffer, plan: &Plan, scene: &Scene<'_>) {
    let area = plan.header;
    if plan.text == Letter::Plain || scene.state.still.is_some() || scene.state.recording.is_some() {
        return header::paint(buf, area, scene);
    }
    let (left, right) = (header::promise(scene.world), header::progress(scene));
    let right = right.trim();
    let pen = pen(scene, plan.text, scene.theme.strong());
    let width = plan.text.width(right).unwrap_or(0);
    match plan.text.width(&left) {
        Some(used) if used + width + 8 <= area.width => {
            pen.write(buf, area, (2, 0), &left);
            pen.write(buf, area, (area.width - width - 2, 0), right);
        }
        _ => header::paint(buf, area, scene),
    }
}

/// The sentence, as large as it fits.
fn said(buf: &mut Buffer, plan: &Plan, scene: &Scene<'_>) {
    let area = plan.sentence;
    let (sign, text, style) = caption::sentence(scene, u16::MAX);
    let style = style.patch(scene.theme.strong());
    let line = plan.text.rows() + 1;
    let room = area.width.saturating_sub(4);
    let large =
        (plan.text != Letter::Plain).then(|| broken(&text, plan.text, room, usize::from((area.height + 1) / line)));
    if let Some(Some(lines)) = large {
        for (row, text) in lines.iter().enumerate() {
            pen(scene, plan.text, style).write(buf, area, (2, row as u16 * line), text);
        }
        return;
    }
    let col = ink::pieces(buf, area, (1, 0), &[(sign, style), (" ", style)]);
    let mut rest = text.as_str();
    for row in 0..area.height {
        let room = area.width.saturating_sub(col + 1);
        let (first, after) = if row + 1 < area.height { split(rest, room) } else { (rest, "") };
        ink::write(buf, area, (col, row), &ink::fit(first, room), style);
        rest = after;
    }
}

fn pen(scene: &Scene<'_>, letter: Letter, style: ratatui::style::Style) -> Pen {
    Pen { letter, style, ascii: scene.theme.ascii }
}

/// A frame, its title in large letters inside where they are wanted, and a badge; returns what is left below.
fn boxed(buf: &mut Buffer, area: Rect, plan: &Plan, scene: &Scene<'_>, (title, full): (&str, bool)) -> Rect {
    let theme = scene.theme;
    let line = if full { theme.text(Meaning::Dying) } else { theme.calm() };
    let large = plan.text != Letter::Plain;
    let above = if large { "" } else { title };
    let inner = ink::frame(buf, area, (above, theme.strong()), ("", theme.strong()), line);
    if !large {
        return inner;
    }
    let head = Rect {
        height: plan.text.rows().min(inner.height),
        x: inner.x + 1,
        width: inner.width.saturating_sub(1),
        ..inner
    };
    pen(scene, plan.text, theme.strong()).fit(buf, head, title);
    let used = (head.height + 1).min(inner.height);
    Rect { y: inner.y + used, height: inner.height - used, ..inner }
}

/// A number in large letters, shortened to thousands where it would not fit otherwise; returns the column after it.
fn count(buf: &mut Buffer, area: Rect, pen: Pen, (sign, value): (&str, u64)) -> u16 {
    let exact = format!("{sign}{}", numbers::count(value));
    let mut forms = vec![exact.clone()];
    if value >= 1000 {
        let (unit, divided) = if value >= 1_000_000 { ("M", value as f64 / 1e6) } else { ("k", value as f64 / 1e3) };
        forms.extend([format!("{sign}{divided:.1}{unit}"), format!("{sign}{divided:.0}{unit}")]);
    }
    let is_large = |text: &&String| pen.letter.fitting(text, (area.width, area.height)) > Letter::Plain;
    pen.fit(buf, area, forms.iter().find(is_large).unwrap_or(&exact))
}

/// Takes `rows` from the top of an area; returns them and the rest.
fn cut(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    (Rect { height: rows, ..area }, Rect { y: area.y + rows, height: area.height - rows, ..area })
}
