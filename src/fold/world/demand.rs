//! How many clients want to be accepted at the same time: what a backlog would have to hold.

use std::time::Duration;

/// Clients that arrive within this time arrive at once.
pub(super) const BURST: Duration = Duration::from_secs(2);

/// Clients that have sent a SYN, are not accepted yet and have not given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    waiting: u32,
    peak: u32,
    at_once: u32,
}

impl Demand {
    /// Clients waiting now.
    pub const fn waiting(&self) -> u32 {
        self.waiting
    }

    /// The largest number so far.
    pub const fn peak(&self) -> u32 {
        self.peak
    }

    /// How many clients had arrived within [`BURST`] at the peak: a burst, or a long shortage.
    pub const fn at_once(&self) -> u32 {
        self.at_once
    }

    /// Adds a client; `lately` counts the arrivals within [`BURST`].
    pub(super) fn add(&mut self, lately: impl FnOnce() -> u32) {
        self.waiting += 1;
        if self.waiting > self.peak {
            self.peak = self.waiting;
            self.at_once = lately();
        }
    }

    pub(super) const fn remove(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }
}
