//! JSON as it is printed: what would steer a terminal or a reader's eye is written as an escape, so that a document can be looked at.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::sanitize::steers;

/// Writes a value in one line, without its end.
///
/// # Errors
/// The writer's own.
pub fn write(out: impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, Plain(CompactFormatter));
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// Writes a value over several lines, without the end of the last one.
///
/// # Errors
/// The writer's own.
pub fn write_pretty(out: impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, Plain(PrettyFormatter::new()));
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// A format with nothing in its strings that steers.
struct Plain<F>(F);

/// Passes everything on to the format within.
macro_rules! as_within {
    ($($name:ident $(($argument:ident: $kind:ty))?),+ $(,)?) => {
        $(fn $name<W: ?Sized + Write>(&mut self, out: &mut W $(, $argument: $kind)?) -> io::Result<()> {
            self.0.$name(out $(, $argument)?)
        })+
    };
}

impl<F: Formatter> Formatter for Plain<F> {
    as_within!(
        begin_array,
        end_array,
        begin_array_value(first: bool),
        end_array_value,
        begin_object,
        end_object,
        begin_object_key(first: bool),
        end_object_key,
        begin_object_value,
        end_object_value,
    );

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = fragment;
        while let Some((at, letter)) = plain.char_indices().find(|(_, letter)| steers(*letter)) {
            out.write_all(&plain.as_bytes()[..at])?;
            write!(out, "\\u{:04x}", u32::from(letter))?;
            plain = &plain[at + letter.len_utf8()..];
        }
        out.write_all(plain.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_escaped_and_means_the_same() {
        let value = serde_json::json!({ "a\u{9b}b": ["\u{7f}\u{202e}\u{1b}[0m", "\u{754c}\u{2028}"] });
        let (mut line, mut lines) = (Vec::new(), Vec::new());
        write(&mut line, &value).unwrap();
        write_pretty(&mut lines, &value).unwrap();
        let [line, lines] = [line, lines].map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(line, "{\"a\\u009bb\":[\"\\u007f\\u202e\\u001b[0m\",\"\u{754c}\\u2028\"]}");
        for text in [&line, &lines] {
            assert!(!text.chars().any(|letter| letter != '\n' && steers(letter)), "{text:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(text).unwrap(), value);
        }
        assert_eq!(lines.lines().count(), 6);
    }
}
