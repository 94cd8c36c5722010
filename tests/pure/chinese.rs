//! What model, lab, kernel, session and report say in Chinese: whole, without stray English, and in straight columns.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::terms::{assert_chinese, foreign, is_chinese};
use qviz::fold::listeners::ChangeKind;
use qviz::fold::world::World;
use qviz::fold::world::note::Note;
use qviz::lab::namespace::{Evidence, Refusal, Step};
use qviz::model::cause::Cause;
use qviz::model::client_clock::StepOutcome;
use qviz::model::event::Event;
use qviz::model::message::Message;
use qviz::model::segment::Kind;
use qviz::model::settings::{AcceptRate, Arrivals, Knobs};
use qviz::model::stamp::Stamp;
use qviz::model::watch::ListenerId;
use qviz::report::summary::Summary;
use qviz::report::text::{self, Marks};
use qviz::session::recording::RecordingError;
use qviz::session::recording::read::Recording;
use qviz::text::lang::{Lang, within};
use unicode_width::UnicodeWidthStr;

fn asset(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(path)
}

fn in_chinese<T: ToString>(said: impl FnOnce() -> T) -> String {
    within(Lang::Chinese, || said().to_string())
}

/// The text without its holes.
fn without_holes(text: &str) -> String {
    let mut parts = text.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('}').map_or(part, |(_, behind)| behind))
}

#[test]
fn pages_have_no_english_words_but_terms() {
    for page in ["fold", "kernel", "lab", "experiment", "session", "report"] {
        let text = std::fs::read_to_string(asset(&format!("lang/zh/{page}.toml"))).unwrap();
        let entries: BTreeMap<String, String> = toml::from_str(&text).unwrap();
        assert!(entries.len() > 20, "{page}");
        for (english, chinese) in entries {
            let (english, bare) = (without_holes(&english), without_holes(&chinese));
            assert!(foreign(&bare).is_empty(), "{page}: {:?} in {chinese}", foreign(&bare));
            // Where nothing but terms and signs is said, there is nothing to translate.
            assert!(is_chinese(&bare) || foreign(&english).is_empty(), "{page}: {chinese} says no Chinese");
            assert!(!bare.contains([',', ';']) || !is_chinese(&bare) || bare.contains('`'), "{page}: {chinese}");
        }
    }
}

#[test]
fn causes_changes_and_things_are_said_in_chinese() {
    for cause in Cause::ALL {
        assert_chinese(&in_chinese(|| cause.words()));
    }
    let (before, after) = (3, 4);
    let changes = [
        ChangeKind::Came,
        ChangeKind::Gone,
        ChangeKind::Replaced { before: ListenerId(1) },
        ChangeKind::Restarted { before, after },
        ChangeKind::Handed { before, after },
        ChangeKind::Relisted { before, after },
    ];
    for change in changes {
        assert_chinese(&in_chinese(|| change));
    }
    for thing in [
        StepOutcome::Left(Kind::Syn),
        StepOutcome::Reached(Kind::Data),
        StepOutcome::CameBack(Kind::Rst),
        StepOutcome::GaveUp,
        StepOutcome::Served,
    ] {
        assert_chinese(&in_chinese(|| thing.words("a1")));
    }
    assert_eq!(in_chinese(|| StepOutcome::Accepted.words("a1")), "a1：一次 accept()");
}

#[test]
fn a_turned_knob_is_told_in_the_language_in_which_it_is_read() {
    let before =
        Knobs { rate: 1.0, accept_rate: AcceptRate::Paused, rtt: Duration::from_millis(100), ..Knobs::quiet() };
    let after = Knobs {
        rate: 2.5,
        arrivals: Arrivals::Poisson,
        accept_rate: AcceptRate::Max,
        half_open: 0.3,
        loss: 0.05,
        rtt: Duration::from_millis(400),
        workers: Some(2),
        service: Duration::from_millis(50),
        ..before.clone()
    };
    let mut world = World::new();
    world.apply(Stamp::ZERO, &Event::Knobs(Box::new(before)));
    world.apply(Stamp::ZERO, &Event::Knobs(Box::new(after)));
    let changed = |(_, note): &(Stamp, Note)| if let Note::Changed(what) = note { Some(what.clone()) } else { None };
    let told: Vec<_> = world.notes.iter().filter_map(changed).collect();
    let english: Vec<_> = told.iter().map(ToString::to_string).collect();
    assert_eq!(english.len(), 8, "{english:?}");
    assert_eq!((&*english[0], &*english[2]), ("arrivals 1/s → 2.5/s", "accept() paused → max"));
    for sentence in &told {
        assert_chinese(&in_chinese(|| sentence));
    }
    assert_eq!(in_chinese(|| &told[0]), "到达速率 1/s → 2.5/s");
}

/// What is said while Chinese is spoken, and kept as a fact, reads the same in English as if it had been said in English.
#[track_caller]
fn assert_kept_in_no_language(words: impl Fn() -> String) {
    let kept = within(Lang::Chinese, || Message::of(&words));
    let fact = serde_json::to_string(&kept).unwrap();
    assert!(!fact.is_empty() && !is_chinese(&fact), "{fact}");
    assert_eq!((kept.to_string(), in_chinese(|| &kept)), (words(), within(Lang::Chinese, &words)));
}

