//! A film of character pictures as a terminal recording, asciicast version 2: a header line, then one line for each frame that
//! differs from the one before it, with the bytes that a terminal needs to follow.

use std::io::{self, Write};
use std::time::Duration;

use ratatui::buffer::Buffer;
use serde_json::json;

use crate::text::json;

use super::{Glyph, Look, Shade, columns, glyphs};

/// Writes frame after frame.
#[derive(Debug)]
pub struct Asciicast<W> {
    out: W,
    shown: Option<Buffer>,
}

impl<W: Write> Asciicast<W> {
    /// Begins a film of this size.
    ///
    /// # Errors
    /// The writer's own.
    pub fn begin(mut out: W, (width, height): (u16, u16), title: &str) -> io::Result<Self> {
        let header = json!({"version": 2, "width": width, "height": height, "title": title});
        json::write(&mut out, &header)?;
        writeln!(out)?;
        Ok(Self { out, shown: None })
    }

    /// Shows a frame at this time; one that shows nothing new is left out.
    ///
    /// # Errors
    /// The writer's own.
    pub fn frame(&mut self, at: Duration, picture: Buffer) -> io::Result<()> {
        let bytes = changes(self.shown.as_ref(), &picture);
        self.shown = Some(picture);
        if bytes.is_empty() { Ok(()) } else { self.line(at, &bytes) }
    }

    /// Ends the film at this time, with the cursor back.
    ///
    /// # Errors
    /// The writer's own.
    pub fn end(mut self, at: Duration) -> io::Result<()> {
        self.line(at, "\x1b[0m\x1b[?25h")?;
        self.out.flush()
    }

    fn line(&mut self, at: Duration, bytes: &str) -> io::Result<()> {
        let seconds = at.as_millis() as f64 / 1e3;
        json::write(&mut self.out, &json!([seconds, "o", bytes]))?;
        writeln!(self.out)
    }
}

/// What turns one picture into the next on a terminal.
fn changes(before: Option<&Buffer>, after: &Buffer) -> String {
    let mut bytes = String::new();
    if before.is_none() {
        bytes.push_str("\x1b[?25l\x1b[0m\x1b[2J");
    }
    let blank = Glyph { symbol: " ", look: Look::default() };
    let known = before.map(glyphs);
    let mut cursor = Cursor { at: None, look: Look::default() };
    for (index, cell) in glyphs(after).into_iter().enumerate() {
        let known = known.as_ref().map_or(Some(&blank), |known| known.get(index));
        if known != Some(&cell) && !cell.symbol.is_empty() {
            let (row, column) = (index / columns(after) + 1, index % columns(after) + 1);
            cursor.put(&mut bytes, (row, column), cell);
        }
    }
    if cursor.look != Look::default() {
        bytes.push_str("\x1b[0m");
    }
    bytes
}

/// The cursor's position and the current rendition.
struct Cursor {
    at: Option<(usize, usize)>,
    look: Look,
}

impl Cursor {
    fn put(&mut self, bytes: &mut String, (row, column): (usize, usize), cell: Glyph<'_>) {
        if self.at != Some((row, column)) {
            bytes.push_str("\x1b[");
            bytes.push_str(&row.to_string());
            bytes.push(';');
            bytes.push_str(&column.to_string());
            bytes.push('H');
        }
        if self.look != cell.look {
            bytes.push_str(&rendition(cell.look));
            self.look = cell.look;
        }
        bytes.push_str(cell.symbol);
        // Only an ASCII character certainly takes one column on every terminal.
        self.at = (cell.symbol.len() == 1).then_some((row, column + 1));
    }
}

/// The escape sequence of a look.
fn rendition(look: Look) -> String {
    let mut codes = vec!["0".to_owned()];
    for (wanted, code) in [(look.bold, "1"), (look.dim, "2"), (look.underlined, "4")] {
        if wanted {
            codes.push(code.to_owned());
        }
    }
    let reversed = look.foreground == Shade::Reversed || look.background == Shade::Reversed;
    if reversed {
        codes.push("7".to_owned());
    }
    // Reversed text has its two colours exchanged by the terminal.
    let (foreground, behind) =
        if reversed { (look.background, look.foreground) } else { (look.foreground, look.background) };
    for (shade, code) in [(foreground, 38), (behind, 48)] {
        if let Shade::Rgb(r, g, b) = shade {
            codes.push(format!("{code};2;{r};{g};{b}"));
        }
    }
    format!("\x1b[{}m", codes.join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::{Color, Style};
    use ratatui::text::Line;

    fn picture(text: &str, style: Style) -> Buffer {
        Buffer::with_lines([Line::styled(text.to_owned(), style)])
    }

    #[test]
    fn only_what_changed_is_sent_and_nothing_is_sent_for_nothing() {
        let (first, second) = (picture("abc", Style::new()), picture("axc", Style::new()));
        assert_eq!(changes(None, &first), "\x1b[?25l\x1b[0m\x1b[2J\x1b[1;1Habc");
        assert_eq!(changes(Some(&first), &second), "\x1b[1;2Hx");
        assert_eq!(changes(Some(&second), &second), "");
    }

    #[test]
    fn a_look_is_set_and_taken_back() {
        let look = Style::new().bg(Color::Rgb(1, 2, 3)).bold();
        assert_eq!(
            changes(Some(&picture("ab", Style::new())), &picture("ab", look)),
            "\x1b[1;1H\x1b[0;1;48;2;1;2;3mab\x1b[0m"
        );
    }

    #[test]
    fn a_film_is_a_header_and_lines_of_time_and_bytes() {
        let mut bytes = Vec::new();
        let mut film = Asciicast::begin(&mut bytes, (2, 1), "t").unwrap();
        for (millis, text) in [(0, "ab"), (50, "ab"), (100, "xb")] {
            film.frame(Duration::from_millis(millis), picture(text, Style::new())).unwrap();
        }
        film.end(Duration::from_millis(150)).unwrap();
        let lines: Vec<serde_json::Value> =
            String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[0]["version"], &lines[0]["width"]), (&2.into(), &2.into()));
        let times: Vec<_> = lines[1..].iter().map(|line| line[0].as_f64().unwrap()).collect();
        assert_eq!(times, [0.0, 0.1, 0.15]);
        assert_eq!(lines[2], json!([0.1, "o", "\x1b[1;1Hx"]));
    }
}
