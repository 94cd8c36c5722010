//! A picture of characters as SVG: one text element for each piece of a row that looks the same, stretched to its columns, so that
//! every character is in its column whatever font the reader has.

use std::collections::BTreeMap;
use std::fmt::Write;

use ratatui::buffer::Buffer;

use super::{Glyph, Look, Shade, columns, glyphs};
use crate::text::sanitize;

/// The reader's own two colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// Light characters on a dark background.
    Dark,
    /// Dark characters on a light background.
    Light,
}

/// The document.
pub fn write(picture: &Buffer, background: Background, title: &str) -> String {
    let cells = glyphs(picture);
    let looks = looks(&cells);
    let mut svg = head((picture.area.width, picture.area.height), title);
    style_end(&mut svg, &looks, background);
    for (number, row) in (0u16..).zip(cells.chunks(columns(picture))) {
        write_row(&mut svg, number, row, (background, &looks));
    }
    svg.push_str("</svg>\n");
    svg
}

/// The beginning of the document, up to the rules of its style.
pub(super) fn head((columns, rows): (u16, u16), title: &str) -> String {
    let (width, height) = (place(columns, COLUMN) + 2 * MARGIN, place(rows, ROW) + 2 * MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\">\n\
         <title>{}</title>\n<style>\n",
        escape(title),
        w = tenths(width),
        h = tenths(height),
    )
}

/// The rules of the text and of each look, the end of the style, and what is behind everything.
pub(super) fn style_end(svg: &mut String, looks: &Names, background: Background) {
    let (foreground, behind) = background.colours();
    let _memory_takes_it = writeln!(svg, "text{{white-space:pre;font:{FONT};fill:{}}}", hex(foreground));
    for (look, name) in looks {
        let _memory_takes_it = writeln!(svg, ".c{name}{{{}}}", rules(*look, background));
    }
    let _memory_takes_it =
        writeln!(svg, "</style>\n<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{}\"/>", hex(behind));
}

/// How far below the first row this one is.
pub(super) fn row_top(row: u16) -> String {
    tenths(place(row, ROW))
}

/// A number for the class of each look.
pub(super) type Names = BTreeMap<Look, usize>;

