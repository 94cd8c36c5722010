//! A picture as a terminal shows it, and what holds of every picture at every size.
//!
//! Two of them are stored for a reviewer: 80×24 in ASCII and 120×36 in Unicode. All other sizes, and the other language, are held
//! against rules: the picture fills its area, no letter is cut in two, edges are straight,
//! frames lie beside or inside each other, and ASCII is ASCII.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::snapshot::store;

/// Sizes at which every state is held against the rules.
pub(crate) const SIZES: [(u16, u16); 7] = [(60, 16), (80, 24), (101, 31), (120, 36), (170, 50), (200, 60), (300, 80)];

/// The columns that a sign takes.
pub(crate) fn width(sign: &str) -> usize {
    Span::raw(sign).width()
}

/// The rows as they are read: the cell behind a wide letter is its second half.
pub(crate) fn rows(picture: &Buffer) -> Vec<String> {
    let row = |cells: &[Cell]| {
        let (mut text, mut covered) = (String::new(), 0);
        for cell in cells {
            if covered == 0 {
                text.push_str(cell.symbol());
                covered = width(cell.symbol()).max(1);
            }
            covered -= 1;
        }
        text.trim_end().to_owned()
    };
    picture.content.chunks(usize::from(picture.area.width.max(1))).map(row).collect()
}

/// The rows as one text.
pub(crate) fn lines(picture: &Buffer) -> String {
    rows(picture).join("\n")
}

/// Draws a state, `ascii` or not, at each size: the stored ones for a reviewer, all of them against the rules.
#[track_caller]
pub(crate) fn shoot(name: &str, mut draw: impl FnMut((u16, u16), bool) -> Buffer) {
    for size in SIZES {
        for ascii in [false, true] {
            let picture = draw(size, ascii);
            assert_sound(name, size, &picture);
            let suffix = if ascii { "ascii" } else { "unicode" };
            if (size, ascii) == ((80, 24), true) || (size, ascii) == ((120, 36), false) {
                store(&format!("{name}_{}x{}_{suffix}", size.0, size.1), &lines(&picture));
            }
            assert!(!ascii || lines(&picture).is_ascii(), "{name} {size:?}\n{}", lines(&picture));
        }
    }
}

/// What holds of every picture.
#[track_caller]
pub(crate) fn assert_sound(name: &str, size: (u16, u16), picture: &Buffer) {
    assert_eq!((picture.area.width, picture.area.height), size, "{name} fills another area");
    assert_eq!(halves(picture), [], "{name} {size:?}: letters cut in two\n{}", lines(picture));
    // A help lies over the picture, and what falls in large letters crosses its edges.
    let is_covered = name.contains("help") || name.starts_with("projector");
    assert!(is_covered || bent(picture).1.is_empty(), "{name} {size:?}: bent edges\n{}", lines(picture));
    let frames = frames(picture);
    for (at, one) in frames.iter().enumerate() {
        for other in &frames[at + 1..] {
            let overlap = one.intersection(*other);
            let apart = overlap.is_empty() || overlap == *one || overlap == *other || is_covered;
            assert!(apart, "{name} {size:?}: {one:?} and {other:?} overlap\n{}", lines(picture));
        }
    }
}

/// Wide letters that are not followed by their second half.
fn halves(picture: &Buffer) -> Vec<(u16, u16)> {
    let area = picture.area;
    let is_whole = |(x, y)| x + 1 < area.width && picture[(x + 1, y)].symbol() == " ";
    places(picture).filter(|at| width(picture[*at].symbol()) > 1 && !is_whole(*at)).collect()
}

/// Corners from which an edge does not go straight down to another corner, and how many do.
pub(crate) fn bent(picture: &Buffer) -> (usize, Vec<(u16, u16)>) {
    let (mut straight, mut bent) = (0, Vec::new());
    for (x, y) in places(picture) {
        let ends = match picture[(x, y)].symbol() {
            "┌" | "╔" => ["└", "╚"],
            "┐" | "╗" => ["┘", "╝"],
            _ => continue,
        };
        if edge_end(picture, (x, y)).is_some_and(|end| ends.contains(&picture[(x, end)].symbol())) {
            straight += 1;
        } else {
            bent.push((x, y));
        }
    }
    (straight, bent)
}

/// The row in which the edge below this corner ends.
fn edge_end(picture: &Buffer, (x, y): (u16, u16)) -> Option<u16> {
    (y + 1..picture.area.height).find(|y| !["│", "║", "╎", "┃"].contains(&picture[(x, *y)].symbol()))
}

/// The frames of which all four corners are there.
fn frames(picture: &Buffer) -> Vec<Rect> {
    let is = |at: (u16, u16), signs: [&str; 2]| {
        at.0 < picture.area.width && at.1 < picture.area.height && signs.contains(&picture[at].symbol())
    };
    let mut found = Vec::new();
    for (x, y) in places(picture).filter(|at| is(*at, ["┌", "╔"])) {
        let right = (x + 1..picture.area.width).find(|right| is((*right, y), ["┐", "╗"]));
        let Some(bottom) = edge_end(picture, (x, y)).filter(|bottom| is((x, *bottom), ["└", "╚"])) else {
            continue;
        };
        if let Some(right) = right.filter(|right| is((*right, bottom), ["┘", "╝"])) {
            found.push(Rect::new(x, y, right - x + 1, bottom - y + 1));
        }
    }
    found
}

fn places(picture: &Buffer) -> impl Iterator<Item = (u16, u16)> + use<> {
    let (width, height) = (picture.area.width, picture.area.height);
    (0..height).flat_map(move |y| (0..width).map(move |x| (x, y)))
}
