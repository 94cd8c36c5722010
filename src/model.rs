//! WHAT IS TRUE: values and pure functions. No clock, no I/O, no threads.
//!
//! Start at [`event`] (every fact), then [`world`] (the one fold that makes a picture of them).

pub mod command;
pub mod counters;
pub mod event;
pub mod experiment;
pub mod lesson;
pub mod peer;
pub mod queue;
pub mod sample;
pub mod segment;
pub mod settings;
pub mod stamp;
pub mod tempo;
pub mod watch;
