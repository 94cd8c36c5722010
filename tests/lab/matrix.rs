//! The matrix of scenarios: each cause alone and several mixed, at low and high rates, IPv4 and IPv6, packet-level and real
//! clients. In every one of them, with every seed, each drop is accounted for: the ledger balances and nothing is unexplained.

use std::time::Duration;

use serde_json::Value;

use crate::lab;
use crate::needs::network;
use crate::seeds::{self, Seeds};

/// Runs at the same time: most of them only wait.
const AT_ONCE: usize = 20;

/// One scenario: its options, and the causes that must have occurred in at least half of its runs (chance and the load of the machine
/// decide about the single one; that the ledger balances is asked of each).
struct Scenario {
    name: &'static str,
    options: &'static str,
    causes: &'static [&'static str],
    at_once: usize,
}

const fn light(name: &'static str, options: &'static str, causes: &'static [&'static str]) -> Scenario {
    Scenario { name, options, causes, at_once: AT_ONCE }
}

/// A scenario of real clients: handshakes on loopback take microseconds, and too many runs at once would look at them late.
const fn real(name: &'static str, options: &'static str, causes: &'static [&'static str]) -> Scenario {
    Scenario { name, options, causes, at_once: AT_ONCE / 2 }
}

/// A scenario that keeps a processor busy.
const fn heavy(name: &'static str, options: &'static str, causes: &'static [&'static str]) -> Scenario {
    Scenario { name, options, causes, at_once: 1 }
}

fn run(scenario: &Scenario, seed: u64) -> Value {
    let mut args: Vec<String> = ["--headless", "--json", "--seed", &seed.to_string()].map(str::to_owned).into();
    args.extend(scenario.options.split_whitespace().map(str::to_owned));
    let output = lab::run_qviz(&args, Duration::from_secs(60));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} seed {seed}: {:?} {stderr}", scenario.name, output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{}: {error}: {stderr}", scenario.name))
}

/// Which of the scenario's causes occurred in one run; or what is wrong with it.
fn causes(scenario: &Scenario, seed: u64) -> Result<Vec<&'static str>, String> {
    let summary = run(scenario, seed);
    let told = |what: &str| {
        let parts = ["ledger", "drops", "counters", "segments", "clients", "losses"];
        let facts: String = parts.map(|part| format!("  {part}: {}\n", summary[part])).concat();
        let again = seeds::command(seed, "lab", "matrix");
        Err(format!("{} seed {seed}: {what}; again: {again}\n{facts}", scenario.name))
    };
    if summary["losses"]["tap_dropped"] != 0 {
        return told("the tap lost segments");
    }
    if summary["ledger"]["balanced"] != true || summary["ledger"]["unexplained"] != Value::Array(vec![]) {
        return told("not balanced");
    }
    if summary["clients"]["started"].as_u64().unwrap() == 0 {
        return told("nobody started");
    }
    Ok(scenario.causes.iter().copied().filter(|cause| hit(&summary, cause)).collect())
}

fn hit(summary: &Value, cause: &str) -> bool {
    let (segments, clients) = drop_of(summary, cause);
    assert!(clients <= segments, "{cause}: {clients} clients, {segments} segments");
    segments > 0 && clients > 0
}

fn drop_of(summary: &Value, cause: &str) -> (u64, u64) {
    let drops = summary["drops"].as_array().unwrap();
    let drop = drops.iter().find(|drop| drop["cause"] == cause).unwrap_or_else(|| panic!("{cause} is not listed"));
    (drop["segments"].as_u64().unwrap(), drop["clients"].as_u64().unwrap())
}

/// What all runs of one scenario came to.
#[derive(Default)]
struct Tally {
    runs: u64,
    seen: Vec<&'static str>,
}

