//! Names that other programs chose (paths of sockets, names of processes) as one line of text without terminal
//! control sequences.

/// The bytes as text: control characters, marks that reverse the direction of writing, and bytes that are no UTF-8 are written as
/// escapes (`\x1b`, `\u{202e}`); everything else stays.
pub fn printable(bytes: &[u8]) -> String {
    // Room for the `@` that may come before it.
    let mut text = String::with_capacity(bytes.len() + 1);
    // Fast path: nearly all names are plain ASCII, and they are read a hundred times per second.
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        text.extend(std::str::from_utf8(bytes));
        return text;
    }
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                _ if char.is_ascii_control() => text.extend(escaped(char as u8)),
                _ if is_terminal_control(char) => text.extend(char.escape_unicode()),
                _ => text.push(char),
            }
        }
        text.extend(chunk.invalid().iter().flat_map(|byte| escaped(*byte)));
    }
    text
}

/// `\x1b`: every byte the same way, line feeds too.
fn escaped(byte: u8) -> [char; 4] {
    let digit = |four_bits: u8| char::from_digit(four_bits.into(), 16).unwrap_or_default();
    ['\\', 'x', digit(byte >> 4), digit(byte & 15)]
}

/// Controls beyond ASCII, line separators, and the marks of bidirectional text.
fn is_terminal_control(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_escape_sequence_stays_text_and_plain_names_stay_themselves() {
        assert_eq!(printable(b"a\x1b[31mb\nc\xff"), "a\\x1b[31mb\\x0ac\\xff");
        assert_eq!(printable("\u{202e}x\u{9b}".as_bytes()), "\\u{202e}x\\u{9b}");
        assert_eq!(printable("/run/größe 1.sock".as_bytes()), "/run/größe 1.sock");
    }

    proptest! {
        #[test]
        fn nothing_that_comes_out_steers(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(!printable(&bytes).chars().any(is_terminal_control));
        }
    }
}
