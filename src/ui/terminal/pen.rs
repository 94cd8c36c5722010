//! From one picture to the next in as few bytes as possible: only what changed, in the order of its colours, over the shortest ways
//! of the cursor; what moved to the left within its row, as a timeline does, is moved by the terminal. Pure; the bytes are xterm's.
//!
//! Attributes and the cursor's place are remembered from frame to frame: nobody else may write in between without
//! [`Pen::forget`].

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::ink::{Ink, Need};
use super::jump::Jump;

/// What stands on the terminal, and how the next byte would be taken.
#[derive(Debug, Default)]
pub struct Pen {
    /// What was drawn last; `None`: nobody knows what stands there.
    shown: Option<Buffer>,
    /// Column and row; `None`: somewhere.
    at: Option<(u16, u16)>,
    ink: Ink,
}

/// Cells of one row that are written one after the other, with one ink.
#[derive(Clone, Copy, Debug)]
struct Stroke {
    row: u16,
    start: u16,
    end: u16,
    need: Need,
}

impl Pen {
    /// Forgets what stands on the terminal: the next picture is drawn whole.
    pub fn forget(&mut self) {
        self.shown = None;
    }

    /// Writes the bytes that turn what stands on the terminal into this picture.
    pub fn draw(&mut self, next: Buffer, out: &mut Vec<u8>) {
        let mut before = match self.shown.take() {
            Some(shown) if shown.area == next.area => shown,
            _ => self.clear(next.area, out),
        };
        let width = usize::from(next.area.width).max(1);
        let mut strokes = Vec::new();
        for (row, (before, next)) in (0..).zip(before.content.chunks_mut(width).zip(next.content.chunks(width))) {
            self.pull(row, (before, next), out);
            gather(row, (before, next), &mut strokes);
        }
        while let Some(need) = self.nearest(&strokes) {
            let (now, later) = strokes.into_iter().partition(|stroke: &Stroke| stroke.need == need);
            for stroke in now {
                self.stroke(stroke, &next.content[usize::from(stroke.row) * width..][..width], out);
            }
            strokes = later;
        }
        self.shown = Some(next);
    }

    fn clear(&mut self, area: Rect, out: &mut Vec<u8>) -> Buffer {
        (self.at, self.ink) = (None, Ink::default());
        out.extend_from_slice(b"\x1b[m\x1b[2J");
        Buffer::empty(area)
    }

    /// Lets the terminal move what has moved to the left: cells are deleted where that begins, and blanks are inserted where it
    /// ends, so that what stands behind stays.
    fn pull(&mut self, row: u16, (before, next): (&mut [Cell], &[Cell]), out: &mut Vec<u8>) {
        let differs = |x: &usize| before[*x] != next[*x];
        let (Some(first), Some(last)) = ((0..next.len()).find(differs), (0..next.len()).rfind(differs)) else { return };
        let changed = (first..=last).filter(differs).count();
        let missed = |by: usize| by + (first..=last - by).filter(|x| next[*x] != before[x + by]).count();
        let best = (1..=FARTHEST.min(last - first)).min_by_key(|by| missed(*by));
        let Some(by) = best.filter(|by| missed(*by) + WORTH <= changed) else { return };
        if before.iter().chain(next).any(|cell| columns(cell) != 1) {
            return;
        }
        if !self.ink.leaves_plain_blanks() {
            self.ink.change_to(Need::of(&Cell::EMPTY), out);
        }
        for (column, end) in [(first, b'P'), (last + 1 - by, b'@')] {
            self.reach((column as u16, row), &[], out);
            Jump::Count(by as u16, end).write(out);
        }
        before[first..=last].rotate_left(by);
        before[last + 1 - by..=last].fill(Cell::EMPTY);
    }

    /// What the strokes need that takes the fewest bytes to change to.
    fn nearest(&self, strokes: &[Stroke]) -> Option<Need> {
        let mut needs: Vec<Need> = Vec::new();
        for stroke in strokes {
            if !needs.contains(&stroke.need) {
                needs.push(stroke.need);
            }
        }
        needs.into_iter().min_by_key(|need| self.ink.way_to(*need))
    }

    fn stroke(&mut self, stroke: Stroke, row: &[Cell], out: &mut Vec<u8>) {
        self.ink.change_to(stroke.need, out);
        self.reach((stroke.start, stroke.row), row, out);
        let mut x = usize::from(stroke.start);
        while x < usize::from(stroke.end) {
            out.extend_from_slice(row[x].symbol().as_bytes());
            let width = columns(&row[x]);
            x += width;
            // At the right edge, and behind a sign on whose width terminals do not agree, the cursor is somewhere.
            self.at = (width == 1 && x < row.len()).then_some((x as u16, stroke.row));
            if self.at.is_none() && x < usize::from(stroke.end) {
                self.reach((x as u16, stroke.row), row, out);
            }
        }
    }

    /// Brings the cursor to a place; over cells that stand as they are, if that is no longer than to jump.
    fn reach(&mut self, (x, y): (u16, u16), row: &[Cell], out: &mut Vec<u8>) {
        let jump = Jump::between(self.at, (x, y));
        let between = self.at.filter(|at| at.1 == y && at.0 < x);
        let between = between.and_then(|at| row.get(usize::from(at.0)..usize::from(x)));
        let walk = between.filter(|cells| {
            let bytes: usize = cells.iter().map(|cell| cell.symbol().len()).sum();
            bytes <= jump.len() && cells.iter().all(|cell| columns(cell) == 1 && self.ink.way_to(Need::of(cell)) == 0)
        });
        match walk {
            Some(cells) => cells.iter().for_each(|cell| out.extend_from_slice(cell.symbol().as_bytes())),
            None => jump.write(out),
        }
        self.at = Some((x, y));
    }
}

/// The strokes for one row.
fn gather(row: u16, (before, next): (&[Cell], &[Cell]), strokes: &mut Vec<Stroke>) {
    // A sign of two columns takes the second one with it, when it comes and when it goes.
    let (mut x, mut spoilt) = (0, 0);
    while x < next.len() {
        let width = columns(&next[x]);
        if before[x] != next[x] || x < spoilt {
            let ends = before.iter().enumerate().skip(x).take(width).map(|(x, old)| x + columns(old));
            spoilt = ends.max().unwrap_or(x).max(spoilt);
            let (start, end, need) = (x as u16, (x + width) as u16, Need::of(&next[x]));
            let neighbour = strokes.last_mut().filter(|stroke| (stroke.row, stroke.end) == (row, start));
            match neighbour.and_then(|stroke| Some((stroke.need.with(need)?, stroke))) {
                Some((both, stroke)) => (stroke.need, stroke.end) = (both, end),
                None => strokes.push(Stroke { row, start, end, need }),
            }
        }
        x += width;
    }
}

/// How many columns a cell's sign takes.
fn columns(cell: &Cell) -> usize {
    let sign = cell.symbol();
    if sign.len() == 1 { 1 } else { Span::raw(sign).width().max(1) }
}

/// How far something may have moved to be recognised.
const FARTHEST: usize = 3;

/// How many cells must not have to be written for the terminal to move them.
const WORTH: usize = 8;
