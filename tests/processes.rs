//! What only a process with one thread can do, and what differs by user: namespaces that are entered, and sessions in them. Each
//! test has a process of its own, as an ordinary user and as root; started as root, those of the ordinary user run as uid 65534.
//!
//! `cargo test --test processes [WORDS]`.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what fails here fails the test, and says why"
)]

#[macro_use]
#[path = "support/runner.rs"]
mod runner;

#[path = "processes/experiments.rs"]
mod experiments;
#[path = "processes/namespace.rs"]
mod namespace;
#[path = "processes/other_netns.rs"]
mod other_netns;
#[path = "processes/probe.rs"]
mod probe;
#[path = "processes/rights.rs"]
mod rights;
#[path = "processes/wire.rs"]
mod wire;

#[path = "support/lab.rs"]
mod lab;
#[path = "support/needs.rs"]
mod needs;
#[path = "support/not_run.rs"]
mod not_run;
#[path = "support/options.rs"]
mod options;
#[path = "support/seeds.rs"]
mod seeds;
#[path = "support/who.rs"]
mod who;

fn main() -> std::process::ExitCode {
    let experiment = qviz::experiment::child::run_as_child(std::env::args().skip(1));
    experiment.unwrap_or_else(|| runner::run(8))
}
