//! Boxes and numbers in large letters.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::letters::{LargeText, Letter};
use super::{Scene, text};
use crate::ui::numbers;
use crate::ui::theme::Meaning;

/// A frame, its title in large letters inside where they are wanted, and a badge; returns what is left below.
pub(super) fn boxed(
    buf: &mut Buffer,
    area: Rect,
    scene: &Scene<'_>,
    letter: Letter,
    (title, full): (&str, bool),
) -> Rect {
    let theme = scene.theme;
    let line = if full { theme.text(Meaning::Lost) } else { theme.calm() };
    let large = letter != Letter::Plain;
    let above = if large { "" } else { title };
    let inner = text::frame(buf, area, (above, theme.strong()), ("", theme.strong()), line);
    if !large {
        return inner;
    }
    let head =
        Rect { height: letter.rows().min(inner.height), x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner };
    scene.large_text(letter, theme.strong()).fit(buf, head, title);
    let used = (head.height + 1).min(inner.height);
    Rect { y: inner.y + used, height: inner.height - used, ..inner }
}

/// A number in large letters, shortened to thousands where it would not fit otherwise; returns the column after it.
pub(super) fn count(buf: &mut Buffer, area: Rect, large_text: LargeText, (prefix, value): (&str, u64)) -> u16 {
    let exact = format!("{prefix}{}", numbers::count(value));
    let mut forms = vec![exact.clone()];
    if value >= 1000 {
        let (unit, divided) = if value >= 1_000_000 { ("M", value as f64 / 1e6) } else { ("k", value as f64 / 1e3) };
        forms.extend([format!("{prefix}{divided:.1}{unit}"), format!("{prefix}{divided:.0}{unit}")]);
    }
    let is_large = |text: &&String| large_text.letter.fitting(text, (area.width, area.height)) > Letter::Plain;
    large_text.fit(buf, area, forms.iter().find(is_large).unwrap_or(&exact))
}

/// Takes `rows` from the top of an area; returns them and the rest.
pub(super) fn cut(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    (Rect { height: rows, ..area }, Rect { y: area.y + rows, height: area.height - rows, ..area })
}
