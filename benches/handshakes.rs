//! Complete connections per second, ledger and sampling on, beside floors and tools measured in the same run.
//!
//! `cargo bench --bench handshakes`. Each measurement is a fresh process in a private network of its own; rounds are interleaved.
//! The floors do in bare calls what a connection takes, and fold, sample and tell nothing: packet-level clients on the link to the
//! server; real clients whose frames a thread carries from link to link; `connect()` and `accept()` over lo. The tools are load
//! generators over lo, one connection for each request.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may stop and has a table to show")]

#[path = "handshakes/copier.rs"]
mod copier;
#[path = "handshakes/floor.rs"]
mod floor;
#[path = "support/runs.rs"]
mod runs;
#[path = "support/session.rs"]
mod session;
#[path = "handshakes/tools.rs"]
mod tools;

use std::time::Duration;

use qviz::model::settings::{AcceptRate, ClientKind};

use runs::{Line, interleaved, median_at, table};

/// How long one measurement runs.
const SPAN: Duration = Duration::from_secs(1);

const ROUNDS: usize = 5;

const WHATS: [&str; 7] = ["wire", "wire floor", "life floor", "connect", "copied", "connect floor", "deep"];

fn main() {
    match runs::asked().as_deref() {
        None => report(),
        Some("wire") => as_fast_as_possible(ClientKind::Wire, 4096),
        Some("deep") => as_fast_as_possible(ClientKind::Wire, 65_535),
        Some("connect") => as_fast_as_possible(ClientKind::Connect, 4096),
        Some("wire floor") => floor::wire(SPAN),
        Some("life floor") => floor::life(SPAN),
        Some("connect floor") => floor::connect(SPAN),
        Some("copied") => copier::copied(SPAN),
        Some(tool) => tools::load(tool, SPAN),
    }
}

/// Prints: accepted per second, CPU microseconds per accepted one, 1 where the ledger is balanced, frames that the rings lost.
fn as_fast_as_possible(clients: ClientKind, backlog: i32) {
    let knobs = session::Knobs { backlog, rate: 1e6, accept_rate: AcceptRate::Max, ..session::knobs() };
    let before = runs::cpu_s();
    let world = session::run(clients, knobs, SPAN);
    let cpu_us = (runs::cpu_s() - before) * 1e6;
    let accepted = world.clients.accepted as f64;
    let balanced = u8::from(world.balance().balanced == Some(true));
    println!("{} {} {balanced} {}", accepted / SPAN.as_secs_f64(), cpu_us / accepted, world.losses.tap_dropped);
}

fn report() {
    let tools = tools::installed();
    let measured = interleaved(ROUNDS, &[&WHATS[..], &tools].concat());
    let (own, theirs) = measured.split_at(WHATS.len());
    let [wire, wire_floor, life, connect, copied, connect_floor, deep] = own else { return };
    let packets = ("bare packets: SYN, ACK; accept, close", wire_floor);
    let whole = ("the same life in bare calls, one thread", life);
    let unread = ("the same life, frames copied unread", copied);
    let bare = ("bare connect; accept, close, over lo", connect_floor);
    let row = |what: String, rounds: &[Vec<f64>], index, (name, floor): (&'static str, &Vec<Vec<f64>>)| {
        Line::new(what, median_at(rounds, index), Some((name, median_at(floor, index))))
    };
    let mut lines = Vec::new();
    for (index, unit) in ["connections/s", "CPU us per connection"].into_iter().enumerate() {
        for (what, rounds, anchor) in [
            ("wire clients, backlog 4,096", wire, packets),
            ("wire clients, backlog 4,096", wire, whole),
            ("wire clients, backlog 65,535", deep, whole),
            ("connect clients, backlog 4,096", connect, unread),
            ("connect clients, backlog 4,096", connect, bare),
        ] {
            lines.push(row(format!("{what}: {unit}"), rounds, index, anchor));
        }
    }
    for (tool, rounds) in tools.iter().zip(theirs) {
        for (what, own) in [("wire clients", wire), ("connect clients", connect)] {
            lines.push(row(format!("{what}: connections/s"), own, 0, (tool, rounds)));
        }
    }
    table(&lines);
    let runs: Vec<&Vec<f64>> = wire.iter().chain(connect).chain(deep).collect();
    let balanced = runs.iter().filter(|numbers| numbers[2] > 0.0).count();
    let lost: f64 = runs.iter().map(|numbers| numbers[3]).sum();
    println!("ledger balanced in {balanced} of {} runs; {lost} frames lost by the rings", runs.len());
}
