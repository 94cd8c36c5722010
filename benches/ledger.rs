//! What the fold costs per connection, and its share in the CPU time of the run that it follows.
//!
//! `cargo bench --bench ledger`. A live session at 10,000 connections per second is recorded into memory (its CPU time is the anchor:
//! clients, kernel, tap, server, eyes); then the same facts are folded again and again. Target: less than a tenth.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may stop and has a table to show")]

#[path = "support/runs.rs"]
mod runs;
#[path = "support/session.rs"]
mod session;

use std::time::Duration;

use qviz::fold::world::World;
use qviz::model::event::Stamped;
use qviz::model::settings::{AcceptRate, ClientKind};

use runs::{Line, cpu_s, interleaved, median, median_at, table};
use session::Knobs;

/// How long a session is recorded.
const SPAN: Duration = Duration::from_secs(1);

/// How often its facts are folded.
const FOLDS: usize = 9;

const ROUNDS: usize = 3;

const WHATS: [&str; 4] = ["wire", "connect", "overflow", "fast"];

fn main() {
    let calm = session::knobs();
    match runs::asked().as_deref() {
        None => report(),
        Some("connect") => record(ClientKind::Connect, calm),
        Some("overflow") => {
            record(ClientKind::Wire, Knobs { backlog: 128, accept_rate: AcceptRate::PerSecond(5_000.0), ..calm });
        }
        Some("fast") => record(ClientKind::Wire, Knobs { rate: 1e6, ..calm }),
        Some(_) => record(ClientKind::Wire, calm),
    }
}

/// Prints: nanoseconds of the fold per connection, CPU nanoseconds of the run per connection, nanoseconds of the fold per fact.
fn record(clients: ClientKind, knobs: Knobs) {
    let before = cpu_s();
    let mut batches = Vec::new();
    session::follow(session::start(clients, knobs, SPAN), |facts| batches.push(facts));
    let run_s = cpu_s() - before;
    let (folds, known): (Vec<f64>, Vec<u64>) = (0..FOLDS).map(|_| fold(&batches)).unzip();
    let (took_s, started) = (median(folds), known[0] as f64);
    let facts: usize = batches.iter().map(Vec::len).sum();
    println!("{} {} {}", took_s * 1e9 / started, run_s * 1e9 / started, took_s * 1e9 / facts as f64);
}

/// Seconds of CPU for one fold of the whole session, and how many connections it knows.
fn fold(batches: &[Vec<Stamped>]) -> (f64, u64) {
    let before = cpu_s();
    let mut world = World::new();
    for fact in batches.iter().flatten() {
        world.apply(fact.at, &fact.event);
    }
    (cpu_s() - before, world.clients.started)
}

fn report() {
    let measured = interleaved(ROUNDS, &WHATS);
    let names = [
        "wire clients, 10k/s",
        "connect clients, 10k/s",
        "wire clients, 10k/s, accept 5k/s, backlog 128",
        "wire clients, as fast as possible",
    ];
    let mut lines = Vec::new();
    for (name, rounds) in names.iter().zip(&measured) {
        let anchor = Some(("the run itself: CPU ns/connection", median_at(rounds, 1)));
        lines.push(Line::new(format!("{name}: fold ns/connection"), median_at(rounds, 0), anchor));
    }
    for (name, rounds) in names.iter().zip(&measured) {
        lines.push(Line::new(format!("{name}: fold ns/fact"), median_at(rounds, 2), None));
    }
    table(&lines);
}
