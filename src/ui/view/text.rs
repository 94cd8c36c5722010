//! Putting text and frames on the picture, always clipped: nothing here can write outside its area.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

/// Writes `text` at a column and row of `area`, clipped; returns the column after it. Of a wide letter both halves are written or
/// none, and one of which a half is written over is gone.
pub(super) fn write(buf: &mut Buffer, area: Rect, (col, row): (u16, u16), text: &str, style: Style) -> u16 {
    let area = area.intersection(buf.area);
    if row >= area.height || col >= area.width {
        return col;
    }
    let (x, y) = (area.x + col, area.y + row);
    let (end, _) = buf.set_stringn(x, y, text, usize::from(area.width - col), style);
    if end > x && x > buf.area.x && is_wide(buf[(x - 1, y)].symbol()) {
        buf[(x - 1, y)].set_symbol(" ");
    }
    if usize::from(end - x) != text.chars().count() {
        // The second half of a wide letter looks like the first.
        buf.set_style(Rect { x, y, width: end - x, height: 1 }, style);
    }
    end - area.x
}

/// True for a character of two columns.
fn is_wide(ch: &str) -> bool {
    let narrow = |ch: char| ch < '\u{1100}' || matches!(ch, '\u{2500}'..='\u{25FC}');
    ch.chars().next().is_some_and(|first| !narrow(first)) && width(ch) > 1
}

/// Writes pieces side by side; returns the column after the last.
pub(super) fn pieces<T: AsRef<str>>(buf: &mut Buffer, area: Rect, at: (u16, u16), pieces: &[(T, Style)]) -> u16 {
    let (mut col, row) = at;
    for (text, style) in pieces {
        col = write(buf, area, (col, row), text.as_ref(), *style);
    }
    col
}

/// Writes `text` so that it ends at the right edge of a row.
pub(super) fn right(buf: &mut Buffer, area: Rect, row: u16, text: &str, style: Style) {
    let col = area.width.saturating_sub(width(text));
    write(buf, area, (col, row), text, style);
}

/// One row of an area.
pub(super) fn row(area: Rect, row: u16) -> Rect {
    Rect { y: area.y + row, height: 1, ..area }.intersection(area)
}

/// The number of columns that `text` takes.
pub(super) fn width(text: &str) -> u16 {
    Span::raw(text).width() as u16
}

/// The same area with a free column on each side, where words have room for it.
pub(super) const fn padded(area: Rect) -> Rect {
    if area.width < 30 { area } else { Rect { x: area.x + 1, width: area.width - 2, ..area } }
}

/// Draws a frame with a title on the left and one on the right of its upper edge; returns what is inside.
pub(super) fn frame(
    buf: &mut Buffer,
    area: Rect,
    (left, title): (&str, Style),
    (right, state): (&str, Style),
    line: Style,
) -> Rect {
    let area = area.intersection(buf.area);
    if area.width < 2 || area.height < 2 {
        return Rect { width: 0, height: 0, ..area };
    }
    let (last_col, last_row) = (area.width - 1, area.height - 1);
    for col in 1..last_col {
        write(buf, area, (col, 0), "─", line);
        write(buf, area, (col, last_row), "─", line);
    }
    for row in 1..last_row {
        write(buf, area, (0, row), "│", line);
        write(buf, area, (last_col, row), "│", line);
    }
    for (at, corner) in [((0, 0), "┌"), ((last_col, 0), "┐"), ((0, last_row), "└"), ((last_col, last_row), "┘")]
    {
        write(buf, area, at, corner, line);
    }
    let inner = Rect::new(area.x + 1, area.y, area.width - 2, 1);
    let used = if left.is_empty() { 0 } else { write(buf, inner, (0, 0), &format!(" {left} "), title) };
    let wanted = width(right) + 2;
    if !right.is_empty() && used + wanted <= inner.width {
        write(buf, inner, (inner.width - wanted, 0), &format!(" {right} "), state);
    }
    Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
}

/// `text` cut and filled up to exactly `columns`.
pub(super) fn cell(text: &str, columns: u16) -> String {
    let mut cell = fit(text, columns);
    cell.extend(std::iter::repeat_n(' ', usize::from(columns.saturating_sub(width(&cell)))));
    cell
}

/// `text` filled up on the left to at least `columns`.
pub(super) fn right_cell(text: &str, columns: u16) -> String {
    format!("{}{text}", " ".repeat(usize::from(columns.saturating_sub(width(text)))))
}

/// More letters than a column holds, with all their accents.
const LETTERS_PER_COLUMN: usize = 4;

/// Cuts `text` to at most `columns`, with an ellipsis where something is missing.
pub(super) fn fit(text: &str, columns: u16) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    // Of a very long text only what can fit is measured again and again.
    let mut cut: String = text.chars().take(usize::from(columns) * LETTERS_PER_COLUMN).collect();
    while !cut.is_empty() && width(&cut) + 1 > columns {
        cut.pop();
    }
    if columns > 0 {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_outside_its_area() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 2));
        write(&mut buf, Rect::new(1, 0, 3, 1), (0, 0), "abcdef", Style::new());
        write(&mut buf, Rect::new(4, 1, 9, 9), (0, 0), "xyz", Style::new());
        write(&mut buf, Rect::new(0, 0, 6, 2), (0, 5), "never", Style::new());
        assert_eq!(buf, Buffer::with_lines([" abc  ", "    xy"]));
    }

    #[test]
    fn a_cut_text_ends_with_an_ellipsis() {
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("abcd", 4), "abcd");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn a_wide_letter_stands_whole_or_not_at_all() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 1));
        let area = buf.area;
        write(&mut buf, Rect { width: 5, ..area }, (0, 0), "队列满", Style::new());
        assert_eq!(buf, Buffer::with_lines(["队列  "]));
        write(&mut buf, area, (1, 0), "│", Style::new());
        assert_eq!(buf, Buffer::with_lines([" │列  "]));
        write(&mut buf, area, (2, 0), "x", Style::new());
        assert_eq!(buf, Buffer::with_lines([" │x   "]));
        assert_eq!((cell("队列满", 5), right_cell("队列", 5)), ("队列…".into(), " 队列".into()));
    }
}
