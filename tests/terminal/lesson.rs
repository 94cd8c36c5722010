//! A lesson in a real terminal: played by keys from its beginning to its end, and by itself.

use std::path::PathBuf;
use std::time::Duration;

use qviz::ui::keymap::{Action, BINDINGS, Place, When};

use crate::keys::bytes;
use crate::lab::run_qviz;
use crate::needs::network;
use crate::pane::{Pane, depth};
use crate::traces::Traces;

const SPACE: &[u8] = b" ";
const BACKSPACE: &[u8] = b"\x7f";

/// What every lesson begins with.
const HEAD: &str = r#"
order = 1
title = { en = "Six", zh = "六" }
learn = { en = "How many fit.", zh = "放得下几个。" }
remember = { en = "N + 1 fit.", zh = "放得下 N + 1 个。" }
[main]
line = "backlog = 5"
instead = "backlog = 9"
"#;

const SIX: &str = r#"
[[scene]]
[scene.lab]
backlog = 5
rtt = "20ms"
[[scene.step]]
say = { en = "Nobody calls accept().", zh = "没有人调用 accept()。" }
[[scene.step]]
ask = { en = "How many of eight fit?", zh = "八个里放得下几个？" }
choices = [
    { en = "five", zh = "五个", right = "accept_queue.depth == 5" },
    { en = "six", zh = "六个", right = "accept_queue.depth == 6" },
]
do = ["burst 8"]
until = "accept_queue.depth >= listener.accept_capacity"
say = { en = "{accept_queue.depth} wait.", zh = "{accept_queue.depth} 个在等。" }
"#;

const SECOND: &str = r#"
[[scene]]
[scene.lab]
rtt = "20ms"
[[scene.step]]
say = { en = "Another listener.", zh = "另一个监听者。" }
"#;

const NINE: &str = r#"
[[scene]]
[scene.lab]
backlog = 5
[[scene.step]]
say = { en = "Empty.", zh = "空的。" }
[[scene.step]]
ask = { en = "How many wait?", zh = "有几个在等？" }
choices = [ CHOICES ]
say = { en = "None.", zh = "没有。" }
"#;

/// A file with a lesson, in a folder that goes away.
struct Book {
    folder: tempfile::TempDir,
}

impl Book {
    fn with(scenes: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("own.toml"), format!("{HEAD}{scenes}")).expect("a lesson");
        Self { folder }
    }

    fn lesson(&self) -> String {
        format!("lesson {}", self.folder.path().join("own.toml").display())
    }

    fn tape(&self) -> PathBuf {
        self.folder.path().join("own.qviz")
    }
}

case!(a_lesson_is_played_from_its_beginning_to_its_end_and_its_recording_tells_it_again);
fn a_lesson_is_played_from_its_beginning_to_its_end_and_its_recording_tells_it_again() {
    network();
    let book = Book::with(&format!("{SIX}{SECOND}"));
    let words = format!("{} --record {}", book.lesson(), book.tape().display());
    let mut pane = Pane::qviz((120, 36), &words);
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    pane.wait_for("Nobody calls accept().");
    assert!(pane.text().contains("scene 1 of 2") && pane.text().contains("space goes on"), "{}", pane.text());
    pane.press(SPACE);
    pane.wait_for("1-2 predict");
    pane.press(SPACE);
    pane.wait_for("first your prediction");
    pane.press(b"1");
    pane.wait_for("you said “five”; the kernel says “six”");
    pane.wait_for("6 wait.");
    // The scene again: a fresh listener, and a better prediction.
    pane.press(BACKSPACE);
    pane.wait("an empty queue", |pane| {
        pane.text().contains("Nobody calls accept().") && depth(pane, "ACCEPT QUEUE") == Some((0, 6))
    });
    pane.press(SPACE);
    pane.wait_for("1-2 predict");
    let choice = pane.find("2 six");
    pane.click(choice);
    pane.wait_for("you said “six”, and so says the kernel");
    assert!(pane.text().contains("1 of 1 right"), "{}", pane.text());
    pane.press(SPACE);
    pane.wait_for("Another listener.");
    assert!(pane.text().contains("scene 2 of 2"), "{}", pane.text());
    pane.press(SPACE);
    pane.wait_for("TO REMEMBER");
    assert!(pane.text().contains("N + 1 fit."), "{}", pane.text());
    pane.press(b"q");
    assert!(pane.end().success());
    let told = pane.afterwards();
    assert!(told.contains("To remember: N + 1 fit.") && told.contains("your prediction was right"), "{told}");
    pane.assert_left_clean(&traces);
    let count = |mark: &str| String::from_utf8_lossy(pane.seen()).matches(mark).count();
    assert_eq!(count("\x1b[?1049h"), 1, "three sessions, and one screen");

    let tape = book.tape().display().to_string();
    let drawn = run_qviz(["replay", &tape, "--text", "--size", "120x36"], Duration::from_secs(30));
    let text = String::from_utf8_lossy(&drawn.stdout).into_owned();
    assert!(text.contains("TO REMEMBER") && text.contains("1 of 1 right"), "{text}");
    assert!(!text.contains("q leaves"), "a recording is not played by the lesson's keys: {text}");
}

