//! Packet-level clients: a pure handshake machine, segment bytes, and the socket that sends them.

pub mod bytes;
pub mod machine;
pub mod transmit;
