//! The keys of a replay: they play the recording, where those of the lab would turn its knobs.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Action, BINDINGS, Binding, Key, action, plain};
use crate::session::tape::transport::Play;

/// The keys that only a replay has, in the order in which they are shown.
pub const REPLAY_BINDINGS: &[Binding] = &[
    Binding {
        keys: &[(plain(KeyCode::Char(' ')), Action::Play(Play::Pause))],
        sign: "space",
        ascii: "space",
        short: "pause",
        long: "stand still, or go on; at the end: play again",
    },
    Binding {
        keys: &[
            (plain(KeyCode::Left), Action::Play(Play::Back(SHORT))),
            (plain(KeyCode::Right), Action::Play(Play::Ahead(SHORT))),
        ],
        sign: "←→",
        ascii: "lf/rt",
        short: "1 s",
        long: "one second back or ahead; with shift ten seconds",
    },
    Binding {
        keys: &[
            (plain(KeyCode::Char('<')), Action::Play(Play::Slower)),
            (plain(KeyCode::Char('>')), Action::Play(Play::Faster)),
        ],
        sign: "< >",
        ascii: "< >",
        short: "speed",
        long: "slower or faster, from 0.1× to 100×",
    },
    Binding {
        keys: &[(plain(KeyCode::Char('.')), Action::Play(Play::Step))],
        sign: ".",
        ascii: ".",
        short: "step",
        long: "let the next thing happen, then stand still",
    },
    Binding {
        keys: &[(plain(KeyCode::Home), Action::Play(Play::Home)), (plain(KeyCode::End), Action::Play(Play::End))],
        sign: "home end",
        ascii: "home end",
        short: "ends",
        long: "to the beginning or to the end",
    },
];

/// The keys to show: those of the lab, or those that do something in a replay.
pub fn shown(listens: bool) -> Vec<&'static Binding> {
    if listens {
        return BINDINGS.iter().collect();
    }
    let useful = |binding: &&Binding| {
        binding.keys.iter().any(|(_, action)| {
            matches!(action, Action::Panel | Action::Help | Action::Quit | Action::Close | Action::Suspend)
        })
    };
    REPLAY_BINDINGS.iter().chain(BINDINGS.iter().filter(useful)).collect()
}

/// What this key event asks for in a replay: to play it, else what it would ask for in the lab.
pub fn action_in_replay(event: &KeyEvent) -> Option<Action> {
    let asked = action(event);
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
        action_in_replay(&KeyEvent::new(code, modifiers))
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

    #[test]
    fn no_shown_key_of_a_replay_turns_a_knob() {
        let mut state = crate::ui::state::UiState::default();
        for (_, action) in shown(false).iter().flat_map(|binding| binding.keys) {
            let world = crate::model::world::World::new();
            let press = crate::ui::state::Msg::Press(*action, crate::model::stamp::Stamp::ZERO);
            crate::ui::state::update(&mut state, press, &world);
            assert_eq!(state.message, None, "{action:?}");
        }
    }
}
