//! How many connections of the chosen listener each of its holders serves.

use std::collections::BTreeMap;

use crate::model::watch::ListenerId;
use crate::session::pace::Pace;

/// How many connections each holder of the chosen listener serves, as last counted.
#[derive(Debug, Default)]
pub(super) struct ServedCounts {
    pub(super) listener: Option<ListenerId>,
    /// All of them.
    pub(super) served: Option<u32>,
    /// By process.
    pub(super) by_process: BTreeMap<u32, Option<u32>>,
    pub(super) counts: Pace,
}
