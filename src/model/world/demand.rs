//! How many clients want to be accepted at the same time: what a backlog would have to hold.

/// Clients that have knocked, are not yet accepted and have not given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    waiting: u32,
    peak: u32,
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

    pub(super) fn knock(&mut self) {
        self.waiting += 1;
        self.peak = self.peak.max(self.waiting);
    }

    pub(super) const fn go(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }
}
