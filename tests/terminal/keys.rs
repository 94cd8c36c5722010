//! Every key of the one table of keys, and what it changes on the screen.

use crossterm::event::KeyCode;
use qviz::ui::keymap::{Action, BINDINGS, Binding, Key, Place, When, shown};

use crate::browse;
use crate::needs::network;
use crate::pane::{Pane, depth, number, setting};

/// Terminals at the same time.
const AT_ONCE: usize = 4;

/// All panels fit, and no client comes unless a key asks for it.
const WORDS: &str = "--backlog 5 --rate 0 --arrivals steady";

case!(every_key_of_the_table_has_the_effect_that_it_promises, one at a time);
fn every_key_of_the_table_has_the_effect_that_it_promises() {
    network();
    let keys: Vec<_> =
        BINDINGS.iter().flat_map(|binding| binding.keys.iter().map(move |key| (binding.when, key))).collect();
    // Those that have a terminal of their own, several at once; the others in one terminal, one after the other.
    let (own, shared): (Vec<_>, Vec<_>) =
        keys.iter().partition(|(when, _)| matches!(when, When::In(Place::List | Place::Filter | Place::Ladder)));
    let tried = std::thread::scope(|scope| {
        for some in own.chunks(own.len().div_ceil(AT_ONCE)) {
            scope.spawn(move || {
                for (when, (key, action)) in some {
                    let When::In(place) = when else { panic!("{when:?} is no place") };
                    browse::proven(*place, &bytes(key), *action);
                }
            });
        }
        one_after_the_other(&shared)
    });
    assert!(own.len() + tried >= 45, "the table has all the keys: {} and {tried}", own.len());
}

/// Presses these keys in one terminal; how many were tried.
fn one_after_the_other(keys: &[(When, &(Key, Action))]) -> usize {
    let mut pane = Pane::qviz((200, 60), WORDS);
    pane.wait_for_picture();
    let mut pressed = 0;
    for (when, (key, action)) in keys {
        match when {
            When::Always | When::Lab | When::Run | When::In(Place::Stage) => proven(&mut pane, &bytes(key), *action),
            When::In(Place::Help) => in_the_help(&mut pane, &bytes(key), *action),
            // Tried where a lesson, a recording or a watch is shown.
            When::In(Place::Lesson | Place::Listeners | Place::Listener) | When::Replay => continue,
            When::In(place) => panic!("{place:?}: it has keys of its own"),
        }
        pressed += 1;
    }
    pressed
}

/// Presses the key and waits for its effect. A new action fails without one.
fn proven(pane: &mut Pane, key: &[u8], action: Action) {
    match action {
        Action::BacklogDown => falls(pane, key, "listen() of the header", backlog),
        Action::BacklogUp => rises(pane, key, "listen() of the header", backlog),
        Action::ArrivalsUp => rises(pane, key, "arrivals", |pane| setting(pane, "arrivals").map(|text| number(&text))),
        Action::ArrivalsDown => {
            falls(pane, key, "arrivals", |pane| setting(pane, "arrivals").map(|text| number(&text)));
        }
        Action::AcceptSlower => {
            falls(pane, key, "accept()", |pane| setting(pane, "accept()").map(|text| number(&text)));
        }
        Action::AcceptFaster => {
            rises(pane, key, "accept()", |pane| setting(pane, "accept()").map(|text| number(&text)));
        }
        Action::PauseAccept => there_and_back(pane, key, "accept()", "PAUSED"),
        Action::Burst => burst(pane, key),
        Action::Step => {
            pane.press(key);
            pane.wait_for("‖ STEP");
            pane.press(key);
            pane.wait_for("▶ live");
        }
        Action::Next => next(key),
        Action::AcceptOne => accept_one(key),
        Action::Slow => {
            for motion in ["▶ 0.5×", "▶ 0.25×", "▶ 0.1×", "▶ live"] {
                pane.press(key);
                pane.wait_for(motion);
            }
        }
        Action::HalfOpen => there_and_back(pane, key, "half-open", "50 %"),
        Action::RoundTrip => changes(pane, key, "round trip"),
        // Three values, and the first again.
        Action::Cookies => (0..3).for_each(|_| changes(pane, key, "tcp_syncookies")),
        Action::Overflow => there_and_back(pane, key, "tcp_abort_on_overflow", "1"),
        Action::Panel => panel(key),
        Action::Open => browse::opened(pane, key),
        Action::Replay => replayed(pane, key),
        Action::Projector => projector(pane, key),
        Action::Language => {
            pane.press(key);
            pane.wait_for("帮助");
            pane.press(key);
            pane.wait("English again", |pane| !pane.text().contains("帮助"));
        }
        Action::Freeze => {
            pane.press(key);
            pane.wait_for("FROZEN");
            pane.press(key);
            pane.wait("the picture moves again", |pane| !pane.text().contains("FROZEN"));
        }
        Action::Lose | Action::Hold => interfered(pane, key),
        Action::Help => helped(pane, key),
        Action::ZoomIn | Action::ZoomOut => zoomed(pane, key, action),
        Action::Earlier => earlier(key),
        Action::Later | Action::Close => back_to_now(key),
        // exits.rs looks at the terminal meanwhile and afterwards.
        Action::Suspend => crate::exits::stopped_and_continued(|pane| pane.press(key)),
        Action::Quit => crate::exits::left(|pane| pane.press(key), 0),
        other => panic!("{other:?} is not for the stage"),
    }
}

