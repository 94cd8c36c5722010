//! Text from outside (file names, arguments, other programs) must not control the terminal.

/// The text with every control character but line feed and tab shown as U+FFFD.
pub fn lines(text: &str) -> String {
    replaced(text, |letter| letter == '\n' || letter == '\t')
}

/// The text as one line: every control character shown as U+FFFD.
pub fn line(text: &str) -> String {
    replaced(text, |_| false)
}

/// Control characters, those that change the direction of writing, and those that end a line or paragraph.
pub(super) fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn replaced(text: &str, allowed: impl Fn(char) -> bool) -> String {
    text.chars()
        .map(|letter| if steers(letter) && !allowed(letter) { char::REPLACEMENT_CHARACTER } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_sequence_stays_text() {
        assert_eq!(line("a\x1b[31mb\nc\u{202e}d"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d");
        assert_eq!(lines("a\tb\nc\r"), "a\tb\nc\u{fffd}");
    }
}
