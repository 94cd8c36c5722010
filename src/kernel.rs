//! WHAT LINUX SAYS: reads only. Nothing here changes the system, and nothing here knows a screen or a runtime.
//!
//! Each reading is given exactly as the kernel gave it, with what was not readable left out.

pub mod census;
pub mod other_netns;
pub mod own_socket;
pub mod owners;
pub mod printable;
pub mod proc;
pub mod sock_diag;
pub mod sys;
pub mod tap;
