//! A picture of characters, whoever has drawn it.

/// Cells in rows from the top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Row by row, `width * height` of them.
    pub cells: Vec<Cell>,
}

/// One cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// What stands there; empty behind a sign that is two columns wide.
    pub sign: String,
    /// How it looks.
    pub look: Look,
}

/// How a cell looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Look {
    /// The sign's colour.
    pub ink: Shade,
    /// The colour behind it.
    pub ground: Shade,
    /// In bold.
    pub bold: bool,
    /// Fainter.
    pub dim: bool,
    /// Underlined.
    pub underlined: bool,
}

/// A colour, or one of the two that the reader has chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shade {
    /// The usual one at this place: the reader's text colour for signs, the reader's background behind them.
    #[default]
    Usual,
    /// The other one of the two, as in reversed text.
    Reversed,
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

impl Grid {
    /// The rows from the top.
    pub fn rows(&self) -> impl Iterator<Item = &[Cell]> {
        self.cells.chunks(usize::from(self.width).max(1))
    }

    /// The signs alone, without blanks at the end of a line.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for row in self.rows() {
            let line: String = row.iter().map(|cell| cell.sign.as_str()).collect();
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}
