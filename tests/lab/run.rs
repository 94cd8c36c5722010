//! `qviz run` from outside: real servers in the lab, found, read, turned, loaded and ended.

use std::process::Output;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::fixture::assert_valid;
use crate::lab::{self, Running, ss_listener, wait_until};
use crate::needs::{network, tools};

const SOON: Duration = Duration::from_secs(40);

/// Listens where `bind` says, with the backlog 5, and answers one client after the other; `more` runs before it listens.
fn server(bind: &str, more: &str) -> String {
    format!(
        "import socket, sys, time\n{more}\ns = socket.socket()\ns.setsockopt(1, 2, 1)\ns.bind({bind})\ns.listen(5)\n\
         while True:\n  c, _ = s.accept()\n  c.recv(100)\n  c.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\n')\n  c.close()\n"
    )
}

fn run(options: &str, command: &[&str]) -> Output {
    network();
    tools(&["python3"]);
    lab::run_qviz(
        ["run"].into_iter().chain(options.split_whitespace()).chain(["--"]).chain(command.iter().copied()),
        SOON,
    )
}

/// The document of a run that succeeds.
#[track_caller]
fn document(options: &str, command: &[&str]) -> Value {
    let output = run(&format!("--json {options}"), command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid(&document);
    assert_eq!(document["ledger"]["balanced"], true, "{}", document["ledger"]);
    document
}

/// True while a process has this word in its command line.
fn is_there(word: &str) -> bool {
    let lines = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        (pid != std::process::id()).then(|| String::from_utf8_lossy(&line).into_owned())
    });
    lines.into_iter().any(|line| line.contains(word) && !line.contains("qviz"))
}

case!(a_server_on_loopback_is_found_and_every_client_is_seen_from_its_syn_to_its_end);
fn a_server_on_loopback_is_found_and_every_client_is_seen_from_its_syn_to_its_end() {
    for bind in ["('127.0.0.1', 8080)", "('', 80)"] {
        let said = document("--rate 40 --rtt 20ms --count 60 --duration 4s", &["python3", "-c", &server(bind, "")]);
        let [server, listener, clients] = ["server", "listener", "clients"].map(|field| &said[field]);
        assert_eq!(
            (&server["exit"], &server["backlog_asked"], &said["load"]),
            (&Value::Null, &Value::Null, &Value::Null)
        );
        assert_eq!((&listener["accept_limit"], &listener["address"]), (&5.into(), &server["listener"]));
        for field in ["started", "connected", "accepted", "finished"] {
            assert_eq!(clients[field], 60, "{field}: {clients}");
        }
        assert!(said["accept_queue"]["wait_ms"]["p50"].is_number());
    }
}

case!(the_running_servers_backlog_is_changed_and_its_overflow_is_accounted_for);
fn the_running_servers_backlog_is_changed_and_its_overflow_is_accounted_for() {
    network();
    tools(&["python3", "ss"]);
    let slow = server("('', 8080)", "").replace("c.close()", "c.close(); time.sleep(.2)");
    let options = "run --json --backlog 2 --arrivals burst:20/1s --rtt 20ms --duration 4s --";
    let running = Running::start(options.split_whitespace().chain(["python3", "-c", &slow]));
    // Before that it stands in no namespace of its own, and `nsenter` would enter the wrong ones.
    let netns = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
    wait_until(SOON, "the lab", || (netns(&running.pid().to_string())? != netns("self")?).then_some(()));
    wait_until(SOON, "the limit that was asked for", || (ss_listener(running.pid(), 8080)?.1 == 2).then_some(()));
    let output = running.finish(SOON);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid(&said);
    assert_eq!((&said["ledger"]["balanced"], &said["server"]["backlog_asked"]), (&true.into(), &2.into()));
    assert!(said["counters"]["ListenOverflows"].as_u64() > Some(0), "{}", said["counters"]);
    assert_eq!(said["accept_queue"]["max"], 3);
}

