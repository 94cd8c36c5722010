//! WHAT LINUX SAYS: reads only. Nothing here changes the system, and nothing here depends on the screen or on a
//! runtime.
//!
//! Values are passed on exactly as the kernel gives them; a value that could not be read is absent.

pub mod census;
pub mod descriptor_copy;
pub mod kernel_log;
pub mod other_netns;
pub mod own_socket;
pub mod owners;
pub mod printable;
pub mod proc;
pub mod sock_diag;
pub mod sys;
pub mod tap;
