//! Breaking a text into lines, in scripts with and without spaces.

use super::super::ink;

/// Breaks `text` into lines of at most so many columns: between words, and between the letters of a script that has no spaces,
/// but never before what closes or behind what opens. A word that is longer than a line is broken where the line ends.
pub(super) fn wrapped(text: &str, columns: u16) -> Vec<String> {
    let columns = columns.max(2);
    let (mut lines, mut line) = (Vec::new(), String::new());
    for piece in pieces(text) {
        let whole = format!("{line}{piece}");
        if ink::width(whole.trim_end()) <= columns {
            line = whole;
            continue;
        }
        if !line.trim_end().is_empty() {
            lines.push(line.trim_end().to_owned());
        }
        piece.trim_start().clone_into(&mut line);
        while ink::width(line.trim_end()) > columns {
            let end = line.char_indices().map(|(at, sign)| at + sign.len_utf8());
            let end = end.take_while(|end| ink::width(&line[..*end]) <= columns).last().unwrap_or(line.len());
            let rest = line.split_off(end);
            lines.push(std::mem::replace(&mut line, rest));
        }
    }
    if !line.trim_end().is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The smallest pieces between which a line may end; spaces stay at the end of a piece.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut first, mut before) = (Vec::new(), 0, None);
    for (at, sign) in text.char_indices() {
        if before.is_some_and(|before| may_part(before, sign)) && !is_unit(&text[..at], &text[at..]) {
            pieces.push(&text[first..at]);
            first = at;
        }
        before = Some(sign);
    }
    pieces.push(&text[first..]);
    pieces
}

fn may_part(before: char, sign: char) -> bool {
    match (before, sign) {
        (_, ' ') => false,
        (' ', _) => true,
        (before, sign) if OPENS.contains(before) || CLOSES.contains(sign) => false,
        (before, sign) => is_wide(before) || is_wide(sign),
    }
}

/// True where a number ends and its unit begins.
fn is_unit(before: &str, behind: &str) -> bool {
    let number = before.strip_suffix(' ').is_some_and(|before| before.ends_with(|sign: char| sign.is_ascii_digit()));
    let end = behind.find(|sign: char| !(sign.is_alphanumeric() || sign == '%')).unwrap_or(behind.len());
    number && (UNITS.contains(&&behind[..end]) || CHINESE_UNITS.iter().any(|unit| behind.starts_with(unit)))
}

fn is_wide(sign: char) -> bool {
    ink::width(sign.encode_utf8(&mut [0; 4])) > 1
}

/// What belongs to the number before it.
const UNITS: [&str; 9] = ["s", "ms", "us", "µs", "min", "h", "%", "B", "bytes"];

/// The same where no space follows.
const CHINESE_UNITS: [&str; 5] = ["秒", "毫秒", "微秒", "分钟", "字节"];

/// What stands before nothing else in a line.
const CLOSES: &str = "，。、；：？！）》」』”’…—％,.;:?!)";

/// What stands behind nothing else in a line.
const OPENS: &str = "（《「『“‘(";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_letters_of_chinese_may_part() {
        assert_eq!(wrapped("six of eight fit", 9), ["six of", "eight fit"]);
        assert_eq!(wrapped("八个客户端同时到来", 8), ["八个客户", "端同时到", "来"]);
        assert_eq!(wrapped("调用 accept() 之后", 10), ["调用", "accept()", "之后"]);
        assert_eq!(wrapped("", 9), Vec::<String>::new());
    }

    #[test]
    fn a_number_and_its_unit_stay_together() {
        assert_eq!(wrapped("it came after 0.8 s again", 15), ["it came after", "0.8 s again"]);
        assert_eq!(wrapped("lost: 25 %.", 9), ["lost:", "25 %."]);
        assert_eq!(wrapped("等了 0.8 秒才到", 9), ["等了", "0.8 秒才", "到"]);
        assert_eq!(wrapped("it took 6 sockets", 9), ["it took 6", "sockets"], "no unit");
    }

    #[test]
    fn nothing_that_closes_begins_a_line() {
        assert_eq!(wrapped("队列满了，丢弃。", 8), ["队列满", "了，丢", "弃。"]);
        assert_eq!(wrapped("它（队列）满", 4), ["它", "（队", "列）", "满"]);
        assert_eq!(wrapped("满（队列）", 4), ["满", "（队", "列）"], "nor does what opens end one");
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken_and_nothing_is_lost() {
        let text = "tcp_max_syn_backlog 三四 x";
        for columns in 2..30 {
            let lines = wrapped(text, columns);
            assert!(lines.iter().all(|line| ink::width(line) <= columns), "{columns}: {lines:?}");
            let (whole, kept) = (text.replace(' ', ""), lines.concat().replace(' ', ""));
            assert_eq!(kept, whole, "{columns}");
        }
    }
}
