//! Findings of the rules.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::stamp::Stamp;
use crate::model::watch::{Address, ListenerId};
use crate::text::sentence::Sentence;

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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The rule's fixed name, also a topic of `qviz explain`.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// Since when it holds.
    pub since: Stamp,
    /// When it was seen to hold last.
    #[serde(skip)]
    pub until: Stamp,
    /// The evidence, by name with unit.
    pub evidence: BTreeMap<String, f64>,
    /// One sentence: what, why, what to do.
    pub sentence: Sentence,
    /// What to do, the surest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// Which listener of a watch it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
}

/// What to do about a finding, as a line to paste.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Action {
    /// What it does, or where it belongs.
    pub what: Sentence,
    /// A command, or a program's own line.
    pub command: String,
    /// True when it takes effect on what runs; false: only after a restart.
    pub live: bool,
}

impl Action {
    /// Something that takes effect at once.
    pub fn live(what: impl Fn() -> String + Send + Sync + 'static, command: String) -> Self {
        Self { what: Sentence::new(what), command, live: true }
    }
}

/// Which listener a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The listener.
    pub id: ListenerId,
    /// Its address.
    pub address: Address,
}