/// With the looks of these cells, too; a look keeps its number.
pub(super) fn add_looks(names: &mut Names, cells: &[Glyph<'_>]) {
    for cell in cells {
        let (look, number) = (as_text(cell.look), names.len());
        if look != Look::default() {
            names.entry(look).or_insert(number);
        }
    }
}

/// Every look but the usual one, with a number for its class.
fn looks(cells: &[Glyph<'_>]) -> Names {
    let mut names: Names = cells.iter().map(|cell| (as_text(cell.look), 0)).collect();
    names.remove(&Look::default());
    for (number, name) in names.values_mut().enumerate() {
        *name = number;
    }
    names
}

/// A look without its background, which is drawn separately.
fn as_text(look: Look) -> Look {
    Look { background: Shade::Usual, ..look }
}

pub(super) fn write_row(svg: &mut String, number: u16, row: &[Glyph<'_>], (background, looks): (Background, &Names)) {
    let top = MARGIN + place(number, ROW);
    for (first, piece) in pieces(row, |before, cell| before.look.background == cell.look.background) {
        if let Some(colour) = background_color(piece[0].look.background, background) {
            let (x, width) = (tenths(MARGIN + place(first, COLUMN)), tenths(place(piece.len() as u16, COLUMN)));
            let _memory_takes_it = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{}\" fill=\"{}\"/>",
                tenths(top),
                tenths(ROW),
                hex(colour)
            );
        }
    }
    let same = |before: &Glyph<'_>, cell: &Glyph<'_>| as_text(before.look) == as_text(cell.look);
    for (first, piece) in pieces(row, same) {
        let look = as_text(piece[0].look);
        for (offset, words) in words(piece, look.underlined) {
            let text: String = words.iter().map(|cell| cell.symbol).collect();
            let class = looks.get(&look).map_or_else(String::new, |name| format!(" class=\"c{name}\""));
            let _memory_takes_it = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" textLength=\"{}\"{class}>{}</text>",
                tenths(MARGIN + place(first + offset, COLUMN)),
                tenths(top + BASELINE),
                tenths(place(words.len() as u16, COLUMN)),
                escape(&text)
            );
        }
    }
}

/// The row in pieces of cells that belong together, each with its first column.
fn pieces<'r>(row: &'r [Glyph<'r>], together: impl Fn(&Glyph<'_>, &Glyph<'_>) -> bool) -> Vec<(u16, &'r [Glyph<'r>])> {
    let mut first = 0;
    let chunks = row.chunk_by(|before, cell| cell.symbol.is_empty() || together(before, cell));
    chunks
        .map(|chunk| {
            let piece = (first, chunk);
            first += chunk.len() as u16;
            piece
        })
        .collect()
}

/// A piece without the blanks around it, cut where it has two blanks or more; underlined blanks are seen and stay.
fn words<'r>(piece: &'r [Glyph<'r>], underlined: bool) -> Vec<(u16, &'r [Glyph<'r>])> {
    if underlined {
        return vec![(0, piece)];
    }
    let blank = |cell: &Glyph<'_>| cell.symbol == " ";
    let mut words = Vec::new();
    let mut start = 0;
    while let Some(begin) = piece[start..].iter().position(|cell| !blank(cell)).map(|ahead| start + ahead) {
        let gap = piece[begin..].windows(2).position(|pair| blank(&pair[0]) && blank(&pair[1]));
        let mut end = gap.map_or(piece.len(), |ahead| begin + ahead);
        start = end;
        while end > begin && blank(&piece[end - 1]) {
            end -= 1;
        }
        words.push((begin as u16, &piece[begin..end]));
    }
    words
}

fn rules(look: Look, background: Background) -> String {
    let (foreground, behind) = background.colours();
    let colour = match look.foreground {
        Shade::Usual => foreground,
        Shade::Reversed => behind,
        Shade::Rgb(r, g, b) => [r, g, b],
    };
    let mut rules = format!("fill:{}", hex(colour));
    for (wanted, rule) in
        [(look.bold, ";font-weight:bold"), (look.dim, ";opacity:.6"), (look.underlined, ";text-decoration:underline")]
    {
        if wanted {
            rules.push_str(rule);
        }
    }
    rules
}

fn background_color(shade: Shade, background: Background) -> Option<[u8; 3]> {
    match shade {
        Shade::Usual => None,
        Shade::Reversed => Some(background.colours().0),
        Shade::Rgb(r, g, b) => Some([r, g, b]),
    }
}

impl Background {
    const fn colours(self) -> ([u8; 3], [u8; 3]) {
        match self {
            Self::Dark => ([216; 3], [24, 26, 31]),
            Self::Light => ([32; 3], [255; 3]),
        }
    }
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Text as XML takes it.
fn escape(text: &str) -> String {
    sanitize::line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// So many columns or rows, in tenths of a pixel.
const fn place(count: u16, step: u32) -> u32 {
    count as u32 * step
}

/// Tenths of a pixel as SVG writes them.
fn tenths(length: u32) -> String {
    if length.is_multiple_of(10) { (length / 10).to_string() } else { format!("{}.{}", length / 10, length % 10) }
}

/// A column's width, a row's height, the baseline below a row's top, and the margin, in tenths of a pixel.
const COLUMN: u32 = 84;
const ROW: u32 = 165;
const BASELINE: u32 = 128;
const MARGIN: u32 = 100;

/// At this size a column of DejaVu Sans Mono is as wide as [`COLUMN`], also for a reader that does not know `textLength`.
const FONT: &str = "13.95px 'DejaVu Sans Mono',Menlo,ui-monospace,Consolas,monospace";
