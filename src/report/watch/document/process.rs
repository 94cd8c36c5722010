//! The processes behind a watched listener, and how fast they take connections.

use serde::Serialize;

use crate::fold::listeners::ListenerState;
use crate::fold::world::World;
use crate::model::watch::{HolderProcess, ListenerOptions};
use crate::report::summary::rounded;
use crate::text::sanitize;

/// One process that holds the listening socket.
#[derive(Clone, Debug, Serialize)]
pub struct OwnerProcess {
    /// Its id.
    pub pid: u32,
    /// Its name.
    pub command: String,
    /// Its state as `ps` shows it: R, S, D, T, t.
    pub state: String,
    /// Descriptors that it has open; null where they may not be read.
    pub fds: Option<u32>,
    /// How many it may have open; null where that may not be read, or is unlimited.
    pub fd_limit: Option<u64>,
    /// True when it sleeps in `accept()` on this socket, false for a master beside workers; null where that is not seen.
    pub accepting: Option<bool>,
    /// Its connections of this listener; null where they were not looked at.
    pub served: Option<u32>,
    /// The system call in which it sleeps; null where it runs, or that may not be read.
    pub sleeps_in: Option<String>,
    /// How long its cgroup was throttled since it was made, in ms; null without a quota.
    pub throttled_ms: Option<u64>,
}

/// How fast an accept queue drains, over the last three seconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DrainRate {
    /// Connections accepted per second.
    pub accepts_per_s: f64,
    /// False where that is a lower bound.
    pub exact: bool,
    /// Milliseconds that the last one in the queue waits at that rate: at most, where it is a lower bound.
    pub last_waits_ms: f64,
}

/// Options of the listening socket; null: may not be read.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SocketOptions {
    /// TCP_DEFER_ACCEPT, in seconds.
    pub defer_accept_s: Option<u32>,
    /// TCP_FASTOPEN's queue.
    pub fastopen: Option<u32>,
    /// SO_REUSEPORT: true where several sockets share the address.
    pub reuseport: Option<bool>,
}

impl SocketOptions {
    pub(super) fn of(listener: &ListenerState, shared: bool) -> Self {
        let ListenerOptions { defer_accept_s, fastopen, reuseport } = listener.options.unwrap_or_default();
        Self { defer_accept_s, fastopen, reuseport: reuseport.or(shared.then_some(true)) }
    }
}

impl OwnerProcess {
    pub(super) fn of(process: &HolderProcess) -> Self {
        Self {
            pid: process.pid,
            command: sanitize::line(&process.command),
            state: process.state.to_string(),
            fds: process.descriptors,
            fd_limit: process.descriptor_limit,
            accepting: process.accepting,
            served: process.served,
            sleeps_in: process.sleeps_in.clone(),
            throttled_ms: process.throttled_ms,
        }
    }
}

impl DrainRate {
    pub(super) fn of(world: &World, listener: &ListenerState) -> Option<Self> {
        let (drain, depth) = (world.drain_of(listener)?, listener.reading.queue.depth?);
        let last_waits_ms = rounded(f64::from(depth) * 1000.0 / drain.accepts_per_s);
        Some(Self { accepts_per_s: rounded(drain.accepts_per_s), exact: drain.exact, last_waits_ms })
    }
}
