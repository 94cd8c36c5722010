//! The namespace's counters: of all its listeners together, since the watch began.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, text};
use crate::model::counters::Counter;
use crate::say;
use crate::ui::numbers;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    let title = (say!("COUNTERS"), theme.strong());
    let inner = text::frame(buf, area, title, (say!("all listeners"), theme.calm()), theme.calm());
    let change = scene.world.listeners.counters();
    let always = |counter| matches!(counter, Counter::ListenOverflows | Counter::ListenDrops);
    let moved = change.iter().filter(|(counter, value)| always(*counter) || value.is_some_and(|value| value > 0));
    for (row, (counter, value)) in (0..inner.height).zip(moved) {
        let right = value.map_or_else(|| numbers::UNKNOWN.into(), |value| format!("+{}", numbers::count(value)));
        let style = if value.unwrap_or(0) > 0 { Style::new() } else { theme.calm() };
        let room = inner.width.saturating_sub(text::width(&right) + 1);
        text::write(buf, inner, (0, row), &text::fit(counter.name(), room), style);
        text::right(buf, inner, row, &right, style);
    }
}
