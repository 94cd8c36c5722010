//! The clients' box at rates at which single ones cannot be followed: flows with their width and their numbers, and a note.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Scene, text};
use crate::fold::history::Slot;
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

/// Slots of a tenth of a second over which a rate is counted; the one that is still being filled is left out.
const SLOTS: usize = 10;

pub(in crate::ui::view) fn paint(buf: &mut Buffer, inner: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    text::write(
        buf,
        inner,
        (0, 0),
        &text::fit(say!("too fast to draw single clients: showing rates"), inner.width),
        theme.calm(),
    );
    let flows = [
        (say!("SYNs   "), rate(scene, |slot| slot.arrivals), Meaning::Travelling, "▶"),
        (say!("accepts"), rate(scene, |slot| slot.accepts), Meaning::Served, "▶"),
        (say!("dropped"), rate(scene, Slot::kernel_drops), Meaning::Lost, "✗"),
    ];
    for (index, (name, per_s, meaning, mark)) in flows.into_iter().enumerate() {
        let (style, row) = (theme.text(meaning), 1 + index as u16 * 2);
        let two_rows = inner.height >= 7;
        let row = if two_rows { row } else { 1 + index as u16 };
        text::write(buf, inner, (0, row), &format!("{name} {:>7}", numbers::rate(per_s)), style);
        if two_rows {
            let width = (per_s.max(1.0).log10() / 5.0 * f64::from(inner.width)).round() as usize;
            let band = if per_s > 0.0 { mark.repeat(width.clamp(1, usize::from(inner.width))) } else { String::new() };
            text::write(buf, inner, (0, row + 1), &band, style);
        }
    }
}

/// Events per second over the last full second.
pub(in crate::ui::view) fn rate(scene: &Scene<'_>, of: fn(&Slot) -> u32) -> f64 {
    let slots = scene.world.history.slots();
    let recent = slots.rev().skip(1).take(SLOTS);
    let (count, sum) = recent.fold((0_u32, 0_u64), |(count, sum), slot| (count + 1, sum + u64::from(of(slot))));
    if count == 0 { 0.0 } else { sum as f64 * 10.0 / f64::from(count) }
}
