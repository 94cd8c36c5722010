//! Random scenarios, each with a real server and real clients in a network namespace of its own, watched for a moment: no document contradicts itself, its
//! metrics, its table, the kernel's counters, or what the scenario knows of itself.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::cross_examination::{contradictions, moments};
use crate::fixture::assert_valid;
use crate::lab;
use crate::needs::{tool, tools};
use crate::netns::inside;
use crate::seeds::{Seeds, command};

/// The scenario of a seed, at work; its processes end with it.
struct Scenario {
    child: Child,
    truth: Value,
}

impl Scenario {
    fn start(seed: u64, folder: &std::path::Path) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/random_watches/scenario.py");
        // In a PID namespace of its own: what it has started ends with it, stopped processes too.
        let mut words = tool("unshare");
        words.args(["--pid", "--fork", "--kill-child", "python3", script]).arg(seed.to_string()).arg(folder);
        let mut child = words.stdout(Stdio::piped()).stdin(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, truth: serde_json::from_str(&line).unwrap_or_else(|error| panic!("seed {seed}: {error}")) }
    }
}

impl Drop for Scenario {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// What contradicts what in this scenario.
fn judge(seed: u64) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let scenario = Scenario::start(seed, folder.path());
    let truth = &scenario.truth;
    let target: Vec<_> = truth["target"].as_str().into_iter().filter(|target| !target.is_empty()).collect();
    let mut found = Vec::new();
    let run = |more: &[&str]| {
        let words = ["watch"].into_iter().chain(target.iter().copied()).chain(["--json"]).chain(more.iter().copied());
        let output = lab::run_qviz(words, Duration::from_secs(60));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_valid(&document);
        document
    };
    let file = folder.path().join("watch.qviz");
    let before = lab::nstat(std::process::id());
    let document = run(&["--duration", "2500ms", "--record", file.to_str().unwrap()]);
    let after = lab::nstat(std::process::id());
    let once = run(&["--once"]);
    for (number, said) in moments(&file).iter().enumerate() {
        found.extend(said.contradictions().into_iter().map(|what| format!("tenth {number}: {what}")));
    }
    for document in [&document, &once] {
        found.extend(against_the_truth(document, truth));
    }
    for counter in ["ListenOverflows", "ListenDrops", "SyncookiesSent", "SyncookiesRecv", "TCPReqQFullDrop"] {
        let key = format!("TcpExt{counter}");
        let moved = after[&key] - before[&key];
        let said = document["counters"][counter].as_u64().unwrap_or(0);
        if said > moved {
            found.push(format!("{counter}: {said} said, nstat moved by {moved}"));
        }
    }
    if !found.is_empty() {
        eprintln!("{truth}\n{:#}", document["findings"]);
    }
    found
}

/// What a document says that this scenario knows to be otherwise.
fn against_the_truth(document: &Value, truth: &Value) -> Vec<String> {
    let rules: Vec<_> = document["findings"].as_array().unwrap().iter().collect();
    let says = |rule: &str| rules.iter().find(|finding| finding["rule"] == rule).map(ToString::to_string);
    let mut false_ones =
        vec![says("unanswered-before-listener"), says("two-programs-one-port"), says("reset-on-close")];
    if truth["nobody_closes"] == true {
        false_ones.extend([says("dead-in-queue"), says("syn-rst-checks")]);
    }
    if truth["server_resets"] == false {
        false_ones.push(says("reset-after-accept"));
    }
    if truth["manner"] == "never" || truth["manner"] == "stopped" && truth["workers"] == 1 && truth["kind"] != "two" {
        for listener in
            document["listeners"].as_array().unwrap().iter().filter(|one| one["address"] != "127.0.0.1:8001")
        {
            if listener["rates"]["accepts_per_s"].as_f64().is_some_and(|rate| rate > 0.0)
                || listener["drain"].is_object()
            {
                false_ones.push(Some(format!("nobody accepts: {} {}", listener["rates"], listener["drain"])));
            }
        }
    }
    if truth["manner"] != "stopped" {
        false_ones.push(says("owner-stopped"));
    }
    false_ones.into_iter().flatten().collect()
}

case!(random_watches_contradict_neither_themselves_nor_the_kernel, alone);
fn random_watches_contradict_neither_themselves_nor_the_kernel() {
    tools(&["python3", "ss", "nstat"]);
    inside(|| {
        let mut wrong = Vec::new();
        for seed in Seeds::of_this_run().range() {
            let found = judge(seed);
            let again = command(seed, "lab", "random_watches");
            wrong.extend(found.into_iter().map(|what| format!("{again}: {what}")));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

// A planted falsehood of each kind that this test adds to the examiner's own.
case!(what_a_scenario_knows_refutes_a_planted_finding);
fn what_a_scenario_knows_refutes_a_planted_finding() {
    let truth = serde_json::json!({"nobody_closes": true, "server_resets": false, "manner": "never", "workers": 1, "kind": "tcp4"});
    let document = |rule: &str, rate: f64| serde_json::json!({"findings": [{"rule": rule}], "listeners": [{"rates": {"accepts_per_s": rate}, "drain": null}]});
    assert_eq!(against_the_truth(&document("accept-queue-full", 0.0), &truth), [""; 0]);
    for rule in ["dead-in-queue", "syn-rst-checks", "reset-after-accept", "unanswered-before-listener", "owner-stopped"]
    {
        assert_eq!(against_the_truth(&document(rule, 0.0), &truth).len(), 1, "{rule}");
    }
    assert_eq!(against_the_truth(&document("accept-queue-full", 2.0), &truth).len(), 1);
    let contradicting = serde_json::json!({"findings": [], "counters": {}, "listeners": [
        {"accept_queue": {"depth": 7, "max": 6}, "drops": {}, "gone_s": 1}]});
    assert!(!contradictions(&contradicting, "", "").is_empty());
}
