//! The door: parse, enter the lab while still single-threaded, run, exit code.

fn main() {}
