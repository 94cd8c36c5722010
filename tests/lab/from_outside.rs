//! The lab from outside: the real program, in its private network, with witnesses that share no code with it.

use std::collections::BTreeMap;
use std::time::Duration;

use qviz::model::event::Event;
use qviz::session::recording::read::Recording;
use rustix::process::Signal;
use serde_json::Value;

use crate::lab;
use crate::needs::{had, network, tools};

const LIMIT: Duration = Duration::from_secs(60);

/// The kernel's end of the lab's link.
const SERVER_END: &str = "srv0";

fn json(options: &str) -> Value {
    let mut args = vec!["--headless", "--json"];
    args.extend(options.split_whitespace());
    let output = lab::run_qviz(&args, LIMIT);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{options}: {:?} {stderr}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"))
}

fn count(summary: &Value, pointer: &str) -> u64 {
    summary.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer} in {summary:#}"))
}

fn number(summary: &Value, pointer: &str) -> f64 {
    summary.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer} in {summary:#}"))
}

fn drop_count(summary: &Value, cause: &str) -> (u64, u64) {
    let drops = summary["drops"].as_array().unwrap();
    let drop = drops.iter().find(|drop| drop["cause"] == cause).unwrap_or_else(|| panic!("{cause} is not listed"));
    (drop["segments"].as_u64().unwrap(), drop["clients"].as_u64().unwrap())
}

/// The network namespace of a process, if it can be seen.
fn network_of(process: &str) -> Option<std::path::PathBuf> {
    std::fs::read_link(format!("/proc/{process}/ns/net")).ok()
}

