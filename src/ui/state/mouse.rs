//! What a mouse does to the picture where no key does the same.

use super::{UiState, look};
use crate::fold::world::World;
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;
use crate::ui::browse::Screen;
use crate::ui::hit_map::Scroll;
use crate::ui::keymap::Action;

/// Opens the ladder of a connection that was clicked.
pub(super) fn open(state: &mut UiState, which: (Peer, Option<u32>), now: Stamp, world: &World) {
    let frozen = state.frozen.clone();
    let (seen, moment) = state.shown(frozen.as_ref(), world, now);
    if state.browse.open_ladder(seen, which) {
        state.browse.follow(seen, moment);
    }
}

/// The wheel goes one row at a time where a row is chosen, three where lines only move, and half a window of the timeline.
pub(super) fn turn(state: &mut UiState, scroll: Scroll, up: bool, world: &World) {
    let frozen = state.frozen.clone();
    let (seen, moment) = state.shown(frozen.as_ref(), world, world.now);
    let row = if up { Action::RowUp } else { Action::RowDown };
    match scroll {
        Scroll::Rows => {
            let lines = if state.browse.screen == Screen::Ladder { 3 } else { 1 };
            for _ in 0..lines {
                state.browse.press(row, seen);
            }
        }
        Scroll::Notes if up => state.notes_above = state.notes_above.saturating_sub(3),
        Scroll::Notes => state.notes_above = (state.notes_above + 3).min(seen.notes.len().saturating_sub(1)),
        Scroll::Timeline => {
            let action = if up { Action::Earlier } else { Action::Later };
            let _at_its_end = look::window(state, action, seen, moment);
        }
    }
}
