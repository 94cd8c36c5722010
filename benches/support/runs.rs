//! What all benches that measure whole runs share: a fresh process for each measurement, medians, one table.

#![allow(dead_code, reason = "each bench uses its own part")]

use std::env;
use std::process::{Command, Stdio};

/// The measurement that this process was started for, if it was.
pub(crate) fn asked() -> Option<String> {
    env::var(ASKED).ok()
}

/// Measures `what` in a fresh process and brings the numbers that it prints.
pub(crate) fn fresh(what: &str) -> Vec<f64> {
    let mut again = Command::new(env::current_exe().unwrap());
    let output = again.env(ASKED, what).stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{what}: {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

/// Every measurement in each of `rounds` rounds, interleaved; per measurement the numbers of all rounds.
pub(crate) fn interleaved(rounds: usize, whats: &[&str]) -> Vec<Vec<Vec<f64>>> {
    let mut all = vec![Vec::new(); whats.len()];
    for _ in 0..rounds {
        for (numbers, what) in all.iter_mut().zip(whats) {
            numbers.push(fresh(what));
        }
    }
    all
}

/// The median of the numbers at `index` of all rounds.
pub(crate) fn median_at(rounds: &[Vec<f64>], index: usize) -> f64 {
    median(rounds.iter().map(|numbers| numbers[index]).collect())
}

/// The median; the lower one of the two middle ones.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers[(numbers.len() - 1) / 2]
}

/// CPU time of this process so far, all threads, user and system, in seconds.
pub(crate) fn cpu_s() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}

/// One line of a bench's table.
pub(crate) struct Line {
    /// What was measured, with its unit.
    pub(crate) what: String,
    /// The median.
    pub(crate) median: f64,
    /// What it is compared with, and that one's median in the same unit.
    pub(crate) anchor: Option<(&'static str, f64)>,
}

impl Line {
    /// A line of the table.
    pub(crate) fn new(what: impl Into<String>, median: f64, anchor: Option<(&'static str, f64)>) -> Self {
        Self { what: what.into(), median, anchor }
    }
}

/// Prints the table.
pub(crate) fn table(lines: &[Line]) {
    println!("{:58} {:>12}   {:38} {:>12} {:>8}", "what", "median", "anchor", "median", "ratio");
    for Line { what, median, anchor } in lines {
        match anchor {
            Some((name, base)) => {
                println!("{what:58} {median:>12.2}   {name:38} {base:>12.2} {:>8.3}", median / base);
            }
            None => println!("{what:58} {median:>12.2}"),
        }
    }
}

const ASKED: &str = "QVIZ_BENCH_MEASURES";
