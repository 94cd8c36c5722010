//! The list of lessons: chapters, numbers, what was done, minutes; below it what the chosen one teaches.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::text;
use crate::say;
use crate::scenario::chapter::{chapter, minutes};
use crate::text::lang::within;
use crate::text::wrap;
use crate::ui::picker::Picker;
use crate::ui::theme::{Meaning, ascii};

/// Paints the whole screen.
pub fn paint(buf: &mut Buffer, picker: &Picker) {
    within(picker.lang, || {
        whole(buf, picker);
        if picker.theme.ascii {
            ascii::translate(buf);
        }
    });
}

fn whole(buf: &mut Buffer, picker: &Picker) {
    let (area, theme) = (buf.area, picker.theme);
    let done = picker.lessons.iter().filter(|lesson| picker.done.contains_key(&lesson.name)).count();
    let standing = say!("{done} of {all} done", done, all = picker.lessons.len());
    let foot = DETAIL.min(area.height / 4).max(3);
    let list = Rect { height: area.height.saturating_sub(foot + 1), ..area };
    let inner = text::frame(buf, list, (say!("LESSONS"), theme.strong()), (&standing, theme.strong()), theme.calm());
    let more = rows(buf, inner, picker);
    let edge = text::row(list, list.height.saturating_sub(1));
    text::right(buf, Rect { width: edge.width.saturating_sub(2), ..edge }, 0, &more, theme.calm());
    let below = Rect { y: list.bottom(), height: foot, ..area };
    detail(buf, below, picker);
    // Where only ASCII is drawn the other language is named in it.
    let keys = if theme.ascii {
        say!("up/dn or a number chooses · enter begins · e zh · q leaves")
    } else {
        say!("↑↓ or a number chooses · enter begins · e 中文 · q leaves")
    };
    let footer = text::row(area, area.height.saturating_sub(1));
    text::write(buf, footer, (1, 0), &text::fit(keys, area.width.saturating_sub(2)), theme.calm());
}

/// A row of the list.
enum Row {
    Chapter(&'static str),
    Lesson(usize),
}

/// Returns which lessons are in sight, where not all are.
fn rows(buf: &mut Buffer, area: Rect, picker: &Picker) -> String {
    let mut rows = Vec::new();
    let mut last = "";
    for (index, lesson) in picker.lessons.iter().enumerate() {
        let chapter = chapter(lesson);
        if chapter != last {
            rows.push(Row::Chapter(chapter));
            last = chapter;
        }
        rows.push(Row::Lesson(index));
    }
    let chosen = rows.iter().position(|row| matches!(row, Row::Lesson(index) if *index == picker.cursor));
    // The heading above the chosen row stays in sight, and two rows below it.
    let height = usize::from(area.height);
    let first = chosen.unwrap_or(0).saturating_sub(height.saturating_sub(3)).min(rows.len().saturating_sub(height));
    for (row, entry) in (0..area.height).zip(rows.iter().skip(first)) {
        match entry {
            Row::Chapter(title) => {
                text::write(buf, area, (1, row), &text::fit(title, area.width), picker.theme.strong());
            }
            Row::Lesson(index) => lesson(buf, text::row(area, row), picker, *index),
        }
    }
    let seen = |row: &Row| if let Row::Lesson(index) = row { Some(index + 1) } else { None };
    let mut seen = rows.iter().skip(first).take(height).filter_map(seen);
    match (seen.next(), seen.next_back()) {
        (Some(from), Some(to)) if rows.len() > height => {
            say!(" {first}–{last} of {rows} ", first = from, last = to, rows = picker.lessons.len())
        }
        _ => String::new(),
    }
}

fn lesson(buf: &mut Buffer, row: Rect, picker: &Picker, index: usize) {
    let (theme, lesson) = (picker.theme, &picker.lessons[index]);
    let done = picker.done.contains_key(&lesson.name);
    let mark = if done { "✓" } else { " " };
    let minutes = say!("{minutes} min", minutes = minutes(lesson));
    let next = if picker.next() == Some(index) { say!("next") } else { "" };
    let base = if index == picker.cursor { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
    let right = format!("{} {}", text::right_cell(next, 6), text::right_cell(&minutes, 8));
    let room = row.width.saturating_sub(10 + text::width(&right));
    if index == picker.cursor {
        text::write(buf, row, (0, 0), &" ".repeat(usize::from(row.width)), base);
    }
    let served = if done { theme.text(Meaning::Served) } else { Style::new() };
    let number = text::right_cell(&(index + 1).to_string(), 3);
    let title = text::fit(&ascii::written_out(lesson.title.here(), theme.ascii), room);
    let pieces = [(format!("  {number} "), base), (format!("{mark} "), base.patch(served)), (title, base)];
    text::pieces(buf, row, (0, 0), &pieces);
    text::right(buf, row, 0, &format!("{right} "), base);
}

/// What the chosen one teaches, how it went, and how it is begun from a shell.
fn detail(buf: &mut Buffer, area: Rect, picker: &Picker) {
    let theme = picker.theme;
    let Some(lesson) = picker.lessons.get(picker.cursor) else { return };
    let command = format!("qviz lesson {}", lesson.name);
    let inner = text::frame(buf, area, (&command, theme.strong()), ("", Style::new()), theme.calm());
    let inner = text::padded(inner);
    let mut lines = wrap::lines(lesson.learn.here(), inner.width);
    if let Some((right, all)) = picker.done.get(&lesson.name).filter(|(_, all)| *all > 0) {
        lines.push(say!("✓ done: {right} of {all} predictions were right", right, all));
    }
    for (row, line) in (0..inner.height).zip(lines) {
        text::write(buf, inner, (0, row), &line, Style::new());
    }
}

/// Rows of the box below the list.
const DETAIL: u16 = 5;
