//! The gate: `qviz watch TARGET --fail-on overflow -- COMMAND`, with a real listener and real load in a network of its own.

use std::net::SocketAddr;

use serde_json::Value;

use crate::fixture::{SOON, assert_valid, connect, listen, start_connect};
use crate::lab;
use crate::needs::tool;
use crate::netns::inside;

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A load test for `address`: so many connections at once, kept for a moment; exits with `status`.
fn load(address: SocketAddr, connections: usize, status: u8) -> Vec<String> {
    let program = format!(
        "import socket,sys,time\n\
         all=[socket.socket() for _ in range({connections})]\n\
         [s.setblocking(False) for s in all]\n\
         [s.connect_ex(('{}',{})) for s in all]\n\
         time.sleep(1.5); print('load done'); sys.exit({status})",
        address.ip(),
        address.port()
    );
    let python = tool("python3").get_program().to_string_lossy().into_owned();
    vec![python, "-c".into(), program]
}

fn gate(words: &str, command: &[String]) -> std::process::Output {
    let words = ["watch"].into_iter().chain(words.split_whitespace()).chain(["--"]).map(str::to_owned);
    lab::run_qviz(words.chain(command.iter().cloned()), SOON)
}

/// What `nstat` says of a counter of this namespace, since it was made.
fn nstat(name: &str) -> u64 {
    let output = tool("nstat").args(["-asz", name]).output().unwrap();
    let text = said(&output.stdout);
    text.split_whitespace().skip_while(|word| *word != name).nth(1).unwrap().parse::<f64>().unwrap() as u64
}

fn document(output: &std::process::Output) -> Value {
    let document = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid(&document);
    document
}

case!(a_load_that_overflows_fails_with_the_number_that_nstat_counted);
fn a_load_that_overflows_fails_with_the_number_that_nstat_counted() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 4);
        let before = nstat("TcpExtListenDrops");
        let output = gate(&format!("{address} --fail-on overflow --to-end --json"), &load(address, 40, 0));
        assert_eq!(output.status.code(), Some(3), "{}", said(&output.stderr));
        let document = document(&output);
        let (verdict, counted) = (&document["verdict"], nstat("TcpExtListenDrops") - before);
        assert!(counted > 0 && verdict["failed"] == true && verdict["rule"] == "overflow", "{verdict:#}");
        assert_eq!(verdict["dropped"].as_u64(), Some(counted), "{verdict:#}");
        assert!(verdict["sentence"].as_str().unwrap().contains(&format!("dropped {counted} packets")), "{verdict:#}");
        let first = verdict["first_at_s"].as_f64().unwrap();
        assert!(first < document["duration_s"].as_f64().unwrap(), "{verdict:#}");
        assert_eq!(document["load"]["exit"], 0);
        assert!(said(&output.stderr).contains("load done"), "the command's output is apart from the document");
    });
}

case!(a_load_that_fits_ends_with_its_own_status);
fn a_load_that_fits_ends_with_its_own_status() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 400);
        for status in [0, 7] {
            let output = gate(&format!("{address} --fail-on overflow --json"), &load(address, 40, status));
            assert_eq!(output.status.code(), Some(status.into()), "{}", said(&output.stderr));
            let document = document(&output);
            assert_eq!((&document["verdict"]["failed"], &document["verdict"]["dropped"]), (&false.into(), &0.into()));
            assert_eq!(document["load"]["exit"], status);
        }
    });
}

case!(the_first_drop_ends_the_command_with_all_that_it_has_started);
fn the_first_drop_ends_the_command_with_all_that_it_has_started() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 1);
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("runs");
        let script = format!("sleep 1000 & echo child $!; : >{}; wait", runs.display());
        let _waiting = connect(address, 2);
        let running = lab::Running::start(
            ["watch", &address.to_string(), "--fail-on", "overflow", "--format", "github", "--", "sh", "-c", &script]
                .map(str::to_owned),
        );
        lab::wait_until(SOON, "the command runs", || runs.exists().then_some(()));
        let _refused: Vec<_> = (0..3).map(|_| start_connect(address)).collect();
        let output = running.finish(SOON);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output.stderr));
        let stdout = said(&output.stdout);
        let child = stdout.lines().find_map(|line| line.strip_prefix("child ")).unwrap().to_owned();
        lab::wait_until(SOON, "its child has ended", || is_gone(&child).then_some(()));
        let annotation = stdout.lines().find(|line| line.starts_with("::")).unwrap();
        assert!(annotation.starts_with(&format!("::error title=qviz overflow::{address} ")), "{annotation}");
    });
}

fn is_gone(pid: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}

case!(without_a_listener_or_a_program_the_gate_is_an_error_and_nothing_runs);
fn without_a_listener_or_a_program_the_gate_is_an_error_and_nothing_runs() {
    inside(|| {
        let output = gate(":8080 --fail-on overflow", &["echo".into(), "ran".into()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output.stderr).contains("nothing listens on :8080"), "{}", said(&output.stderr));
        assert!(!said(&output.stdout).contains("ran"));
        let (_listener, address) = listen("127.0.0.1:0", 5);
        let output = gate(&format!("{address} --fail-on overflow"), &["./no-such-program".into()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output.stderr).contains("cannot start ./no-such-program"), "{}", said(&output.stderr));
    });
}
