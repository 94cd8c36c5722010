//! Letters larger than the terminal's own, drawn with blocks; in ASCII with strokes or hash signs.
//!
//! What has no shape, or no room, is written in the terminal's own letters instead: nothing is ever left out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::text;

mod font;

/// How large letters are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Letter {
    /// The terminal's own.
    #[default]
    Plain,
    /// Three rows.
    Small,
    /// Five rows.
    Medium,
    /// Eight rows.
    Large,
    /// Ten rows.
    Huge,
}

impl Letter {
    const ALL: [Self; 5] = [Self::Huge, Self::Large, Self::Medium, Self::Small, Self::Plain];

    /// Columns of one point, and half rows; 0 for the terminal's own letters.
    const fn point(self) -> u16 {
        self as u16
    }

    /// Rows of one line.
    pub(super) const fn rows(self) -> u16 {
        match self {
            Self::Plain => 1,
            _ => (5 * self.point()).div_ceil(2),
        }
    }

    /// Columns that `text` takes; `None` where a character has no shape of this size.
    pub(super) fn width(self, text: &str) -> Option<u16> {
        if self == Self::Plain {
            return Some(text::width(text));
        }
        let mut spans = text.chars().map(|ch| font::glyph(ch).map(|glyph| span(&glyph) + 1));
        let points = spans.try_fold(0_u16, |sum, points| Some(sum.saturating_add(points?)))?;
        Some(points.saturating_sub(1).saturating_mul(self.point()))
    }

    /// The largest letters, this size at most, in which `text` fits into so many columns and rows.
    pub(super) fn fitting(self, text: &str, (columns, rows): (u16, u16)) -> Self {
        let fits = |letter: &Self| {
            *letter <= self && letter.rows() <= rows && letter.width(text).is_some_and(|width| width <= columns)
        };
        Self::ALL.into_iter().find(fits).unwrap_or_default()
    }
}

const fn span(glyph: &font::Glyph) -> u16 {
    glyph.points[0].len() as u16
}

/// Letters of one size and look.
#[derive(Clone, Copy, Debug)]
pub(super) struct LargeText {
    /// How large.
    pub(super) letter: Letter,
    /// How they look.
    pub(super) style: Style,
    /// With strokes instead of half blocks.
    pub(super) ascii: bool,
}

impl LargeText {
    /// Writes `text` at a column and row of `area`, clipped; returns the column after it. The cells between the points stay.
    pub(super) fn write(self, buf: &mut Buffer, area: Rect, (col, row): (u16, u16), text: &str) -> u16 {
        if self.letter == Letter::Plain || self.letter.width(text).is_none() {
            return text::write(buf, area, (col, row), text, self.style);
        }
        let point = self.letter.point();
        let mut left = col;
        for glyph in text.chars().filter_map(font::glyph) {
            for line in 0..self.letter.rows() {
                for across in 0..span(&glyph) * point {
                    let ch = self.cell(&glyph, (across, line));
                    if ch != " " {
                        let style = if self.ascii && ch == "█" { solid(self.style) } else { self.style };
                        text::write(buf, area, (left + across, row + line), ch, style);
                    }
                }
            }
            left += (span(&glyph) + 1) * point;
        }
        left.saturating_sub(point)
    }

    /// Writes `text` as large as it fits into `area` up to its own size, in the middle of its rows; returns the column
    /// after it.
    pub(super) fn fit(self, buf: &mut Buffer, area: Rect, text: &str) -> u16 {
        if self.letter > Letter::Plain && self.letter.width(text).is_none() {
            return self.fit_in_parts(buf, area, text);
        }
        let letter = self.letter.fitting(text, (area.width, area.height));
        let top = area.height.saturating_sub(letter.rows()) / 2;
        let text = if letter == Letter::Plain { text::fit(text, area.width) } else { text.to_owned() };
        Self { letter, ..self }.write(buf, area, (0, top), &text)
    }

    /// The same for a text of which some letters have no shape: these are written in the terminal's own, beside the large ones.
    fn fit_in_parts(self, buf: &mut Buffer, area: Rect, text: &str) -> u16 {
        let parts = parts(text);
        let wide = |letter: Letter| {
            parts.iter().map(|part| letter.width(part).unwrap_or_else(|| text::width(part)) + 1).sum::<u16>() - 1
        };
        let fits =
            |letter: &Letter| *letter <= self.letter && letter.rows() <= area.height && wide(*letter) <= area.width;
        let letter = Letter::ALL.into_iter().find(fits).unwrap_or_default();
        let top = area.height.saturating_sub(letter.rows()) / 2;
        let mut col = 0;
        for part in parts {
            let (letter, row) = match letter.width(part) {
                Some(_) => (letter, top),
                None => (Letter::Plain, top + letter.rows() / 2),
            };
            let text = if letter == Letter::Plain { &text::fit(part, area.width.saturating_sub(col)) } else { part };
            col = Self { letter, ..self }.write(buf, area, (col, row), text) + 1;
        }
        col.saturating_sub(1)
    }

