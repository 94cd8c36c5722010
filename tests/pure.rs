//! The library alone: no kernel, no program, no terminal.

#[path = "pure/chinese.rs"]
mod chinese;
#[path = "pure/cli.rs"]
mod cli;
#[path = "pure/cross_examiner.rs"]
mod cross_examiner;
#[path = "pure/faults.rs"]
mod faults;
#[path = "pure/fold.rs"]
mod fold;
#[path = "pure/kernel.rs"]
mod kernel;
#[path = "pure/lab.rs"]
mod lab;
#[path = "pure/ledger.rs"]
mod ledger;
#[path = "pure/lessons.rs"]
mod lessons;
#[path = "pure/model.rs"]
mod model;
#[path = "pure/mutations.rs"]
mod mutations;
#[path = "pure/report.rs"]
mod report;
#[path = "pure/scenario.rs"]
mod scenario;
#[path = "pure/schema.rs"]
mod schema;
#[path = "pure/segment_log.rs"]
mod segment_log;
#[path = "pure/session.rs"]
mod session;
#[path = "pure/text.rs"]
mod text;
#[path = "pure/ui.rs"]
mod ui;
#[path = "pure/verdicts.rs"]
mod verdicts;
#[path = "pure/wire_properties.rs"]
mod wire_properties;

#[path = "support/cross_examination.rs"]
mod cross_examination;
#[path = "support/outcome.rs"]
mod outcome;
#[path = "support/play.rs"]
mod play;
#[path = "support/schema.rs"]
mod schema_document;
#[path = "support/seeds.rs"]
mod seeds;
#[path = "support/terms.rs"]
mod terms;
