//! What can be explained, in both languages.

use std::collections::BTreeSet;

use super::texts::{FINDINGS, parse_topics};
use super::*;
use crate::fold::finding::RULES;
use crate::model::cause::Cause;
use crate::model::counters::Counter;
use crate::model::settings::Sysctl;
use crate::text::lang::{Lang, within};

fn names(family: Family) -> Vec<&'static str> {
    topics().into_iter().filter(|topic| topic.family == family).map(|topic| topic.name).collect()
}

#[test]
fn every_cause_counter_sysctl_and_rule_has_a_text() {
    assert_eq!(names(Family::Cause), Cause::ALL.map(Cause::name));
    assert_eq!(names(Family::Counter), Counter::ALL.map(Counter::name));
    assert_eq!(names(Family::Sysctl), Sysctl::ALL.map(Sysctl::name));
    assert_eq!(names(Family::Finding), RULES.iter().map(|rule| rule.name).collect::<Vec<_>>());
}

#[test]
fn every_text_names_the_kernel_and_what_to_do() {
    for topic in topics().into_iter().filter(|topic| topic.family != Family::Key) {
        assert!(topic.gist.ends_with('.'), "{}: {}", topic.name, topic.gist);
        assert!(topic.body.contains("Kernel: ") && topic.body.contains("What to do: "), "{}", topic.name);
    }
}

