//! How much the packet taps of a watch take.

use serde::{Deserialize, Serialize};

/// Which packets the taps take. Where more come than anybody can follow they take fewer, to spare the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapReach {
    /// True when SYNs are counted in short samples alone.
    pub sampled: bool,
    /// True when the segments of a chosen listener are taken.
    pub follows: bool,
}

impl Default for TapReach {
    fn default() -> Self {
        Self { sampled: false, follows: true }
    }
}
