//! The table of keys is complete, and its descriptions are right.

use std::collections::HashSet;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use qviz::session::recording::transport::PlayCommand;
use qviz::ui::keymap::{Action, BINDINGS, Place, When, action, shown};

const PLACES: [Place; 8] = [
    Place::Stage,
    Place::Lesson,
    Place::List,
    Place::Filter,
    Place::Ladder,
    Place::Help,
    Place::Listeners,
    Place::Listener,
];

fn press(code: KeyCode, modifiers: KeyModifiers, listens: bool, place: Place) -> Option<Action> {
    action(&KeyEvent::new(code, modifiers), listens, place)
}

fn letter(letter: char, listens: bool, place: Place) -> Option<Action> {
    press(KeyCode::Char(letter), KeyModifiers::NONE, listens, place)
}

#[test]
fn what_a_place_shows_is_what_its_keys_do_and_no_key_has_two_meanings() {
    for (listens, place) in PLACES.into_iter().flat_map(|place| [(true, place), (false, place)]) {
        let mut seen = HashSet::new();
        for (key, wanted) in shown(listens, place).into_iter().flat_map(|binding| binding.keys) {
            let modifiers = if key.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            assert_eq!(press(key.code, modifiers, listens, place), Some(*wanted), "{key:?} on {place:?}");
            assert!(seen.insert(*key), "{key:?} twice on {place:?}");
        }
    }
}

#[test]
fn no_two_rows_that_count_at_the_same_time_have_a_key_in_common() {
    let mut seen = HashSet::new();
    for (when, key) in BINDINGS.iter().flat_map(|binding| binding.keys.iter().map(|(key, _)| (binding.when, *key))) {
        let group = if matches!(when, When::Lab | When::Run) { When::Always } else { when };
        assert!(seen.insert((format!("{group:?}"), key)), "{key:?} twice {when:?}");
    }
}

#[test]
fn every_row_is_shown_somewhere_with_a_description_in_ascii_too() {
    let all = || PLACES.into_iter().flat_map(|place| [(true, place), (false, place)]);
    for binding in BINDINGS {
        assert!(!binding.keys.is_empty() && !binding.long.is_empty() && binding.ascii.is_ascii());
        let is_shown = |(listens, place)| shown(listens, place).into_iter().any(|one| std::ptr::eq(one, binding));
        assert!(all().any(is_shown), "{}", binding.long);
    }
}

#[test]
fn a_filter_may_contain_every_letter() {
    assert_eq!(letter('q', true, Place::Filter), Some(Action::Letter('q')));
}

#[test]
fn ctrl_and_the_bare_letter_differ() {
    let pressed = |letter, modifiers| press(KeyCode::Char(letter), modifiers, true, Place::Stage);
    assert_eq!(pressed('c', KeyModifiers::CONTROL), Some(Action::Quit));
    assert_eq!(pressed('c', KeyModifiers::NONE), Some(Action::Cookies));
    assert_eq!(pressed('z', KeyModifiers::NONE), None);
    assert_eq!(pressed('q', KeyModifiers::ALT), None);
}

#[test]
fn shift_goes_ten_times_as_far_in_a_recording() {
    let seek = |code, modifiers| press(code, modifiers, false, Place::Stage);
    let second = std::time::Duration::from_secs(1);
    assert_eq!(seek(KeyCode::Left, KeyModifiers::NONE), Some(Action::Play(PlayCommand::Back(second))));
    assert_eq!(seek(KeyCode::Right, KeyModifiers::SHIFT), Some(Action::Play(PlayCommand::Ahead(second * 10))));
}

#[test]
fn a_speed_key_is_one_with_and_without_the_shift_modifier() {
    for modifiers in [KeyModifiers::NONE, KeyModifiers::SHIFT] {
        let faster = press(KeyCode::Char('}'), modifiers, false, Place::Stage);
        assert_eq!(faster, Some(Action::Play(PlayCommand::Faster)));
        assert_eq!(press(KeyCode::Char('>'), modifiers, false, Place::Stage), Some(Action::NextDrop));
    }
}

#[test]
fn in_a_recording_the_other_keys_mean_what_they_mean_in_the_lab() {
    assert_eq!(letter('q', false, Place::Stage), Some(Action::Quit));
    assert_eq!(letter('b', false, Place::Stage), Some(Action::Burst));
    assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL, false, Place::Stage), Some(Action::Quit));
}

#[test]
fn no_key_of_the_lab_reaches_a_watch() {
    for place in [Place::Listeners, Place::Listener] {
        for key in "bhcolatn,[] ".chars() {
            assert_eq!(letter(key, true, place), None, "{key} on {place:?}");
        }
    }
}
