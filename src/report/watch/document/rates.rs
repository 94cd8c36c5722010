//! How much comes and goes per second at one listener.

use serde::Serialize;

use crate::fold::listeners::ListenerState;
use crate::fold::world::World;
use crate::report::summary::rounded;

/// Rates: of arrivals and `accept()` over whole periods of the program's rhythm, of drops over the last three seconds.
#[expect(clippy::struct_field_names, reason = "these are the names of the JSON")]
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rates {
    /// First SYNs; null without a packet tap, and while not all are counted.
    pub arrivals_per_s: Option<f64>,
    /// About how many came to its address, from the last short sample; null while all are counted.
    pub arrivals_about_per_s: Option<f64>,
    /// Connections that `accept()` returned; null but for a chosen listener with a packet tap.
    pub accepts_per_s: Option<f64>,
    /// Drops.
    pub drops_per_s: Option<f64>,
}

impl Rates {
    pub(super) fn of(world: &World, listener: &ListenerState) -> Self {
        let finite = |rate: Option<f64>| rate.filter(|rate| rate.is_finite()).map(rounded);
        Self {
            arrivals_per_s: finite(world.arrivals_per_s(listener)),
            arrivals_about_per_s: finite(world.listeners.arrivals_about_per_s(listener)),
            accepts_per_s: finite(world.accepts_per_s(listener).or_else(|| world.listeners.accepts_per_s(listener))),
            drops_per_s: finite(world.listeners.drops_per_s(listener)),
        }
    }
}
