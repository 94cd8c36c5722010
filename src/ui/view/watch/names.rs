//! Names that are too long are cut in the middle: the beginning says what it is, the end distinguishes it from its neighbours.

use crate::text::wrap::split;
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::text;

/// Cuts `text` to at most `columns`, by grapheme clusters, with an ellipsis where something is missing.
pub(super) fn shorten(text: &str, columns: u16) -> String {
    if text::width(text) <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let span = Span::raw(text);
    let graphemes: Vec<(&str, u16)> =
        span.styled_graphemes(Style::new()).map(|grapheme| (grapheme.symbol, text::width(grapheme.symbol))).collect();
    let room = columns - 1;
    let head = take(graphemes.iter(), room.div_ceil(2));
    let used: u16 = graphemes[..head].iter().map(|(_, width)| width).sum();
    let tail = take(graphemes.iter().rev(), room - used);
    let text = |graphemes: &[(&str, u16)]| graphemes.iter().map(|(grapheme, _)| *grapheme).collect::<String>();
    format!("{}…{}", text(&graphemes[..head]), text(&graphemes[graphemes.len() - tail..]))
}

/// How many graphemes fit.
fn take<'s>(graphemes: impl Iterator<Item = &'s (&'s str, u16)>, room: u16) -> usize {
    let mut used = 0;
    let fits = |(_, width): &&(&str, u16)| {
        used += width;
        used <= room
    };
    graphemes.take_while(fits).count()
}

/// `text` cut and filled up to exactly `columns`.
pub(super) fn cell(text: &str, columns: u16) -> String {
    let mut cell = shorten(text, columns);
    let missing = columns.saturating_sub(text::width(&cell));
    cell.extend(std::iter::repeat_n(' ', usize::from(missing)));
    cell
}

/// `text` cut and filled up on the left to exactly `columns`.
pub(super) fn cell_right(text: &str, columns: u16) -> String {
    let cut = shorten(text, columns);
    let missing = columns.saturating_sub(text::width(&cut));
    format!("{}{cut}", " ".repeat(usize::from(missing)))
}

/// Breaks `text` into at most `rows` lines of `columns`, at spaces; the last one ends with an ellipsis when something is missing.
pub(super) fn wrap(text: &str, columns: u16, rows: u16) -> Vec<String> {
    let (mut lines, mut rest) = (Vec::new(), text);
    while !rest.is_empty() && lines.len() < usize::from(rows) {
        let (line, after) = split(rest, columns);
        if lines.len() + 1 == usize::from(rows) {
            lines.push(text::fit(rest, columns));
            break;
        }
        lines.push(text::fit(line, columns));
        rest = after;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_beginning_and_its_end() {
        assert_eq!(shorten("/run/user/1000/bus", 18), "/run/user/1000/bus");
        assert_eq!(shorten("/run/user/1000/bus", 11), "/run/…0/bus");
        assert_eq!(shorten("abc", 1), "…");
        assert_eq!(shorten("abc", 0), "");
    }

    #[test]
    fn wide_and_combining_characters_are_never_cut_in_two() {
        for name in ["日本語のサーバー名前", "e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}", "a日b本c語d"]
        {
            for columns in 0..=text::width(name) + 2 {
                let (cut, full) = (shorten(name, columns), cell(name, columns));
                assert!(text::width(&cut) <= columns, "{cut:?} in {columns}");
                assert_eq!(text::width(&full), columns, "{full:?} in {columns}");
                assert!(!cut.starts_with('\u{301}') && !cut.contains("…\u{301}"), "{cut:?}");
            }
        }
        assert_eq!(shorten("日本語のサーバー", 7), "日…バー");
    }

    #[test]
    fn a_wrapped_text_that_is_cut_ends_with_an_ellipsis() {
        assert_eq!(wrap("to be or not to be", 6, 2), ["to be", "or no…"]);
        assert_eq!(wrap("to be or not", 6, 3), ["to be", "or not"]);
    }
}
