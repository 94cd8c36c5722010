//! The list of lessons in a real terminal: chosen by a number, played by the program begun anew, kept when it is done; and a class
//! that votes.

use std::path::Path;

use crate::needs::network;
use crate::pane::Pane;

/// `qviz` with a folder of states of its own.
fn begun(words: &str, states: &Path) -> Pane {
    Pane::start((120, 36), Pane::command(words).env("XDG_STATE_HOME", states))
}

case!(a_challenge_is_chosen_by_its_number_and_kept_once_its_goals_are_reached);
fn a_challenge_is_chosen_by_its_number_and_kept_once_its_goals_are_reached() {
    network();
    let states = tempfile::tempdir().expect("a folder");
    let mut pane = begun("lesson", states.path());
    pane.wait_for("0 of 34 done");
    pane.press(b"34");
    pane.wait_for("qviz lesson make-a-ghost");
    pane.press(b"\r");
    pane.wait_for("Nobody comes, accept() is not called");
    pane.press(b" ");
    pane.wait_for("ghosts 0, SYNs dropped 0.");
    pane.press(b" ");
    pane.wait_for("not reached: Ghosts: 0.");
    pane.press(b"q");
    pane.wait_for("0 of 34 done");
    let kept = states.path().join("qviz/lessons");
    assert!(!kept.exists(), "its goal was not reached");
    // The list is there again: the next one is chosen from it.
    pane.press(b"32");
    pane.wait_for("qviz lesson stop-the-drops");
    pane.press(b"\r");
    pane.wait_for("4 clients come per second");
    pane.press(b"]]]]]]]]");
    pane.wait_for("24/s");
    pane.press(b" ");
    pane.wait_for("After the six seconds");
    pane.press(b" ");
    pane.wait_for("✓ reached: ListenDrops stayed at");
    pane.press(b"q");
    pane.wait_for("1 of 34 done");
    let text = pane.text();
    let row = |number: &str| text.lines().find(|line| line.contains(number)).map(str::to_owned).unwrap_or_default();
    assert!(row(" 32 ").contains('✓') && row(" 33 ").contains("next"), "{text}");
    assert_eq!(std::fs::read_to_string(kept).expect("what is kept"), "stop-the-drops 0/0\n");
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0));
}

case!(a_signal_to_the_list_ends_the_lesson_that_was_begun_from_it);
fn a_signal_to_the_list_ends_the_lesson_that_was_begun_from_it() {
    network();
    let states = tempfile::tempdir().expect("a folder");
    let mut pane = begun("lesson", states.path());
    pane.wait_for("0 of 34 done");
    pane.press(b"\r");
    pane.wait_for("╔ LESSON");
    pane.signal(rustix::process::Signal::TERM);
    assert_eq!(pane.end().code(), Some(143));
    assert!(pane.is_restored(), "{}", pane.text());
}

case!(a_class_votes_and_the_choice_with_most_hands_is_predicted);
fn a_class_votes_and_the_choice_with_most_hands_is_predicted() {
    network();
    let states = tempfile::tempdir().expect("a folder");
    let mut pane = begun("lesson n-plus-one --class", states.path());
    pane.wait_for("space goes on");
    pane.press(b" ");
    pane.wait_for("1-3 count a hand");
    pane.press(b" ");
    pane.wait_for("no votes yet");
    pane.press(b"1322\x7f2");
    pane.wait("the bars", |pane| {
        let text = pane.text();
        let bar = |choice: &str| text.lines().find(|line| line.contains(choice)).map(str::to_owned);
        bar("2 one more than").is_some_and(|line| line.contains("██ 2"))
            && bar("1 as many as").is_some_and(|line| line.contains("█ 1"))
    });
    pane.press(b" ");
    pane.wait_for("›2 one more than the backlog");
    pane.press(b"q");
    assert_eq!(pane.end().code(), Some(0));
}
