//! Columns as wide as their widest cell.

use unicode_width::UnicodeWidthStr;

use crate::text::wrap::{left, right};

/// The alignment of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Side {
    Left,
    Right,
}

/// Lines of cells under a heading, two blanks between columns and none at the end of a line.
pub(in crate::report) fn columns<const N: usize>(heading: [(&str, Side); N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].width());
        cells.chain([heading[column].0.width()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let sides = heading.map(|(_, side)| side);
    let mut text = line(&heading.map(|(name, _)| name.to_owned()), &widths, &sides);
    for row in rows {
        text.push_str(&line(row, &widths, &sides));
    }
    text
}

fn line(cells: &[String], widths: &[usize], sides: &[Side]) -> String {
    let padded = cells
        .iter()
        .zip(widths)
        .zip(sides)
        .map(|((cell, width), side)| if *side == Side::Left { left(cell, *width) } else { right(cell, *width) });
    let line = padded.collect::<Vec<_>>().join("  ");
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_as_wide_as_its_widest_cell() {
        let rows = [["a".to_owned(), "1".to_owned()], ["äöü".to_owned(), "12345".to_owned()]];
        let text = columns([("N", Side::Left), ("ALL", Side::Right)], &rows);
        assert_eq!(text, "N      ALL\na        1\näöü  12345\n");
        let rows = [["已满".to_owned(), "1".to_owned()], ["ab".to_owned(), "至少 2".to_owned()]];
        let text = columns([("名", Side::Left), ("数", Side::Right)], &rows);
        assert_eq!(text, "名        数\n已满       1\nab    至少 2\n");
    }
}
