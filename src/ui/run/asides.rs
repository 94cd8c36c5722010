//! What the screen says by itself: that a key is bound to nothing here, and the first drop of a run once more, slowly.

use super::ScreenLoop;
use crate::fold::world::World;
use crate::model::stamp::Stamp;
use crate::session::Session;
use crate::ui::instant_replay::InstantReplay;
use crate::ui::keymap;
use crate::ui::keys::Input;
use crate::ui::state::{Msg, update};

impl ScreenLoop<'_> {
    /// Shows the first drop of a run of the lab again, once.
    pub(super) fn first_drop(&mut self, world: &World, now: Stamp) {
        let is_run = self.state.live && self.lesson_loop.is_none() && world.listeners.watching.is_none();
        if is_run && !self.first_drop_shown && world.ledger.kernel_drops() > 0 {
            self.state.instant_replay = InstantReplay::of_newest_drop(world, now);
            self.first_drop_shown = self.state.instant_replay.is_some();
        }
    }

    /// A key that is bound to nothing here says so.
    pub(super) fn without_effect(&mut self, session: &Session, world: &World, input: &Input) {
        if let Input::Key(key) = input
            && let Some(sign) = keymap::sign(key)
        {
            update(&mut self.state, Msg::Unbound(sign, session.moment()), world);
            self.state.time_message(session.clock().now());
            self.pace.touched();
        }
    }
}
