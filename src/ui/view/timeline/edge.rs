//! The timeline's frame: what time it shows and how far back that goes, when the queues were fullest, and below the plot the time
//! and the marks of changed settings.

use std::ops::Range;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Plot, Scene, text};
use crate::fold::occupancy::Occupancy;
use crate::fold::world::World;
use crate::model::stamp::Stamp;
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

/// Draws the frame with its words; returns what is inside. Without `detailed` it has no text on the queues.
pub(super) fn frame(buf: &mut Buffer, area: Rect, width: u16, scene: &Scene<'_>, detailed: bool) -> Rect {
    let (theme, window) = (scene.theme, scene.state.window);
    let begins = scene.world.history.begins();
    let span = window.span(width);
    let (left, right, style) = if let Some(until) = window.until() {
        let from = until.saturating_sub(span).max(begins);
        let ago = whole(scene.now.since(until));
        let (from, until) = (numbers::clock(from), numbers::clock(until));
        (
            say!("THE PAST: {from}–{until} · {ago} ago", from, until, ago),
            say!("esc: now"),
            theme.text(Meaning::Divergent),
        )
    } else {
        let kept = scene.now.since(begins);
        if kept > span {
            let of = say!(" of {time}", time = whole(kept));
            (say!("LAST {time}{of}", time = whole(span), of), say!("now"), theme.strong())
        } else {
            (say!("THE FIRST {time}", time = whole(span)), "", theme.strong())
        }
    };
    let state = if window.until().is_some() { style } else { theme.calm() };
    let inner = text::frame(buf, area, (&left, style), (right, state), theme.calm());
    let used = text::width(&left) + text::width(right) + 6;
    let since = window.until().map(|_| say!("kept since {clock}", clock = numbers::clock(begins)));
    let room = inner.width.saturating_sub(used);
    let words = if detailed { middle(scene.world, since) } else { Vec::new() };
    if let Some(text) = words.into_iter().find(|text| text::width(text) <= room) {
        let top = Rect { y: area.y, height: 1, ..inner };
        let end = inner.width.saturating_sub(text::width(right) + 3);
        let col = end.saturating_sub(text::width(&text) + 2);
        text::write(buf, top, (col, 0), &format!(" {text} "), theme.calm());
    }
    inner
}

/// A time without fractions.
fn whole(span: Duration) -> String {
    numbers::span(Duration::from_secs(span.as_secs()).max(Duration::from_secs(1))).replace(".00", "")
}

/// The texts between the title and the right end, the longest first.
fn middle(world: &World, since: Option<String>) -> Vec<String> {
    let queues = [("accept", &world.accept_queue), ("SYN", &world.syn_queue)];
    let mark = |long: bool, (name, queue): (&str, &Occupancy)| {
        let most = numbers::count(queue.max().into());
        if long {
            say!("{name} {most} at {clock}", name, most, clock = numbers::clock(queue.highest()))
        } else {
            format!("{name} {most}")
        }
    };
    let filled: Vec<_> = queues.into_iter().filter(|(_, queue)| queue.max() > 0).collect();
    if filled.is_empty() {
        return since.into_iter().collect();
    }
    let marks = |long| filled.iter().map(|queue| mark(long, *queue)).collect::<Vec<_>>().join(" · ");
    let named = |marks: &str| say!("▼ high water: {marks}", marks);
    let (with_time, without, short) = (named(&marks(true)), named(&marks(false)), format!("▼ {}", marks(false)));
    match since {
        None => vec![with_time, without, short],
        Some(since) => {
            vec![format!("{since} · {with_time}"), format!("{since} · {without}"), format!("{since} · {short}"), since]
        }
    }
}

impl Plot<'_> {
    /// The lower edge: the time, and marks where a setting was changed. A mark goes before a number.
    pub(super) fn marks(&self, buf: &mut Buffer, area: Rect) {
        let edge = Rect { x: self.area.x, y: area.bottom() - 1, width: self.area.width, height: 1 };
        let theme = self.scene.theme;
        let marked: Vec<u16> =
            (0..).zip(&self.columns).filter(|(_, column)| column.mark || column.moved).map(|(col, _)| col).collect();
        let mut taken: Vec<Range<u16>> = Vec::new();
        for (index, col) in marked.iter().copied().enumerate() {
            let column = &self.columns[usize::from(col)];
            let long = column.limit.filter(|_| column.moved).map(|limit| say!("▲limit {limit}", limit));
            let next = marked.get(index + 1).copied().unwrap_or(edge.width);
            let text = long.filter(|text| col + text::width(text) <= next).unwrap_or_else(|| "▲".into());
            let end = text::write(buf, edge, (col, 0), &text, theme.strong());
            taken.push(col..end);
        }
        for (col, text) in self.times() {
            let end = col + text::width(&text);
            if end <= edge.width && !taken.iter().any(|mark| mark.start < end && col < mark.end) {
                text::write(buf, edge, (col, 0), &text, theme.calm());
            }
        }
    }

    /// The times below the plot: how long ago, or in the past the time of the clock, because nothing moves there.
    fn times(&self) -> Vec<(u16, String)> {
        let width = self.area.width;
        let wide = |step: &u64| self.grain.columns_of(Duration::from_secs(*step)) >= WIDE;
        let step = STEPS.into_iter().find(wide).unwrap_or(STEPS[STEPS.len() - 1]);
        let ends = self.grain.begins(self.last + 1);
        let begins = ends.saturating_sub(self.grain.span(width));
        let steps = 1..=self.grain.span(width).as_secs() / step;
        if self.scene.state.window.until().is_some() || self.last > self.now {
            let first = begins.as_nanos().div_ceil(1_000_000_000 * step) * step;
            let moments = (0..=*steps.end()).map(|count| Stamp::from_millis((first + count * step) * 1000));
            return moments.filter_map(|at| Some((self.column_of(at)?, format!("┴{}", numbers::clock(at))))).collect();
        }
        let ago = |count: u64| {
            let ago = Duration::from_secs(count * step);
            let col = u64::from(width).checked_sub(self.grain.columns_of(ago))?;
            Some((col as u16, format!("┴{}", whole(ago))))
        };
        steps.filter_map(ago).collect()
    }
}

/// Seconds between two times below the plot.
const STEPS: [u64; 12] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600];

/// Columns between two times at least.
const WIDE: u64 = 18;
