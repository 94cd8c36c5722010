//! The reduced lab: real clients on this host's loopback, and no packet tap. What became of a single segment is not seen there; what the
//! listener has dropped, how long its queues are, and whose `connect()` has not returned, is.

use super::connection::{ClientSide, Connection};
use super::world::World;

/// How many packets the listener has dropped where the cause of none is seen (`sk_drops`); `None` where causes are known, or where the
/// count cannot be read.
pub fn drops_without_cause(world: &World) -> Option<u64> {
    world.listener_drops.total().filter(|_| world.is_reduced())
}

/// What was dropped in all, whether or not the cause is seen; `None` where that is not known.
pub fn drops(world: &World) -> Option<u64> {
    if world.is_reduced() { drops_without_cause(world) } else { Some(world.ledger.kernel_drops()) }
}

/// True for a client whose `connect()` has not returned yet.
pub fn is_connecting(connection: &Connection) -> bool {
    connection.id.is_some() && connection.client == ClientSide::SynSent
}
