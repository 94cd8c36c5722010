//! Keys that change what is looked at, and nothing else: the held moment, the timeline's window, the help's page.

use std::sync::Arc;

use super::{FrozenView, MESSAGE, UiState};
use crate::fold::finding::{Finding, commands};
use crate::fold::world::World;
use crate::model::stamp::Stamp;
use crate::say;
use crate::ui::instant_replay::InstantReplay;
use crate::ui::keymap::Action;
use crate::ui::window::HistorySpan;

/// Holds this moment, or lets it go.
pub(super) fn freeze(state: &mut UiState, now: Stamp, world: &World) {
    if state.frozen.take().is_none() {
        state.frozen = Some(FrozenView { at: now, world: Arc::new(world.clone()) });
    }
}

/// Shows the newest drop again, slowly.
pub(super) fn replay(state: &mut UiState, now: Stamp, world: &World) {
    state.instant_replay = InstantReplay::of_newest_drop(world, now);
    if state.instant_replay.is_none() {
        let why = if world.is_reduced() {
            say!("single drops are not visible here: no instant replay")
        } else {
            say!("nothing was dropped lately: no instant replay")
        };
        state.message = Some((now + MESSAGE, why.into()));
    }
}

/// Puts the next line to paste of the listener that is looked at into the clipboard.
pub(super) fn copy(state: &mut UiState, world: &World, now: Stamp) {
    let Some(id) = state.watch.subject() else { return };
    let about = |finding: &&Finding| finding.subject.as_ref().is_some_and(|subject| subject.id == id);
    let mut findings: Vec<_> = world.findings.iter().filter(about).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    state.copy = state.watch.copy(&commands(findings.into_iter()));
    let said = match &state.copy {
        Some(command) => say!("copied: {command}", command),
        None => say!("there is nothing to paste about this listener").to_owned(),
    };
    state.message = Some((now + MESSAGE, said));
}

/// Opens the help, turns its pages, and closes it after the last one.
pub(super) fn help(state: &mut UiState, action: Action) {
    let last = state.frame.help_pages.saturating_sub(1);
    state.help = match (state.help, action) {
        (None, Action::Help) => Some(0),
        (None, _) => None,
        (Some(page), Action::Help) if page >= last => None,
        (Some(page), Action::PageBefore) => Some(page.min(last).saturating_sub(1)),
        (Some(page), _) => Some((page + 1).min(last)),
    };
}

/// Moves the timeline's window.
///
/// # Errors
/// In words, why it cannot move.
pub(super) fn window(state: &mut UiState, action: Action, world: &World, moment: Stamp) -> Result<(), &'static str> {
    let Some(reach) = reach(state, world, moment) else {
        return Err(say!("there is no room for the timeline: 80×24 has some"));
    };
    let window = &mut state.window;
    let (moved, why) = match action {
        Action::ZoomIn => (window.zoom(true, reach), say!("the timeline is as close as it gets: ten seconds")),
        Action::ZoomOut => (window.zoom(false, reach), say!("the timeline shows all that is kept: one hour")),
        Action::Earlier => (window.earlier(reach), say!("nothing earlier is kept: the timeline begins here")),
        _ => (window.later(reach), say!("the timeline shows the present: nothing later is known")),
    };
    if moved { Ok(()) } else { Err(why) }
}

/// Keeps the window within what is kept.
pub(super) fn keep(state: &mut UiState, world: &World, moment: Stamp) {
    if let Some(reach) = reach(state, world, moment) {
        state.window.keep(reach);
    }
}

fn reach(state: &UiState, world: &World, now: Stamp) -> Option<HistorySpan> {
    let width = state.frame.plot_width?;
    Some(HistorySpan { begins: world.history.begins(), now, width })
}
