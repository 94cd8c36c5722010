//! What came of a watch with conditions, and of the command that ran meanwhile.

use serde::Serialize;

use crate::fold::gate::Verdict;
use crate::report::summary::seconds;
use crate::text::sanitize;

/// What came of `--fail-on`.
#[derive(Clone, Debug, Serialize)]
pub struct VerdictOfConditions {
    /// A condition held.
    pub failed: bool,
    /// The first that held; null: none.
    pub rule: Option<String>,
    /// When it first held, in seconds since the watch began.
    pub first_at_s: Option<f64>,
    /// Dropped SYNs and final ACKs of the watched listeners, to the end of the watch.
    pub dropped: u64,
    /// The reason.
    pub sentence: String,
}

/// A command that ran during the watch.
#[derive(Clone, Debug, Serialize)]
pub struct CommandEnd {
    /// The command as a shell would need it.
    pub command: String,
    /// Its exit status, 128 and the signal's number where a signal ended it; null: it was not started.
    pub exit: Option<u8>,
}

impl From<&Verdict> for VerdictOfConditions {
    fn from(verdict: &Verdict) -> Self {
        Self {
            failed: verdict.failed,
            rule: verdict.rule.clone(),
            first_at_s: verdict.first_at.map(seconds),
            dropped: verdict.dropped,
            sentence: sanitize::line(&verdict.sentence),
        }
    }
}
