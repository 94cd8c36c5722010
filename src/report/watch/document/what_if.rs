//! What another limit would have done.

use serde::Serialize;

use crate::fold::what_if;
use crate::report::summary::rounded;

/// One limit.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct WhatIf {
    /// The limit.
    pub backlog: u32,
    /// The clients that came in the last minute.
    pub clients: u32,
    /// Those of them that would have met a full queue.
    pub lost: u32,
    /// The fewest of them, if the server is a tenth faster.
    pub lost_at_least: u32,
    /// The most of them, if it is a tenth slower.
    pub lost_at_most: u32,
    /// Milliseconds that the connection would have waited that waits longest; null: none was accepted, or the server is not understood.
    pub longest_wait_ms: Option<f64>,
}

impl WhatIf {
    pub(super) fn of(tried: what_if::WhatIf) -> Self {
        let what_if::WhatIf { backlog, clients, lost, range: (lost_at_least, lost_at_most), longest_wait } = tried;
        let longest_wait_ms = longest_wait.map(|wait| rounded(wait.as_secs_f64() * 1e3));
        Self { backlog, clients, lost, lost_at_least, lost_at_most, longest_wait_ms }
    }
}
