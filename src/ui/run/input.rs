//! What comes from outside and is no command: the mouse, and keys that are bound to nothing here; and the first drop of a run, which is
//! shown once more by itself.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::ScreenLoop;
use crate::fold::world::World;
use crate::model::stamp::Stamp;
use crate::session::Session;
use crate::ui::hit_map::Target;
use crate::ui::instant_replay::InstantReplay;
use crate::ui::keymap::{self, Action};
use crate::ui::keys::Input;
use crate::ui::state::{Msg, update};

impl ScreenLoop<'_> {
    /// What a mouse does to the picture; the action, where it does what a key does.
    pub(super) fn point(&mut self, session: &Session, world: &World, mouse: MouseEvent) -> Option<Action> {
        let at = Position::new(mouse.column, mouse.row);
        let turn = |up| self.state.frame.hit_map.wheel(at).map(|scroll| Msg::Wheel { scroll, up });
        let msg = match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => match self.state.frame.hit_map.click(at)? {
                Target::Key(action) => return Some(action),
                target => Msg::Click(target, session.moment()),
            },
            MouseEventKind::ScrollUp => turn(true)?,
            MouseEventKind::ScrollDown => turn(false)?,
            _ => return None,
        };
        update(&mut self.state, msg, world);
        self.pace.touched();
        None
    }

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
