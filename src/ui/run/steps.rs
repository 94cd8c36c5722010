//! Steps of a replay: to the next thing that is to be seen, or to the next drop.

use std::time::Duration;

use super::ScreenLoop;
use crate::fold::world::World;
use crate::session::Session;
use crate::session::recording::transport::PlayCommand;

/// Where a step ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// At the next thing that changes the picture.
    Visible,
    /// At the next segment that was dropped.
    Drop,
}

/// What a person can see of a world: what the stage is made of.
fn seen(world: &World) -> [u64; 7] {
    let clients = &world.clients;
    [
        world.accept_queue.depth().into(),
        world.syn_queue.depth().into(),
        world.ledger.kernel_drops(),
        clients.started,
        clients.connected,
        clients.accepted,
        world.notes.len() as u64 + world.notes.back().map_or(0, |(at, _)| at.as_nanos()),
    ]
}

impl ScreenLoop<'_> {
    /// Delivers one event after another until there is something to be seen.
    pub(super) fn step_until(&mut self, session: &mut Session, world: &mut World, until: Until) {
        let (clock, began) = (session.clock(), session.clock().now());
        let (before, drops) = (seen(world), world.ledger.kernel_drops());
        loop {
            self.play(session, world, PlayCommand::Step);
            let reached = match until {
                Until::Visible => seen(world) != before,
                Until::Drop => world.ledger.kernel_drops() > drops,
            };
            let over = session.playing().is_none_or(|playing| playing.is_over());
            if reached || over || clock.now().since(began) > PATIENCE {
                return;
            }
        }
    }
}

/// How long a key may look for the next thing; pressed again it goes on from there.
const PATIENCE: Duration = Duration::from_millis(500);
