//! The library alone: no kernel, no program, no terminal.

#[path = "pure/chinese.rs"]
mod chinese;
#[path = "pure/cross_examiner.rs"]
mod cross_examiner;
#[path = "pure/faults.rs"]
mod faults;
#[path = "pure/fold.rs"]
mod fold;
#[path = "pure/ledger.rs"]
mod ledger;
#[path = "pure/lessons.rs"]
mod lessons;
#[path = "pure/mutations.rs"]
mod mutations;
#[path = "pure/schema.rs"]
mod schema;
#[path = "pure/segment_log.rs"]
mod segment_log;
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
