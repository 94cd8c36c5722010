//! What the packet tap took.

use serde::Serialize;

use crate::fold::world::World;

/// Which packets the taps take: fewer than all where too many come.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Reach {
    /// True while SYNs are counted in short samples alone.
    pub sampled: bool,
    /// True while the segments of a chosen listener are taken.
    pub follows: bool,
    /// True if fewer than all packets were taken at any time.
    pub narrowed: bool,
}

impl Reach {
    pub(super) fn of(world: &World) -> Option<Self> {
        world.listeners.watching.as_ref().filter(|watching| watching.rights.tap)?;
        let tap = &world.listeners.tap;
        Some(Self { sampled: tap.reach.sampled, follows: tap.reach.follows, narrowed: tap.narrowed })
    }
}
