//! The timeline: zoom, the past, high-water marks, and marks of changed settings.

use qviz::model::stamp::Stamp;
use qviz::ui::keymap::{Action, Mode};
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::view;

use super::{gap, lines, press, row_with, shoot, state};
use crate::story::{Story, ms};
use qviz::model::event::Environment;

/// Eighty seconds: a wave of clients at the twentieth, and a smaller backlog at the fiftieth.
fn long() -> Story {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.clients(0..9, ms(20_000), gap(60), false);
    story.accepts(9, ms(22_000), gap(250));
    story.run(ms(50_000));
    story.listen(2);
    story.run(ms(80_000));
    story
}

fn look(state: &mut UiState, story: &Story) -> String {
    update(state, Msg::Pulse(story.now), &story.world);
    lines(&view::picture(state.size, &story.world, state, story.now))
}

/// The rows of the timeline.
fn timeline(text: &str) -> Vec<&str> {
    let rows = text
        .lines()
        .skip_while(|line| !["┌ LAST", "┌ THE FIRST", "┌ THE PAST"].iter().any(|title| line.contains(title)));
    let mut rows: Vec<_> = rows.collect();
    let end = rows.iter().position(|line| line.starts_with('└')).unwrap();
    rows.truncate(end + 1);
    rows
}

#[test]
fn the_past_is_told_as_the_past_with_the_way_back() {
    shoot("past", &long(), |state, world, now| {
        for action in [Action::ZoomIn, Action::Earlier, Action::ZoomOut, Action::Earlier, Action::Earlier] {
            state.frame = view::picture_and_info(state.size, world, state, now).1;
            update(state, Msg::Press(action, now), world);
        }
    });
}

#[test]
fn the_past_stands_still_while_the_run_goes_on_and_esc_goes_back_to_now() {
    let mut story = long();
    for size in [(60, 24), (80, 24), (120, 36), (200, 60)] {
        let mut state = state(size, false);
        look(&mut state, &story);
        press(&mut state, Action::Earlier, &story);
        let before = look(&mut state, &story);
        let title = row_with(&before, "┌ THE PAST");
        assert!(title.contains("esc: now") && title.contains(" ago") && !title.contains("LAST"), "{title}");
        assert!(before.contains("▶ live") && before.contains("esc to now"), "{before}");
        assert_eq!(state.modes(&story.world, state.frame.plot_width.is_some()), [Mode::Past]);
        let now = story.now;
        story.run(now + gap(900));
        let after = look(&mut state, &story);
        assert_eq!(timeline(&after)[1..], timeline(&before)[1..]);
        press(&mut state, Action::Close, &story);
        let text = look(&mut state, &story);
        assert!(text.contains("┌ LAST") && !text.contains("THE PAST"), "{text}");
    }
}

#[test]
fn what_has_left_the_window_is_found_again_in_the_past() {
    let story = long();
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut state = state(size, false);
        // Of the high-water mark only the words are left.
        let now = look(&mut state, &story);
        assert!(!timeline(&now)[1..].join("").contains('▼'), "{now}");
        assert!(timeline(&now)[0].contains("▼ high water: accept 6 at 00:20 · SYN 6 at 00:20"), "{now}");
        let mut found = false;
        for _ in 0..20 {
            press(&mut state, Action::Earlier, &story);
            let past = look(&mut state, &story);
            found |= timeline(&past)[1..].join("").matches('▼').count() == 2;
        }
        assert!(found, "{size:?}: both marks are somewhere in the past");
        // As far back as it goes: the first column is the beginning of the run.
        let past = look(&mut state, &story);
        assert!(timeline(&past)[0].contains("THE PAST: 00:00–"), "{past}");
        press(&mut state, Action::Earlier, &story);
        assert!(look(&mut state, &story).contains("nothing earlier is kept"));
        for _ in 0..20 {
            press(&mut state, Action::Later, &story);
        }
        assert!(look(&mut state, &story).contains("┌ LAST"));
    }
}

#[test]
fn a_changed_setting_is_marked_at_its_time_at_every_zoom() {
    let story = long();
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut state = state(size, false);
        press(&mut state, Action::ZoomOut, &story);
        let mut zooms = 0;
        loop {
            let text = look(&mut state, &story);
            let edge = timeline(&text).last().unwrap().chars().collect::<Vec<_>>();
            let width = state.size.width - 14;
            let grain = state.window.grain(width);
            // The first window is filled from the left.
            let whole = grain.group(story.world.history.begins()) + u64::from(width / grain.columns) - 1;
            let right = grain.group(story.now).max(whole) - grain.group(ms(50_000)) + 1;
            let column = 13 + usize::from(width - right as u16 * grain.columns);
            assert_eq!(edge[column], '▲', "{size:?} {grain:?} {column}: {text}");
            zooms += 1;
            press(&mut state, Action::ZoomOut, &story);
            if state.message.take().is_some_and(|(_, text)| text.contains("one hour")) {
                break;
            }
        }
        assert_eq!(zooms, 6, "from a minute to an hour");
    }
}

#[test]
fn the_title_says_how_long_the_window_is_and_how_far_back_it_goes() {
    let story = long();
    let mut state = state((120, 36), false);
    assert!(timeline(&look(&mut state, &story))[0].contains("LAST 31 s of 80 s"));
    press(&mut state, Action::ZoomIn, &story);
    assert!(timeline(&look(&mut state, &story))[0].contains("LAST 10 s of 80 s"));
    for _ in 0..3 {
        press(&mut state, Action::ZoomOut, &story);
    }
    let text = look(&mut state, &story);
    assert!(timeline(&text)[0].contains("THE FIRST 2 min ─"), "all of it is in sight: {text}");
}

#[test]
fn a_replay_that_goes_back_before_the_shown_past_shows_the_present_again() {
    let (story, mut early) = (long(), Story::new(Environment::Lab, 5, 0));
    let mut state = state((120, 36), false);
    press(&mut state, Action::Earlier, &story);
    assert!(look(&mut state, &story).contains("THE PAST"));
    early.run(ms(10_000));
    assert!(look(&mut state, &early).contains("┌ THE FIRST"));
}

#[test]
fn a_held_moment_has_a_past_too() {
    let mut story = long();
    let mut state = state((120, 36), false);
    press(&mut state, Action::Freeze, &story);
    story.run(ms(95_000));
    press(&mut state, Action::Earlier, &story);
    let text = look(&mut state, &story);
    assert!(timeline(&text)[0].contains("THE PAST: 00:32–01:04 · 15 s ago"), "{text}");
    assert!(text.contains("FROZEN at 01:20"), "{text}");
}

#[test]
fn without_room_for_a_timeline_its_keys_say_so() {
    let story = long();
    for action in [Action::ZoomIn, Action::ZoomOut, Action::Earlier, Action::Later] {
        let mut state = state((60, 16), false);
        press(&mut state, action, &story);
        assert!(look(&mut state, &story).contains("no room for the timeline"));
        assert_eq!(state.modes(&story.world, state.frame.plot_width.is_some()), []);
    }
}

#[test]
fn before_the_beginning_nothing_is_drawn() {
    let mut story = Story::new(Environment::Lab, 5, 0);
    story.run(ms(3_000));
    let mut state = state((120, 36), false);
    let text = look(&mut state, &story);
    let row: Vec<char> = row_with(&text, "│accept ").chars().collect();
    // Three seconds of 31 are ten columns of 106.
    let drawn = row[13..119].iter().filter(|sign| **sign == '┈').count();
    assert!((9..=12).contains(&drawn), "{drawn}: {text}");
    assert_eq!(story.world.history.begins(), Stamp::ZERO);
}
