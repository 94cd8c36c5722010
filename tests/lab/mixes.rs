//! Runs of mixed settings, beyond the matrix: both kinds of clients, both families, every rate, loss, bursts, half-open clients and all
//! settings of the kernel. Half of them beside four busy loops, half under a tracer that slows every call. All of them balance, at the
//! first try.

use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::lab;
use crate::needs::{network, tool};
use crate::seeds::{self, Seeds};

/// Longer than a traced run takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(3 * 60);

/// Mixes for each seed.
const EACH: u64 = 3;

/// A small generator, so that a mix depends on its number alone.
struct Draw(u64);

impl Draw {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % count as u64) as usize
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn sometimes(&mut self, options: &mut String, percent: usize, name: &str, choices: &[&str]) {
        if self.below(100) < percent {
            let value = self.of(choices);
            _ = write!(options, " {name} {value}");
        }
    }
}

/// The options of a mix. A traced one is slow: its rates are lower.
fn options(number: u64, traced: bool) -> String {
    let mut draw = Draw(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let client = draw.of(&["wire", "connect"]);
    let mut options = format!("--client {client} --seed {number} --duration {}", draw.of(&["2s", "3s"]));
    let rates: &[&str] = match (traced, client) {
        (true, _) => &["20", "60", "200"],
        (false, "wire") => &["20", "100", "1k", "10k", "1m"],
        (false, _) => &["20", "100", "1k", "5k"],
    };
    if draw.below(3) == 0 {
        _ = write!(
            options,
            " --arrivals burst:{}/{}",
            draw.of(&["5", "20", "100"]),
            draw.of(&["100ms", "200ms", "500ms"])
        );
    } else {
        _ = write!(options, " --rate {}", draw.of(rates));
        draw.sometimes(&mut options, 40, "--arrivals", &["poisson"]);
    }
    for (percent, name, choices) in [
        (100, "--backlog", &["0", "1", "2", "5", "16", "64", "128"][..]),
        (100, "--accept-rate", &["0", "3", "10", "100", "2500", "max"]),
        (100, "--rtt", &["0ms", "1ms", "20ms", "100ms", "400ms"]),
        (40, "--jitter", &["1ms", "10ms"]),
        (40, "--loss", &["5%", "20%", "50%"]),
        (40, "--half-open", &["5%", "30%"]),
        (100, "--syncookies", &["0", "1", "2"]),
        (40, "--abort-on-overflow", &["1"]),
        (30, "--synack-retries", &["0", "1", "2"]),
        (20, "--max-syn-backlog", &["8", "16", "128"]),
        (30, "--listen", &["[::]:8080", "[2001:db8::1]:8080", "127.0.0.1:8080"]),
        (20, "--workers", &["1", "3"]),
        (20, "--service", &["50ms"]),
    ] {
        draw.sometimes(&mut options, percent, name, choices);
    }
    options
}

/// Busy loops that end with this value.
struct Busy(Vec<Child>);

impl Busy {
    fn start(count: usize) -> Self {
        let spin = || Command::new("sh").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn().unwrap();
        Self((0..count).map(|_| spin()).collect())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _it_has_ended = child.kill();
            let _status = child.wait();
        }
    }
}

/// What is wrong with the run of this mix.
fn trouble(number: u64, traced: bool) -> Option<String> {
    let options = options(number, traced);
    let words = format!("--headless --json {options}");
    let output = if traced {
        let mut strace = tool("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null"]).arg(env!("CARGO_BIN_EXE_qviz")).args(words.split_whitespace());
        strace.output().unwrap()
    } else {
        lab::run_qviz(words.split_whitespace(), LIMIT)
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{options}: {:?} {stderr}", output.status);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{options}: {error}"));
    let balanced = document["ledger"]["balanced"] == true && document["ledger"]["unexplained"] == Value::Array(vec![]);
    let capacity = document["listener"]["accept_capacity"].as_u64();
    let deepest = document["accept_queue"]["max"].as_u64();
    let again = seeds::command(number / EACH, "lab", "mixes");
    if !balanced {
        return Some(format!("{options}: {}; again: {again}\n", document["ledger"]));
    }
    (deepest > capacity)
        .then(|| format!("{options}: {deepest:?} of {capacity:?} in the accept queue; again: {again}\n"))
}

fn all(traced: bool) {
    network();
    let seeds = Seeds::of_this_run().range();
    let numbers: Vec<u64> = seeds.flat_map(|seed| (0..EACH).map(move |mix| seed * EACH + mix)).collect();
    let mut troubles = Vec::new();
    for some in numbers.chunks(3) {
        std::thread::scope(|scope| {
            let runs: Vec<_> = some.iter().map(|number| scope.spawn(|| trouble(*number, traced))).collect();
            troubles.extend(runs.into_iter().filter_map(|run| run.join().unwrap()));
        });
    }
    assert!(troubles.is_empty(), "{} of {} runs in trouble:\n{}", troubles.len(), numbers.len(), troubles.concat());
}

case!(mixed_settings_balance_beside_four_busy_loops, one at a time);
fn mixed_settings_balance_beside_four_busy_loops() {
    let _busy = Busy::start(4);
    all(false);
}

case!(mixed_settings_balance_under_a_tracer, one at a time);
fn mixed_settings_balance_under_a_tracer() {
    all(true);
}
