//! VOCABULARY: the values shared by all rooms. No texts, nothing inferred, no clock, no I/O.
//!
//! Start at [`event`] (every fact) and [`command`] (every command).

pub mod cause;
pub mod client_clock;
pub mod command;
pub mod counters;
pub mod delivery;
pub mod event;
pub mod experiment;
pub mod lesson;
pub mod message;
pub mod peer;
pub mod program;
pub mod queue;
pub mod sample;
pub mod segment;
pub mod settings;
pub mod stamp;
pub mod watch;
