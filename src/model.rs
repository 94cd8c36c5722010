//! WHAT IS TRUE: values and pure functions. No clock, no I/O, no threads.
//!
//! Start at [`event`] (every fact), then [`world`] (the one fold that makes a picture of them).

pub mod alarm;
pub mod command;
pub mod connection;
pub mod counters;
pub mod errno;
pub mod event;
pub mod finding;
pub mod history;
pub mod lang;
pub mod ledger;
pub mod lesson;
pub mod nearby;
pub mod peer;
pub mod queue;
pub mod sample;
pub mod segment;
pub mod sentence;
pub mod settings;
pub mod stamp;
pub mod survey;
pub mod tempo;
pub mod trial;
pub mod watch;
pub mod world;