    /// The cell at a column and row of one letter.
    fn cell(self, glyph: &font::Glyph, (across, line): (u16, u16)) -> &'static str {
        let point = self.letter.point();
        let col = usize::from(across / point);
        if self.ascii && self.letter == Letter::Small {
            return glyph.ascii[usize::from(line)].get(col..=col).unwrap_or(" ");
        }
        let set = |half: u16| {
            let row = glyph.points.get(usize::from(half / point));
            row.is_some_and(|row| row.as_bytes().get(col) == Some(&b'#'))
        };
        match (set(line * 2), set(line * 2 + 1)) {
            (true, true) => "█",
            // ASCII has no half of a hash sign: the upper half decides.
            (true, false) if self.ascii => "█",
            (_, _) if self.ascii => " ",
            (true, false) => "▀",
            (false, true) => "▄",
            (false, false) => " ",
        }
    }
}

/// True for a text of which only some letters have a shape.
pub(super) fn is_partly_large(text: &str) -> bool {
    parts(text).len() > 1
}

/// The parts of a text that have shapes and those that have none, without the spaces around them.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut first) = (Vec::new(), 0);
    let has_shape = |ch: char| font::glyph(ch).is_some();
    let chars: Vec<_> = text.char_indices().collect();
    for pair in chars.windows(2) {
        if has_shape(pair[0].1) != has_shape(pair[1].1) {
            parts.push(text[first..pair[1].0].trim());
            first = pair[1].0;
        }
    }
    parts.push(text[first..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// A hash sign as a block: its background in the colour of the text.
fn solid(style: Style) -> Style {
    match style.fg {
        Some(foreground) if foreground != Color::Reset => style.bg(foreground),
        _ if style.add_modifier.contains(Modifier::REVERSED) => style.remove_modifier(Modifier::REVERSED),
        _ => style.add_modifier(Modifier::REVERSED),
    }
}

/// Breaks `text` between words into lines of so many columns; `None` where it needs more than `most` lines or has a character without
/// a shape.
pub(super) fn break_lines(text: &str, letter: Letter, columns: u16, most: usize) -> Option<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match longer.filter(|line| letter.width(line).is_some_and(|width| width <= columns)) {
            Some(line) => *lines.last_mut()? = line,
            None if letter.width(word)? <= columns && lines.len() < most => lines.push(word.to_owned()),
            None => return None,
        }
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, letter: Letter, ascii: bool) -> Vec<String> {
        let mut buf = Buffer::empty(Rect::new(0, 0, letter.width(text).unwrap(), letter.rows()));
        let area = buf.area;
        LargeText { letter, style: Style::new(), ascii }.write(&mut buf, area, (0, 0), text);
        let rows = buf.content.chunks(usize::from(buf.area.width));
        rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect()).collect()
    }

    #[test]
    fn a_digit_is_three_rows_of_half_blocks_or_strokes() {
        assert_eq!(drawn("6/5", Letter::Small, false), ["█▀▀   █ █▀▀", "█▀█ ▄▀  ▀▀█", "▀▀▀ ▀   ▀▀▀"]);
        assert_eq!(drawn("6/5", Letter::Small, true), [" _    /  _ ", "|_   /  |_ ", "|_| /    _|"]);
    }

    #[test]
    fn larger_letters_are_the_same_points_made_larger() {
        let rows = drawn("7", Letter::Medium, false);
        assert_eq!(rows, ["██████", "    ██", "    ██", "    ██", "    ██"]);
        assert_eq!(drawn("7", Letter::Huge, true).len(), 10);
    }

    #[test]
    fn the_largest_letters_that_fit_are_taken_and_a_char_without_a_shape_is_written_plainly() {
        assert_eq!(Letter::Huge.fitting("6/6", (44, 10)), Letter::Huge);
        assert_eq!(Letter::Huge.fitting("6/6", (43, 10)), Letter::Large);
        assert_eq!(Letter::Medium.fitting("6/6", (80, 80)), Letter::Medium);
        assert_eq!(Letter::Huge.fitting("6/6", (10, 10)), Letter::Plain);
        assert_eq!(Letter::Huge.fitting("☂", (80, 80)), Letter::Plain);
    }

    #[test]
    fn chars_without_a_shape_are_written_beside_large_letters() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 16, 3));
        let area = buf.area;
        let large_text = LargeText { letter: Letter::Small, style: Style::new(), ascii: false };
        let end = large_text.fit(&mut buf, area, "TI 队列");
        assert_eq!(buf, Buffer::with_lines(["▀█▀ █           ", " █  █ 队列      ", " ▀  ▀           "]));
        assert_eq!(end, 10);
        let mut buf = Buffer::empty(Rect::new(0, 0, 7, 3));
        let area = buf.area;
        large_text.fit(&mut buf, area, "TI 队列");
        assert_eq!(buf, Buffer::with_lines(["       ", "TI 队列", "       "]));
    }

    #[test]
    fn a_sentence_breaks_between_words_or_not_at_all() {
        assert_eq!(break_lines("to be or not", Letter::Small, 26, 2).unwrap(), ["to be", "or not"]);
        assert_eq!(break_lines("to be or not", Letter::Small, 26, 1), None);
        assert_eq!(break_lines("to be ☂", Letter::Small, 26, 9), None);
    }
}
