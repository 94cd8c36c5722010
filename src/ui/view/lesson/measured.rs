//! What experiments measured: each number by its name, those of the last experiment first. A name that is too long for a row goes on in
//! the next one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, text};
use crate::say;
use crate::scenario::holes::number;
use crate::text::errno;

/// How many of `width` columns the box takes: more than usual where its names need them, but never most of them.
pub(super) fn columns(width: u16, scene: &Scene<'_>) -> u16 {
    let usual = (width * 7 / 20).min(48);
    let rows = scene.world.trials.measured.iter();
    let widest =
        rows.map(|(name, value)| text::width(name) + text::width(&format_value(name, *value)) + 3).max().unwrap_or(0);
    widest.clamp(usual, usual.max(width * 2 / 5))
}

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (theme, trials) = (scene.theme, &scene.world.trials);
    let inner = text::frame(buf, area, (say!("MEASURED"), theme.strong()), ("", Style::new()), theme.calm());
    let mut all: Vec<_> = trials.measured.iter().collect();
    let is_new = |name: &String| trials.newest.contains(name);
    all.sort_by_cached_key(|(name, _)| (!is_new(name), natural(name)));
    let rows = all.into_iter().map(|(name, value)| {
        let value = format_value(name, *value);
        (break_name(name, inner.width, text::width(&value) + 1), value, is_new(name))
    });
    let all: Vec<_> = rows.collect();
    let rows = usize::from(inner.height);
    let used = |count: usize| all[..count].iter().map(|(name, ..)| name.len()).sum::<usize>();
    let fits = |count: &usize| used(*count) + usize::from(*count < all.len()) <= rows;
    let shown = (0..=all.len()).rev().find(fits).unwrap_or(0);
    let mut row = 0;
    for (name, value, new) in &all[..shown] {
        let [name_style, value_style] = if *new { [Style::new(), theme.strong()] } else { [theme.calm(); 2] };
        for part in name {
            text::write(buf, inner, (0, row), &text::fit(part, inner.width), name_style);
            row += 1;
        }
        text::right(buf, inner, row - 1, value, value_style);
    }
    if shown < all.len() {
        text::write(buf, inner, (0, row), &say!("and {more} more", more = all.len() - shown), theme.calm());
    }
}

/// A number as it is read best: an errno has a name.
fn format_value(name: &str, value: f64) -> String {
    if name.ends_with("-errno") && value > 0.0 {
        return format!("{} {}", errno::name(value as i32), number(value));
    }
    number(value)
}

/// The sort key of a name: its text and number parts, so that `try-2` comes before `try-10`.
fn natural(name: &str) -> Vec<(String, u64)> {
    let (mut parts, mut rest) = (Vec::new(), name);
    while !rest.is_empty() {
        let digits = rest.find(|ch: char| ch.is_ascii_digit()).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(digits);
        let end = behind.find(|ch: char| !ch.is_ascii_digit()).unwrap_or(behind.len());
        let (number, behind) = behind.split_at(end);
        parts.push((word.to_owned(), number.parse().unwrap_or(0)));
        rest = behind;
    }
    parts
}

/// The rows of a name, broken behind its hyphens so that the last one leaves `room` for the value.
fn break_name(name: &str, columns: u16, room: u16) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut parts = name.split_inclusive('-').peekable();
    while let Some(part) = parts.next() {
        let needed = if parts.peek().is_some() { 0 } else { room };
        match rows.last_mut() {
            Some(row) if row.trim().is_empty() || text::width(row) + text::width(part) + needed <= columns => {
                row.push_str(part);
            }
            _ => rows.push(format!("  {part}")),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_put_in_their_order() {
        let mut names = ["try-10-ms", "try-2-ms", "try-1-ms", "try-2", "port-0-chosen", "rows"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["port-0-chosen", "rows", "try-1-ms", "try-2", "try-2-ms", "try-10-ms"]);
    }

    #[test]
    fn a_name_is_broken_behind_a_hyphen_and_nothing_of_it_is_lost() {
        let name = "listening-reuseaddr-second-errno";
        assert_eq!(break_name(name, 46, 14), [name]);
        assert_eq!(break_name(name, 26, 14), ["listening-reuseaddr-", "  second-", "  errno"]);
        assert_eq!(break_name(name, 28, 14), ["listening-reuseaddr-second-", "  errno"]);
        for columns in 22..60 {
            let rows = break_name(name, columns, 14);
            assert_eq!(rows.concat().replace(' ', ""), name, "{columns}");
            assert!(rows.iter().all(|row| text::width(row) <= columns), "{columns}: {rows:?}");
            assert!(rows.last().is_some_and(|last| text::width(last) + 14 <= columns), "{columns}: {rows:?}");
        }
        assert_eq!(break_name("rows", 20, 3), ["rows"]);
    }
}
