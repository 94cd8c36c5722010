//! Every wish that can reach the lab. Commands go down, facts come up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::settings::{AcceptRate, Arrivals, Sysctl};

/// One wish. Whether it was done, and what came of it, is told by events.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", content = "value", rename_all = "snake_case")]
pub enum Command {
    /// Call `listen(backlog)` again on the same socket.
    Listen(i32),
    /// Client arrivals per second.
    Rate(f64),
    /// The pattern of arrivals.
    Arrivals(Arrivals),
    /// How fast `accept()` is called.
    AcceptRate(AcceptRate),
    /// So many clients at once, now.
    Burst(u32),
    /// Share of half-open clients, 0 to 1.
    HalfOpen(f64),
    /// Share of segments lost by the synthetic network, 0 to 1.
    Loss(f64),
    /// Round-trip time of the clients that start from now on.
    Rtt(Duration),
    /// Number of workers; `None`: every connection is served at once.
    Workers(Option<u32>),
    /// How long one connection is served.
    Service(Duration),
    /// Write a sysctl of the private namespace.
    Sysctl(Sysctl, i64),
    /// No more clients start; the run ends.
    Stop,
}
