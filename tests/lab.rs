//! The kernel and the whole program: what needs a private network, other programs as witnesses, or a file of /proc.
//!
//! `cargo test --test lab [WORDS]`. Each test has a process of its own (`support/runner.rs`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what fails here fails the test, and says why"
)]

#[macro_use]
#[path = "support/runner.rs"]
mod runner;

#[path = "lab/all_netns.rs"]
mod all_netns;
#[path = "lab/carried.rs"]
mod carried;
#[path = "lab/census.rs"]
mod census;
#[path = "lab/cli.rs"]
mod cli;
#[path = "lab/cure.rs"]
mod cure;
#[path = "lab/from_outside.rs"]
mod from_outside;
#[path = "lab/gate.rs"]
mod gate;
#[path = "lab/kernel_log.rs"]
mod kernel_log;
#[path = "lab/lessons.rs"]
mod lessons;
#[path = "lab/matrix.rs"]
mod matrix;
#[path = "lab/metrics.rs"]
mod metrics;
#[path = "lab/mixes.rs"]
mod mixes;
#[path = "lab/owners.rs"]
mod owners;
#[path = "lab/pcap.rs"]
mod pcap;
#[path = "lab/places.rs"]
mod places;
#[path = "lab/random_watches.rs"]
mod random_watches;
#[path = "lab/replay.rs"]
mod replay;
#[path = "lab/rights.rs"]
mod rights;
#[path = "lab/run.rs"]
mod run;
#[path = "lab/samplers.rs"]
mod samplers;
#[path = "lab/schema.rs"]
mod schema;
#[path = "lab/serve.rs"]
mod serve;
#[path = "lab/servers.rs"]
mod servers;
#[path = "lab/sweep.rs"]
mod sweep;
#[path = "lab/syn_tap.rs"]
mod syn_tap;
#[path = "lab/tune.rs"]
mod tune;
#[path = "lab/watch.rs"]
mod watch;
#[path = "lab/what_if.rs"]
mod what_if;
#[path = "lab/witnesses.rs"]
mod witnesses;

#[path = "support/cross_examination.rs"]
mod cross_examination;
#[path = "lab/fixture.rs"]
mod fixture;
#[path = "support/lab.rs"]
mod lab;
#[path = "support/needs.rs"]
mod needs;
#[path = "lab/netns.rs"]
mod netns;
#[path = "support/not_run.rs"]
mod not_run;
#[path = "support/options.rs"]
mod options;
#[path = "support/pane.rs"]
mod pane;
#[path = "support/schema.rs"]
mod schema_document;
#[path = "support/seeds.rs"]
mod seeds;
#[path = "support/snapshot.rs"]
mod snapshot;
#[path = "support/terms.rs"]
mod terms;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/who.rs"]
mod who;

fn main() -> std::process::ExitCode {
    runner::run(3)
}
