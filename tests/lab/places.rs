//! Bad places and bad input against the real program: each gets one clear message and the documented exit code, or a state; never a
//! panic, never a process or a namespace that is left.
//!
//! Places are made inside of throw-away user and network namespaces, so the same tests hold for root and for an ordinary user, and
//! nothing of the host is changed.

#[path = "places/containers.rs"]
mod containers;
#[path = "places/denied.rs"]
mod denied;
#[path = "places/input.rs"]
mod input;
#[path = "places/limits.rs"]
mod limits;
#[path = "places/outlets.rs"]
mod outlets;
#[path = "places/sandbox.rs"]
mod sandbox;