case!(a_load_generator_is_at_the_given_distance_and_counts_what_qviz_counts);
fn a_load_generator_is_at_the_given_distance_and_counts_what_qviz_counts() {
    network();
    tools(&["python3"]);
    let load = "python3 -c 'import os, socket, time\nfastest = 9\nfor i in range(20):\n  t = time.time()\n  \
                s = socket.create_connection((os.environ[\"QVIZ_HOST\"], os.environ[\"QVIZ_PORT\"]))\n  \
                fastest = min(fastest, time.time() - t)\n  s.sendall(b\"x\")\n  s.recv(100)\n  s.close()\n\
                print(\"fastest\", fastest, os.environ[\"QVIZ_URL\"])'; exit 7";
    let arguments = ["run", "--json", "--rtt", "60ms", "--load", load, "--", "python3", "-c"];
    let program = server("('127.0.0.1', 8080)", "");
    let output = lab::run_qviz(arguments.into_iter().chain([program.as_str()]), SOON);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid(&said);
    assert_eq!((&said["load"]["exit"], &said["ledger"]["balanced"]), (&7.into(), &true.into()), "{}", said["load"]);
    // The last one may still be closing when the load generator has gone.
    for (field, least) in [("started", 20), ("connected", 20), ("accepted", 20), ("finished", 19)] {
        assert!((least..=20).contains(&said["clients"][field].as_u64().unwrap()), "{}", said["clients"]);
    }
    let line = said["load"]["output"][0].as_str().unwrap();
    let mut words = line.split(' ').skip(1);
    let fastest: f64 = words.next().unwrap().parse().unwrap();
    assert!(fastest >= 0.06, "{line}");
    assert_eq!(words.next(), Some("http://198.51.100.1:8080/"));
    assert!(said["connect_ms"]["p50"].as_f64() >= Some(60.0));
}

case!(the_members_of_a_reuseport_group_are_read_together);
fn the_members_of_a_reuseport_group_are_read_together() {
    let group = "import os, socket\nos.fork()\ns = socket.socket()\ns.setsockopt(1, 15, 1)\ns.bind(('', 8080))\ns.listen(5)\n\
                 while True:\n  c, _ = s.accept()\n  c.recv(100)\n  c.sendall(b'x')\n  c.close()\n";
    // Both have to be there when the first is found.
    let both = group.replace("os.fork()", "os.fork() or __import__('time').sleep(.001)");
    let said = document("--rate 100 --rtt 10ms --duration 3s", &["python3", "-c", &both]);
    let limit = said["listener"]["accept_limit"].as_u64().unwrap();
    assert!(limit == 11 || limit == 5, "six and six places are twelve: {limit}");
    assert!(said["clients"]["accepted"].as_u64() > Some(200), "{}", said["clients"]);
}

case!(bare_acks_of_a_deferred_listener_complete_nothing);
fn bare_acks_of_a_deferred_listener_complete_nothing() {
    let deferred = server("('', 8080)", "").replace("s.listen(5)", "s.setsockopt(6, 9, 2)\ns.listen(5)");
    let said = document("--rate 40 --rtt 10ms --duration 3s", &["python3", "-c", &deferred]);
    assert!(said["counters"]["TCPDeferAcceptDrop"].as_u64() > Some(60), "{}", said["counters"]);
    assert!(said["clients"]["accepted"].as_u64() > Some(60), "{}", said["clients"]);
}

case!(whatever_a_server_starts_ends_with_qviz_even_when_that_is_killed);
fn whatever_a_server_starts_ends_with_qviz_even_when_that_is_killed() {
    network();
    tools(&["python3"]);
    for signal in [Signal::TERM, Signal::KILL, Signal::INT] {
        let word = format!("left-over-{}-{signal:?}", std::process::id());
        // A daemon that ignores SIGTERM, in a session of its own.
        let daemon = "import os, signal\nif os.fork() == 0:\n  os.setsid()\n  signal.signal(15, signal.SIG_IGN)\nelse: os._exit(0)";
        let program = server("('', 8080)", daemon);
        let running = Running::start(["run", "--json", "--rate", "5", "--", "python3", "-c", &program, &word]);
        wait_until(SOON, "the daemon", || is_there(&word).then_some(()));
        wait_until(SOON, "the daemon listens", || ss_listener(running.pid(), 8080));
        running.signal(signal);
        wait_until(SOON, "nothing is left", || (!is_there(&word)).then_some(()));
    }
}

