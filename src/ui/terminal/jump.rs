//! The shortest ways of the cursor. None of them scrolls. Pure.

use std::io::Write;

/// A control sequence with one or two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jump {
    /// CUF, CUD, CHA, CUP to a row's beginning, DCH, ICH: by its last byte.
    Count(u16, u8),
    /// CUP: to this row and column, from 1.
    Place(u16, u16),
}

impl Jump {
    /// The shortest way to a column and row, from 0.
    pub(super) fn between(from: Option<(u16, u16)>, (x, y): (u16, u16)) -> Self {
        let anywhere = if x == 0 { Self::Count(y + 1, b'H') } else { Self::Place(y + 1, x + 1) };
        let near = match from {
            Some((column, row)) if row == y && column < x => Self::Count(x - column, b'C'),
            Some((_, row)) if row == y => Self::Count(x + 1, b'G'),
            Some((column, row)) if column == x && row < y => Self::Count(y - row, b'B'),
            _ => anywhere,
        };
        let here = from == Some((x, y));
        if here { Self::Count(0, 0) } else { [near, anywhere].into_iter().min_by_key(|way| way.len()).unwrap_or(near) }
    }

    /// How many bytes it takes.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Count(_, 0) => 0,
            Self::Count(number, _) => 3 + digits(number),
            Self::Place(row, column) => 4 + digits(row) + digits(column),
        }
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        let _memory_takes_all = match self {
            Self::Count(_, 0) => Ok(()),
            Self::Count(1, end) => write!(out, "\x1b[{}", char::from(end)),
            Self::Count(number, end) => write!(out, "\x1b[{number}{}", char::from(end)),
            Self::Place(1, column) => write!(out, "\x1b[;{column}H"),
            Self::Place(row, column) => write!(out, "\x1b[{row};{column}H"),
        };
    }
}

/// One needs not to be written.
const fn digits(number: u16) -> usize {
    if number <= 1 { 0 } else { number.ilog10() as usize + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_way_is_taken_and_its_length_is_known() {
        let ways = [
            ((Some((4, 7)), (4, 7)), ""),
            ((Some((4, 7)), (5, 7)), "\x1b[C"),
            ((Some((4, 7)), (16, 7)), "\x1b[12C"),
            ((Some((40, 7)), (11, 7)), "\x1b[12G"),
            ((Some((40, 7)), (0, 7)), "\x1b[G"),
            ((Some((40, 7)), (40, 8)), "\x1b[B"),
            ((Some((40, 7)), (40, 3)), "\x1b[4;41H"),
            ((Some((40, 7)), (0, 9)), "\x1b[10H"),
            ((None, (0, 0)), "\x1b[H"),
            ((None, (9, 0)), "\x1b[;10H"),
        ];
        for ((from, to), bytes) in ways {
            let (jump, mut out) = (Jump::between(from, to), Vec::new());
            jump.write(&mut out);
            assert_eq!((String::from_utf8(out).unwrap().as_str(), jump.len()), (bytes, bytes.len()));
        }
    }
}
