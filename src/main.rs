//! The door: parse, enter the lab while still single-threaded, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    qviz::run()
}