#[test]
fn no_name_stands_for_two_topics() {
    let unlike = |name: &str| if name.len() == 1 { name.to_owned() } else { name.to_lowercase() };
    let mut all: Vec<_> = topics().iter().flat_map(Topic::names).map(unlike).collect();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn a_sysctl_is_found_by_its_short_name_and_a_counter_in_any_case() {
    let topics = topics();
    for asked in ["syncookies", "TCP_SYNCOOKIES", "net.ipv4.tcp_syncookies"] {
        assert_eq!(find(&topics, asked).unwrap().name, "net.ipv4.tcp_syncookies");
    }
    assert_eq!(find(&topics, "listendrops").unwrap().name, "ListenDrops");
    assert_eq!(find(&topics, "left").unwrap().name, "left/right");
    assert_eq!(["p", "P"].map(|key| find(&topics, key).unwrap().name), ["p", "P"]);
}

#[test]
fn a_message_is_found_as_the_kernel_and_netstat_write_it() {
    for (message, topic) in [
        ("    1234 times the listen queue of a socket overflowed", "ListenOverflows"),
        ("1234 SYNs to LISTEN sockets dropped", "ListenDrops"),
        (
            "TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:8080. Sending cookies.",
            "possible-syn-flooding",
        ),
        ("possible SYN flooding", "possible-syn-flooding"),
        ("connect() to unix:/run/php.sock failed (11: Resource temporarily unavailable)", "EAGAIN"),
        ("accept4() failed (24: Too many open files)", "EMFILE"),
        ("nf_conntrack: nf_conntrack: table full, dropping packet", "conntrack"),
        ("curl: (7) Failed to connect to 10.0.0.1 port 80: Connection refused", "connect-errors"),
        ("TcpExtListenOverflows 17 0.0", "ListenOverflows"),
        ("net.core.somaxconn = 128", "net.core.somaxconn"),
        ("accept queue", "accept-queue"),
        ("syn_recv", "half-open"),
        ("back_log", "MariaDB"),
        ("tcp-backlog", "redis"),
        ("acceptCount", "Tomcat"),
        ("maxconn", "connection-limit"),
        ("504 Gateway Time-out: connect timeout", "timeout"),
        ("netdev_max_backlog", "netdev_max_backlog"),
        ("TIME-WAIT", "TIME_WAIT"),
        ("close_wait", "CLOSE_WAIT"),
    ] {
        assert_eq!(find(&topics(), message).map(|topic| topic.name).unwrap_or_default(), topic, "{message}");
    }
}

#[test]
fn of_words_that_name_nothing_the_likest_names_are_offered() {
    let failure = find(&topics(), "why listenoverflow").unwrap_err();
    assert!(failure.hint.unwrap().contains("qviz explain ListenOverflows"));
    let failure = find(&topics(), "tcp-backlg").unwrap_err();
    assert!(failure.hint.unwrap().contains("qviz explain tcp-backlog"));
}

#[test]
fn an_unknown_topic_offers_the_nearest() {
    let failure = find(&topics(), "ListenOverflow").unwrap_err();
    assert!(failure.hint.unwrap().starts_with("qviz explain ListenOverflows"));
    let nothing = find(&topics(), "\x1bzzzzzzzzzzzzzzzz").unwrap_err();
    assert!(nothing.hint.unwrap().contains("lists every topic") && !nothing.message.contains('\x1b'));
}

/// The topics in both languages, pair by pair. Keys are translated where the keys are.
fn pairs() -> Vec<(Topic, Topic)> {
    let of = |lang| within(lang, topics).into_iter().filter(|topic| topic.family != Family::Key).collect::<Vec<_>>();
    let (english, chinese) = (of(Lang::English), of(Lang::Chinese));
    let named = |topics: &[Topic]| topics.iter().map(|one| (one.name, one.also.clone())).collect::<Vec<_>>();
    assert_eq!(named(&english), named(&chinese));
    english.into_iter().zip(chinese).collect()
}

fn whole(topic: &Topic) -> String {
    format!("{}\n{}", topic.gist, topic.body)
}

#[test]
fn every_rule_and_nothing_else_has_a_chinese_text() {
    let chinese: Vec<_> = parse_topics(Family::Finding, FINDINGS).map(|topic| topic.name).collect();
    assert_eq!(chinese, RULES.iter().map(|rule| rule.name).collect::<Vec<_>>());
}

#[test]
fn every_chinese_text_names_the_kernel_and_what_to_do() {
    for (_, chinese) in pairs() {
        let han = |text: &str| text.chars().any(is_han);
        assert!(han(&chinese.gist) && chinese.gist.ends_with('。'), "{}: {}", chinese.name, chinese.gist);
        let opens = |opening| chinese.body.lines().any(|line| line.starts_with(opening));
        assert!(opens("内核：") && opens("怎么办："), "{}", chinese.name);
        assert!(!whole(&chinese).contains("Kernel:") && !whole(&chinese).contains("What to do:"), "{}", chinese.name);
    }
}

#[test]
fn both_languages_name_the_same_functions_files_counters_options_and_numbers() {
    for (english, chinese) in pairs() {
        let (english, chinese) = (whole(&english), whole(&chinese));
        assert_eq!(fixed(&english), fixed(&chinese), "{chinese}");
    }
}

/// Terms that are the same in every language: with a digit, an underscore, a dot or a slash inside, two capitals, or a bracket behind.
fn fixed(text: &str) -> BTreeSet<&str> {
    let part = |one: char| one.is_ascii_alphanumeric() || "_./".contains(one);
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some(begin) = rest.find(part) {
        rest = &rest[begin..];
        let end = rest.find(|one| !part(one)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind;
        let word = word.trim_matches(['.', '/']);
        let capitals = word.bytes().filter(u8::is_ascii_uppercase).count();
        let mixed = word.contains(['_', '.', '/']) || word.bytes().any(|byte| byte.is_ascii_digit());
        if mixed || capitals > 1 || (!word.is_empty() && behind.starts_with('(')) {
            found.insert(if capitals > 1 { word.trim_end_matches('s') } else { word });
        }
    }
    found
}

#[test]
fn what_is_fixed_is_found_in_a_sentence_of_any_language() {
    let english = "SYNs (net/a.c) meet accept() 3 times, and/or ListenDrops.";
    assert_eq!(fixed(english), ["3", "ListenDrop", "SYN", "accept", "and/or", "net/a.c"].into());
    assert_eq!(fixed("SYN 碰上 accept()，3 次（net/a.c）"), ["3", "SYN", "accept", "net/a.c"].into());
}

#[test]
fn no_english_sentence_is_left_in_chinese() {
    for (_, chinese) in pairs() {
        for line in whole(&chinese).lines() {
            let words = line.split(|one: char| !one.is_ascii_lowercase() && one != ' ');
            let longest = words.map(|run| run.split_whitespace().count()).max();
            assert!(longest < Some(4), "{}: {line}", chinese.name);
        }
    }
}

#[test]
fn lines_flow_together_without_blanks_between_chinese_signs() {
    assert_eq!(flowing("队列\n已满，\naccept()\n慢 accept\n队列"), "队列已满，accept() 慢 accept 队列");
    assert_eq!(flowing("one\n  two\n"), "one two");
}

#[test]
fn each_misconception_of_the_field_is_answered_where_it_is_looked_for() {
    for (asked, english, chinese) in [
        ("recv-q", "Connections, not bytes", "不是字节数"),
        ("tcp_max_syn_backlog", "no limit of the SYN queue as such", "并不是半连接队列（SYN 队列）本身的上限"),
        ("syn-cookie", "saves nobody from a slow accept()", "救不了慢的 accept()"),
        ("connected", "does not follow", "并不说明"),
        ("lost-clients", "A drop is one segment", "一次丢弃就是一个报文段未被处理"),
        ("ListenDrops", "ListenDrops without ListenOverflows", "ListenOverflows 不增加"),
        ("somaxconn", "raising it later changes nothing", "之后再调大，什么也不会改变"),
        ("tcp_abort_on_overflow", "dropped, no reply, with either value", "无论取哪个值都被静默丢弃"),
        ("bigger-backlog", "no backlog is large enough", "再大的 backlog 也不够"),
    ] {
        for (lang, answer) in [(Lang::English, english), (Lang::Chinese, chinese)] {
            let topics = within(lang, topics);
            let text = flowing(&whole(find(&topics, asked).unwrap()));
            assert!(text.contains(answer), "{asked}: {text}");
        }
    }
}

#[test]
fn every_topic_that_a_text_sends_to_is_there() {
    for topic in Lang::ALL.into_iter().flat_map(|lang| within(lang, topics)) {
        let text = flowing(&whole(&topic));
        for named in text.split("qviz explain ").skip(1) {
            let name = named.split([' ', ';', ',', '。']).next().unwrap_or_default().trim_end_matches('.');
            assert!(find(&topics(), name).is_ok(), "{}: {name}", topic.name);
        }
    }
}
