//! A film of character pictures as one SVG that loops: each different row is drawn once, and each frame is a list of rows that is visible
//! for its time. Where motion is not wanted (`prefers-reduced-motion`) the middle frame stands still.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use ratatui::buffer::Buffer;

use super::svg::{self, Background, Names};
use super::{columns, glyphs};

/// Frames that follow each other at even distances.
#[derive(Debug)]
pub struct Motion {
    background: Background,
    size: (u16, u16),
    gap: Duration,
    looks: Names,
    /// Each different row, by what is drawn of it, with its number.
    rows: BTreeMap<String, usize>,
    /// For each frame the numbers of its rows.
    frames: Vec<Vec<usize>>,
}

impl Motion {
    /// A film without frames yet; `gap` is the time from one to the next.
    pub fn new(background: Background, size: (u16, u16), gap: Duration) -> Self {
        Self { background, size, gap, looks: Names::new(), rows: BTreeMap::new(), frames: Vec::new() }
    }

    /// One frame more.
    pub fn frame(&mut self, picture: &Buffer) {
        let cells = glyphs(picture);
        svg::add_looks(&mut self.looks, &cells);
        let mut frame = Vec::new();
        for row in cells.chunks(columns(picture)) {
            let mut drawn = String::new();
            svg::write_row(&mut drawn, 0, row, (self.background, &self.looks));
            let number = self.rows.len();
            frame.push(*self.rows.entry(drawn).or_insert(number));
        }
        self.frames.push(frame);
    }

    /// The document.
    pub fn write(&self, title: &str) -> String {
        let mut out = svg::head(self.size, title);
        let (count, gap) = (self.frames.len().max(1), self.gap.as_secs_f64());
        let _memory_takes_it = write!(
            out,
            ".f{{visibility:hidden;animation:f {whole:.2}s step-end infinite}}\n\
             @keyframes f{{0%{{visibility:visible}}{share:.4}%{{visibility:hidden}}100%{{visibility:hidden}}}}\n\
             @media (prefers-reduced-motion:reduce){{.f{{animation:none}}#m{middle}{{visibility:visible}}}}\n",
            whole = gap * count as f64,
            share = 100.0 / count as f64,
            middle = count / 2,
        );
        svg::style_end(&mut out, &self.looks, self.background);
        out.push_str("<defs>\n");
        let mut rows: Vec<_> = self.rows.iter().filter(|(drawn, _)| !drawn.is_empty()).collect();
        rows.sort_unstable_by_key(|(_, number)| **number);
        for (drawn, number) in &rows {
            let _memory_takes_it = write!(out, "<g id=\"r{number}\">\n{drawn}</g>\n");
        }
        out.push_str("</defs>\n");
        let blank = self.rows.get("").copied();
        for (index, frame) in self.frames.iter().enumerate() {
            let _memory_takes_it =
                write!(out, "<g class=\"f\" id=\"m{index}\" style=\"animation-delay:{:.2}s\">", gap * index as f64);
            for (row, number) in (0u16..).zip(frame).filter(|(_, number)| Some(**number) != blank) {
                let _memory_takes_it = write!(out, "<use href=\"#r{number}\" y=\"{}\"/>", svg::row_top(row));
            }
            out.push_str("</g>\n");
        }
        out.push_str("</svg>\n");
        out
    }
}
