//! The kernel's counters that moved, beside what the ledger can explain of each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, text};
use crate::model::counters::Counter;
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let theme = scene.theme;
    let inner = text::frame(
        buf,
        area,
        (say!("KERNEL COUNTERS"), theme.strong()),
        (say!("kernel explained"), theme.calm()),
        theme.calm(),
    );
    let change = scene.world.counters();
    let expected = scene.world.ledger.expected();
    let unseen = scene.world.is_reduced();
    let named =
        |counter| expected.iter().filter(|_| !unseen).find(|(which, _)| *which == counter).map(|(_, value)| *value);
    let always = |counter| matches!(counter, Counter::ListenOverflows | Counter::ListenDrops);
    let shared = scene.world.began.as_ref().is_some_and(|began| !began.private_counters);
    let moved = change.iter().filter(|(counter, value)| always(*counter) || value.is_some_and(|value| value > 0));
    let counters = moved.map(|(counter, value)| (counter.name(), value, named(counter)));
    let listener = scene.world.accounted_drops();
    let own = (say!("sk_drops, own"), scene.world.listener_drops.total(), listener);
    let balanced = scene.world.balance().balanced == Some(true);
    for (row, (name, value, named)) in (0..inner.height).zip(counters.chain([own])) {
        let kernel = value.map_or_else(|| numbers::UNKNOWN.into(), numbers::count);
        let ours = named.map_or_else(String::new, numbers::count);
        let (mark, style) = match (value, named) {
            (Some(kernel), Some(ours)) if kernel == ours => ("✓", theme.text(Meaning::Served)),
            (Some(_), Some(_)) if shared && name != own.0 => ("–", theme.calm()),
            // Wire and counters are read at different moments: only a difference that stays counts.
            (Some(_), Some(_)) if balanced => ("·", theme.calm()),
            (Some(_), Some(_)) => ("✗", theme.text(Meaning::Divergent)),
            _ => (" ", theme.calm()),
        };
        let right = format!("{kernel:>6} {ours:>5} ");
        let room = inner.width.saturating_sub(text::width(&right) + 2);
        let name_style = if value.unwrap_or(0) > 0 { Style::new() } else { theme.calm() };
        text::write(buf, inner, (0, row), &text::fit(name, room), name_style);
        let col = inner.width.saturating_sub(text::width(&right) + 1);
        text::pieces(buf, inner, (col, row), &[(right.as_str(), name_style), (mark, style)]);
    }
}
