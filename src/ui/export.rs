//! Pictures for files: as text, as SVG, still or in motion, and as a terminal recording. All of them are made of the buffer that the view paints.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use ratatui::text::Span;

pub mod asciicast;
pub mod film;
pub mod motion;
pub mod svg;

pub use film::Film;

/// The characters alone, without blanks at the end of a line.
pub fn text(picture: &Buffer) -> String {
    let mut text = String::new();
    for row in glyphs(picture).chunks(columns(picture)) {
        let line: String = row.iter().map(|cell| cell.symbol).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The content of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Glyph<'p> {
    /// Empty behind a character that is two columns wide.
    symbol: &'p str,
    look: Look,
}

/// How a cell looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Look {
    /// The character's colour.
    foreground: Shade,
    /// The colour behind it.
    background: Shade,
    /// In bold.
    bold: bool,
    /// Fainter.
    dim: bool,
    /// Underlined.
    underlined: bool,
}

/// A colour, or one of the two that the reader has chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Shade {
    /// The usual one at this place: the reader's foreground for characters, the reader's background behind them.
    #[default]
    Usual,
    /// The other one of the two, as in reversed text.
    Reversed,
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// The cells of a picture, row by row.
fn glyphs(picture: &Buffer) -> Vec<Glyph<'_>> {
    let mut covered = 0;
    let cells = picture.content.iter().map(|cell| {
        let symbol = if covered > 0 { "" } else { cell.symbol() };
        covered = if covered > 0 { covered - 1 } else { Span::raw(symbol).width().saturating_sub(1) };
        Glyph { symbol, look: Look::of(cell) }
    });
    cells.collect()
}

/// The length of a row.
fn columns(picture: &Buffer) -> usize {
    usize::from(picture.area.width).max(1)
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let has = |modifier| cell.modifier.contains(modifier);
        let (mut foreground, mut background) = (Shade::of(cell.fg), Shade::of(cell.bg));
        if has(Modifier::REVERSED) {
            (foreground, background) = (background.other(), foreground.other());
        }
        Self {
            foreground,
            background,
            bold: has(Modifier::BOLD),
            dim: has(Modifier::DIM),
            underlined: has(Modifier::UNDERLINED),
        }
    }
}

impl Shade {
    /// A theme of full depth names its colours by their parts; black and white are the foregrounds of filled surfaces.
    const fn of(color: Color) -> Self {
        match color {
            Color::Rgb(r, g, b) => Self::Rgb(r, g, b),
            Color::Black => Self::Rgb(0, 0, 0),
            Color::White => Self::Rgb(255, 255, 255),
            _ => Self::Usual,
        }
    }

    /// The usual colour of one place is the reversed one of the other.
    const fn other(self) -> Self {
        match self {
            Self::Usual => Self::Reversed,
            Self::Reversed => Self::Usual,
            Self::Rgb(r, g, b) => Self::Rgb(r, g, b),
        }
    }
}
