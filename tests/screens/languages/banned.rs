//! One plain word for one thing: what is said on screen, in help, findings, lessons and explanations has none of the words that were
//! given up, in either language.

use super::entries;

/// Words of English that nothing says, each with what is said for it. They stand as whole words, in small letters.
const ENGLISH: [(&str, &str); 61] = [
    ("die", "is dropped, expires"),
    ("dies", "is dropped, expires"),
    ("died", "dropped"),
    ("dead", "closed"),
    ("death", "drop"),
    ("knock", "connect"),
    ("knocks", "connects"),
    ("knocked", "connected"),
    ("knocking", "connecting"),
    ("is told", "gets no reply"),
    ("are told", "get no reply"),
    ("was told", "got"),
    ("were told", "got"),
    ("nobody is", "no connection is"),
    ("has a name", "explained"),
    ("two truths", "client and server disagree"),
    ("dropped in silence", "dropped, no reply"),
    ("own eyes", "client's view"),
    ("three-quarters rule", "¾ rule (max_syn_backlog)"),
    ("wait outside", "waiting to retry"),
    ("most so far", "peak"),
    ("too early to tell", "not enough data yet"),
    ("good order", "completed"),
    ("wished", "requested"),
    ("would have held", "would have absorbed"),
    ("patience", "retries"),
    ("not to be seen", "not visible here"),
    ("honest", "real, answering"),
    ("hears", "gets, receives"),
    ("heard", "seen, received"),
    ("feels", "is"),
    ("alone made", "one client caused"),
    ("would only buy", "only delays the next drop"),
    ("looks like nginx", "matches nginx's default"),
    ("ghost no more", "no longer a ghost"),
    ("in silence", "no reply"),
    ("in their own", "client's view"),
    ("in/s", "arrivals/s"),
    ("out/s", "accepts/s"),
    ("three quarters", "¾ rule (max_syn_backlog)"),
    ("our own network", "the simulated network"),
    ("qviz missed", "measurement gaps"),
    ("too fast for cells", "too fast to draw single clients"),
    ("deepens", "the deeper the colour"),
    ("hold this moment", "freeze the display"),
    ("say everything", "switch language"),
    ("esc drops", "esc clears"),
    ("more than this machine", "exceeds what this machine can do"),
    ("often said", "common misconceptions"),
    ("one's own", "your own"),
    ("taken out", "accepted"),
    ("gets in", "is accepted"),
    ("got in", "was accepted"),
    ("turned away", "dropped"),
    ("thrown away", "dropped"),
    ("believes", "connected (client's view)"),
    ("believe", "connected (client's view)"),
    ("thinks", "connected (client's view)"),
    ("alive", "open"),
    ("shut out", "drop"),
    ("told", "says, shows"),
];

/// The same in Chinese.
const CHINESE: [&str; 31] = [
    "半开",
    "四分之三规则",
    "洪泛",
    "老实",
    "敲门",
    "死条目",
    "死掉",
    "都死",
    "死了",
    "了结",
    "两种真相",
    "账已平",
    "账目平",
    "有名目",
    "自以为",
    "自认为",
    "扔掉",
    "取走",
    "已进 ",
    "门外",
    "消亡",
    "没有人得到通知",
    "在外面等",
    "已了结",
    "通知到",
    "结局",
    "痊愈",
    "SYN 洪水攻击",
    "门口",
    "被告知",
    "知道自己",
];

fn has_word(text: &str, word: &str) -> bool {
    let text = text.to_lowercase();
    let is_letter = |sign: Option<char>| sign.is_some_and(|sign| sign.is_alphanumeric() || matches!(sign, '-' | '_'));
    text.match_indices(word)
        .any(|(at, _)| !is_letter(text[..at].chars().next_back()) && !is_letter(text[at + word.len()..].chars().next()))
}

/// All that is said, with where it stands: the tables, explanations, findings and lessons, English and Chinese.
fn said() -> [Vec<(String, String)>; 2] {
    let (mut english, mut chinese) = (Vec::new(), Vec::new());
    for (page, en, zh) in entries() {
        english.push((page.clone(), en));
        chinese.push((page, zh));
    }
    for rule in qviz::fold::finding::RULES {
        english.push((rule.name.to_owned(), rule.explain.to_owned()));
    }
    let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in ["README.md", "tests/snapshots/cli_explain_all.snap", "tests/snapshots/cli_long_help.snap"] {
        let text = std::fs::read_to_string(manifest.join(page)).unwrap();
        english.extend(text.split("\n\n").map(|part| (page.to_owned(), part.replace('\n', " "))));
    }
    let root = manifest.join("assets");
    let read = |folder: &str, end: &str| -> Vec<(String, String)> {
        let files = std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|extension| extension == end));
        files.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap())).collect()
    };
    // The names of topics may be older: they are typed.
    let bodies = |pages: Vec<(String, String)>| {
        pages.into_iter().map(|(path, text)| {
            (path, text.lines().filter(|line| !line.starts_with("==")).collect::<Vec<_>>().join(" "))
        })
    };
    english.extend(bodies(read("explain", "txt")));
    chinese.extend(bodies(read("explain/zh", "txt")));
    chinese.extend(read("help/zh", "txt"));
    for (path, text) in read("lessons", "toml") {
        for (language, all) in [("en", &mut english), ("zh", &mut chinese)] {
            let begin = format!("{language} = \"");
            let parts = text.split(&begin).skip(1);
            all.extend(parts.filter_map(|part| Some((path.clone(), part.split_once('"')?.0.to_owned()))));
        }
    }
    [english, chinese]
}

/// A text without its holes: their names are not said.
fn without_holes(text: &str) -> String {
    let mut parts = text.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + "…" + part.split_once('}').map_or(part, |(_, after)| after))
}

#[test]
fn no_socket_dies_knocks_or_is_told() {
    let [english, chinese] = said();
    assert!(english.len() > 900 && chinese.len() > 900, "{} and {} texts", english.len(), chinese.len());
    let mut found = Vec::new();
    for (place, text) in &english {
        for (word, better) in ENGLISH.iter().filter(|(word, _)| has_word(&without_holes(text), word)) {
            found.push(format!("{place}: {word:?} (rather {better:?}) in {text:.120}"));
        }
    }
    for (place, text) in &chinese {
        for word in CHINESE.iter().filter(|word| text.contains(*word)) {
            let at = text.find(word).unwrap_or(0);
            let around: String = text[at..].chars().take(30).collect();
            found.push(format!("{place}: {word:?} in {around}"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_word_is_found_whole_and_without_the_names_of_holes() {
    assert!(has_word("the SYN died.", "died") && !has_word("studied", "died") && !has_word("dead-in-queue", "dead"));
    assert_eq!(without_holes("{dead} of {all} died"), "… of … died");
}