#[track_caller]
fn all_seeds(scenarios: &[Scenario]) {
    network();
    let seeds = Seeds::of_this_run().range();
    let mut troubles = Vec::new();
    let mut tallies: Vec<Tally> = scenarios.iter().map(|_| Tally::default()).collect();
    let numbers = 0..scenarios.len();
    let mut runs: Vec<(usize, u64)> = numbers.flat_map(|at| seeds.clone().map(move |seed| (at, seed))).collect();
    // Those that may run beside many others come last.
    runs.sort_by_key(|(at, _)| scenarios[*at].at_once);
    while let Some((first, _)) = runs.first() {
        let beside = scenarios[*first].at_once;
        let some: Vec<_> = runs.drain(..beside.min(runs.len())).collect();
        for (at, outcome) in at_once(scenarios, &some) {
            tallies[at].runs += 1;
            match outcome {
                Ok(causes) => tallies[at].seen.extend(causes),
                Err(trouble) => troubles.push(trouble),
            }
        }
    }
    for (scenario, tally) in scenarios.iter().zip(&tallies) {
        for cause in scenario.causes {
            let times = tally.seen.iter().filter(|seen| *seen == cause).count() as u64;
            if times * 2 < tally.runs {
                troubles.push(format!("{}: {cause} in {times} of {} runs\n", scenario.name, tally.runs));
            }
        }
    }
    assert!(troubles.is_empty(), "{} runs in trouble:\n{}", troubles.len(), troubles.join("\n"));
}

/// Runs these beside each other: the number of each scenario, and its causes or what is wrong.
fn at_once(scenarios: &[Scenario], runs: &[(usize, u64)]) -> Vec<(usize, Result<Vec<&'static str>, String>)> {
    std::thread::scope(|scope| {
        let started: Vec<_> =
            runs.iter().map(|(at, seed)| (*at, scope.spawn(|| causes(&scenarios[*at], *seed)))).collect();
        started.into_iter().map(|(at, run)| (at, run.join().expect("a run failed"))).collect()
    })
}

case!(a_full_accept_queue_drops_syns_and_makes_ghosts, one at a time);
fn a_full_accept_queue_drops_syns_and_makes_ghosts() {
    all_seeds(&[
        light(
            "backlog 0",
            "--backlog 0 --rate 100 --accept-rate 5 --rtt 20ms --duration 2s",
            &["syn:accept-queue-full", "ack:accept-queue-full"],
        ),
        light(
            "backlog 1, one a second",
            "--backlog 1 --rate 1 --accept-rate 0 --rtt 10ms --duration 4s",
            &["syn:accept-queue-full"],
        ),
        light(
            "backlog 5, paused",
            "--backlog 5 --count 40 --arrivals burst:20/1s --accept-rate 0 --duration 3s",
            &["syn:accept-queue-full", "ack:cookie-accept-queue-full"],
        ),
        light(
            "backlog 5, poisson, jitter, loss",
            "--backlog 5 --rate 60 --arrivals poisson --accept-rate 20 --rtt 100ms --jitter 80ms --loss 10% --duration 3s",
            &["syn:accept-queue-full", "client:lost"],
        ),
        light(
            "backlog 5, IPv6",
            "--listen [2001:db8::1]:8080 --backlog 5 --rate 100 --accept-rate 10 --rtt 20ms --duration 2s",
            &["syn:accept-queue-full"],
        ),
        light(
            "backlog 5, both families",
            "--listen [::]:8080 --backlog 5 --rate 100 --accept-rate 10 --rtt 20ms --duration 2s",
            &["syn:accept-queue-full"],
        ),
        light(
            "backlog 128",
            "--backlog 128 --rate 400 --accept-rate 50 --rtt 20ms --duration 2s",
            &["syn:accept-queue-full"],
        ),
    ]);
}

case!(cookies_off_a_full_syn_queue_drops, one at a time);
fn cookies_off_a_full_syn_queue_drops() {
    all_seeds(&[
        light(
            "SYN queue",
            "--backlog 5 --syncookies 0 --rate 100 --rtt 300ms --accept-rate max --duration 2s",
            &["syn:syn-queue-full"],
        ),
        light(
            "SYN queue and accept queue",
            "--backlog 3 --syncookies 0 --rate 100 --rtt 50ms --jitter 40ms --accept-rate 10 --half-open 5% --duration 2s",
            &["syn:syn-queue-full", "syn:accept-queue-full"],
        ),
    ]);
}

