//! Text in lines and in columns, counted in the columns of a terminal, where a Chinese character takes two. The crate textwrap fills
//! the lines; where a line may end is decided here, because Chinese has no blanks between its words.

use std::borrow::Cow;

use textwrap::core::Word;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The words of `text` in lines of at most `width` columns, each behind `indent`. A longer word has a line of its own.
pub fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return text;
    }
    textwrap::wrap(&text, options(width).initial_indent(indent).subsequent_indent(indent)).join("\n")
}

/// The words of `text` in lines of at most `width` columns: the first one behind `first`, the others below its words.
pub fn hanging(first: &str, text: &str, width: usize) -> String {
    let below = " ".repeat(first.width());
    textwrap::wrap(text, options(width).initial_indent(first).subsequent_indent(&below)).join("\n")
}

/// The words of `text` in lines of at most `columns`. A word that is longer than a line is broken where the line ends.
pub fn lines(text: &str, columns: u16) -> Vec<String> {
    if text.trim_end().is_empty() {
        return Vec::new();
    }
    let lines = textwrap::wrap(text, options(columns.max(2).into()).break_words(true));
    lines.into_iter().map(Cow::into_owned).collect()
}

/// The first line of `text` and what follows it. A text whose first word is wider than `columns` stays whole.
pub fn split(text: &str, columns: u16) -> (&str, &str) {
    if text.width() <= columns.into() {
        return (text, "");
    }
    let lines = textwrap::wrap(text, options(columns.into()));
    let first = lines.first().map_or(0, |line| line.len());
    if text[..first].width() > columns.into() { (text, "") } else { (&text[..first], text[first..].trim_start()) }
}

/// The text and blanks behind it, `columns` wide together; longer text stays whole.
pub fn left(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())))
}

/// Blanks and the text behind them, `columns` wide together; longer text stays whole.
pub(crate) fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(text.width())))
}

fn options<'o>(width: usize) -> Options<'o> {
    Options::new(width)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .word_separator(WordSeparator::Custom(|line| Box::new(pieces(line).into_iter())))
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false)
}

/// The smallest pieces between which a line may end; blanks stay at the end of a piece.
fn pieces(line: &str) -> Vec<Word<'_>> {
    let (mut pieces, mut first) = (Vec::new(), 0);
    for ((_, before), (at, after)) in line.char_indices().zip(line.char_indices().skip(1)) {
        if may_break(before, after) && !is_unit(&line[..at], &line[at..]) {
            pieces.push(Word::from(&line[first..at]));
            first = at;
        }
    }
    pieces.push(Word::from(&line[first..]));
    pieces
}

fn may_break(before: char, after: char) -> bool {
    let is_wide = |letter: char| letter.width() == Some(2);
    match (before, after) {
        (_, ' ') => false,
        (' ', _) => true,
        _ => (is_wide(before) || is_wide(after)) && !OPENING.contains(before) && !CLOSING.contains(after),
    }
}

/// True where a number ends and its unit begins.
fn is_unit(before: &str, behind: &str) -> bool {
    let number =
        before.strip_suffix(' ').is_some_and(|before| before.ends_with(|letter: char| letter.is_ascii_digit()));
    let end = behind.find(|letter: char| !(letter.is_alphanumeric() || letter == '%')).unwrap_or(behind.len());
    number && (UNITS.contains(&&behind[..end]) || CHINESE_UNITS.iter().any(|unit| behind.starts_with(unit)))
}

/// What belongs to the number before it.
const UNITS: [&str; 9] = ["s", "ms", "us", "µs", "min", "h", "%", "B", "bytes"];

/// The same where no space follows.
const CHINESE_UNITS: [&str; 5] = ["秒", "毫秒", "微秒", "分钟", "字节"];

/// No line ends with one of these.
const OPENING: &str = "（「『《〈【“‘([{`┃";

/// No line begins with one of these.
const CLOSING: &str = "，。、：；！？）」』》〉】”’…—％·×,.:;!?)]}%/`";

#[cfg(test)]
mod tests {
    use super::*;

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
