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
    fn lines_keep_the_width_and_lose_no_word() {
        let text = "one two three four  five\nsix averyveryverylongword";
        let lines = wrapped(text, 12, "  ");
        assert_eq!(lines, "  one two\n  three four\n  five six\n  averyveryverylongword");
        assert_eq!(wrapped("", 5, "  "), "");
    }

    #[test]
    fn what_follows_stands_below_the_first_words() {
        assert_eq!(hanging("  4  ", "one two three", 12), "  4  one two\n     three");
        assert_eq!(hanging("  ", "一二三四五", 8), "  一二三\n  四五");
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

    #[test]
    fn words_stay_whole_and_letters_of_chinese_may_part() {
        assert_eq!(lines("six of eight fit", 9), ["six of", "eight fit"]);
        assert_eq!(lines("八个客户端同时到来", 8), ["八个客户", "端同时到", "来"]);
        assert_eq!(lines("调用 accept() 之后", 10), ["调用", "accept()", "之后"]);
        assert_eq!(lines("", 9), Vec::<String>::new());
    }

    #[test]
    fn a_number_and_its_unit_stay_together() {
        assert_eq!(lines("it came after 0.8 s again", 15), ["it came after", "0.8 s again"]);
        assert_eq!(lines("lost: 25 %.", 9), ["lost:", "25 %."]);
        assert_eq!(lines("等了 0.8 秒才到", 9), ["等了", "0.8 秒才", "到"]);
        assert_eq!(lines("it took 6 sockets", 9), ["it took 6", "sockets"], "no unit");
    }

    #[test]
    fn nothing_that_closes_begins_a_line() {
        assert_eq!(lines("队列满了，丢弃。", 8), ["队列满", "了，丢", "弃。"]);
        assert_eq!(lines("它（队列）满", 4), ["它", "（队", "列）", "满"]);
        assert_eq!(lines("满（队列）", 4), ["满", "（队", "列）"], "nor does what opens end one");
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken_and_nothing_is_lost() {
        let text = "tcp_max_syn_backlog 三四 x";
        for columns in 2..30 {
            let lines = lines(text, columns);
            assert!(lines.iter().all(|line| line.width() <= columns.into()), "{columns}: {lines:?}");
            let (whole, kept) = (text.replace(' ', ""), lines.concat().replace(' ', ""));
            assert_eq!(kept, whole, "{columns}");
        }
    }

    #[test]
    fn chinese_is_split_between_letters_but_not_before_a_comma_or_after_a_bracket() {
        assert_eq!(split("队列满，新的 SYN 被丢弃", 7), ("队列", "满，新的 SYN 被丢弃"));
        assert_eq!(split("队列满，新的 SYN 被丢弃", 8), ("队列满，", "新的 SYN 被丢弃"));
        assert_eq!(split("队列满，新的 SYN 被丢弃", 14), ("队列满，新的", "SYN 被丢弃"));
        assert_eq!(split("队列（SYN）满", 7), ("队列", "（SYN）满"));
        assert_eq!(split("backlog队列", 8), ("backlog", "队列"));
    }

    #[test]
    fn a_split_text_keeps_every_word() {
        assert_eq!(split("to be or not", 6), ("to be", "or not"));
        assert_eq!(split("to be", 6), ("to be", ""));
        assert_eq!(split("averylongword and more", 6), ("averylongword and more", ""));
    }
}
