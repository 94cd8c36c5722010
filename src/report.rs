//! FACTS → BYTES: the summary of a run as JSON and as text, and the line of each event.
//!
//! Start at [`summary`]: everything else writes what stands there. The JSON Schema of all documents stands in
//! `assets/schema`.

pub mod json;
pub mod jsonl;
pub mod lessons;
pub mod openmetrics;
pub mod summary;
pub mod text;
pub mod watch;