case!(a_lesson_that_goes_on_by_itself_needs_nobody);
fn a_lesson_that_goes_on_by_itself_needs_nobody() {
    network();
    let book = Book::with(SIX);
    let mut pane = Pane::qviz((80, 24), &format!("{} --auto", book.lesson()));
    pane.wait_for_picture();
    let traces = Traces::of(pane.pid());
    for said in ["Nobody calls accept().", "How many of eight fit?", "the kernel says “six”", "TO REMEMBER"] {
        pane.wait_for(said);
    }
    assert!(pane.text().contains("no prediction was made"), "{}", pane.text());
    pane.press(b"q");
    assert!(pane.end().success());
    pane.assert_left_clean(&traces);
}

case!(every_key_of_a_lesson_has_the_effect_that_it_promises);
fn every_key_of_a_lesson_has_the_effect_that_it_promises() {
    network();
    let choices: Vec<_> = (0..9)
        .map(|choice| {
            format!("{{ en = \"just {choice}\", zh = \"{choice}\", right = \"accept_queue.depth == {choice}\" }}")
        })
        .collect();
    let book = Book::with(&NINE.replace("CHOICES", &choices.join(", ")));
    let mut pane = Pane::qviz((120, 36), &book.lesson());
    pane.wait_for_picture();
    let own =
        BINDINGS.iter().filter(|binding| binding.when == When::In(Place::Lesson)).flat_map(|binding| binding.keys);
    let mut tried = 0;
    for (key, action) in own {
        pane.wait_for("Empty.");
        let key = bytes(key);
        match action {
            Action::GoOn | Action::Repeat => {
                pane.press(SPACE);
                pane.wait_for("How many wait?");
            }
            Action::Predict(choice) => {
                pane.press(SPACE);
                pane.wait_for("How many wait?");
                pane.press(&key);
                pane.wait_for(&format!("you said “just {choice}"));
            }
            Action::PauseAccept => {
                pane.wait_for("PAUSED");
                pane.press(&key);
                pane.wait("accept() goes on", |pane| !pane.text().contains("PAUSED"));
            }
            other => panic!("{other:?} is no key of a lesson"),
        }
        pane.press(BACKSPACE);
        pane.wait("the scene again", |pane| pane.text().contains("Empty.") && pane.text().contains("PAUSED"));
        tried += 1;
    }
    assert_eq!(tried, 12);
    pane.press(b"q");
    assert!(pane.end().success());
}

case!(held_time_does_not_run_out);
fn held_time_does_not_run_out() {
    network();
    let slow = SIX
        .replace("rtt = \"20ms\"", "rtt = \"400ms\"")
        .replace("say = { en = \"{accept", "within = \"2s\"\nsay = { en = \"{accept");
    let book = Book::with(&slow);
    let mut pane = Pane::qviz((120, 36), &book.lesson());
    pane.wait_for("Nobody calls accept().");
    pane.press(b"t");
    pane.wait_for("STEP");
    pane.press(SPACE);
    pane.wait_for("1-2 predict");
    pane.press(b"2");
    pane.wait_for("watch: 8 clients come at once");
    // Longer than the step may take: its time stands still with that of the clients.
    pane.wait("three seconds", |pane| pane.text().contains("at once · 3."));
    assert!(!pane.text().contains("did not come"), "{}", pane.text());
    pane.press(b"t");
    pane.wait_for("you said “six”, and so says the kernel");
    pane.press(b"q");
    assert!(pane.end().success());
}

case!(a_demo_shows_its_story_where_no_private_network_can_be_had);
fn a_demo_shows_its_story_where_no_private_network_can_be_had() {
    let mut pane = Pane::start((120, 36), Pane::command("demo silent-drop").current_dir("/"));
    pane.wait_for("A backlog of 2: three connections wait");
    pane.press(b">");
    pane.wait_for("What does it get?");
    pane.press(b"q");
    assert!(pane.end().success());
}

case!(a_setting_that_was_changed_before_its_question_is_named_when_it_is_asked);
fn a_setting_that_was_changed_before_its_question_is_named_when_it_is_asked() {
    network();
    let mut pane = Pane::qviz((120, 36), "lesson n-plus-one");
    pane.wait_for("space goes on");
    pane.press(b"\x1b[C");
    pane.wait_for("listen(6): limit 6");
    pane.press(b" ");
    pane.wait_for("changed by hand: listen(6). What is right is measured with that.");
    pane.press(b"2");
    pane.wait_for("and so says the kernel");
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0));
}
