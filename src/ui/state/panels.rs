//! Which panel is shown where not all are.

use super::{Panel, UiState};
use crate::fold::world::World;
use crate::ui::view;

/// The next panel; beside a lesson with experiments, the other of stage and transcript.
pub(super) fn next(state: &mut UiState, world: &World) {
    if state.lesson.has_both(world) {
        state.lesson.other = !state.lesson.other;
    } else {
        state.panel = after(state, world);
    }
}

/// A click on a panel's title shows that panel; where it is shown already, the one with which it shares its place.
pub(super) fn choose(state: &mut UiState, panel: Panel, world: &World) {
    let shares = view::shows_many_panels(state, world) && matches!(panel, Panel::Counters | Panel::Settings);
    state.panel = if shares || panel == state.panel { after(state, world) } else { panel };
}

/// Where panels stand side by side, only the last one's place is shared.
fn after(state: &UiState, world: &World) -> Panel {
    match state.panel {
        Panel::Settings => Panel::Notes,
        _ if view::shows_many_panels(state, world) => Panel::Settings,
        panel => panel.next(),
    }
}
