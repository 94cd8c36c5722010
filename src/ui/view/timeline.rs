//! The timeline: both depths against their limits, arrivals and `accept()` calls, drops by cause, and marks where a setting was
//! changed. It shows the last moments, or an earlier window of all that is kept.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{Scene, text};
use crate::fold::history::{History, number};
use crate::fold::occupancy::Occupancy;
use crate::fold::world::World;
use crate::model::cause::Cause;
use crate::model::queue;
use crate::model::stamp::Stamp;
use crate::say;
use crate::ui::hit_map::Scroll;
use crate::ui::numbers;
use crate::ui::theme::Meaning;
use crate::ui::view::chosen_listener::ChosenListener;
use crate::ui::window::ColumnScale;
use columns::Column;

mod columns;
mod edge;
mod rows;

mod seconds;

/// Eighths of a cell, from empty to full.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Columns left of the plot, for names and numbers.
const MARGIN: u16 = 12;

/// The columns of the plot in an area; `None` where the timeline has no room.
pub(super) fn plot_width(area: Rect) -> Option<u16> {
    (area.height >= 3 && area.width > 2 + MARGIN).then(|| area.width - 2 - MARGIN)
}

/// The columns of the plot, their time, and their area.
struct Plot<'a> {
    /// Everything inside of the frame, the names too.
    inner: Rect,
    /// The columns alone.
    area: Rect,
    columns: Vec<Column>,
    grain: ColumnScale,
    /// The last group of slots that is shown.
    last: u64,
    /// The group of the present moment, or the last one of a past.
    now: u64,
    scene: &'a Scene<'a>,
}

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let Some(width) = plot_width(area) else { return };
    scene.hit_map.borrow_mut().scroll(area, Scroll::Timeline);
    let inside = scene.watches().then(|| ChosenListener::of(scene));
    let detailed = inside.is_none_or(|inside| inside.detailed);
    let inner = edge::frame(buf, area, width, scene, detailed);
    let grain = scene.state.window.grain(width);
    let now = last_group(&scene.world.history, grain, scene.state.window.until(), scene.now);
    // The first window begins at the left and is filled; then it moves.
    let first = grain.group(scene.world.history.begins()) + u64::from(width / grain.columns);
    let last = now.max(first.saturating_sub(1));
    let mut columns = if detailed {
        columns::columns(&scene.world.history, grain, (now, last), width)
    } else {
        vec![Column::default(); usize::from(width)]
    };
    if let Some(inside) = inside {
        seconds::add(&mut columns, scene, inside, (grain, last));
    }
    let plot = Plot { inner, area: Rect { x: inner.x + MARGIN, width, ..inner }, columns, grain, last, now, scene };
    let (world, mut top) = (scene.world, 0);
    let rows = rows::plan(inner.height, &rows::causes(world));
    for mut strip in [accept_strip(world, rows.accept), syn_strip(world, rows.syn)] {
        if !detailed {
            strip.queue = Occupancy::default();
        }
        plot.strip(buf, top, &strip);
        top += strip.rows;
    }
    if rows.flows {
        plot.flows(buf, top);
        top += 2;
    }
    for drop_row in &rows.drops {
        plot.drops(buf, top, drop_row, rows.drops.len() > 1);
        top += 1;
    }
    plot.marks(buf, area);
}

/// A name and a number left of the plot.
fn label(name: &str, value: u64) -> String {
    format!("{}{:>5}", text::cell(name, 6), numbers::count(value))
}

/// The last group that is shown. A window of the past ends before its moment, the present one holds it.
fn last_group(history: &History, grain: ColumnScale, until: Option<Stamp>, now: Stamp) -> u64 {
    if let Some(until) = until {
        return grain.group(Stamp::from_nanos(until.as_nanos().saturating_sub(1)));
    }
    let newest = number(history.begins()) + (history.slots().len() as u64).saturating_sub(1);
    number(now).max(newest) / grain.slots
}

/// The rows of one queue.
struct Strip {
    name: &'static str,
    rows: u16,
    depth: fn(&Column) -> u32,
    /// What it held at a limit.
    held: Box<dyn Fn(u32) -> u32>,
    queue: Occupancy,
}

fn accept_strip(world: &World, rows: u16) -> Strip {
    let held = Box::new(queue::accept_capacity);
    Strip { name: "accept", rows, depth: |column| column.accept, held, queue: world.accept_queue }
}

fn syn_strip(world: &World, rows: u16) -> Strip {
    let rule = world.syn_rule;
    let held = Box::new(move |limit| rule.capacity(limit));
    Strip { name: "SYN", rows, depth: |column| column.syn, held, queue: world.syn_queue }
}

