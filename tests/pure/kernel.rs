//! What Linux says: messages as bytes.

#[path = "kernel/sock_diag_codec.rs"]
mod sock_diag_codec;
#[path = "kernel/tap_decode.rs"]
mod tap_decode;
