//! What the defaults tell within one wave, without a key.

use std::time::Duration;

use serde_json::Value;

use crate::lab::run_qviz;
use crate::needs::network;
use crate::pane::{Pane, depth};

case!(within_one_wave_the_screen_shows_queues_that_fill_overflow_drain_and_recover);
fn within_one_wave_the_screen_shows_queues_that_fill_overflow_drain_and_recover() {
    network();
    // The run ends by its own clock: what was not seen until then has not happened in time.
    let mut pane = Pane::qviz((120, 36), "--backlog 5 --duration 12s");
    let mut seen = Seen::default();
    pane.wait("a queue that recovers", |pane| {
        seen.look(pane);
        seen.recovered
    });
    pane.wait("the end of the run", |pane| {
        seen.look(pane);
        pane.afterwards().contains("Reproduce: qviz")
    });
    assert_eq!(
        seen,
        Seen { half_open: true, queued: true, full: true, dropped: true, countdown: true, recovered: true }
    );
    let summary = pane.afterwards();
    assert!(summary.contains("SYN dropped: accept queue full"), "{summary}");
    assert!(summary.contains("Balanced: every drop accounted for"), "{summary}");
}

/// What was on the screen at some moment.
#[derive(Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a list of sights")]
struct Seen {
    half_open: bool,
    queued: bool,
    full: bool,
    dropped: bool,
    countdown: bool,
    recovered: bool,
}

impl Seen {
    fn look(&mut self, pane: &Pane) {
        let text = pane.text();
        if let (Some((syn, _)), Some((accept, capacity))) = (depth(pane, "SYN QUEUE"), depth(pane, "ACCEPT QUEUE")) {
            self.half_open |= syn > 0;
            self.queued |= accept > 0;
            self.full |= accept == capacity;
            self.recovered |= self.full && self.dropped && accept + 2 <= capacity;
        }
        self.dropped |= text.contains("SYN dropped: accept queue full");
        self.countdown |= text.contains("retry in");
    }
}

case!(within_one_wave_the_events_hold_the_same_story);
fn within_one_wave_the_events_hold_the_same_story() {
    network();
    let output = run_qviz(["--jsonl", "--backlog", "5", "--duration", "12s"], Duration::from_secs(30));
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect();
    let summary = lines.last().expect("a summary");
    assert_eq!(summary["schema"], "qviz/1");
    assert_eq!(summary["ledger"]["balanced"], true);
    let count = |pointer: &str| summary.pointer(pointer).and_then(Value::as_u64).expect(pointer);
    assert!(count("/syn_queue/max") > 0, "the SYN queue held connections");
    assert_eq!(count("/accept_queue/max"), 6, "the accept queue was full");
    assert!(count("/clients/accepted") > 0, "accept() drained some");
    assert!(count("/segments/syn_retransmit") > 0, "a retry was seen");
    let dropped = summary["drops"].as_array().expect("drops").iter();
    let syns: u64 = dropped
        .filter(|drop| drop["cause"] == "syn:accept-queue-full")
        .filter_map(|drop| drop["segments"].as_u64())
        .sum();
    assert!(syns > 0, "a SYN dropped");
    let depths: Vec<u64> =
        lines.iter().filter(|line| line["event"] == "queue").filter_map(|line| line["depth"].as_u64()).collect();
    let full = depths.iter().position(|depth| *depth == 6).expect("the full queue was read");
    assert!(depths[full..].iter().any(|depth| *depth <= 4), "the queue recovered: {:?}", &depths[full..]);
}
