//! What a key has changed of the picture, in words, where the picture itself does not say it. What it changes of the lab is said once a
//! fact has confirmed it: see `view::toast`.

use std::time::Duration;

use super::{CONFIRMED_FOR, UiState};
use crate::model::stamp::Stamp;
use crate::say;
use crate::text::lang::within;
use crate::ui::keymap::Action;
use crate::ui::numbers;
use crate::ui::panel::Panel;

/// Says what the key did, unless it is said already why it did nothing.
pub(super) fn say_so(state: &mut UiState, action: Action, now: Stamp) {
    if state.message.is_none()
        && let Some(words) = within(state.lang, || words(state, action))
    {
        state.confirmed = Some((now + CONFIRMED_FOR, words));
    }
}

fn words(state: &UiState, action: Action) -> Option<String> {
    Some(match action {
        Action::Freeze if state.frozen.is_none() => say!("the display follows the run again").into(),
        Action::Panel => say!("panel: {panel}", panel = panel(state.panel)),
        Action::ZoomIn | Action::ZoomOut => say!("the timeline shows {span}", span = numbers::span(span(state)?)),
        Action::Earlier | Action::Later if state.window.until().is_none() => say!("the timeline is back at now").into(),
        Action::Sort => say!("the list is sorted: {order}", order = state.browse.sort.words()),
        _ => return None,
    })
}

fn span(state: &UiState) -> Option<Duration> {
    state.frame.plot_width.map(|width| state.window.span(width))
}

fn panel(panel: Panel) -> &'static str {
    match panel {
        Panel::Notes => say!("what happened"),
        Panel::Ledger => say!("the ledger of drops"),
        Panel::Counters => say!("the kernel's counters"),
        Panel::Settings => say!("the settings in force"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::world::World;
    use crate::ui::state::{MESSAGE, Msg, update};

    fn press(state: &mut UiState, action: Action, at: u64) {
        update(state, Msg::Press(action, Stamp::from_millis(at)), &World::new());
    }

    #[test]
    fn a_key_without_effect_says_so_until_the_next_key_or_for_its_time() {
        let (mut state, world) = (UiState::default(), World::new());
        update(&mut state, Msg::Unbound('x', Stamp::ZERO), &world);
        assert_eq!(state.message.as_ref().unwrap().1, "x has no effect here; ? lists the keys");
        press(&mut state, Action::Close, 10);
        assert_eq!(state.message.as_ref().unwrap().1, "nothing to close");
        press(&mut state, Action::Freeze, 20);
        assert_eq!(state.message, None, "what a later key did is what is said");
        press(&mut state, Action::Close, 30);
        update(&mut state, Msg::Pulse(Stamp::from_millis(30) + MESSAGE), &world);
        assert_eq!(state.message, None);
    }

    #[test]
    fn a_key_that_changes_the_picture_says_what_it_did_for_two_seconds() {
        let mut state = UiState::default();
        press(&mut state, Action::Freeze, 0);
        assert_eq!(state.confirmed, None, "the header says it as long as it is so");
        press(&mut state, Action::Freeze, 100);
        assert_eq!(state.confirmed.as_ref().unwrap().1, "the display follows the run again");
        update(&mut state, Msg::Pulse(Stamp::from_millis(2099)), &World::new());
        assert!(state.confirmed.is_some());
        update(&mut state, Msg::Pulse(Stamp::from_millis(2100)), &World::new());
        assert_eq!(state.confirmed, None);
    }
}
