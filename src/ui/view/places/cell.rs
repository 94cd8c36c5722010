//! One place, empty or with its entry: in the terminal's own letters, or with the name in large ones on a hue of its own.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::letters::Letter;
use super::super::{Scene, text};
use super::{QueueSlot, Shape};
use crate::ui::theme::Meaning;

/// One place with its entry.
pub(in crate::ui::view) fn paint(buf: &mut Buffer, area: Rect, shape: Shape, slot: &QueueSlot, scene: &Scene<'_>) {
    let area = shape.surface(area);
    if let Some(target) = slot.target {
        scene.hit_map.borrow_mut().note(area, target);
    }
    if shape.letter > Letter::Plain && slot.solid {
        filled(buf, area, shape.letter, slot, scene);
    } else if shape.loud {
        framed(buf, area, shape.letter, slot, scene);
    } else if area.height < 3 {
        mark(buf, area, scene, slot);
    } else {
        usual(buf, area, scene, slot);
    }
}

/// A name in a row, or a mark.
fn mark(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, slot: &QueueSlot) {
    let (theme, style) = (scene.theme, scene.theme.text(slot.meaning));
    let col = match (area.width, slot.solid) {
        (2.., true) => text::write(buf, area, (0, 0), &slot.name, theme.fill(slot.meaning)),
        (2.., false) => text::write(buf, area, (0, 0), &slot.name, style),
        (_, solid) => text::write(buf, area, (0, 0), if solid { "■" } else { "◌" }, style),
    };
    text::write(buf, area, (col, 0), slot.mark, style);
}

/// Name and age in the terminal's own letters.
fn usual(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, slot: &QueueSlot) {
    let theme = scene.theme;
    let (style, line) = (theme.text(slot.meaning), theme.text(slot.edge));
    let inside = if slot.solid { theme.fill(slot.meaning) } else { style };
    edge(buf, area, Edge::of(slot), line);
    let (width, middle) = (area.width - 2, area.height / 2);
    for row in 1..area.height - 1 {
        let text = if row == middle { slot.name.as_str() } else { "" };
        text::write(buf, area, (1, row), &format!("{text:^0$}", usize::from(width)), inside);
    }
    text::write(buf, area, (1, 0), slot.mark, style);
    if width >= 4 {
        text::write(buf, area, (1 + (width - 4) / 2, area.height - 1), &slot.age, line);
    }
}

/// A name as large as the frame around it lets it be.
fn framed(buf: &mut Buffer, area: Rect, most: Letter, slot: &QueueSlot, scene: &Scene<'_>) {
    let theme = scene.theme;
    let line = theme.text(slot.edge).patch(theme.strong());
    let inside = if slot.solid { theme.fill(slot.meaning) } else { theme.text(slot.edge) }.patch(theme.strong());
    let inner = Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2);
    for row in 0..inner.height {
        text::write(buf, inner, (0, row), &" ".repeat(usize::from(inner.width)), inside);
    }
    edge(buf, area, Edge::of(slot), line);
    let letter = most.fitting(&slot.name, (inner.width, inner.height));
    let left = inner.width.saturating_sub(letter.width(&slot.name).unwrap_or(0)) / 2;
    let top = (inner.height - letter.rows().min(inner.height)) / 2;
    let left = if letter == Letter::Plain && !slot.mark.is_empty() { left.max(2) } else { left };
    scene.large_text(letter, inside).write(buf, inner, (left, top), &slot.name);
    let mark = if letter == Letter::Plain { (0, top) } else { (0, 0) };
    text::write(buf, inner, mark, slot.mark, inside);
    let foot = text::width(&slot.age);
    if foot > 0 && foot + 2 <= area.width {
        text::write(buf, area, ((area.width - foot) / 2, area.height - 1), &slot.age, line);
    }
}

/// A whole surface in the connection's hue, with room around the name; its state is above and below, on a hue of its
/// own.
fn filled(buf: &mut Buffer, area: Rect, letter: Letter, slot: &QueueSlot, scene: &Scene<'_>) {
    let theme = scene.theme;
    let fill = |meaning| theme.fill(meaning).patch(theme.strong());
    let (inside, line) = (fill(slot.meaning), fill(slot.edge));
    for row in 0..area.height {
        let style = if row == 0 || row + 1 == area.height { line } else { inside };
        text::write(buf, area, (0, row), &" ".repeat(usize::from(area.width)), style);
    }
    let width = letter.width(&slot.name).unwrap_or(0);
    scene.large_text(letter, inside).write(buf, area, (area.width.saturating_sub(width) / 2, 1), &slot.name);
    let mark = slot.mark.repeat(usize::from(slot.edge == Meaning::Lost) * 2 + 1);
    text::write(buf, area, ((area.width - text::width(&mark).min(area.width)) / 2, 0), &mark, line);
    let foot = text::width(&slot.age);
    text::write(buf, area, (area.width.saturating_sub(foot) / 2, area.height - 1), &slot.age, line);
}

/// An empty place; the one beyond the limit is marked.
pub(super) fn empty(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, beyond_limit: bool) {
    let calm = scene.theme.calm();
    if area.height < 3 {
        let mark = match (beyond_limit, area.width) {
            (false, _) => "·",
            (true, 1) => "+",
            (true, _) => "+1",
        };
        text::write(buf, area, (0, 0), mark, calm);
        return;
    }
    edge(buf, area, Edge::Dotted, calm);
    if beyond_limit {
        text::write(buf, area, (area.width / 2 - 1, area.height / 2), "+1", calm);
    }
}

#[derive(Clone, Copy, Debug)]
enum Edge {
    Plain,
    Heavy,
    Dotted,
}

impl Edge {
    /// The edge of a slot: dotted where the entry is not a full connection, heavy where it came a moment ago.
    const fn of(slot: &QueueSlot) -> Self {
        match (slot.solid, slot.new) {
            (false, _) => Self::Dotted,
            (true, true) => Self::Heavy,
            (true, false) => Self::Plain,
        }
    }

    /// Horizontal, vertical, and the corners from the upper left, clockwise.
    const fn signs(self) -> [&'static str; 6] {
        match self {
            Self::Plain => ["─", "│", "┌", "┐", "┘", "└"],
            Self::Heavy => ["═", "║", "╔", "╗", "╝", "╚"],
            Self::Dotted => ["╌", "╎", "┌", "┐", "┘", "└"],
        }
    }
}

/// Draws the edge of a place.
fn edge(buf: &mut Buffer, area: Rect, edge: Edge, style: Style) {
    let [across, down, corners @ ..] = edge.signs();
    let (right, bottom) = (area.width - 1, area.height - 1);
    for col in 1..right {
        text::write(buf, area, (col, 0), across, style);
        text::write(buf, area, (col, bottom), across, style);
    }
    for row in 1..bottom {
        text::write(buf, area, (0, row), down, style);
        text::write(buf, area, (right, row), down, style);
    }
    for (at, corner) in [(0, 0), (right, 0), (right, bottom), (0, bottom)].into_iter().zip(corners) {
        text::write(buf, area, at, corner, style);
    }
}
