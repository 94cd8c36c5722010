//! The seeds of random scenarios: how many (`QVIZ_SEEDS`) and from which one on (`QVIZ_SEED_BASE`).
//!
//! The base is another one in each run and is printed, so that a run can be repeated.

#![allow(dead_code, reason = "each binary uses its own part")]

use std::fmt::{self, Display, Formatter};
use std::ops::Range;

/// So many seeds from `base` on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeds {
    base: u64,
    count: u64,
}

impl Seeds {
    /// As the variables say; a new base where none is given.
    pub(crate) fn of_this_run() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        Self { base: number(BASE).unwrap_or_else(new_base), count: number(COUNT).unwrap_or(FEW).max(1) }
    }

    /// For the processes of this run's tests.
    pub(crate) fn variables(self) -> [(&'static str, String); 2] {
        [(BASE, self.base.to_string()), (COUNT, self.count.to_string())]
    }

    /// How many cases a property is tried with: 40, and 400 in CI.
    pub(crate) fn cases() -> u32 {
        Self::of_this_run().count as u32 * 20
    }

    pub(crate) fn range(self) -> Range<u64> {
        self.base..self.base + self.count
    }
}

impl Display for Seeds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "seeds: {BASE}={} {COUNT}={}", self.base, self.count)
    }
}

/// The command that runs a test of this binary again with just this seed.
pub(crate) fn command(seed: u64, binary: &str, test: &str) -> String {
    format!("{BASE}={seed} {COUNT}=1 cargo test --test {binary} {test}")
}

#[expect(clippy::disallowed_methods, reason = "seeds differ from run to run, and are printed")]
fn new_base() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |since| since.as_secs() % 1_000_000)
}

const BASE: &str = "QVIZ_SEED_BASE";
const COUNT: &str = "QVIZ_SEEDS";
/// Without a wish: enough to see that a scenario works.
const FEW: u64 = 2;
