//! FACTS → BYTES: the summary of a run as JSON and as text, and the line of each event.
//!
//! Start at [`summary`]: everything else writes what stands there. The JSON Schema of all documents is [`SCHEMA`].

pub mod json;
pub mod jsonl;
pub mod lessons;
pub mod openmetrics;
pub mod summary;
pub mod text;
pub mod watch;

/// The JSON Schema (2020-12) of every document and line that qviz prints.
pub const SCHEMA: &str = include_str!("../assets/schema/qviz-1.schema.json");
