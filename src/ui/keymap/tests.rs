//! The table of keys is whole, and means what it says.

use super::*;
use std::collections::HashSet;

#[test]
fn no_key_has_two_meanings_in_one_place() {
    for place in [Place::Anywhere, Place::Stage, Place::Lesson, Place::List, Place::Filter, Place::Ladder, Place::Help]
    {
        let mut seen = HashSet::new();
        for (key, _) in bindings(place).flat_map(|binding| binding.keys) {
            assert!(seen.insert(*key), "{key:?} twice on {place:?}");
        }
    }
}

#[test]
fn what_a_place_shows_is_what_its_keys_do() {
    for place in [Place::Stage, Place::Lesson, Place::List, Place::Filter, Place::Ladder, Place::Help] {
        for (key, wanted) in bindings(place).flat_map(|binding| binding.keys) {
            let modifiers = if key.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            assert_eq!(action(&KeyEvent::new(key.code, modifiers), place), Some(*wanted), "{key:?} on {place:?}");
        }
    }
    let press = |letter| action(&KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE), Place::Filter);
    assert_eq!(press('q'), Some(Action::Letter('q')), "a filter may contain every letter");
}

#[test]
fn every_binding_says_what_it_does_in_ascii_too() {
    for binding in BINDINGS {
        assert!(!binding.keys.is_empty() && !binding.long.is_empty() && binding.ascii.is_ascii());
    }
}

#[test]
fn ctrl_and_the_bare_letter_differ() {
    let press = |letter, modifiers| action(&KeyEvent::new(KeyCode::Char(letter), modifiers), Place::Stage);
    assert_eq!(press('c', KeyModifiers::CONTROL), Some(Action::Quit));
    assert_eq!(press('c', KeyModifiers::NONE), Some(Action::Cookies));
    assert_eq!(press('z', KeyModifiers::NONE), None);
    assert_eq!(press('q', KeyModifiers::ALT), None);
}