case!(a_server_that_does_not_listen_is_one_clear_error_with_its_last_words);
fn a_server_that_does_not_listen_is_one_clear_error_with_its_last_words() {
    let noise = "import sys\nsys.stdout.write('x' * 300_000_000 + '\\nthe last line\\n')\nsys.exit(3)";
    let datagrams = "import socket, time\ns = socket.socket(2, 2)\ns.bind(('', 9))\ntime.sleep(60)";
    let far = "import socket, time\ns = socket.socket(10)\ns.bind(('::1', 99))\ns.listen()\ntime.sleep(60)";
    let deaf = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(60)";
    let abroad = "import socket\nsocket.create_connection(('203.0.113.9', 5432), 1)";
    let name = "import socket\nsocket.socket(2, 2).sendto(b'?', ('127.0.0.53', 53))";
    let twice = "import socket\na = socket.socket()\na.bind(('', 8080))\nsocket.socket().bind(('', 8080))";
    let local = "import socket, time\ns = socket.socket(1)\ns.bind('\\0qviz-run')\ns.listen()\ntime.sleep(60)";
    let elsewhere = server("('', 8080)", "");
    for (options, command, says) in [
        ("", vec!["no-such-command"], "no-such-command cannot be started: No such file"),
        ("", vec!["no-such-command"], "give the server's command behind --"),
        ("", vec!["/etc/passwd"], "/etc/passwd cannot be started: Permission denied"),
        ("", vec!["/tmp"], "it is a directory, or lacks the right to be executed"),
        ("", vec!["python3", "-c", abroad], "it has sent something out of the lab"),
        ("", vec!["python3", "-c", name], "it has sent something out of the lab"),
        ("", vec!["python3", "-c", twice], "it has sent nothing that the lab lacks"),
        ("--ready 1s", vec!["python3", "-c", local], "listen with UDP or a unix socket alone"),
        ("", vec!["false"], "false has exited with status 1 before it listened; it has written nothing"),
        ("", vec!["sh", "-c", "kill -9 $$"], "sh was ended by signal 9 before it listened"),
        (
            "",
            vec!["sh", "-c", "echo a; echo b >&2; exit 4"],
            "sh has exited with status 4 before it listened; its last lines:\n  a\n  b",
        ),
        ("", vec!["python3", "-c", noise], "the last line"),
        ("--ready 700ms", vec!["sleep", "60"], "sleep does not listen on a TCP port after 0.7 s"),
        ("--ready 1s", vec!["python3", "-c", datagrams], "python3 does not listen on a TCP port after 1 s"),
        ("--ready 1s", vec!["python3", "-c", deaf], "python3 does not listen on a TCP port after 1 s"),
        ("--ready 1s", vec!["python3", "-c", far], "python3 listens on [::1]:99 after 1 s, but not where"),
        ("--ready 1s --port 99", vec!["python3", "-c", &elsewhere], "python3 listens on 0.0.0.0:8080 after 1 s"),
        ("--server-log /no/such/file", vec!["false"], "cannot open the log /no/such/file: No such file"),
    ] {
        let output = run(&format!("--json --duration 1s {options}"), &command);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {error}");
        assert!(error.contains(says), "{command:?}: {error}");
        assert!(output.stdout.is_empty() && error.matches("error: ").count() == 1, "{error}");
    }
}

case!(what_became_of_server_and_load_generator_stands_in_the_summary);
fn what_became_of_server_and_load_generator_stands_in_the_summary() {
    network();
    tools(&["python3"]);
    let text = |options: &str, command: &[&str]| {
        let output = run(&format!("--headless --rate 5 {options}"), command);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let ends = "import socket, sys, time\na = socket.create_server(('', 8080))\nb = socket.create_server(('', 8081))\ntime.sleep(1)\nsys.exit('no memory')";
    let said = text("--duration 3s", &["python3", "-c", ends]);
    for words in ["It listens on 0.0.0.0:8081 as well", "ended during the run: status 1.\n    no memory\n"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let serves = server("('', 8080)", "");
    let load = "--duration 3s --load no-such-load-generator";
    let said = text(load, &["python3", "-c", &serves]);
    assert!(
        said.contains("LOAD GENERATOR: no-such-load-generator\n  It has ended: the command was not found"),
        "{said}"
    );
}

case!(what_only_qvizs_own_server_understands_is_a_usage_error);
fn what_only_qvizs_own_server_understands_is_a_usage_error() {
    for option in ["--accept-rate 3", "--workers 2", "--service 1s", "--listen 198.51.100.1:80", "--net host"] {
        let output = run(&format!("--json --duration 1s {option}"), &["true"]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("cannot be used with qviz run"), "{error}");
    }
    assert_eq!(run("--json", &[]).status.code(), Some(2));
}

case!(the_log_has_all_that_the_server_writes_and_the_document_its_last_lines);
fn the_log_has_all_that_the_server_writes_and_the_document_its_last_lines() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let program = server("('', 8080)", "for i in range(100): print('line', i, flush=True)");
    let options = format!("--rate 5 --duration 1s --server-log {}", log.display());
    let said = document(&options, &["python3", "-c", &program]);
    let kept = said["server"]["output"].as_array().unwrap();
    assert!(kept.len() <= 20 && kept.contains(&"line 99".into()), "{kept:?}");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.starts_with("line 0\n") && log.contains("line 99\n"));
}
