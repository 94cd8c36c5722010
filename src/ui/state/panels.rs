//! Which panel is shown where not all are.

use super::{Panel, UiState};
use crate::fold::world::World;

/// The next panel; beside a lesson with experiments, the other of stage and transcript.
pub(super) fn next(state: &mut UiState, world: &World) {
    if state.lesson.has_both(world) {
        state.lesson.shows_other = !state.lesson.shows_other;
    } else {
        state.panel = after(state);
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
