//! The command line in Simplified Chinese, from outside.

use super::{Command, output, qviz, said};

/// What is said on stdout with these words in Chinese.
fn chinese_output(words: &str) -> String {
    said(&output(&format!("{words} --lang zh")).stdout)
}

fn has_han(text: &str) -> bool {
    text.chars().any(|one| ('\u{4e00}'..='\u{9fff}').contains(&one))
}

/// Four or more English words in a row, outside of what is quoted.
fn english(text: &str) -> Option<String> {
    let unquoted: String = text.split(['`', '"', '\'']).step_by(2).collect();
    let runs = unquoted.split(|one: char| !one.is_ascii_alphabetic() && one != ' ' && one != '\'');
    let words = |run: &str| {
        let plain = |word: &str| word.len() > 1 && word.bytes().skip(1).all(|byte| byte.is_ascii_lowercase());
        run.split(' ').filter(|word| plain(word)).count()
    };
    runs.into_iter().find(|run| words(run) > 3).map(str::to_owned)
}

case!(an_english_sentence_is_told_from_names_and_commands);
fn an_english_sentence_is_told_from_names_and_commands() {
    assert!(english("队列 nobody calls accept here").is_some());
    assert!(english("qviz --backlog 1 --accept-rate 0 没有人 sysctl -w net.core.somaxconn=N").is_none());
    assert!(english("日志 \"this one is quoted text\"").is_none());
}

case!(every_topic_is_explained_in_chinese);
fn every_topic_is_explained_in_chinese() {
    let topics = qviz::cli::explain::topics();
    assert!(topics.len() > 100, "{}", topics.len());
    for topic in topics {
        let output = qviz("explain --lang zh --").arg(topic.name).output().unwrap();
        let text = said(&output.stdout);
        let body = text.split_once("\n=").unwrap_or_default().1;
        assert!(output.status.success() && has_han(body), "{}: {text}", topic.name);
        assert_eq!(english(body), None, "{}", topic.name);
    }
    let all = chinese_output("explain");
    assert!(all.contains("词语") && all.contains("计数器：") && all.contains("画面的按键"), "{all}");
    assert_eq!(english(&all), None);
}

case!(help_has_every_option_and_no_english_sentence);
fn help_has_every_option_and_no_english_sentence() {
    for command in ["", "watch", "lesson", "replay", "explain", "doctor", "completions", "man"] {
        for help in ["-h", "--help"] {
            let words = format!("{command} {help}");
            let (english_page, page) = (said(&output(&words).stdout), chinese_output(&words));
            assert!(page.contains("用法：") && page.contains("选项："), "{words}: {page}");
            assert_eq!(english(&page), None, "{words}");
            for frame in ["Usage", "Options:", "Commands:", "Arguments:", "ossible values", "default", "Print help"] {
                assert!(!page.contains(frame), "{words}: {frame} in {page}");
            }
            let named = english_page.lines().filter_map(|line| line.trim_start().strip_prefix("--"));
            for option in named.map(|rest| rest.split([' ', ',']).next().unwrap_or_default()) {
                assert!(page.contains(&format!("--{option}")), "{words}: --{option} is missing");
            }
        }
    }
}

case!(help_keeps_the_width_of_the_terminal);
fn help_keeps_the_width_of_the_terminal() {
    for columns in [60, 80, 110] {
        for words in ["-h", "--help", "watch --help"] {
            let page = qviz(&format!("{words} --lang zh")).env("COLUMNS", columns.to_string()).output().unwrap().stdout;
            for line in said(&page).lines().filter(|line| has_han(line)) {
                let width: usize = line.chars().map(|one| if one.len_utf8() > 2 { 2 } else { 1 }).sum();
                // A mark that may not begin a line hangs at its end.
                assert!(width <= columns + 2, "{columns}: {width} {line}");
            }
        }
    }
}

