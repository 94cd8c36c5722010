//! Diagnoses as lints: one file per rule, with evidence attached.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::stamp::Stamp;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Clients may suffer.
    Warning,
    /// Clients suffer now.
    Problem,
}

/// One diagnosis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's fixed name, also a topic of `qviz explain`.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// Since when it has been so.
    pub since: Stamp,
    /// The numbers that it rests on, by name with unit.
    pub evidence: BTreeMap<String, f64>,
    /// One sentence: what, why, what to do.
    pub sentence: String,
}

/// Looks at the world and keeps the findings in force up to date.
pub(super) fn review(_world: &mut super::world::World) {}
