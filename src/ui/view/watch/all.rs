//! All listeners, one row each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, footer, text};
use super::columns::{self, Column, MARK_WIDTH};
use super::row::{self, Entry};
use super::sentence::Headline;
use super::{detail, head, names, unseen};
use crate::fold::listeners::Listeners;
use crate::say;
use crate::ui::hit_map::Scroll;
use crate::ui::theme::Theme;

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let area = buf.area;
    let mut top = area.y;
    let mut bottom = area.bottom();
    let mut from_top = |height: u16| {
        top += height;
        Rect { y: top - height, height, ..area }
    };
    let mut from_bottom = |height: u16| {
        bottom -= height;
        Rect { y: bottom, height, ..area }
    };
    head::paint(buf, from_top(1), scene);
    let headline = Headline::of_all(scene);
    headline.paint(buf, from_top(headline.rows(area)), scene);
    footer::paint(buf, from_bottom(1), scene);
    unseen::paint(buf, from_bottom(unseen::rows(area, scene)), scene);
    let details = match area.height {
        0..20 => 1,
        20..30 => 2,
        _ => 3,
    };
    detail::paint(buf, from_bottom(details), scene);
    table(buf, Rect { y: top, height: bottom - top, ..area }, scene);
}

fn table(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    scene.hit_map.borrow_mut().scroll(area, Scroll::Rows);
    let (theme, watch) = (scene.theme, &scene.state.watch);
    let listeners = watch.listeners(scene.world);
    let right = match (watch.typing, watch.filter.as_str()) {
        (true, text) => say!("filter: {text}▏", text),
        (false, "") => watch.order.words().into(),
        (false, text) => say!("filter: {text} · {order}", text, order = watch.order.words()),
    };
    let title = title(scene);
    let inner = text::frame(buf, area, (&title, theme.strong()), (&right, theme.strong()), theme.calm());
    if watch.lines.is_empty() {
        return empty(buf, inner, scene, listeners);
    }
    let columns = columns::columns(inner.width);
    titles(buf, inner, &columns, theme);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let now = watch.moment(scene.now);
    let first = first(watch.row, watch.lines.len(), usize::from(body.height));
    for (row, (index, line)) in (0..body.height).zip(watch.lines.iter().enumerate().skip(first)) {
        let area = Rect { y: body.y + row, height: 1, ..body };
        if let Some(entry) = Entry::of(line, listeners, now) {
            row::paint(buf, area, scene, &entry, &columns);
        }
        if index == watch.row {
            row::choose(buf, area, scene);
        }
    }
    position(buf, area, scene, (first, body.height));
}

/// The first row to be shown, so that the chosen one is to be seen.
fn first(chosen: usize, rows: usize, height: usize) -> usize {
    chosen.saturating_sub(height / 2).min(rows.saturating_sub(height))
}

fn title(scene: &Scene<'_>) -> String {
    let (all, full) = scene.state.watch.census;
    let shown = scene.state.watch.lines.len();
    let full = if full > 0 { say!(" · {full} FULL", full) } else { String::new() };
    let rows = if scene.state.watch.filter.is_empty() { String::new() } else { say!(" · {shown} rows match", shown) };
    say!("LISTENERS {all}{full}{rows}", all, full, rows)
}

/// Where one is in a table that does not fit.
fn position(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, (first, height): (usize, u16)) {
    let rows = scene.state.watch.lines.len();
    if rows > usize::from(height) {
        let last = (first + usize::from(height)).min(rows);
        let text = say!(" {first}–{last} of {rows} ", first = first + 1, last, rows);
        let edge = Rect { x: area.x, y: area.bottom() - 1, width: area.width.saturating_sub(2), height: 1 };
        text::right(buf, edge, 0, &text, scene.theme.calm());
    }
}

fn titles(buf: &mut Buffer, area: Rect, columns: &[(Column, u16)], theme: Theme) {
    let mut col = MARK_WIDTH;
    for (column, width) in columns {
        let title = column.title();
        let text = if column.is_name() { names::cell(title, *width) } else { names::cell_right(title, *width) };
        text::write(buf, area, (col, 0), &text, theme.calm());
        col += width + 1;
    }
}

fn empty(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, listeners: &Listeners) {
    let watch = &scene.state.watch;
    let text = if !watch.filter.is_empty() {
        say!("no listener has these words; esc clears them").to_owned()
    } else if listeners.by_id.is_empty() && scene.now.since(listeners.since).as_secs() < 1 {
        say!("looking for listeners …").into()
    } else {
        let target = listeners.watching.as_ref().and_then(|watching| watching.target.as_ref());
        match target {
            None => {
                say!("nothing listens in this network namespace; another one: qviz watch --pid PID, or --netns PATH")
                    .into()
            }
            Some(target) => say!(
                "nothing at {target} listens in this network namespace; another one: qviz watch --pid PID, or --netns PATH",
                target
            ),
        }
    };
    for (row, line) in (1..area.height).zip(names::wrap(&text, area.width.saturating_sub(2), 3)) {
        text::write(buf, area, (1, row), &line, Style::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_row_is_always_to_be_seen() {
        for (rows, height) in [(3, 10), (10, 10), (11, 10), (10_000, 7)] {
            for chosen in [0, 1, rows / 2, rows - 1] {
                let first = first(chosen, rows, height);
                assert!(first <= chosen && chosen < first + height && first + height.min(rows) <= rows);
            }
        }
    }
}
