//! Tests of `text::wrap`.

use qviz::text::wrap::{hanging, lines, split, wrapped};
use unicode_width::UnicodeWidthStr;

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
