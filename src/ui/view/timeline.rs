//! The last minute: both depths against their limits, drops, and marks where a setting was changed.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::spots::Roll;
use super::watch::Inside;
use super::{Scene, ink};
use crate::model::history::{SLOT, Slot};
use crate::model::survey::Watched;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

mod beats;

/// Eighths of a cell, from empty to full.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Columns left of the plot, for names and numbers.
const MARGIN: u16 = 12;

/// One column: what happened during some slots.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    accept: u32,
    syn: u32,
    limit: Option<u32>,
    drops: u32,
    mark: bool,
}

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    if area.height < 3 {
        return;
    }
    scene.spots.borrow_mut().roll(area, Roll::Timeline);
    let theme = scene.theme;
    let plot_width = area.width.saturating_sub(2 + MARGIN);
    let per_column = slots_per_column(plot_width);
    let span = SLOT * (u32::from(plot_width) * per_column as u32);
    let title = format!("LAST {}", numbers::span(Duration::from_secs(span.as_secs())));
    let inner = ink::frame(buf, area, (&title, theme.strong()), ("now", theme.calm()), theme.calm());
    let inside = scene.watches().then(|| Inside::of(scene));
    let columns = match inside {
        Some(inside) => beats::columns(scene, inside, usize::from(plot_width), per_column),
        None => columns(scene, usize::from(plot_width), per_column),
    };
    let (accept_capacity, syn_capacity) = match inside.map(|inside| inside.one) {
        Some(one) => {
            let limit = one.and_then(|one| one.reading.queue.limit).filter(|_| !inside.is_some_and(Inside::is_unix));
            (one.and_then(Watched::capacity), limit.map(|limit| scene.world.syn_rule.capacity(limit)))
        }
        None => (scene.world.accept_capacity(), scene.world.syn_capacity()),
    };
    let plot = Rect { x: inner.x + MARGIN, width: plot_width, ..inner };
    let drops_rows = u16::from(inner.height >= 3);
    let accept_rows = (inner.height - drops_rows).div_ceil(2);
    let syn_rows = inner.height - drops_rows - accept_rows;
    let accept = Strip { name: "accept", top: 0, rows: accept_rows, capacity: accept_capacity };
    strip(buf, (inner, plot), scene, &accept, &columns.iter().map(|column| column.accept).collect::<Vec<_>>());
    let syn = Strip { name: "SYN", top: accept_rows, rows: syn_rows, capacity: syn_capacity };
    strip(buf, (inner, plot), scene, &syn, &columns.iter().map(|column| column.syn).collect::<Vec<_>>());
    if drops_rows > 0 {
        drops(buf, (inner, plot), scene, &columns);
    }
    marks(buf, area, plot, scene, &columns);
}

/// How many slots one column stands for: 0.3 s where there is room, so that a wave of clients is a hill that one can see.
const fn slots_per_column(width: u16) -> usize {
    if width < 60 { 5 } else { 3 }
}

/// The columns, the last one being filled still. Slots are grouped by their number, so that a column keeps its content while it
/// moves.
fn columns(scene: &Scene<'_>, width: usize, per_column: usize) -> Vec<Column> {
    let history = &scene.world.history;
    let first = history.begins().as_nanos() / SLOT.as_nanos() as u64;
    let last_kept = first + history.slots().len() as u64;
    let now = (scene.now.as_nanos() / SLOT.as_nanos() as u64).max(last_kept.saturating_sub(1));
    let last_group = now / per_column as u64;
    let mut columns = vec![Column::default(); width];
    let wanted = width * per_column;
    let skipped = history.slots().len().saturating_sub(wanted);
    let mut newest = None;
    for (index, slot) in history.slots().enumerate().skip(skipped) {
        let group = (first + index as u64) / per_column as u64;
        let Some(column) = (width as u64 + group).checked_sub(last_group + 1) else { continue };
        if let Some(column) = columns.get_mut(column as usize) {
            column.add(slot);
            newest = Some((group, *slot));
        }
    }
    if let Some((group, slot)) = newest {
        let carried = Slot { drops: Slot::default().drops, mark: false, ..slot };
        let still = last_group.saturating_sub(group).min(width as u64) as usize;
        for column in columns.iter_mut().rev().take(still) {
            column.carry(&carried);
        }
    }
    columns
}

