//! Facts → bytes: documents and text.

#[path = "report/containers.rs"]
mod containers;
#[path = "report/lessons.rs"]
mod lessons;
#[path = "report/lessons_farewell.rs"]
mod lessons_farewell;
#[path = "report/openmetrics_merged.rs"]
mod openmetrics_merged;
#[path = "report/summary.rs"]
mod summary;
#[path = "report/tune.rs"]
mod tune;
#[path = "report/watch.rs"]
mod watch;