case!(the_manual_page_and_doctor_speak_chinese);
fn the_manual_page_and_doctor_speak_chinese() {
    let page = chinese_output("man").replace("\\:", "");
    for needed in [".TH qviz 1", ".SH 名称", ".SH 选项", ".SH 按键", ".SH 命令", "abort\\-on\\-overflow", "143"]
    {
        assert!(page.contains(needed), "{needed} is missing");
    }
    let doctor = output("doctor --lang zh");
    let text = said(&doctor.stdout);
    assert_eq!(doctor.status.code(), output("doctor").status.code());
    assert!(text.contains("私有网络") && text.contains("实验室在这里"), "{text}");
    assert_eq!(english(&text), None);
}

case!(refusals_name_the_words_they_are_about_in_chinese);
fn refusals_name_the_words_they_are_about_in_chinese() {
    for (words, parts) in [
        ("--backlog many", &["错误：", "'many'", "不是整数", "例如 0、5、511"][..]),
        ("--rtt 5", &["'5'", "5ms", "单位"]),
        ("--arrivals stedy", &["'stedy'", "steady", "是不是"]),
        ("--listen localhost:80", &["'localhost:80'", "数字地址"]),
        ("--net labb", &["'labb'", "auto, lab, here, host"]),
        ("--syncookies 3", &["'3'", "从 0 到 2"]),
        ("wach", &["'wach'", "'watch'"]),
        ("--json --jsonl", &["'--json'", "'--jsonl'", "不能"]),
        ("--net host --somaxconn 9", &["--somaxconn", "本机自己的设置", "试试："]),
        ("watch --once --fail-on overflow", &["--fail-on overflow", "看不出变化"]),
        ("watch --fail-on overflw", &["'overflw'", "是不是想写 overflow"]),
        ("explain ListenOverflow", &["没有主题", "qviz explain ListenOverflows"]),
    ] {
        let output = output(&format!("{words} --lang zh"));
        let message = said(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words}: {message}");
        for part in parts {
            assert!(message.contains(part), "{words}: {part}: {message}");
        }
        assert_eq!(english(&message), None, "{words}");
    }
}

/// The heading of the first family of topics, which tells the language.
fn heading(command: &mut Command) -> String {
    said(&command.output().unwrap().stdout).lines().nth(2).unwrap_or_default().to_owned()
}

case!(the_locale_speaks_as_the_option_does_and_the_strongest_variable_wins);
fn the_locale_speaks_as_the_option_does_and_the_strongest_variable_wins() {
    let by_option = output("--help --lang zh").stdout;
    let by_locale = qviz("--help").env("LANG", "zh_CN.UTF-8").output().unwrap().stdout;
    assert_eq!(said(&by_locale), said(&by_option));
    for (variables, expected) in [
        (&[("LANG", "zh_CN.UTF-8")][..], "词语"),
        (&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C")], "WORDS"),
        (&[("LANG", "C"), ("LC_ALL", "zh_CN.UTF-8")], "词语"),
        (&[("LANG", "C"), ("LC_MESSAGES", "zh_CN")], "词语"),
        (&[("LANG", "en_US.UTF-8")], "WORDS"),
    ] {
        let mut command = qviz("explain");
        assert_eq!(heading(command.envs(variables.iter().copied())), expected, "{variables:?}");
    }
    assert_eq!(heading(qviz("explain --lang en").env("LC_ALL", "zh_CN.UTF-8")), "WORDS");
}

case!(a_run_says_its_notes_and_its_summary_in_chinese);
fn a_run_says_its_notes_and_its_summary_in_chinese() {
    let words = "--net host --listen 127.0.0.1:0 --headless --rate 20 --duration 300ms --rtt 10ms --lang zh";
    let output = qviz(words).output().unwrap();
    let (text, notes) = (said(&output.stdout), said(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{notes}");
    assert!(has_han(&text) && english(&text).is_none(), "{text}");
    assert!(notes.contains("提示：") && notes.contains("--rtt") && english(&notes).is_none(), "{notes}");
}
