//! How many clients are described one by one.

use crate::model::stamp::Stamp;

/// For how many clients per second details are emitted.
#[derive(Clone, Debug)]
pub(in crate::lab) struct DetailRation {
    per_s: u32,
    /// The second to which `given` belongs.
    second: u64,
    given: u32,
}

impl DetailRation {
    pub(in crate::lab) const fn new(per_s: u32) -> Self {
        Self { per_s, second: 0, given: 0 }
    }

    /// Whether details of a client that starts now are emitted: true for the first `per_s` of each second.
    pub(in crate::lab) const fn allows(&mut self, now: Stamp) -> bool {
        let second = now.as_nanos() / 1_000_000_000;
        if second != self.second {
            (self.second, self.given) = (second, 0);
        }
        let granted = self.given < self.per_s;
        self.given += granted as u32;
        granted
    }
}