/// Whether a client is chosen depends on the keys before.
fn interfered(pane: &mut Pane, key: &[u8]) {
    let answers = ["choose a client first", "is lost on its way", "H again lets them go"];
    pane.press(key);
    pane.wait("an answer", |pane| answers.iter().any(|answer| pane.text().contains(answer)));
}

/// The newest drop, or that there is none.
fn replayed(pane: &mut Pane, key: &[u8]) {
    let shown = ["INSTANT REPLAY", "nothing was dropped lately"];
    pane.press(key);
    pane.wait("a replay, or why not", |pane| shown.iter().any(|words| pane.text().contains(words)));
}

fn helped(pane: &mut Pane, key: &[u8]) {
    pane.press(key);
    pane.wait("the help", help);
    pane.press(key);
    pane.wait("no help", |pane| !help(pane));
}

fn zoomed(pane: &mut Pane, key: &[u8], action: Action) {
    let (first, second): (&[u8], &[u8]) = if action == Action::ZoomIn { (b"-", key) } else { (key, b"+") };
    pane.press(first);
    pane.wait_for("THE FIRST 74 s");
    pane.press(second);
    pane.wait_for("THE FIRST 37 s");
}

/// On a small screen the help has pages; esc is tried on the large one too.
fn in_the_help(pane: &mut Pane, key: &[u8], action: Action) {
    let mut small = Pane::qviz((80, 24), WORDS);
    small.wait_for_picture();
    small.press(b"?");
    small.wait_for("HELP 1/");
    match action {
        Action::NextPage => {
            small.press(key);
            small.wait_for("HELP 2/");
        }
        Action::PageBefore => {
            small.press(b"?");
            small.wait_for("HELP 2/");
            small.press(key);
            small.wait_for("HELP 1/");
        }
        Action::Close => {
            small.press(key);
            small.wait("no help", |pane| !pane.text().contains("HELP"));
            pane.press(b"?");
            pane.wait("the help", help);
            pane.press(key);
            pane.wait("no help", |pane| !help(pane));
        }
        other => panic!("{other:?} is not for the help"),
    }
}

/// Back in time in a run that goes on.
fn earlier(key: &[u8]) {
    let mut pane = Pane::qviz((114, 36), WORDS);
    pane.wait_for_picture();
    pane.press(b"+");
    pane.wait_for("THE FIRST 10 s");
    pane.wait("half of the window", |pane| pane.text().contains("00:07"));
    pane.wait("more than the window", |pane| pane.text().contains("LAST 10 s of 1"));
    pane.press(key);
    pane.wait_for("THE PAST: 00:0");
    assert!(pane.text().contains("▶ live"), "the run goes on:\n{}", pane.text());
}

/// Back from the past: a recording of seven seconds is followed by most of a minute in which nothing happens.
fn back_to_now(key: &[u8]) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let facts = std::fs::read_to_string(root.join("assets/recordings/overflow.qviz")).expect("a recording");
    let facts: Vec<_> = facts.lines().filter(|line| !line.ends_with("\"ended\"}")).collect();
    let facts = facts.join("\n");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("long.qviz");
    std::fs::write(&path, format!("{facts}\n{{\"at\":60000000000,\"event\":\"tick\"}}\n")).expect("a recording");
    let mut pane = Pane::qviz((114, 36), &format!("replay {}", path.display()));
    pane.wait_for("ACCEPT QUEUE");
    pane.press(b"\x1b[F");
    pane.wait_for("■ replay");
    pane.press(b"\x1b[5~");
    pane.wait_for("THE PAST");
    pane.press(key);
    pane.wait("the present", |pane| pane.text().contains("┌ LAST") && !pane.text().contains("THE PAST"));
}

/// The large picture has no small panels.
fn projector(pane: &mut Pane, key: &[u8]) {
    pane.press(key);
    pane.wait("no small panels", |pane| !pane.text().contains("WHAT HAPPENED"));
    pane.press(key);
    pane.wait_for("WHAT HAPPENED");
}

/// The backlog of the header: `listen(5)`.
fn backlog(pane: &Pane) -> Option<f64> {
    Some(number(pane.text().lines().next()?.split_once("listen(")?.1))
}

