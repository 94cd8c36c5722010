//! Which keys are shown where: in the footer those that matter now come first, in the help all that do something.

use super::{Action, BINDINGS, Binding, Mode, Place, REPLAY_BINDINGS, bindings};
use crate::text::lang::said;

/// Every key, those of a replay last.
pub fn all() -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().chain(REPLAY_BINDINGS)
}

/// The keys to show in a place: those of the lab, or those that do something in a replay.
pub fn shown(listens: bool, place: Place) -> Vec<&'static Binding> {
    if listens {
        return bindings(place).collect();
    }
    // A recorded lesson is not played any more: its stage is one like every other.
    let place = if place == Place::Lesson { Place::Stage } else { place };
    let useful = |binding: &&Binding| !binding.keys.iter().any(|(_, action)| action.is_for_the_lab());
    let is_own = |binding: &&Binding| binding.place == place && place != Place::Stage;
    let own = bindings(place).filter(is_own);
    let plays = REPLAY_BINDINGS.iter().filter(|_| !matches!(place, Place::Filter | Place::Help));
    own.chain(plays).chain(bindings(place).filter(|binding| !is_own(binding)).filter(useful)).collect()
}

/// The keys of the footer with their words, the most important first, and then the ones that are always there.
pub fn footer(listens: bool, place: Place, modes: &[Mode]) -> [Vec<(&'static Binding, &'static str)>; 2] {
    let mut shown = shown(listens, place);
    if place == Place::Help {
        // What else counts there is told by the help itself.
        shown.retain(|binding| binding.place == Place::Help || is_last(binding));
    }
    if modes.contains(&Mode::Calls) {
        let matters = |binding: &Binding| binding.urgent.is_some_and(|(mode, _)| modes.contains(&mode));
        let is_knob = |binding: &Binding| binding.keys.iter().any(|(_, action)| action.is_for_the_lab());
        shown.retain(|binding| matters(binding) || !is_knob(binding));
    }
    footer_of(&shown, modes)
}

/// The same for these keys.
pub fn footer_of(shown: &[&'static Binding], modes: &[Mode]) -> [Vec<(&'static Binding, &'static str)>; 2] {
    let words =
        |binding: &Binding, mode: Mode| binding.urgent.filter(|(of, _)| *of == mode).map(|(_, words)| said(words));
    let urgent = |mode: &Mode| {
        let mode = *mode;
        shown.iter().filter_map(move |binding| Some((*binding, words(binding, mode)?))).collect::<Vec<_>>()
    };
    let mut first: Vec<_> = modes.iter().flat_map(urgent).collect();
    let usual = shown.iter().filter(|binding| !binding.short.is_empty()).map(|binding| (*binding, said(binding.short)));
    let (last, rest): (Vec<_>, Vec<_>) = usual.partition(|(binding, _)| is_last(binding));
    let rest = rest.into_iter().filter(|(binding, _)| first.iter().all(|(one, _)| !std::ptr::eq(*one, *binding)));
    let rest: Vec<_> = rest.collect();
    first.extend(rest);
    [first, last]
}

fn is_last(binding: &Binding) -> bool {
    binding.keys.iter().any(|(_, action)| matches!(action, Action::Help | Action::Quit))
}

impl Action {
    /// True for what only a lesson that is played can do.
    pub const fn is_for_the_lesson(self) -> bool {
        matches!(self, Self::GoOn | Self::Repeat | Self::Predict(_))
    }

    /// True for a wish that only a lab can carry out.
    pub const fn is_for_the_lab(self) -> bool {
        use Action::{
            AcceptFaster, AcceptOne, AcceptSlower, ArrivalsDown, ArrivalsUp, BacklogDown, BacklogUp, Burst, Cookies,
            HalfOpen, Next, Overflow, PauseAccept, RoundTrip, Slow, Step,
        };
        matches!(
            self,
            AcceptFaster
                | AcceptOne
                | AcceptSlower
                | ArrivalsDown
                | ArrivalsUp
                | BacklogDown
                | BacklogUp
                | Burst
                | Cookies
                | HalfOpen
                | Next
                | Overflow
                | PauseAccept
                | RoundTrip
                | Slow
                | Step
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: [Place; 6] = [Place::Stage, Place::Lesson, Place::List, Place::Filter, Place::Ladder, Place::Help];

    fn words(listens: bool, place: Place, modes: &[Mode]) -> Vec<&'static str> {
        footer(listens, place, modes).concat().into_iter().map(|(_, words)| words).collect()
    }

    #[test]
    fn what_matters_now_comes_first() {
        assert_eq!(words(true, Place::Stage, &[])[0], "backlog");
        assert_eq!(words(true, Place::Stage, &[Mode::Step])[..3], ["let time run", "next", "accept one"]);
        assert_eq!(words(true, Place::List, &[Mode::Frozen])[..2], ["unfreeze", "choose"]);
        let all = words(true, Place::Stage, &[Mode::Frozen, Mode::Past, Mode::Step]);
        assert_eq!(all[..5], ["unfreeze", "to now", "let time run", "next", "accept one"]);
        assert_eq!(words(true, Place::Lesson, &[])[..3], ["repeat", "pause accept()", "backlog"]);
        assert_eq!(words(true, Place::Lesson, &[Mode::Told])[..3], ["go on", "repeat", "pause accept()"]);
        assert_eq!(words(true, Place::Lesson, &[Mode::Asked])[..2], ["predict", "repeat"]);
        assert_eq!(words(true, Place::Lesson, &[Mode::Asked, Mode::Begins])[..2], ["predict", "scene before"]);
        assert_eq!(words(true, Place::Lesson, &[Mode::Told, Mode::Calls])[..3], ["go on", "repeat", "list"]);
        assert_eq!(words(false, Place::Stage, &[Mode::Step])[0], "pause", "a recording cannot be stepped like a lab");
    }

    #[test]
    fn the_last_ones_are_help_and_quit() {
        for place in PLACES.into_iter().filter(|place| *place != Place::Filter) {
            for listens in [true, false] {
                assert_eq!(words(listens, place, &[Mode::Frozen]).last_chunk(), Some(&["help", "quit"]), "{place:?}");
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
            let told = state.message.as_ref().map_or("", |(_, text)| text);
            assert!(!told.contains("recording"), "{action:?}: {told}");
        }
    }
}
