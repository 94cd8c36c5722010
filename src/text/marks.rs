//! The marks of a text in no language: characters that no text has (Unicode noncharacters).

use std::fmt::{Display, Write as _};

/// A sentence begins; its key follows.
pub(super) const KEY: char = '\u{fdd0}';
/// The name of a hole follows.
pub(super) const HOLE: char = '\u{fdd1}';
/// What fills that hole follows.
pub(super) const VALUE: char = '\u{fdd2}';
/// The number of an error of the system follows.
pub(super) const ERRNO: char = '\u{fdd3}';
/// The end of a sentence, or of that number.
pub(super) const END: char = '\u{fdd4}';

/// A text with its holes, marked.
pub(super) fn mark(english: &str, holes: &[(&str, &dyn Display)]) -> String {
    let mut marked = format!("{KEY}{english}");
    for (name, value) in holes {
        let _a_string_takes_everything = write!(marked, "{HOLE}{name}{VALUE}{value}");
    }
    marked.push(END);
    marked
}

/// An error of the system, marked.
pub(super) fn mark_errno(errno: i32) -> String {
    format!("{ERRNO}{errno}{END}")
}
