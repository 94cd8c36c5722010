//! The keys of `qviz watch`: they look at other people's listeners and change nothing.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{Action, Binding, Key, Place, action, action_in_replay, bindings, plain, replay};

macro_rules! watch_keys {
    ($({ $($key:expr => $action:ident),+; $place:ident; $sign:literal, $ascii:literal, $short:literal, $long:literal }),+
     $(,)?) => {
        /// The keys that only a watch has, in the order in which they are shown.
        pub const WATCH_BINDINGS: &[Binding] = &[$(Binding {
            keys: &[$((plain($key), Action::$action)),+],
            place: Place::$place, sign: $sign, ascii: $ascii, short: $short, long: $long, urgent: None,
        }),+];
    };
}

watch_keys! {
    { KeyCode::Up => RowUp, KeyCode::Down => RowDown; Listeners; "↑↓", "up/dn", "choose",
      "watch: choose a listener" },
    { KeyCode::Enter => Open; Listeners; "enter", "enter", "look inside",
      "watch: who waits in the chosen listener; on a group: unfold it" },
    { KeyCode::Char('/') => Filter; Listeners; "/", "/", "filter",
      "watch: only rows with these words; enter keeps them, esc drops them" },
    { KeyCode::Char('s') => Sort; Listeners; "s", "s", "sort",
      "watch: by fullness, drops, wait, arrivals, address, or owner" },
    { KeyCode::Left => Fold, KeyCode::Right => Unfold; Listeners; "←→", "lf/rt", "fold",
      "watch: fold or unfold the sockets of an SO_REUSEPORT group" },
    { KeyCode::Char('f') => Freeze; Listeners; "f", "f", "pause",
      "watch: hold all numbers and go on reading them; the watch goes on" },
    { KeyCode::PageUp => PageUp, KeyCode::PageDown => PageDown; Listeners; "pgup pgdn", "pgup pgdn", "",
      "watch: one screen up or down" },
    { KeyCode::Home => Top, KeyCode::End => Bottom; Listeners; "home end", "home end", "",
      "watch: to the first or the last listener" },
    { KeyCode::Esc => Close; Listeners; "esc", "esc", "",
      "watch: drop the filter; close the help" },
    { KeyCode::Esc => Close; Listener; "esc", "esc", "all listeners",
      "one listener: back to all listeners" },
    { KeyCode::Tab => Panel; Listener; "tab", "tab", "panel",
      "one listener: who waits, who is half-open, counters, settings" },
    { KeyCode::Up => RowUp, KeyCode::Down => RowDown; Listener; "↑↓", "up/dn", "scroll",
      "one listener: the waiting clients further down or up" },
    { KeyCode::Char('+') => ZoomIn, KeyCode::Char('=') => ZoomIn, KeyCode::Char('-') => ZoomOut; Listener; "+-", "+-", "zoom",
      "one listener: a shorter or a longer time on the timeline" },
    { KeyCode::PageUp => Earlier, KeyCode::PageDown => Later; Listener; "pgup/pgdn", "pgup/pgdn", "past",
      "one listener: the timeline's past, and back to now" },
    { KeyCode::Char('f') => Freeze; Listener; "f", "f", "freeze",
      "one listener: hold the picture; the watch goes on" },
}

/// The keys to show on a screen of a watch, live or replayed. A replay's own keys go before those of the screen.
pub fn shown_in_watch(listens: bool, place: Place) -> Vec<&'static Binding> {
    if place == Place::Filter {
        return super::shown(listens, place);
    }
    let plays: &[Binding] = if listens { &[] } else { replay::REPLAY_BINDINGS };
    let is_free = |binding: &&Binding| {
        let taken = |key: Key| plays.iter().flat_map(|play| play.keys).any(|(other, _)| *other == key);
        binding.keys.iter().all(|(key, _)| !taken(*key))
    };
    let own = WATCH_BINDINGS.iter().filter(move |binding| binding.place == place).filter(is_free);
    let common = bindings(Place::Anywhere).filter(|binding| binding.keys.iter().all(|(_, does)| is_common(*does)));
    own.chain(plays).chain(common).collect()
}

/// What this key event asks for on a screen of a watch.
pub fn action_in_watch(event: &KeyEvent, listens: bool, place: Place) -> Option<Action> {
    if place == Place::Filter {
        return action(event, place);
    }
    if event.kind == KeyEventKind::Release || event.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    if !listens && let Some(play @ Action::Play(_)) = action_in_replay(event, place) {
        return Some(play);
    }
    let pressed = Key { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) };
    let own = WATCH_BINDINGS.iter().filter(|binding| binding.place == place).flat_map(|binding| binding.keys);
    let bound = own.into_iter().find(|(key, _)| *key == pressed).map(|(_, does)| *does);
    bound.or_else(|| action(event, Place::Anywhere).filter(|does| is_common(*does)))
}

/// True for what a key does wherever qviz is.
const fn is_common(action: Action) -> bool {
    matches!(action, Action::Help | Action::Language | Action::Quit | Action::Suspend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const PLACES: [Place; 3] = [Place::Listeners, Place::Listener, Place::Filter];

    #[test]
    fn what_a_watch_shows_is_what_its_keys_do() {
        for (listens, place) in PLACES.into_iter().flat_map(|place| [(true, place), (false, place)]) {
            let mut seen = HashSet::new();
            for (key, wanted) in shown_in_watch(listens, place).into_iter().flat_map(|binding| binding.keys) {
                let modifiers = if key.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
                let event = KeyEvent::new(key.code, modifiers);
                assert_eq!(action_in_watch(&event, listens, place), Some(*wanted), "{key:?} on {place:?}");
                assert!(seen.insert(*key), "{key:?} twice on {place:?}");
            }
        }
    }

    #[test]
    fn no_key_of_the_lab_reaches_a_watch() {
        for place in [Place::Listeners, Place::Listener] {
            for letter in "bhcolatn,[] ".chars() {
                let event = KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE);
                assert_eq!(action_in_watch(&event, true, place), None, "{letter} on {place:?}");
            }
        }
    }

    #[test]
    fn every_binding_of_a_watch_says_what_it_does_in_ascii_too() {
        for binding in WATCH_BINDINGS {
            assert!(!binding.keys.is_empty() && !binding.long.is_empty() && binding.ascii.is_ascii());
        }
    }
}
