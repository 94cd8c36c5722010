//! `qviz watch --containers`: the listeners of all network namespaces in one list, and the hint where a port is listened on elsewhere.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::needs::{network, tool, tools};
use crate::schema_document::assert_valid;
use crate::who::is_root;

/// A program that listens in a network of its own, where so many connections wait.
struct Elsewhere(Child);

impl Elsewhere {
    fn start(port: u16, waiting: u32) -> Self {
        tools(&["ip", "python3"]);
        let lines = format!(
            "import socket, time\n\
             listener = socket.create_server(('0.0.0.0', {port}), backlog=8)\n\
             clients = [socket.create_connection(('127.0.0.1', {port})) for _ in range({waiting})]\n\
             print('ready', flush=True)\n\
             time.sleep(600)\n"
        );
        let mut unshare = tool("unshare");
        unshare.arg(if is_root() { "-n" } else { "-Urn" });
        unshare.args(["sh", "-c", "ip link set lo up && exec python3 -c \"$0\"", &lines]);
        let mut child = unshare.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self(child)
    }

    /// The number of its network namespace.
    fn number(&self) -> u64 {
        let link = fs::read_link(format!("/proc/{}/ns/net", self.0.id())).unwrap();
        link.to_str().unwrap().trim_start_matches("net:[").trim_end_matches(']').parse().unwrap()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn qviz(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qviz"));
    command.args(["watch", "--no-config", "--lang", "en"]).args(words.split(' '));
    command
}

fn document(mut command: Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

// Alone: beside other tests there are their namespaces, too.
case!(every_namespace_that_may_be_entered_is_in_one_list, alone);
fn every_namespace_that_may_be_entered_is_in_one_list() {
    network();
    let places = [(Elsewhere::start(8097, 2), 8097, 2), (Elsewhere::start(8097, 5), 8097, 5)];
    let document = document(qviz("--containers --json"));
    assert_valid(&document);
    let namespaces = document["namespaces"].as_array().unwrap();
    assert!(namespaces[0]["own"].as_bool().unwrap());
    for (place, port, waiting) in &places {
        let number = place.number();
        let found = namespaces.iter().find(|namespace| namespace["number"] == number).expect("its namespace");
        assert_eq!((&found["entered"], &found["pid"]), (&true.into(), &place.0.id().into()), "{found:#}");
        assert_eq!(found["counters"]["ListenDrops"], 0, "its own counters, not the machine's");
        let listeners = found["watch"]["listeners"].as_array().unwrap();
        let tcp: Vec<_> = listeners.iter().filter(|listener| listener["family"] == "tcp4").collect();
        assert_eq!(tcp.len(), 1, "{found:#}");
        assert_eq!(tcp[0]["address"], format!("0.0.0.0:{port}"));
        assert_eq!((&tcp[0]["accept_queue"]["depth"], &tcp[0]["command"]), (&(*waiting).into(), &"python3".into()));
    }
    let text = qviz("--containers --ascii").output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    for (place, ..) in &places {
        assert!(text.contains(&format!("qviz watch --pid {}", place.0.id())), "{text}");
    }
}

case!(who_may_not_see_a_namespace_is_told_how_many_processes_hide_theirs);
fn who_may_not_see_a_namespace_is_told_how_many_processes_hide_theirs() {
    if !is_root() {
        // Root's processes hide theirs from an ordinary user.
        let document = document(qviz("--containers --json"));
        assert!(document["hidden_processes"].as_u64().unwrap() > 0);
        return;
    }
    let place = Elsewhere::start(8098, 1);
    let mut nobody = tool("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_qviz")]);
    nobody.args(["watch", "--no-config", "--containers", "--json"]);
    let document = document(nobody);
    assert_valid(&document);
    assert!(document["hidden_processes"].as_u64().unwrap() > 0);
    let namespaces = document["namespaces"].as_array().unwrap();
    assert!(namespaces.iter().all(|namespace| namespace["number"] != place.number()), "{document:#}");
}

case!(a_port_that_is_listened_on_elsewhere_is_said_with_the_command_that_shows_it, alone);
fn a_port_that_is_listened_on_elsewhere_is_said_with_the_command_that_shows_it() {
    network();
    let place = Elsewhere::start(8099, 1);
    let output = qviz(":8099 --once").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("qviz watch --pid {} :8099", place.0.id())), "{said}");
    let there = document(qviz(&format!("--pid {} :8099 --once --json", place.0.id())));
    assert_eq!(there["listeners"][0]["accept_queue"]["depth"], 1);
}
