//! The keys of a replay: they play the recording, where those of the lab would turn its knobs.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Action, Binding, Key, Place, action, bindings, plain};
use crate::session::tape::transport::Play;

/// The keys that only a replay has, in the order in which they are shown.
pub const REPLAY_BINDINGS: &[Binding] = &[
    Binding {
        keys: &[(plain(KeyCode::Char(' ')), Action::Play(Play::Pause))],
        place: Place::Anywhere,
        sign: "space",
        ascii: "space",
        short: "pause",
        long: "stand still, or go on; at the end: play again",
        urgent: None,
    },
    Binding {
        keys: &[
            (plain(KeyCode::Left), Action::Play(Play::Back(SHORT))),
            (plain(KeyCode::Right), Action::Play(Play::Ahead(SHORT))),
        ],
        place: Place::Anywhere,
        sign: "←→",
        ascii: "lf/rt",
        short: "1 s",
        long: "one second back or ahead; with shift ten seconds",
        urgent: None,
    },
    Binding {
        keys: &[
            (plain(KeyCode::Char('<')), Action::Play(Play::Slower)),
            (plain(KeyCode::Char('>')), Action::Play(Play::Faster)),
        ],
        place: Place::Anywhere,
        sign: "< >",
        ascii: "< >",
        short: "speed",
        long: "slower or faster, from 0.1× to 100×",
        urgent: None,
    },
    Binding {
        keys: &[(plain(KeyCode::Char('.')), Action::Play(Play::Step))],
        place: Place::Anywhere,
        sign: ".",
        ascii: ".",
        short: "step",
        long: "let the next thing happen, then stand still",
        urgent: None,
    },
    Binding {
        keys: &[(plain(KeyCode::Home), Action::Play(Play::Home)), (plain(KeyCode::End), Action::Play(Play::End))],
        place: Place::Anywhere,
        sign: "home end",
        ascii: "home end",
        short: "ends",
        long: "to the beginning or to the end",
        urgent: None,
    },
];

/// What this key event asks for in a replay: to play it, else what it would ask for in the lab.
pub fn action_in_replay(event: &KeyEvent, place: Place) -> Option<Action> {
    let asked = action(event, place);
    let own = bindings(place).filter(|binding| binding.place == place).flat_map(|binding| binding.keys);
    if place == Place::Filter || own.into_iter().any(|(key, _)| key.code == event.code) {
        return asked;
    }
    let plain = !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    let far = event.modifiers.contains(KeyModifiers::SHIFT);
    let pressed = Key { code: event.code, ctrl: false };
    let keys = REPLAY_BINDINGS.iter().flat_map(|binding| binding.keys);
    let played = keys.into_iter().find(|(key, _)| plain && *key == pressed).map(|(_, action)| *action);
    if event.kind == crossterm::event::KeyEventKind::Release {
        return None;
    }
    match played {
        Some(Action::Play(Play::Back(_))) if far => Some(Action::Play(Play::Back(LONG))),
        Some(Action::Play(Play::Ahead(_))) if far => Some(Action::Play(Play::Ahead(LONG))),
        Some(play) => Some(play),
        None => asked,
    }
}

/// How far an arrow goes.
const SHORT: Duration = Duration::from_secs(1);

/// How far it goes with shift.
const LONG: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<Action> {
        action_in_replay(&KeyEvent::new(code, modifiers), Place::Stage)
    }

    #[test]
    fn shift_goes_ten_times_as_far() {
        assert_eq!(pressed(KeyCode::Left, KeyModifiers::NONE), Some(Action::Play(Play::Back(SHORT))));
        assert_eq!(pressed(KeyCode::Right, KeyModifiers::SHIFT), Some(Action::Play(Play::Ahead(LONG))));
    }

    #[test]
    fn a_speed_key_is_one_whether_the_terminal_tells_shift_or_not() {
        for modifiers in [KeyModifiers::NONE, KeyModifiers::SHIFT] {
            assert_eq!(pressed(KeyCode::Char('>'), modifiers), Some(Action::Play(Play::Faster)));
        }
    }

    #[test]
    fn the_other_keys_mean_what_they_mean_in_the_lab() {
        assert_eq!(pressed(KeyCode::Char('q'), KeyModifiers::NONE), Some(Action::Quit));
        assert_eq!(pressed(KeyCode::Char('b'), KeyModifiers::NONE), Some(Action::Burst));
        assert_eq!(pressed(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Action::Quit));
    }
}