impl Plot<'_> {
    fn strip(&self, buf: &mut Buffer, top: u16, strip: &Strip) {
        let theme = self.scene.theme;
        if strip.rows == 0 {
            return;
        }
        let highest = self.columns.iter().map(strip.depth).max().unwrap_or(0);
        let open = !self.scene.conceals();
        let limit = self.columns.iter().rev().find_map(|column| column.limit).filter(|_| open);
        let scale = limit.map_or(0, &strip.held).max(highest).max(1);
        let label = label(strip.name, scale.into());
        text::write(buf, self.inner, (0, top), &label, theme.calm());
        if strip.rows > 1 {
            text::write(buf, self.inner, (10, top + strip.rows - 1), "0", theme.calm());
        }
        let rows = u64::from(strip.rows);
        for (col, column) in (0..).zip(&self.columns).filter(|(_, column)| column.known) {
            let depth = (strip.depth)(column);
            let held = column.limit.filter(|_| open).map(&strip.held);
            let full = held.is_some_and(|held| depth >= held);
            let style = theme.text(if full { Meaning::Lost } else { Meaning::Waiting(1) });
            let height = (u64::from(depth) * rows * 8).div_ceil(u64::from(scale)) as u16;
            let limit = held.map_or(rows, |held| (u64::from(held) * rows).div_ceil(u64::from(scale)).clamp(1, rows));
            for row in 0..strip.rows {
                let eighths = height.saturating_sub((strip.rows - 1 - row) * 8).min(8);
                let (symbol, style) = match eighths {
                    0 if open && u64::from(strip.rows - row) == limit => ("┈", theme.calm()),
                    _ => (EIGHTHS[usize::from(eighths)], style),
                };
                text::write(buf, self.area, (col, top + row), symbol, style);
            }
        }
        self.high_water(buf, top, strip, scale);
    }

    /// Where the queue was fuller than ever before and since.
    fn high_water(&self, buf: &mut Buffer, top: u16, strip: &Strip, scale: u32) {
        let (most, rows) = (strip.queue.max(), u64::from(strip.rows));
        let Some(col) = self.column_of(strip.queue.highest()).filter(|_| most > 0) else { return };
        let height = (u64::from(most) * rows).div_ceil(u64::from(scale)).clamp(1, rows) as u16;
        let style = self.scene.theme.text(Meaning::Waiting(3)).add_modifier(Modifier::REVERSED | Modifier::BOLD);
        text::write(buf, self.area, (col, top + strip.rows - height), "▼", style);
    }

    /// Clients that came and connections that were accepted, per second, on one scale.
    fn flows(&self, buf: &mut Buffer, top: u16) {
        let theme = self.scene.theme;
        let per_s = 1.0 / self.grain.span(self.grain.columns).as_secs_f64();
        let arrivals: Vec<_> = self.columns.iter().map(|column| column.arrivals).collect();
        let accepts: Vec<_> = self.columns.iter().map(|column| column.accepts).collect();
        let most = arrivals.iter().chain(&accepts).copied().max().unwrap_or(0);
        for (row, name, counts, meaning) in
            [(top, say!("arr/s"), arrivals, Meaning::Travelling), (top + 1, say!("acc/s"), accepts, Meaning::Served)]
        {
            let highest = counts.iter().copied().max().unwrap_or(0);
            let per_s = (f64::from(highest) * per_s).round() as u64;
            let unseen = row == top && self.scene.world.is_reduced();
            let label = if unseen { format!("{}{:>5}", text::cell(name, 6), "?") } else { label(name, per_s) };
            text::write(buf, self.inner, (0, row), &label, theme.calm());
            self.bars(buf, row, (&counts, most), theme.text(meaning));
        }
    }

    /// Drops, of one cause or of all.
    fn drops(&self, buf: &mut Buffer, row: u16, drop_row: &rows::DropRow, named: bool) {
        let style = self.scene.theme.text(Meaning::Lost);
        let sums = |causes: &[Cause]| -> Vec<u32> {
            let of_causes = |column: &Column| -> u32 { causes.iter().map(|cause| column.drops[*cause as usize]).sum() };
            let unnamed = |column: &Column| if causes.len() == rows::LISTEN_DROPS.len() { column.unnamed } else { 0 };
            self.columns.iter().map(|column| of_causes(column) + unnamed(column)).collect()
        };
        let most = sums(&rows::LISTEN_DROPS).into_iter().max().unwrap_or(0).max(4);
        let counts = sums(&drop_row.causes);
        let here = counts.iter().copied().max().unwrap_or(0);
        let label = if named { drop_row.name.to_owned() } else { label(drop_row.name, here.into()) };
        text::write(buf, self.inner, (0, row), &label, if here > 0 { style } else { self.scene.theme.calm() });
        self.bars(buf, row, (&counts, most), style);
    }

    fn bars(&self, buf: &mut Buffer, row: u16, (counts, most): (&[u32], u32), style: Style) {
        for (col, count) in (0..).zip(counts.iter().copied()).filter(|(_, count)| *count > 0) {
            let eighths = (u64::from(count) * 8).div_ceil(u64::from(most.max(1))) as usize;
            text::write(buf, self.area, (col, row), EIGHTHS[eighths.min(8)], style);
        }
    }

    /// The column that contains a moment, if it is shown.
    fn column_of(&self, at: Stamp) -> Option<u16> {
        let before = self.last.checked_sub(self.grain.group(at))?;
        let from_right = u64::from(self.grain.columns).checked_mul(before + 1)?;
        u64::from(self.area.width).checked_sub(from_right).map(|col| col as u16)
    }
}