/// A run that others look into while it lasts; ended by SIGINT, which prints the summary.
fn watched(options: &str, look: impl FnOnce(u32)) -> Value {
    let mut args = vec!["--headless", "--json"];
    args.extend(options.split_whitespace());
    let running = lab::Running::start(&args);
    let pid = running.pid();
    lab::wait_until(LIMIT, "the lab is entered", || {
        (network_of(&pid.to_string())? != network_of("self")?).then_some(())
    });
    lab::wait_until(LIMIT, "the listener listens", || lab::ss_listener(pid, 8080));
    look(pid);
    running.signal(Signal::INT);
    let output = running.finish(LIMIT);
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

case!(backlog_5_holds_six_and_ss_sees_the_same);
fn backlog_5_holds_six_and_ss_sees_the_same() {
    network();
    let options = "--backlog 5 --count 40 --rate 200 --arrivals burst:20/1s --accept-rate 0";
    let summary = watched(options, |pid| {
        lab::wait_until(LIMIT, "ss shows six of five", || (lab::ss_listener(pid, 8080) == Some((6, 5))).then_some(()));
    });
    assert_eq!(count(&summary, "/listener/accept_capacity"), 6);
    assert_eq!(count(&summary, "/accept_queue/max"), 6);
    let drops = summary["drops"].as_array().unwrap();
    assert!(drops.iter().any(|drop| drop["segments"].as_u64() > Some(0)), "drops by cause: {summary:#}");
    assert_eq!(summary["ledger"]["balanced"], true, "{summary:#}");
}

case!(little_s_law_holds_in_the_syn_queue);
fn little_s_law_holds_in_the_syn_queue() {
    network();
    let summary = json("--backlog 64 --rate 100 --rtt 200ms --half-open 0 --accept-rate max --duration 5s");
    let mean = number(&summary, "/syn_queue/mean");
    assert!((16.0..=24.0).contains(&mean), "100/s × 0.2 s = 20, measured {mean}");
    for drop in summary["drops"].as_array().unwrap() {
        assert_eq!(drop["segments"], 0, "{drop}");
    }
}

case!(real_clients_and_ss_agree);
fn real_clients_and_ss_agree() {
    network();
    let options = "--client connect --backlog 3 --rate 50 --accept-rate 0 --rtt 0ms";
    let summary = watched(options, |pid| {
        lab::wait_until(LIMIT, "ss shows four of three", || {
            (lab::ss_listener(pid, 8080) == Some((4, 3))).then_some(())
        });
    });
    // A client whose request was made while the last place was still free has its SYN-ACK, and counts as connected for itself.
    let drops = summary["drops"].as_array().unwrap();
    let stranded = drops.iter().find(|drop| drop["cause"] == "ack:accept-queue-full").unwrap();
    assert_eq!(count(&summary, "/clients/connected"), 4 + count(stranded, "/clients"), "{summary:#}");
    assert_eq!(count(&summary, "/accept_queue/max"), 4);
    assert!(count(&summary, "/clients/in_flight") >= count(&summary, "/clients/connected"));
}

case!(segments_and_counters_equal_those_of_an_independent_capture);
/// Every cause of a drop, each in a run that is watched from its first to its last segment by a capture and by nstat.
fn segments_and_counters_equal_those_of_an_independent_capture() {
    network();
    tools(&["python3"]);
    let runs = [
        ("--backlog 5 --rate 60 --accept-rate 20 --rtt 50ms", "syn:accept-queue-full"),
        ("--backlog 5 --arrivals burst:6/200ms --accept-rate 5 --rtt 50ms", "ack:accept-queue-full"),
        ("--backlog 5 --syncookies 0 --rate 60 --rtt 300ms --accept-rate max", "syn:syn-queue-full"),
        (
            "--backlog 100 --syncookies 0 --max-syn-backlog 8 --rate 60 --rtt 300ms --accept-rate max",
            "syn:max-syn-backlog",
        ),
        ("--backlog 5 --syncookies 2 --rate 60 --accept-rate 10 --rtt 100ms", "ack:cookie-accept-queue-full"),
        (
            "--backlog 5 --abort-on-overflow 1 --arrivals burst:6/200ms --accept-rate 5 --rtt 50ms",
            "ack:reset-on-overflow",
        ),
        ("--backlog 100 --rate 40 --half-open 100% --rtt 20ms --accept-rate max", "request:expired"),
        ("--client connect --backlog 5 --rate 60 --accept-rate 20 --rtt 50ms", "syn:accept-queue-full"),
    ];
    std::thread::scope(|scope| {
        for (options, cause) in runs {
            scope.spawn(move || capture_agrees(options, cause));
        }
    });
}

case!(pruned_requests_equal_those_that_were_answered_and_are_no_longer_listed_outside);
/// Pruning has no counter. A request that was answered, whose client never came back, which no timer can have ended yet, and which `ss`
/// no longer lists, was pruned.
fn pruned_requests_equal_those_that_were_answered_and_are_no_longer_listed_outside() {
    network();
    tools(&["python3"]);
    let options = "--backlog 8 --arrivals burst:9/60s --half-open 100% --rtt 20ms --accept-rate max --delay 2s";
    let mut witnesses = None;
    let summary = watched(options, |pid| {
        let capture = had(lab::Capture::start(pid, SERVER_END, 8080));
        lab::wait_until(LIMIT, "nine requests", || (lab::ss_half_open(pid, 8080) == 9).then_some(()));
        lab::wait_until(LIMIT, "one is gone", || (lab::ss_half_open(pid, 8080) < 9).then_some(()));
        let mut looks = 0;
        let mut left = lab::ss_half_open(pid, 8080);
        lab::wait_until(LIMIT, "no more of them go", || {
            let now = lab::ss_half_open(pid, 8080);
            looks = if now == left { looks + 1 } else { 0 };
            left = now;
            (looks > 200).then_some(())
        });
        // Those that are left are answered again, all at once; then their timers rest for eight seconds, and the run ends in between.
        let again = || lab::nstat(pid)["TcpExtTCPSynRetrans"];
        let before = again();
        lab::wait_until(LIMIT, "the next SYN-ACKs", || (again() >= before + left).then_some(()));
        witnesses = Some((capture, left, lab::nstat(pid)));
    });
    let (capture, left, kernel) = witnesses.unwrap();
    let wire = capture.stop();
    assert_eq!((wire.dropped, wire.syn, wire.syn_ack, wire.final_ack, wire.rst), (0, 9, 9, 0, 0));
    // The last SYN-ACK (tcp_synack_retries = 5) is sent after half a minute, and nobody is removed by his timer before it.
    assert!(wire.syn_ack_retransmit < 9 * 5, "{wire:?}");
    assert_eq!((kernel["TcpExtListenDrops"], kernel["TcpExtSyncookiesSent"]), (0, 0));
    assert_eq!(drop_count(&summary, "request:pruned"), (wire.syn_ack - left, wire.syn_ack - left), "{left} are left");
    assert_eq!(drop_count(&summary, "request:expired").0, 0);
    assert_eq!(count(&summary, "/segments/syn_ack_retransmit"), wire.syn_ack_retransmit);
}

fn capture_agrees(options: &str, cause: &str) {
    // Nobody starts until the capture stands; everybody has given up, and every timer has ended, before it is compared.
    let quiet_end = "--count 40 --delay 2s --syn-retries 1 --synack-retries 1 --duration 10m";
    let mut witnesses = None;
    let summary = watched(&format!("{options} {quiet_end}"), |pid| {
        let capture = had(lab::Capture::start(pid, SERVER_END, 8080));
        assert_eq!(lab::nstat(pid)["TcpExtListenDrops"], 0, "{options}: the capture stands too late");
        let before = lab::nstat(pid)["TcpInSegs"];
        lab::wait_until(LIMIT, "the first client", || (lab::nstat(pid)["TcpInSegs"] > before).then_some(()));
        lab::wait_until(LIMIT, "nothing moves any more", || still(pid));
        witnesses = Some((capture, lab::nstat(pid)));
    });
    let (capture, kernel) = witnesses.unwrap();
    let wire = capture.stop();
    assert_eq!(wire.dropped, 0, "{options}");
    let told = |name: &str| summary["segments"][name].as_u64().unwrap();
    assert_eq!(told("syn"), wire.syn, "{options}");
    assert_eq!(told("syn_retransmit"), wire.syn_retransmit, "{options}");
    assert_eq!(told("syn_ack"), wire.syn_ack, "{options}");
    assert_eq!(told("syn_ack_retransmit"), wire.syn_ack_retransmit, "{options}");
    assert_eq!(told("ack"), wire.final_ack, "{options}");
    for (name, value) in summary["counters"].as_object().unwrap() {
        let nstat = kernel.get(&format!("TcpExt{name}")).or_else(|| kernel.get(&format!("Tcp{name}")));
        if let (Some(nstat), Some(value)) = (nstat, value.as_u64()) {
            assert_eq!(value, *nstat, "{options}: {name}");
        }
    }
    drops_equal_what_was_seen_outside(&summary, wire, &kernel, options);
    assert!(drop_count(&summary, cause).0 > 0, "{options}: {cause}\n{:#}", summary["drops"]);
}

/// The sums that follow from a capture and the kernel's counters alone, without any code of qviz.
fn drops_equal_what_was_seen_outside(summary: &Value, wire: lab::Wire, kernel: &BTreeMap<String, u64>, options: &str) {
    let causes = |prefix: &str| -> u64 {
        let drops = summary["drops"].as_array().unwrap().iter();
        let some = drops.filter(|drop| drop["cause"].as_str().unwrap().starts_with(prefix));
        some.map(|drop| drop["segments"].as_u64().unwrap()).sum()
    };
    assert_eq!(causes("syn:") + causes("ack:"), kernel["TcpExtListenDrops"], "{options}: ListenDrops");
    let overflows = causes("syn:accept-queue-full") + causes("ack:");
    assert_eq!(overflows, kernel["TcpExtListenOverflows"], "{options}: ListenOverflows");
    assert_eq!(causes("syn:syn-queue-full"), kernel["TcpExtTCPReqQFullDrop"], "{options}: TCPReqQFullDrop");
    // Each SYN that reached the listener was answered or dropped; a SYN of a request that stands is answered at once.
    let answered_by_timer = kernel["TcpExtTCPSynRetrans"];
    let answers = wire.syn_ack + wire.syn_ack_retransmit;
    if !options.contains("connect") {
        let answered_syns = answers - answered_by_timer.min(answers);
        assert_eq!(wire.syn + wire.syn_retransmit, answered_syns + causes("syn:"), "{options}: SYNs");
    }
}

/// Something once nothing has come in for a while: longer than any timer of these runs waits.
fn still(pid: u32) -> Option<()> {
    let moved = || {
        let counters = lab::nstat(pid);
        ["TcpInSegs", "TcpRetransSegs", "TcpOutRsts"].map(|name| counters[name])
    };
    let before = moved();
    let mut looks = 0;
    lab::wait_until(LIMIT, "a few looks", || {
        looks += 1;
        (looks > 400).then_some(())
    });
    (moved() == before).then_some(())
}

case!(a_list_of_those_who_wait_is_later_than_the_list_of_requests_from_the_same_walk);
/// What waits goes on waiting while the kernel's tables are walked: that list counts from the end of the walk.
fn a_list_of_those_who_wait_is_later_than_the_list_of_requests_from_the_same_walk() {
    network();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.qviz");
    json(&format!("--client connect --rate 50 --backlog 5 --accept-rate 10 --duration 1s --record {}", file.display()));
    let mut walk = None;
    let mut lists = 0;
    for fact in Recording::open(&file).unwrap().facts().unwrap() {
        let Event::Listed(listed) = fact.event else { continue };
        assert_ne!(listed.half_open.is_some(), listed.waiting.is_some(), "each list has a moment of its own");
        if listed.half_open.is_some() {
            walk = Some(fact.at);
        } else {
            assert!(walk.take().unwrap() < fact.at);
            lists += 1;
        }
    }
    assert!(lists >= 5, "{lists}");
}
