//! FACTS → PICTURE: the one fold over the stream of events, and what follows from its state. Pure: no clock, no I/O.
//!
//! Start at [`world`] ([`World::apply`](world::World::apply)); [`listeners`] folds all listeners of a machine, [`ledger`] adds up
//! what was dropped and why, and [`finding`] holds the diagnoses.

pub mod belief;
mod causes;
pub mod connection;
pub mod course;
pub mod diagnosis;
pub mod director;
pub mod drop_count;
pub mod fail_on;
pub mod finding;
pub mod gate;
pub mod headline;
pub mod history;
pub mod ledger;
pub mod listeners;
pub mod nearby;
pub mod occupancy;
pub mod prediction;
pub mod programs;
pub mod reduced;
pub mod rhythm;
pub mod segment_log;
pub mod series;
pub mod spread;
pub mod trials;
pub mod what_if;
pub mod world;