fn help(pane: &Pane) -> bool {
    let text = pane.text();
    // Long sentences may be cut short.
    let is_shown = |binding: &&Binding| text.contains(&binding.long.chars().take(30).collect::<String>());
    text.contains("HELP") && shown(true, Place::Stage).iter().all(is_shown)
}

#[track_caller]
fn rises(pane: &mut Pane, key: &[u8], what: &str, value: impl Fn(&Pane) -> Option<f64>) {
    let before = value(pane);
    assert!(before.is_some(), "{what} is on the screen:\n{}", pane.text());
    pane.press(key);
    pane.wait(&format!("{what} above {before:?}"), |pane| value(pane) > before);
}

#[track_caller]
fn falls(pane: &mut Pane, key: &[u8], what: &str, value: impl Fn(&Pane) -> Option<f64>) {
    let before = value(pane);
    assert!(before.is_some(), "{what} is on the screen:\n{}", pane.text());
    pane.press(key);
    pane.wait(&format!("{what} below {before:?}"), |pane| value(pane).is_some_and(|now| Some(now) < before));
}

#[track_caller]
fn changes(pane: &mut Pane, key: &[u8], name: &str) {
    let before = setting(pane, name);
    assert!(before.is_some(), "{name} is on the screen:\n{}", pane.text());
    pane.press(key);
    pane.wait(&format!("{name} is not {before:?} any more"), |pane| {
        let now = setting(pane, name);
        now.is_some() && now != before
    });
}

#[track_caller]
fn there_and_back(pane: &mut Pane, key: &[u8], name: &str, there: &str) {
    let before = setting(pane, name);
    assert!(before.is_some() && before.as_deref() != Some(there), "{name} is {before:?}");
    pane.press(key);
    pane.wait(&format!("{name} {there}"), |pane| setting(pane, name).as_deref() == Some(there));
    pane.press(key);
    pane.wait(&format!("{name} {before:?} again"), |pane| setting(pane, name) == before);
}

/// As many clients as both queues hold: the SYN queue is full for a round trip.
#[track_caller]
fn burst(pane: &mut Pane, key: &[u8]) {
    let capacity = depth(pane, "SYN QUEUE").map(|(_, capacity)| capacity);
    assert_ne!(most_so_far(pane), capacity, "at most the client of another key came before:\n{}", pane.text());
    pane.press(key);
    // The queue is full for a fifth of a second; its high-water mark stays.
    pane.wait("a SYN queue that was full", |pane| most_so_far(pane) == capacity);
}

/// The high-water mark of the SYN queue: the first of the two on the screen.
fn most_so_far(pane: &Pane) -> Option<u32> {
    let text = pane.text();
    let (_, rest) = text.split_once("peak ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Where nobody has ever come, the first press holds, and the second finds nothing to do.
fn next(key: &[u8]) {
    let mut pane = Pane::qviz((120, 36), WORDS);
    pane.wait_for_picture();
    pane.press(key);
    pane.wait_for("‖ STEP");
    pane.press(key);
    pane.wait_for("nothing is due");
}

/// Where nobody has ever come, nobody is there; tests/step.rs has somebody.
fn accept_one(key: &[u8]) {
    let mut pane = Pane::qviz((120, 36), WORDS);
    pane.wait_for_picture();
    pane.press(key);
    pane.wait_for("accept() found the accept queue empty");
}

/// On a small screen one panel shows at a time.
fn panel(key: &[u8]) {
    let mut pane = Pane::qviz((80, 24), WORDS);
    pane.wait_for_picture();
    for title in ["┌ WHAT HAPPENED", "┌ LEDGER", "┌ KERNEL COUNTERS", "┌ SETTINGS", "┌ WHAT HAPPENED"] {
        pane.wait_for(title);
        pane.press(key);
    }
}

/// What a terminal sends for a key.
pub(crate) fn bytes(key: &Key) -> Vec<u8> {
    match key.code {
        KeyCode::Char(letter) if key.ctrl => vec![letter as u8 & 0x1f],
        KeyCode::Char(letter) => vec![letter as u8],
        KeyCode::Up => b"\x1b[A".into(),
        KeyCode::Down => b"\x1b[B".into(),
        KeyCode::Right => b"\x1b[C".into(),
        KeyCode::Left => b"\x1b[D".into(),
        KeyCode::Tab => b"\t".into(),
        KeyCode::Esc => b"\x1b".into(),
        KeyCode::Enter => b"\r".into(),
        KeyCode::Backspace => b"\x7f".into(),
        KeyCode::PageUp => b"\x1b[5~".into(),
        KeyCode::PageDown => b"\x1b[6~".into(),
        other => panic!("this test does not know what a terminal sends for {other:?}"),
    }
}
