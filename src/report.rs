//! FACTS → BYTES: the summary of a run as JSON and as text, and the line of each event.
//!
//! Start at [`summary`]: everything else renders it. The JSON Schema of all documents
//! is `assets/schema/qviz-1.schema.json`.

pub mod containers;
pub mod json;
pub mod jsonl;
pub mod lessons;
pub mod openmetrics;
pub mod summary;
pub mod sweep;
pub mod text;
pub mod tune;
pub mod watch;
