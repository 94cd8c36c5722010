//! Keys that are bound to nothing where they are pressed.

use super::ScreenLoop;
use crate::fold::world::World;
use crate::session::Session;
use crate::ui::keymap;
use crate::ui::keys::Input;
use crate::ui::state::{Msg, update};

impl ScreenLoop<'_> {
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
