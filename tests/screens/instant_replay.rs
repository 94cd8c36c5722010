//! The instant replay: the newest drop once more, slowly, while the run goes on.

use std::time::Duration;

use qviz::model::event::Environment;
use qviz::ui::keymap::Action;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::view;
use ratatui::layout::Size;

use crate::picture::lines;
use crate::story::{Story, ms};

/// A queue of one, and a client whose SYN it drops at 1.1 s.
fn dropped() -> Story {
    let mut story = Story::new(Environment::Lab, 0, 0);
    story.clients(0..1, ms(100), Duration::ZERO, false);
    story.clients(1..2, ms(900), Duration::ZERO, false);
    story.run(ms(1200));
    story
}

fn state() -> UiState {
    let theme = Theme::named("dark", Depth::True, false).unwrap();
    UiState { theme, live: true, size: Size::new(120, 36), ..UiState::default() }
}

fn look(state: &mut UiState, story: &Story) -> String {
    update(state, Msg::Pulse(story.now), &story.world);
    lines(&view::picture(state.size, &story.world, state, story.now))
}

#[test]
fn the_newest_drop_is_shown_again_at_a_fifth_of_the_speed_and_ends_by_itself() {
    let (mut story, mut state) = (dropped(), state());
    update(&mut state, Msg::Press(Action::Replay, story.now), &story.world);
    let begin = look(&mut state, &story);
    assert!(begin.contains("INSTANT REPLAY of a1 · 0.2×"), "{begin}");
    assert!(!begin.contains("dropped, no reply") && !begin.contains("next:"), "it has not come to the drop: {begin}");
    // Its SYN needs 0.2 s: one second here.
    story.run(ms(1200 + 600));
    let way = look(&mut state, &story);
    assert!(way.contains("SYN_SENT") && !way.contains("dropped, no reply"), "{way}");
    story.run(ms(1200 + 1400));
    let end = look(&mut state, &story);
    assert!(end.contains("accept queue full: dropped, no reply") && end.contains("INSTANT REPLAY"), "{end}");
    assert!(end.contains("next: client: SYN again in"), "{end}");
    story.run(ms(6000));
    assert!(!look(&mut state, &story).contains("INSTANT REPLAY"), "the panels are back");
}

#[test]
fn esc_closes_it_and_without_a_drop_the_key_says_so() {
    let (story, mut state) = (dropped(), state());
    update(&mut state, Msg::Press(Action::Replay, story.now), &story.world);
    update(&mut state, Msg::Press(Action::Close, story.now), &story.world);
    assert!(!look(&mut state, &story).contains("INSTANT REPLAY"));
    let nothing = Story::new(Environment::Lab, 5, 0);
    update(&mut state, Msg::Press(Action::Replay, nothing.now), &nothing.world);
    assert!(look(&mut state, &nothing).contains("nothing was dropped lately"));
}

#[test]
fn a_line_leads_from_the_full_accept_queue_to_the_door_while_it_drops() {
    let (mut story, mut state) = (dropped(), state());
    let with = look(&mut state, &story);
    let line = with.lines().find(|line| line.contains("full accept queue: SYNs dropped"));
    assert!(line.is_some_and(|line| line.contains('◀') && line.contains('┛')), "{with}");
    story.accepts(1, ms(1250), Duration::ZERO);
    story.run(ms(9000));
    assert!(!look(&mut state, &story).contains("full accept queue: SYNs dropped"));
}