#[test]
fn every_refusal_of_a_private_network_is_said_in_chinese() {
    let address = IpAddr::from([224, 0, 0, 1]);
    let steps = [
        Step::Origin,
        Step::Threads,
        Step::Fork,
        Step::UserNamespace,
        Step::IdentityMap,
        Step::NetworkNamespace,
        Step::NestedNamespace,
        Step::Loopback,
        Step::VethPair,
        Step::LinksUp,
        Step::Address(address),
        Step::Route(address),
        Step::Join,
    ];
    let denials = [
        Evidence::default(),
        Evidence { userns_clone: Some(0), modules: true, user_namespaces: true, ..Evidence::default() },
        Evidence { apparmor_restricts: Some(1), max_user_namespaces: Some(i64::from(i32::MAX)), ..Evidence::default() },
        Evidence { seccomp: Some(2), max_net_namespaces: Some(7), ..Evidence::default() },
    ];
    for step in steps {
        for evidence in &denials {
            for errno in [libc::EPERM, libc::EINVAL, libc::ENOSPC, libc::EOPNOTSUPP, libc::EMFILE, libc::EAGAIN] {
                let refusal = Refusal::diagnose(step, errno, evidence);
                let told = in_chinese(|| &refusal);
                assert_chinese(&told);
                assert!(told.starts_with("没有私有网络："), "{told}");
                assert_kept_in_no_language(|| format!("{refusal}. {}", refusal.hint()));
            }
        }
    }
}

#[test]
fn errors_of_the_system_and_their_hints_are_said_in_chinese() {
    let error = Recording::open(Path::new("/nowhere/at.all")).unwrap_err();
    assert_eq!(in_chinese(|| &error), "无法打开 /nowhere/at.all：没有那个文件或目录（ENOENT）");
    assert_eq!(error.to_string(), "cannot open /nowhere/at.all: No such file or directory (os error 2)");
    let path = PathBuf::from("/run/x");
    let known = [
        RecordingError::NotOurs { path: path.clone() },
        RecordingError::Foreign { path: path.clone() },
        RecordingError::Version { path: path.clone(), found: 7 },
        RecordingError::Version { path: path.clone(), found: 1 },
        RecordingError::Empty { path },
    ];
    for error in known.iter().chain([&error]) {
        assert_chinese(&in_chinese(|| error));
        assert!(is_chinese(&in_chinese(|| error.hint())));
        assert_kept_in_no_language(|| format!("{error}: {}", error.hint()));
    }
}

/// The recording's whole story.
fn replayed(name: &str) -> World {
    let tape = Recording::open(&asset(&format!("recordings/{name}.qviz"))).unwrap();
    let mut world = World::new();
    for fact in tape.facts().unwrap() {
        world.apply(fact.at, &fact.event);
    }
    world
}

fn summary(world: &World) -> String {
    let mut bytes = Vec::new();
    within(Lang::Chinese, || text::write(&mut bytes, &Summary::of(world), Marks::Unicode, 80)).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_summary_is_chinese_with_straight_columns() {
    for name in ["overflow", "cookies", "flood", "ghosts"] {
        let text = summary(&replayed(name));
        for line in text.lines().filter(|line| !line.trim_start().starts_with("p50")) {
            assert!(foreign(line).is_empty() || line.contains("qviz explain"), "{:?} in {line}", foreign(line));
        }
        let table = |heading: &str| {
            let mut lines =
                text.lines().skip_while(|line| !line.starts_with(heading)).take_while(|line| !line.is_empty());
            (lines.next().unwrap().to_owned(), lines.map(ToOwned::to_owned).collect::<Vec<_>>())
        };
        let (heading, rows) = table("队列");
        assert_eq!(rows.iter().map(|row| row.width()).collect::<Vec<_>>(), [heading.width(); 2], "{text}");
        let mut counted = 0;
        for title in ["客户端", "丢失"] {
            let (heading, rows) = table(title);
            for row in rows.iter().filter(|row| row.ends_with(|one: char| one.is_ascii_digit())) {
                assert_eq!(row.width(), heading.width(), "{text}");
                counted += 1;
            }
        }
        assert!(counted >= 5, "{text}");
        let widest = text.lines().filter(|line| line.starts_with("  ")).map(UnicodeWidthStr::width).max();
        assert!(widest <= Some(100), "{text}");
    }
}

#[test]
fn notes_that_are_kept_change_their_language_with_the_reader() {
    let world = replayed("steps");
    let changed =
        world.notes.iter().filter_map(|(_, note)| if let Note::Changed(said) = note { Some(said) } else { None });
    let told: Vec<_> = changed.map(|said| (said.to_string(), in_chinese(|| said))).collect();
    assert!(told.iter().any(|(english, chinese)| !is_chinese(english) && is_chinese(chinese)), "{told:?}");
}