case!(the_three_quarters_rule_drops, one at a time);
fn the_three_quarters_rule_drops() {
    all_seeds(&[
        light(
            "three quarters",
            "--backlog 100 --syncookies 0 --max-syn-backlog 16 --rate 200 --rtt 300ms --accept-rate max --duration 2s",
            &["syn:max-syn-backlog"],
        ),
        light(
            "three quarters and a full accept queue",
            "--backlog 10 --syncookies 0 --max-syn-backlog 8 --rate 150 --rtt 100ms --accept-rate 10 --duration 3s",
            &["syn:max-syn-backlog", "syn:accept-queue-full"],
        ),
    ]);
}

case!(cookies_redeemed_on_a_full_accept_queue_are_phantoms, one at a time);
fn cookies_redeemed_on_a_full_accept_queue_are_phantoms() {
    all_seeds(&[
        light(
            "cookies always",
            "--backlog 5 --syncookies 2 --rate 100 --rtt 100ms --accept-rate 10 --duration 2s",
            &["ack:cookie-accept-queue-full", "syn:accept-queue-full"],
        ),
        light(
            "cookies when full",
            "--backlog 5 --syncookies 1 --arrivals burst:40/1s --rtt 100ms --accept-rate 10 --duration 2s",
            &["ack:cookie-accept-queue-full", "ack:accept-queue-full"],
        ),
        light(
            "cookies that save",
            "--backlog 5 --syncookies 1 --rate 200 --rtt 200ms --accept-rate max --duration 2s",
            &[],
        ),
    ]);
}

case!(abort_on_overflow_resets, one at a time);
fn abort_on_overflow_resets() {
    all_seeds(&[light(
        "abort",
        "--backlog 5 --abort-on-overflow 1 --arrivals burst:20/500ms --rtt 100ms --accept-rate 5 --duration 2s",
        &["ack:reset-on-overflow", "syn:accept-queue-full"],
    )]);
}

case!(half_open_requests_expire_and_are_pruned, one at a time);
fn half_open_requests_expire_and_are_pruned() {
    all_seeds(&[
        light(
            "expiry",
            "--backlog 100 --synack-retries 1 --rate 20 --half-open 50% --rtt 20ms --accept-rate max --duration 6s",
            &["request:expired"],
        ),
        light(
            "pruning",
            "--backlog 8 --arrivals burst:9/60s --half-open 100% --rtt 20ms --accept-rate max --duration 9s",
            &["request:pruned"],
        ),
    ]);
}

case!(real_clients, one at a time);
fn real_clients() {
    all_seeds(&[
        real(
            "connect, overflow",
            "--client connect --backlog 5 --rate 100 --accept-rate 10 --duration 3s",
            &["syn:accept-queue-full"],
        ),
        real(
            "connect, IPv6",
            "--client connect --listen [2001:db8::1]:8080 --backlog 5 --rate 100 --accept-rate 10 --duration 3s",
            &["syn:accept-queue-full"],
        ),
        real("connect, no trouble", "--client connect --backlog 128 --rate 100 --accept-rate max --duration 2s", &[]),
        real(
            "connect, half-open, cookies off",
            "--client connect --backlog 5 --syncookies 0 --rate 50 --half-open 100% --accept-rate max --duration 2s",
            &["syn:syn-queue-full"],
        ),
    ]);
}

