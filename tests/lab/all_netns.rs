//! `qviz watch --containers`: the listeners of all network namespaces in one list, and the hint where a port is listened on elsewhere.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::fixture::SOON;
use crate::lab::wait_until;
use crate::metrics::promtool_takes;
use crate::metrics::scraper::Served;
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

/// The accept queue's depth of this port, by namespace.
fn depths(page: &str, port: u16) -> Vec<(String, u32)> {
    let start = format!("qviz_accept_queue_depth{{address=\"0.0.0.0:{port}\",");
    let line = |line: &str| {
        let (labels, depth) = line.strip_prefix(&start)?.rsplit_once("\"} ")?;
        Some((labels.split_once("namespace=\"")?.1.to_owned(), depth.parse().unwrap()))
    };
    page.lines().filter_map(line).collect()
}

/// The processes that this one has started.
fn children(of: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let parent = format!("PPid:\t{of}");
    let is_child = |pid: &u32| {
        fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| status.lines().any(|line| line == parent))
    };
    all.filter(is_child).collect()
}

// Alone: it enters every namespace that is there.
case!(one_page_has_the_series_of_every_namespace_as_long_as_it_is_there, alone);
fn one_page_has_the_series_of_every_namespace_as_long_as_it_is_there() {
    network();
    let (first, second) = (Elsewhere::start(8096, 2), Elsewhere::start(8096, 5));
    let served = Served::start("--all-netns --metrics 0 --no-config");
    let (is, was) = (format!("pid {}", first.0.id()), format!("pid {}", second.0.id()));
    let both = [(is.clone(), 2), (was, 5)];
    let counted = format!("qviz_kernel_events_total{{name=\"ListenDrops\",namespace=\"{is}\"}} 0\n");
    let page = wait_until(SOON, "both namespaces and their own counters", || {
        let page = served.page();
        let seen = depths(&page, 8096);
        (both.iter().all(|one| seen.contains(one)) && page.contains(&counted)).then_some(page)
    });
    assert!(depths(&page, 8096).len() == 2 && page.ends_with("# EOF\n"), "{page}");
    promtool_takes(&served.plain());
    // Who watches it does not keep it: a namespace ends with its last process.
    drop(second);
    wait_until(SOON, "the one that is left", || (depths(&served.page(), 8096) == both[..1]).then_some(()));
    let watchers = children(served.pid());
    assert!(watchers.len() >= 2, "{watchers:?}");
    drop(served);
    let is_there =
        |pid: &u32| fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("metrics-pipe"));
    wait_until(SOON, "killed, it leaves nobody behind", || (!watchers.iter().any(is_there)).then_some(()));
}
