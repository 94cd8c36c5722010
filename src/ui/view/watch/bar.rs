//! How full a queue is, as a bar of eighths; what is beyond the capacity is shown as beyond.

use ratatui::style::Style;

use crate::ui::theme::{Meaning, Theme};

/// Eighths of a cell, from empty to full.
const EIGHTHS: [&str; 9] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/// Eighths of a cell's height.
const HEIGHTS: [&str; 9] = ["·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// The bar in `columns` cells. A single entry is visible, a full queue fills it, more than that ends with a mark.
pub(super) fn bar(depth: u32, capacity: Option<u32>, columns: u16) -> String {
    let whole = u64::from(columns) * 8;
    let Some(capacity) = capacity.map(u64::from).filter(|capacity| *capacity > 0) else {
        return "·".repeat(usize::from(columns));
    };
    let depth = u64::from(depth);
    if depth > capacity {
        return format!("{}»", "█".repeat(usize::from(columns.saturating_sub(1))));
    }
    let eighths = if depth == capacity { whole } else { (depth * whole).div_ceil(capacity).min(whole - 1) };
    let (full, part) = ((eighths / 8) as usize, (eighths % 8) as usize);
    let mut bar = "█".repeat(full);
    if part > 0 {
        bar.push_str(EIGHTHS[part]);
    }
    let used = full + usize::from(part > 0);
    bar.extend(std::iter::repeat_n('·', usize::from(columns).saturating_sub(used)));
    bar
}

/// The colour of so many of so many.
pub(super) fn style(depth: u32, capacity: Option<u32>, theme: Theme) -> Style {
    let share = capacity.map_or(0.0, |capacity| f64::from(depth) / f64::from(capacity.max(1)));
    match share {
        _ if depth == 0 => theme.calm(),
        1.0.. => theme.text(Meaning::Lost),
        0.8.. => theme.text(Meaning::Waiting(3)),
        0.5.. => theme.text(Meaning::Waiting(2)),
        _ => theme.text(Meaning::Waiting(1)),
    }
}

/// Depths over time, one cell each, empty where nothing is known, against the capacity or the largest of them.
pub(super) fn spark(depths: &[Option<u32>], capacity: Option<u32>, columns: u16) -> String {
    let columns = usize::from(columns);
    let shown = &depths[depths.len().saturating_sub(columns)..];
    let highest = shown.iter().copied().flatten().max().unwrap_or(0);
    let scale = u64::from(capacity.unwrap_or(0).max(highest).max(1));
    let mut text = " ".repeat(columns - shown.len());
    for depth in shown {
        text.push_str(depth.map_or(" ", |depth| HEIGHTS[(u64::from(depth) * 8).div_ceil(scale).min(8) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_only_when_the_queue_is() {
        assert_eq!(bar(0, Some(6), 4), "····");
        assert_eq!(bar(1, Some(4097), 4), "▏···");
        assert_eq!(bar(3, Some(6), 4), "██··");
        assert_eq!(bar(4096, Some(4097), 4), "███▉");
        assert_eq!(bar(6, Some(6), 4), "████");
        assert_eq!(bar(9, Some(6), 4), "███»");
        assert_eq!(bar(5, None, 4), "····");
    }

    #[test]
    fn a_spark_shows_one_entry_and_a_full_queue() {
        let known = |depths: &[u32]| depths.iter().copied().map(Some).collect::<Vec<_>>();
        assert_eq!(spark(&known(&[0, 1, 50, 100]), Some(100), 6), "  ·▁▄█");
        assert_eq!(spark(&known(&[1, 2, 3]), None, 2), "▆█");
        assert_eq!(spark(&[Some(1), None, Some(0)], Some(1), 3), "█ ·");
    }
}
