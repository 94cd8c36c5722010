//! Which panel is shown where not all are.

use super::{Panel, UiState};
use crate::fold::world::World;
use crate::ui::watch::AdviceShare;

/// The next panel; beside a lesson with experiments, the other of stage and transcript.
pub(super) fn next(state: &mut UiState, world: &World) {
    if state.lesson.has_both(world) {
        state.lesson.shows_other = !state.lesson.shows_other;
    } else {
        state.panel = after(state);
    }
}

/// The same in a watch, where what to do is a panel too: the first one, that has all rows.
pub(super) fn next_of_watch(state: &mut UiState, world: &World) {
    let advice = state.watch.advice;
    state.watch.scroll = 0;
    if advice == AdviceShare::Needed || (advice == AdviceShare::Left && state.panel == Panel::Settings) {
        (state.watch.advice, state.panel) = (AdviceShare::All, Panel::Notes);
    } else if advice == AdviceShare::All {
        (state.watch.advice, state.panel) = (AdviceShare::Left, Panel::Notes);
    } else {
        next(state, world);
    }
}

/// A click on a panel's title shows that panel; where it is shown already, the one with which it shares its place.
pub(super) fn choose(state: &mut UiState, panel: Panel) {
    let shares = state.frame.many_panels && matches!(panel, Panel::Counters | Panel::Settings);
    state.panel = if shares || panel == state.panel { after(state) } else { panel };
}

/// Where panels are side by side, only the last one's place is shared.
const fn after(state: &UiState) -> Panel {
    match state.panel {
        Panel::Settings => Panel::Notes,
        _ if state.frame.many_panels => Panel::Settings,
        panel => panel.next(),
    }
}
