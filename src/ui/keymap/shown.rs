//! Which keys are shown where: in the footer those that matter now come first, in the help all that do something.

use super::{Action, BINDINGS, Binding, Key, Mode, Place, When, bound};
use crate::text::lang::said;

/// The keys that do something in a place of a live run (`live`) or of a recording: those of a list, a filter or a ladder first,
/// then those that play a recording, then the others.
pub fn shown(live: bool, place: Place) -> Vec<&'static Binding> {
    let is_meant = |binding: &&Binding| {
        let action_of =
            |key: Key| bound(key, live, place).is_some_and(|(action_of, _)| std::ptr::eq(action_of, *binding));
        binding.keys.iter().all(|(key, _)| action_of(*key))
    };
    let useful = BINDINGS.iter().filter(|binding| live || binding.when != When::Lab);
    let mut shown: Vec<_> = useful.filter(is_meant).collect();
    shown.sort_by_key(|binding| match binding.when {
        When::In(own) if own == place && place != Place::Stage => 0,
        When::Replay => 1,
        _ => 2,
    });
    shown
}

/// The keys of the footer with their texts, the most important first, and then the ones that are always there.
pub fn footer(live: bool, place: Place, modes: &[Mode]) -> [Vec<(&'static Binding, &'static str)>; 2] {
    let mut shown = shown(live, place);
    if place == Place::Help {
        // The other keys of this place are listed in the help itself.
        shown.retain(|binding| binding.when == When::In(Place::Help) || is_last(binding));
    }
    if modes.contains(&Mode::Calls) {
        let matters = |binding: &Binding| binding.urgent.is_some_and(|(mode, _)| modes.contains(&mode));
        let is_knob = |binding: &Binding| binding.keys.iter().any(|(_, action)| action.is_for_the_lab());
        shown.retain(|binding| matters(binding) || !is_knob(binding));
    }
    let words =
        |binding: &Binding, mode: Mode| binding.urgent.filter(|(of, _)| *of == mode).map(|(_, words)| said(words));
    let urgent = |mode: &Mode| {
        let mode = *mode;
        shown.iter().filter_map(move |binding| Some((*binding, words(binding, mode)?))).collect::<Vec<_>>()
    };
    let mut first: Vec<_> = modes.iter().flat_map(urgent).collect();
    let usual = shown.iter().filter(|binding| !binding.short.is_empty()).map(|binding| (*binding, said(binding.short)));
    let (last, rest): (Vec<_>, Vec<_>) = usual.partition(|(binding, _)| is_last(binding));
    let rest =
        rest.into_iter().filter(|(binding, _)| first.iter().all(|(earlier, _)| !std::ptr::eq(*earlier, *binding)));
    let rest: Vec<_> = rest.collect();
    first.extend(rest);
    [first, last]
}

fn is_last(binding: &Binding) -> bool {
    binding.keys.iter().any(|(_, action)| matches!(action, Action::Help | Action::Quit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: [Place; 6] = [Place::Stage, Place::Lesson, Place::List, Place::Filter, Place::Ladder, Place::Help];

    fn words(live: bool, place: Place, modes: &[Mode]) -> Vec<&'static str> {
        footer(live, place, modes).concat().into_iter().map(|(_, words)| words).collect()
    }

    #[test]
    fn what_matters_now_comes_first() {
        assert_eq!(words(true, Place::Stage, &[])[0], "backlog");
        assert_eq!(words(true, Place::Stage, &[Mode::Step])[..3], ["resume time", "next", "accept one"]);
        assert_eq!(words(true, Place::List, &[Mode::Frozen])[..2], ["unfreeze", "choose"]);
        let all = words(true, Place::Stage, &[Mode::Frozen, Mode::Past, Mode::Step]);
        assert_eq!(all[..5], ["unfreeze", "to now", "resume time", "next", "accept one"]);
        assert_eq!(words(true, Place::Lesson, &[])[..3], ["repeat", "pause accept()", "backlog"]);
        assert_eq!(words(true, Place::Lesson, &[Mode::Reading])[..3], ["go on", "repeat", "pause accept()"]);
        assert_eq!(words(true, Place::Lesson, &[Mode::Asked])[..2], ["predict", "repeat"]);
        assert_eq!(words(true, Place::Lesson, &[Mode::Asked, Mode::Begins])[..2], ["predict", "scene before"]);
        assert_eq!(words(true, Place::Lesson, &[Mode::Reading, Mode::Calls])[..3], ["go on", "repeat", "list"]);
        assert_eq!(words(false, Place::Stage, &[Mode::Step])[0], "pause", "a recording cannot be stepped like a lab");
    }

    #[test]
    fn the_last_ones_are_help_and_quit() {
        for place in PLACES.into_iter().filter(|place| *place != Place::Filter) {
            for live in [true, false] {
                assert_eq!(words(live, place, &[Mode::Frozen]).last_chunk(), Some(&["help", "quit"]), "{place:?}");
            }
        }
        assert_eq!(words(true, Place::Filter, &[]).last(), Some(&"quit"), "where letters are typed, by ctrl-c");
    }

    #[test]
    fn no_shown_key_of_a_replay_turns_a_knob() {
        let mut state = crate::ui::state::UiState::default();
        for (_, action) in PLACES.into_iter().flat_map(|place| shown(false, place)).flat_map(|binding| binding.keys) {
            let world = crate::fold::world::World::new();
            let press = crate::ui::state::Msg::Press(*action, crate::model::stamp::Stamp::ZERO);
            crate::ui::state::update(&mut state, press, &world);
            let message = state.message.as_ref().map_or("", |(_, text)| text);
            assert!(!message.contains("recording"), "{action:?}: {message}");
        }
    }
}
