//! The lab: what is computed without a socket.

#[path = "lab/arrivals.rs"]
mod arrivals;
#[path = "lab/valve.rs"]
mod valve;
#[path = "lab/wire_bytes.rs"]
mod wire_bytes;
