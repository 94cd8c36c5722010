//! Text in lines of a readable width, and in columns: counted in the columns of a terminal, where a Chinese sign takes two.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The words of `text` in lines of at most `width` columns (a longer word has a line of its own), each behind `indent`. Chinese, which
/// has no blanks between its words, is broken between any two signs, but never before a closing mark or after an opening one.
pub fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut filled = 0;
    for piece in text.split_whitespace().flat_map(pieces) {
        let gap = usize::from(piece.after_blank);
        let wide = piece.text.width();
        if let Some(line) = lines.last_mut().filter(|_| filled + gap + wide <= width) {
            line.push_str(&" ".repeat(gap));
            line.push_str(piece.text);
            filled += gap + wide;
        } else {
            lines.push(format!("{indent}{}", piece.text));
            filled = indent.width() + wide;
        }
    }
    lines.join("\n")
}

/// The text and blanks behind it, `columns` wide together; longer text stays whole.
pub fn left(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())))
}

/// Blanks and the text behind them, `columns` wide together; longer text stays whole.
pub(crate) fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(text.width())))
}

/// What is never torn apart.
struct Piece<'t> {
    text: &'t str,
    /// A blank stands before it, unless a line begins with it.
    after_blank: bool,
}

fn pieces(word: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    for ((_, before), (at, after)) in word.char_indices().zip(word.char_indices().skip(1)) {
        if may_break(before, after) {
            pieces.push(Piece { text: &word[begin..at], after_blank: begin == 0 });
            begin = at;
        }
    }
    pieces.push(Piece { text: &word[begin..], after_blank: begin == 0 });
    pieces
}

fn may_break(before: char, after: char) -> bool {
    let wide = |one: char| one.width() == Some(2);
    (wide(before) || wide(after)) && !OPENING.contains(before) && !CLOSING.contains(after)
}

const OPENING: &str = "（「『《〈【“‘([{`";
const CLOSING: &str = "，。、：；！？）」』》〉】”’…,.:;!?)]}%`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_the_width_and_lose_no_word() {
        let text = "one two three four  five\nsix averyveryverylongword";
        let lines = wrapped(text, 12, "  ");
        assert_eq!(lines, "  one two\n  three four\n  five six\n  averyveryverylongword");
        assert_eq!(wrapped("", 5, "  "), "");
    }

    #[test]
    fn chinese_is_broken_by_width_and_never_before_a_closing_mark_or_after_an_opening_one() {
        assert_eq!(wrapped("队列一直是满的。加大", 8, ""), "队列一直\n是满的。\n加大");
        assert_eq!(wrapped("队列是满的。加大", 10, ""), "队列是满\n的。加大");
        assert_eq!(wrapped("丢弃（幽灵）", 6, ""), "丢弃\n（幽\n灵）");
        assert_eq!(wrapped("每次 accept() 取走", 12, ""), "每次\naccept() 取\n走");
    }

    #[test]
    fn every_line_fits_whatever_the_width() {
        let text = "accept 队列已满（6/6，已持续 1.5 s）：新来的客户端一律被静默丢弃。必须让 pid 42（nginx）更频繁地调用 accept()；";
        for width in 12..60 {
            let lines = wrapped(text, width, "  ");
            for line in lines.lines() {
                assert!(line.width() <= width, "{width}: {line}");
                let first = line.trim_start().chars().next().unwrap();
                assert!(!CLOSING.contains(first), "{width}: {line}");
                assert!(!"（「".contains(line.chars().last().unwrap()), "{width}: {line}");
            }
            let bare = |text: &str| text.replace([' ', '\n'], "");
            assert_eq!(bare(&lines), bare(text));
        }
    }

    #[test]
    fn cells_are_filled_up_to_their_columns_by_width() {
        assert_eq!((left("队列", 6), right("队列", 6)), ("队列  ".to_owned(), "  队列".to_owned()));
        assert_eq!((left("longer", 3), right("a", 3)), ("longer".to_owned(), "  a".to_owned()));
    }
}
