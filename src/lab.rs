//! WHAT WE DO TO LINUX: the only room with side effects. Every effect is held by a guard that undoes it on drop; the one
//! on another program's listener ([`foreign_listener`]) is only made when somebody asks for it by name.
//!
//! Pure parts (arrivals, valve, the handshake machine, the crowd) take `now` as an argument and do no I/O.

pub mod arrivals;
pub mod confinement;
pub mod connect;
pub mod crowd;
mod detail_ration;
pub mod foreign_listener;
pub mod knobs;
pub mod listener;
pub mod namespace;
mod netns;
pub mod program;
mod seeded_rng;
pub mod server;
pub mod valve;
pub mod wire;
