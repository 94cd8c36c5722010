//! How long a fact's line, and a text in it, may be: whoever reads a recording prints its texts.

use crate::model::event::Event;

/// True where the line is not longer than this kind of fact can be, nor any text in it.
pub(super) fn are_possible(event: &Event, line: &[u8]) -> bool {
    let (line_limit, text_limit) = match event {
        // One entry for each connection or listener; the reader's own limit holds.
        Event::Listed(_) | Event::Snapshot(_) | Event::SynsSeen(_) | Event::SynsSampled { .. } => {
            (usize::MAX, LONGEST_TEXT)
        }
        // The whole text of a lesson's file.
        Event::Lesson(_) => (LONGEST_LESSON, LONGEST_LESSON),
        _ => (LONGEST_FACT, LONGEST_TEXT),
    };
    line.len() <= line_limit && (line.len() <= text_limit || longest_text(line) <= text_limit)
}

/// The length of the longest text of a line of JSON, as it is written there.
fn longest_text(line: &[u8]) -> usize {
    let (mut longest, mut began) = (0, None);
    let mut bytes = line.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (byte, began) {
            (b'"', None) => began = Some(at),
            (b'"', Some(start)) => {
                longest = longest.max(at - start - 1);
                began = None;
            }
            (b'\\', Some(_)) => drop(bytes.next()),
            _ => {}
        }
    }
    longest
}

/// Bytes of a fact that is no list.
const LONGEST_FACT: usize = 64 << 10;

/// Bytes of a text in a fact; a command line is cut long before.
const LONGEST_TEXT: usize = 8 << 10;

/// Bytes of a fact that holds a lesson.
const LONGEST_LESSON: usize = 2 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_at_its_quote_and_not_at_an_escaped_one() {
        assert_eq!(longest_text(br#"{"a":"bcd\\","e\"f":[1,"gh"]}"#), 5);
        assert_eq!(longest_text(b"{}"), 0);
    }

    #[test]
    fn a_message_is_no_book_and_a_list_may_be_long() {
        let message = |length| format!(r#"{{"message":"{}"}}"#, "x".repeat(length));
        let refused = Event::Refused { message: "".into() };
        assert!(are_possible(&refused, message(LONGEST_TEXT).as_bytes()));
        assert!(!are_possible(&refused, message(LONGEST_TEXT + 1).as_bytes()));
        assert!(!are_possible(&refused, " ".repeat(LONGEST_FACT + 1).as_bytes()));
        assert!(are_possible(&Event::SynsSeen(Vec::new()), " ".repeat(LONGEST_FACT + 1).as_bytes()));
        assert!(!are_possible(&Event::SynsSeen(Vec::new()), message(LONGEST_TEXT + 1).as_bytes()));
    }
}
