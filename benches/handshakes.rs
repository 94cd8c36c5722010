//! Complete handshakes per second, ledger and sampling on, beside floors measured in the same run.
//!
//! `cargo bench --bench handshakes`. Each measurement is a fresh process in a private network of its own; rounds are interleaved.
//! The floors do the least that a handshake takes: packets on the veth pair against a thread that accepts and closes, and blocking
//! `connect()` against `accept()` over lo. They fold, sample and serve nothing.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may stop and has a table to show")]

#[path = "handshakes/floor.rs"]
mod floor;
#[path = "support/runs.rs"]
mod runs;
#[path = "support/session.rs"]
mod session;

use std::time::Duration;

use qviz::model::settings::{AcceptRate, ClientKind};

use runs::{Line, interleaved, median_at, table};

/// How long one measurement runs.
const SPAN: Duration = Duration::from_secs(1);

const ROUNDS: usize = 3;

const WHATS: [&str; 6] = ["wire", "wire floor", "life floor", "connect", "connect floor", "deep"];

fn main() {
    match runs::asked().as_deref() {
        None => report(),
        Some("wire floor") => floor::wire(SPAN),
        Some("life floor") => floor::life(SPAN),
        Some("connect floor") => floor::connect(SPAN),
        Some("connect") => as_fast_as_possible(ClientKind::Connect, 4096),
        Some("deep") => as_fast_as_possible(ClientKind::Wire, 65_535),
        Some(_) => as_fast_as_possible(ClientKind::Wire, 4096),
    }
}

/// Prints: accepted per second, CPU microseconds per accepted one, 1 where the ledger is balanced, segments that the tap lost.
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
    let measured = interleaved(ROUNDS, &WHATS);
    let [wire, wire_floor, life, connect, connect_floor, deep] = measured.as_slice() else { return };
    let packets = ("bare packets: SYN, ACK; accept, close", wire_floor);
    let whole = ("the same life in bare calls, one thread", life);
    let bare = ("bare connect; accept, close", connect_floor);
    let row = |what: &str, rounds: &[Vec<f64>], index, (name, floor): (&'static str, &Vec<Vec<f64>>)| {
        Line::new(what, median_at(rounds, index), Some((name, median_at(floor, index))))
    };
    table(&[
        row("wire clients, backlog 4,096: handshakes/s", wire, 0, packets),
        row("wire clients, backlog 4,096: handshakes/s", wire, 0, whole),
        row("wire clients, backlog 65,535: handshakes/s", deep, 0, whole),
        row("connect clients, backlog 4,096: handshakes/s", connect, 0, bare),
        row("wire clients, backlog 4,096: CPU us per handshake", wire, 1, packets),
        row("wire clients, backlog 4,096: CPU us per handshake", wire, 1, whole),
        row("wire clients, backlog 65,535: CPU us per handshake", deep, 1, whole),
        row("connect clients, backlog 4,096: CPU us per handshake", connect, 1, bare),
    ]);
    let runs: Vec<&Vec<f64>> = wire.iter().chain(connect).chain(deep).collect();
    let balanced = runs.iter().filter(|numbers| numbers[2] > 0.0).count();
    let lost: f64 = runs.iter().map(|numbers| numbers[3]).sum();
    println!("ledger balanced in {balanced} of {} runs; {lost} segments lost by the tap", runs.len());
}
