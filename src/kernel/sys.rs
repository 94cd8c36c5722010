//! The few system calls that no safe crate offers. The only file of this room with unsafe code.
