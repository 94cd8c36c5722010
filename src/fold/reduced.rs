//! The reduced lab: real clients on this host's loopback, and no packet tap. What became of a single segment is not seen there; what the
//! listener has dropped, how long its queues are, and whose `connect()` has not returned, is.

use super::connection::{ClientSide, Connection};
use super::world::World;

/// True in a run of the lab in which no segment is seen.
pub fn is_reduced(world: &World) -> bool {
    world.began.as_ref().is_some_and(|began| !began.watched && !began.tap)
}

/// How many packets the listener has dropped where the cause of none is seen (`sk_drops`); `None` where causes are known, or where the
/// count cannot be read.
pub fn drops_without_cause(world: &World) -> Option<u64> {
    world.listener_drops.total().filter(|_| is_reduced(world))
}

/// What was dropped in all, whether or not the cause is seen; `None` where that is not known.
pub fn drops(world: &World) -> Option<u64> {
    if is_reduced(world) { drops_without_cause(world) } else { Some(world.ledger.kernel_drops()) }
}

/// True for a client whose `connect()` has not returned yet.
pub fn is_connecting(connection: &Connection) -> bool {
    connection.id.is_some() && connection.client == ClientSide::SynSent
}