case!(real_clients_under_other_settings, one at a time);
fn real_clients_under_other_settings() {
    all_seeds(&[
        real(
            "connect, backlog 0, cookies always",
            "--client connect --backlog 0 --syncookies 2 --rate 100 --accept-rate 10 --duration 2s",
            &["syn:accept-queue-full"],
        ),
        real(
            "connect, backlog 1, one a second",
            "--client connect --backlog 1 --rate 1 --accept-rate 0 --duration 4s",
            &["syn:accept-queue-full"],
        ),
        real(
            "connect, abort",
            "--client connect --backlog 5 --abort-on-overflow 1 --arrivals burst:20/500ms --accept-rate 5 --duration 2s",
            &["syn:accept-queue-full"],
        ),
        real(
            "connect, half-open, cookies when full",
            "--client connect --backlog 5 --rate 50 --half-open 50% --accept-rate 20 --duration 2s",
            &[],
        ),
    ]);
}

case!(real_clients_at_high_rates, alone);
fn real_clients_at_high_rates() {
    all_seeds(&[
        heavy(
            "connect, 10k",
            "--client connect --rtt 0ms --backlog 128 --rate 10k --accept-rate 5k --duration 1s",
            &[],
        ),
        heavy(
            "connect, 10k, overflowing",
            "--client connect --rtt 0ms --backlog 5 --rate 10k --accept-rate 1k --duration 500ms",
            &["syn:accept-queue-full"],
        ),
        heavy(
            "connect, 10k, overflowing with retries",
            "--client connect --rtt 0ms --backlog 5 --rate 10k --accept-rate 1k --duration 1800ms",
            &["syn:accept-queue-full"],
        ),
        heavy(
            "connect, 10k, abort",
            "--client connect --rtt 0ms --backlog 5 --abort-on-overflow 1 --rate 10k --accept-rate 1k --duration 1800ms",
            &["syn:accept-queue-full"],
        ),
        heavy(
            "connect, 10k, cookies always",
            "--client connect --rtt 0ms --backlog 5 --syncookies 2 --rate 10k --accept-rate 1k --duration 1800ms",
            &["syn:accept-queue-full"],
        ),
        heavy(
            "connect, 10k, IPv6",
            "--client connect --rtt 0ms --listen [2001:db8::1]:8080 --backlog 128 --rate 10k --accept-rate 5k --duration 500ms",
            &[],
        ),
        heavy(
            "connect, as fast as possible",
            "--client connect --rtt 0ms --backlog 4096 --rate 1m --accept-rate max --duration 500ms",
            &[],
        ),
        heavy(
            "connect, as fast as possible, overflowing",
            "--client connect --rtt 0ms --backlog 5 --rate 1m --accept-rate 1k --duration 500ms",
            &["syn:accept-queue-full"],
        ),
    ]);
}

case!(high_rates, one at a time);
fn high_rates() {
    all_seeds(&[
        heavy(
            "10k, backlog 128",
            "--backlog 128 --rate 10k --accept-rate 1k --rtt 5ms --duration 1s",
            &["syn:accept-queue-full"],
        ),
        heavy("10k, backlog 4096", "--backlog 4096 --rate 10k --accept-rate max --rtt 20ms --duration 1s", &[]),
        heavy(
            "10k, everything at once",
            "--backlog 64 --rate 10k --accept-rate 1k --rtt 10ms --jitter 8ms --loss 2% --half-open 5% --syncookies 1 --duration 1s",
            &["syn:accept-queue-full", "client:lost"],
        ),
        heavy(
            "10k, IPv6",
            "--listen [2001:db8::1]:8080 --backlog 128 --rate 10k --accept-rate 1k --rtt 5ms --duration 500ms",
            &["syn:accept-queue-full"],
        ),
        heavy(
            "as fast as possible, IPv6",
            "--listen [2001:db8::1]:8080 --backlog 4096 --rate 1m --accept-rate max --rtt 0ms --duration 500ms",
            &[],
        ),
        heavy("as fast as possible", "--backlog 4096 --rate 1m --accept-rate max --rtt 0ms --duration 1s", &[]),
        heavy(
            "as fast as possible, overflowing",
            "--backlog 5 --rate 1m --accept-rate 1k --rtt 0ms --duration 1s",
            &["syn:accept-queue-full"],
        ),
    ]);
}