impl Column {
    fn add(&mut self, slot: &Slot) {
        self.accept = self.accept.max(slot.accept_max);
        self.syn = self.syn.max(slot.syn_max);
        self.limit = slot.limit.or(self.limit);
        self.drops += slot.kernel_drops();
        self.mark |= slot.mark;
    }

    /// Nothing new was heard since `slot`: its depths still stand.
    fn carry(&mut self, slot: &Slot) {
        self.accept = self.accept.max(slot.accept_last);
        self.syn = self.syn.max(slot.syn_last);
        self.limit = slot.limit.or(self.limit);
    }
}

struct Strip {
    name: &'static str,
    top: u16,
    rows: u16,
    capacity: Option<u32>,
}

fn strip(buf: &mut Buffer, (inner, plot): (Rect, Rect), scene: &Scene<'_>, strip: &Strip, depths: &[u32]) {
    if strip.rows == 0 {
        return;
    }
    let theme = scene.theme;
    let highest = depths.iter().copied().max().unwrap_or(0);
    let scale = strip.capacity.unwrap_or(0).max(highest).max(1);
    let label = format!("{:<6}{:>5}", strip.name, numbers::count(scale.into()));
    ink::write(buf, inner, (0, strip.top), &label, theme.calm());
    if strip.rows > 1 {
        ink::write(buf, inner, (10, strip.top + strip.rows - 1), "0", theme.calm());
    }
    for (col, depth) in depths.iter().enumerate() {
        let full = strip.capacity.is_some_and(|capacity| *depth >= capacity);
        let style = theme.text(if full { Meaning::Dying } else { Meaning::Waiting(1) });
        let steps = u64::from(strip.rows) * 8;
        let height = (u64::from(*depth) * steps).div_ceil(u64::from(scale)) as u16;
        for row in 0..strip.rows {
            let below = (strip.rows - 1 - row) * 8;
            let eighths = height.saturating_sub(below).min(8);
            let (sign, style) = match (eighths, row) {
                (0, 0) => ("┈", theme.calm()),
                _ => (EIGHTHS[usize::from(eighths)], style),
            };
            ink::write(buf, plot, (col as u16, strip.top + row), sign, style);
        }
    }
}

fn drops(buf: &mut Buffer, (inner, plot): (Rect, Rect), scene: &Scene<'_>, columns: &[Column]) {
    let row = inner.height - 1;
    let style = scene.theme.text(Meaning::Dying);
    let most = columns.iter().map(|column| column.drops).max().unwrap_or(0);
    let label = format!("{:<6}{:>5}", "✗ died", numbers::count(most.into()));
    ink::write(buf, inner, (0, row), &label, if most > 0 { style } else { scene.theme.calm() });
    for (col, column) in columns.iter().enumerate().filter(|(_, column)| column.drops > 0) {
        let eighths = (u64::from(column.drops) * 8).div_ceil(u64::from(most.max(4))) as usize;
        ink::write(buf, plot, (col as u16, row), EIGHTHS[eighths.min(8)], style);
    }
}

/// The lower edge: how long ago, and marks where a setting was changed. A mark goes before a number.
fn marks(buf: &mut Buffer, area: Rect, plot: Rect, scene: &Scene<'_>, columns: &[Column]) {
    let edge = Rect { x: plot.x, y: area.bottom() - 1, width: plot.width, height: 1 };
    let mut before: Option<u32> = None;
    let mut taken = Vec::new();
    for (col, column) in columns.iter().enumerate() {
        let changed = column.limit.is_some() && before.is_some() && column.limit != before;
        before = column.limit.or(before);
        let text = match column.limit {
            Some(limit) if changed => format!("▲limit {limit}"),
            _ if column.mark => "▲".into(),
            _ => continue,
        };
        let end = ink::write(buf, edge, (col as u16, 0), &text, scene.theme.strong());
        taken.push(col as u16..end);
    }
    let per_ten = 100 / slots_per_column(plot.width) as u16;
    for tens in 1..=plot.width / per_ten {
        let (col, text) = (plot.width - tens * per_ten, format!("┴{} s", tens * 10));
        let end = col + ink::width(&text);
        if !taken.iter().any(|mark| mark.start < end && col < mark.end) {
            ink::write(buf, edge, (col, 0), &text, scene.theme.calm());
        }
    }
}
