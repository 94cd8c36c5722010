//! `qviz watch` from outside: real listeners in a network namespace that is thrown away with each claim.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::net::{UnixListener, UnixStream};

use rustix::process::Signal;
use serde_json::Value;

use crate::fixture::{HttpServer, Lines, SOON, assert_valid, connect, document, listen, row, ss, start_connect, watch};
use crate::lab;
use crate::needs::{network, tool};
use crate::netns::inside;
use crate::who::is_root;

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

case!(one_look_agrees_with_ss_on_depth_limit_and_drops);
fn one_look_agrees_with_ss_on_depth_limit_and_drops() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 3);
        let _waiting = connect(address, 4);
        let _refused: Vec<_> = (0..3).map(|_| start_connect(address)).collect();
        let truth = lab::wait_until(SOON, "the drops", || ss(address).filter(|(.., drops)| *drops >= 3));
        let document = document("--once");
        let row = row(&document, address);
        let queue = &row["accept_queue"];
        assert_eq!((queue["depth"].as_u64(), queue["limit"].as_u64()), (Some(truth.0), Some(truth.1)), "{row:#}");
        assert_eq!((queue["capacity"].as_u64(), queue["max"].as_u64()), (Some(4), Some(4)), "{row:#}");
        assert!(queue["oldest_wait_ms"].is_u64(), "{row:#}");
        let drops = row["drops"]["listener"].as_u64().unwrap() + row["drops"]["noise"].as_u64().unwrap();
        assert!((truth.2..=ss(address).unwrap().2).contains(&drops), "{truth:?} {row:#}");
        assert_eq!((&row["family"], row["pid"].as_u64()), (&"tcp4".into(), Some(std::process::id().into())));
        assert!(row["rates"].as_object().unwrap().values().all(Value::is_null), "one look sees no rate: {row:#}");
        assert_eq!((&document["schema"], &document["kind"]), (&"qviz/1".into(), &"watch".into()));
    });
}

case!(one_look_prints_a_table_with_address_and_owner);
fn one_look_prints_a_table_with_address_and_owner() {
    inside(|| {
        let server = HttpServer::start(8080);
        let output = watch("--once");
        let table = said(&output.stdout);
        assert!(output.status.success());
        for needed in ["127.0.0.1:8080", "python3", &server.pid().to_string()] {
            assert!(table.contains(needed), "{needed} is missing:\n{table}");
        }
    });
}

case!(a_stalled_server_is_seen_full_with_everybody_who_waits);
fn a_stalled_server_is_seen_full_with_everybody_who_waits() {
    inside(|| {
        let server = HttpServer::start(8080);
        server.signal(Signal::STOP);
        let mut clients = connect(server.address, 6);
        clients[0].write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        lab::wait_until(SOON, "a full queue", || ss(server.address).filter(|(depth, ..)| *depth == 6));
        let document = document(":8080 --once");
        let row = row(&document, server.address);
        assert_eq!((&row["command"], row["pid"].as_u64()), (&"python3".into(), Some(server.pid().into())));
        let waiting = row["waiting"].as_array().unwrap();
        let mut peers: Vec<_> = waiting.iter().map(|one| one["peer"].as_str().unwrap().to_owned()).collect();
        let mut truth: Vec<_> = clients.iter().map(|client| client.local_addr().unwrap().to_string()).collect();
        peers.sort();
        truth.sort();
        assert_eq!(peers, truth);
        let talker = clients[0].local_addr().unwrap().to_string();
        let bytes = |one: &Value| one["bytes"].as_u64().unwrap();
        assert_eq!(waiting.iter().map(bytes).sum::<u64>(), 18);
        assert_eq!(waiting.iter().find(|one| one["peer"] == talker).map(bytes), Some(18));
        assert!(waiting.iter().all(|one| one["age_ms"].is_u64() && one["state"] == "established"), "{row:#}");
    });
}

case!(of_a_reuseport_group_the_fullest_member_is_chosen);
fn of_a_reuseport_group_the_fullest_member_is_chosen() {
    inside(|| {
        let (first, address) = listen("127.0.0.1:0", 50);
        let (second, _) = listen(&address.to_string(), 50);
        let _clients = connect(address, 20);
        let mut lines = Lines::start(&address.port().to_string());
        let roll = lines.next("roll");
        let chosen = lines.next("chosen");
        let members = roll["changed"].as_array().unwrap();
        let mut group: Vec<_> = members.iter().filter(|row| row["address"] == address.to_string()).collect();
        group.sort_by_key(|row| row["depth"].as_u64());
        assert_eq!(group.len(), 2);
        let (emptier, fuller) = (group[0]["depth"].as_u64().unwrap(), group[1]["depth"].as_u64().unwrap());
        assert_eq!(emptier + fuller, 20);
        if emptier < fuller {
            assert_eq!(chosen["id"], group[1]["id"]);
        }
        drop((first, second));
    });
}

case!(a_port_at_several_addresses_is_not_guessed_and_one_of_them_can_be_named);
fn a_port_at_several_addresses_is_not_guessed_and_one_of_them_can_be_named() {
    inside(|| {
        let (_one, _) = listen("127.0.0.1:8080", 5);
        let (_other, address) = listen("127.0.0.2:8080", 5);
        let _clients = connect(address, 2);
        let output = watch("8080 --once --json");
        assert!(output.status.success());
        let note = said(&output.stderr);
        assert!(note.contains("2 addresses: 127.0.0.1:8080, 127.0.0.2:8080"), "{note}");
        let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(whole["listeners"].as_array().unwrap().len(), 2);
        let named = document("127.0.0.2:8080 --once");
        assert_eq!(row(&named, address)["waiting"].as_array().unwrap().len(), 2);
    });
}

case!(an_ipv4_client_of_a_dual_stack_listener_waits_in_its_queue);
fn an_ipv4_client_of_a_dual_stack_listener_waits_in_its_queue() {
    inside(|| {
        let (_listener, address) = listen("[::]:8080", 5);
        let clients = connect("127.0.0.1:8080".parse().unwrap(), 1);
        let document = document(":8080 --once");
        let row = row(&document, address);
        assert_eq!(row["family"], "tcp6");
        let waiting = row["waiting"].as_array().unwrap();
        assert_eq!(waiting.len(), 1, "{row:#}");
        assert_eq!(waiting[0]["peer"], clients[0].local_addr().unwrap().to_string());
    });
}

case!(nobody_there_is_an_error_for_one_look_that_names_the_nearest);
fn nobody_there_is_an_error_for_one_look_that_names_the_nearest() {
    inside(|| {
        let (_near, _) = listen("127.0.0.1:8081", 5);
        let (_far, _) = listen("127.0.0.1:9999", 5);
        for form in ["", "--json"] {
            let output = watch(&format!(":8080 --once {form}"));
            let message = said(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{message}");
            assert!(output.stdout.is_empty(), "{}", said(&output.stdout));
            let near = message.find("127.0.0.1:8081").expect(&message);
            let far = message.find("127.0.0.1:9999").expect(&message);
            assert!(
                near < far && message.contains("nothing listens on :8080") && message.contains("try:"),
                "{message}"
            );
        }
    });
}

case!(unix_sockets_are_listed_with_their_queue);
fn unix_sockets_are_listed_with_their_queue() {
    inside(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        let _client = UnixStream::connect(&path).unwrap();
        let document = document(&format!("{} --once", path.display()));
        let rows = document["listeners"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{document:#}");
        assert_eq!((&rows[0]["family"], &rows[0]["address"]), (&"unix".into(), &path.to_str().unwrap().into()));
        assert_eq!(rows[0]["accept_queue"]["depth"], 1);
    });
}

case!(a_watch_tells_events_in_their_order_and_the_document_last);
fn a_watch_tells_events_in_their_order_and_the_document_last() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 5);
        let output = watch(&format!("{address} --jsonl --duration 500ms"));
        assert_eq!(output.status.code(), Some(0), "{}", said(&output.stderr));
        let lines: Vec<Value> = said(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap_or("document")).collect();
        let place =
            |kind: &str| kinds.iter().position(|one| *one == kind).unwrap_or_else(|| panic!("{kind}: {kinds:?}"));
        assert_eq!(place("watching"), 0);
        assert!(place("roll") < place("chosen") && place("chosen") < place("began"), "{kinds:?}");
        assert!(place("began") < place("listening") && place("listening") < place("queue"), "{kinds:?}");
        assert_eq!((kinds[kinds.len() - 2], kinds[kinds.len() - 1]), ("ended", "document"));
        let lasted = lines.last().unwrap()["duration_s"].as_f64().unwrap();
        assert!(lasted >= 0.5, "{lasted}");
        for kind in ["owned", "crowded", "counters", "listed"] {
            place(kind);
        }
        lines.iter().for_each(assert_valid);
    });
}

case!(with_the_right_to_tap_every_syn_is_told_with_its_listener);
fn with_the_right_to_tap_every_syn_is_told_with_its_listener() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 5);
        let (_other, elsewhere) = listen("127.0.0.1:0", 5);
        let mut lines = Lines::start(&address.to_string());
        assert_eq!(lines.next("watching")["rights"]["tap"], true);
        let id = lines.next("chosen")["id"].clone();
        assert_eq!(lines.next("began")["tap"], true);
        lines.next("listed");
        let clients = connect(address, 2);
        let _others = connect(elsewhere, 3);
        let knocks = lines.until("the SYNs of both", |event| {
            event["knocks"].as_array().is_some_and(|knocks| knocks.iter().any(|knock| knock["syns"] == 3))
        });
        let told = |wanted: &Value| knocks["knocks"].as_array().unwrap().iter().any(|one| one["id"] == *wanted);
        let before = lines
            .seen
            .iter()
            .filter(|event| event["event"] == "knocked")
            .any(|event| event["knocks"].as_array().unwrap().iter().any(|one| one["id"] == id && one["syns"] == 2));
        assert!(before || told(&id), "{knocks:#}");
        let peers: Vec<_> = clients.iter().map(|client| client.local_addr().unwrap().to_string()).collect();
        lines.until("the last client in the list", |event| {
            event["waiting"].as_array().is_some_and(|waiting| waiting.len() == 2)
        });
        let syn = |event: &&Value| event["event"] == "segment" && event["kind"] == "syn";
        let seen: Vec<_> =
            lines.seen.iter().filter(syn).map(|event| event["peer"].as_str().unwrap().to_owned()).collect();
        assert_eq!(seen, peers);
    });
}

case!(a_signal_ends_a_watch_after_its_document_with_its_own_code);
fn a_signal_ends_a_watch_after_its_document_with_its_own_code() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 5);
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let mut lines = Lines::start(&address.to_string());
            lines.next("began");
            let (seen, status) = lines.end(signal);
            assert_eq!(status, Some(code));
            let last = seen.last().unwrap();
            assert_eq!(
                (&last["kind"], row(last, address)["accept_queue"]["limit"].as_u64()),
                (&"watch".into(), Some(5))
            );
        }
    });
}

case!(the_first_drop_ends_a_load_test_with_3_and_the_reason);
fn the_first_drop_ends_a_load_test_with_3_and_the_reason() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 1);
        let _waiting = connect(address, 2);
        let (_quiet, other) = listen("127.0.0.1:0", 9);
        let words = |address: SocketAddr| format!("watch {address} --fail-on overflow --duration 20s --json");
        let run = lab::Running::start(words(address).split(' '));
        let bystander = lab::Running::start(["watch", &other.to_string(), "--fail-on", "overflow", "--duration", "4s"]);
        lab::wait_until(SOON, "the watch", || watches(run.pid()).then_some(()));
        let _refused = start_connect(address);
        let output = run.finish(SOON);
        let message = said(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{message}");
        assert!(message.contains(&address.to_string()) && message.contains("dropped"), "{message}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(row(&document, address)["drops"]["listener"].as_u64() > Some(0), "{document:#}");
        assert!(document["duration_s"].as_f64().unwrap() < 19.0, "not at the end of its time: {document:#}");
        assert_eq!(bystander.finish(SOON).status.code(), Some(0), "another listener's drops do not count");
    });
}

/// True when a qviz has found a listener to watch: it has its netlink socket and its tap or runs its thread.
fn watches(pid: u32) -> bool {
    std::fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|tasks| tasks.count() > 1)
}

case!(a_queue_that_is_too_full_ends_a_load_test_with_3);
fn a_queue_that_is_too_full_ends_a_load_test_with_3() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 4);
        let _three = connect(address, 3);
        let calm = watch(&format!("{address} --fail-on full:80% --fail-on overflow --duration 300ms"));
        assert_eq!(calm.status.code(), Some(0), "{}", said(&calm.stderr));
        let once = watch(&format!("{address} --fail-on full:60% --once"));
        assert_eq!(once.status.code(), Some(3), "{}", said(&once.stderr));
        let run = lab::Running::start(["watch", &address.to_string(), "--fail-on", "full:80%", "--duration", "20s"]);
        let _fourth = connect(address, 1);
        let output = run.finish(SOON);
        assert_eq!(output.status.code(), Some(3));
        assert!(said(&output.stderr).contains("holds 4 of 5"), "{}", said(&output.stderr));
    });
}

case!(a_check_of_a_listener_that_never_came_has_not_passed);
fn a_check_of_a_listener_that_never_came_has_not_passed() {
    inside(|| {
        let output = watch(":8080 --fail-on overflow --duration 200ms");
        assert_eq!(output.status.code(), Some(1), "{}", said(&output.stderr));
        assert!(said(&output.stderr).contains("nothing listens on :8080"), "{}", said(&output.stderr));
        let output = watch(":8080 --json --duration 200ms");
        assert_eq!(output.status.code(), Some(0), "waiting alone is no check");
        assert!(said(&output.stderr).contains("waiting for it"), "{}", said(&output.stderr));
    });
}

case!(a_listener_is_waited_for_and_followed_when_it_restarts_with_another_pid);
fn a_listener_is_waited_for_and_followed_when_it_restarts_with_another_pid() {
    inside(|| {
        let mut lines = Lines::start(":8080");
        let note = lines.next("refused");
        assert!(note["message"].as_str().unwrap().contains("waiting for it"), "{note}");
        let mut ids = Vec::new();
        for _ in 0..2 {
            let server = HttpServer::start(8080);
            let chosen = lines.next("chosen");
            assert_eq!(lines.next("began")["address"], "127.0.0.1:8080");
            let pid = u64::from(server.pid());
            let owned = |event: &Value| event["event"] == "owned" && event["id"] == chosen["id"];
            let known = lines.seen.iter().rfind(|event| owned(event)).map(|event| event["pid"].clone());
            if known != Some(pid.into()) {
                lines.until("its owner", |event| owned(event) && event["pid"] == pid);
            }
            drop(server);
            lines.until("its end", |event| event["gone"].as_array().is_some_and(|gone| gone.contains(&chosen["id"])));
            ids.push(chosen["id"].clone());
        }
        assert_ne!(ids[0], ids[1]);
    });
}

case!(a_backlog_that_changes_while_watched_is_told);
fn a_backlog_that_changes_while_watched_is_told() {
    inside(|| {
        let (listener, address) = listen("127.0.0.1:0", 5);
        let mut lines = Lines::start(&address.to_string());
        assert_eq!(lines.next("listening")["limit"], 5);
        listener.listen(64).unwrap();
        assert_eq!(lines.next("listening")["limit"], 64);
        listener.listen(2).unwrap();
        assert_eq!(lines.next("listening")["limit"], 2);
    });
}

case!(a_recorded_watch_replays_to_the_very_same_bytes);
fn a_recorded_watch_replays_to_the_very_same_bytes() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 2);
        let _waiting = connect(address, 3);
        let _refused = start_connect(address);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("watch.qviz");
        let file = file.to_str().unwrap();
        for form in ["--json", "--jsonl", "--headless"] {
            let live = watch(&format!("{address} {form} --duration 1500ms --record {file}"));
            assert!(live.status.success() && live.stdout.len() > 100, "{}", said(&live.stderr));
            let replayed = lab::run_qviz(["replay", file, form], SOON);
            assert!(replayed.status.success(), "{}", said(&replayed.stderr));
            assert_eq!(said(&replayed.stdout), said(&live.stdout), "{form}");
        }
    });
}

case!(without_any_right_the_queue_who_waits_and_the_stall_are_seen);
/// Not in a namespace of its own: there everybody is root. And without any capability, also where root runs the tests.
fn without_any_right_the_queue_who_waits_and_the_stall_are_seen() {
    let (_listener, address) = listen("127.0.0.1:0", 3);
    let mut waiting = connect(address, 4);
    waiting[0].write_all(b"hello").unwrap();
    let _refused: Vec<_> = (0..3).map(|_| start_connect(address)).collect();
    let output = tool("setpriv")
        .args(["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", env!("CARGO_BIN_EXE_qviz"), "watch"])
        .args([&address.to_string(), "--json", "--duration", "4500ms"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid(&document);
    assert_eq!(document["rights"]["tap"], false, "{}", document["rights"]);
    let (depth, limit, drops) = ss(address).unwrap();
    let one = row(&document, address);
    let queue = &one["accept_queue"];
    assert_eq!((queue["depth"].as_u64(), queue["limit"].as_u64()), (Some(depth), Some(limit)), "{one:#}");
    let told = one["drops"]["listener"].as_u64().unwrap() + one["drops"]["noise"].as_u64().unwrap();
    assert!((3..=drops).contains(&told), "{drops} {one:#}");
    let clients = one["waiting"].as_array().unwrap();
    let sender = waiting[0].local_addr().unwrap().to_string();
    assert_eq!(clients.len(), 4, "{one:#}");
    assert!(clients.iter().all(|client| client["age_ms"].as_u64().is_some_and(|age| age >= 2000)), "{one:#}");
    assert!(clients.iter().any(|client| client["peer"] == sender && client["bytes"] == 5), "{one:#}");
    let findings = document["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["rule"] == "server-stalled"), "{findings:#?}");
}

case!(what_may_not_be_seen_is_said_with_the_remedy);
/// Not in a namespace of its own: there everybody is root.
fn what_may_not_be_seen_is_said_with_the_remedy() {
    let (_listener, address) = listen("127.0.0.1:0", 5);
    let document = document(&format!("{address} --once"));
    let rights = &document["rights"];
    if is_root() {
        assert_eq!((&rights["tap"], &rights["owners"]), (&true.into(), &"all".into()));
    } else {
        assert_eq!((&rights["tap"], &rights["owners"]), (&false.into(), &"own".into()));
        let mut lines = Lines::start(&address.to_string());
        let rights = lines.next("watching")["rights"].clone();
        assert!(rights["tap_refused"].as_str().unwrap().contains("CAP_NET_RAW"), "{rights}");
        assert!(rights["owners_refused"].as_str().unwrap().contains("setcap"), "{rights}");
        assert_eq!(lines.next("began")["tap"], false);
    }
    assert_eq!(
        row(&document, address)["pid"].as_u64(),
        Some(std::process::id().into()),
        "one's own sockets have an owner"
    );
}

case!(the_namespace_of_a_lab_is_watched_by_pid_and_by_file);
fn the_namespace_of_a_lab_is_watched_by_pid_and_by_file() {
    network();
    let words =
        ["--net", "lab", "--headless", "--backlog", "7", "--rate", "20", "--accept-rate", "0", "--duration", "60s"];
    let run = lab::Running::start(words);
    let pid = run.pid();
    lab::wait_until(SOON, "the lab's listener", || {
        let output = watch(&format!(":8080 --pid {pid} --once --json"));
        output.status.success().then_some(())
    });
    for place in [format!("--pid {pid}"), format!("--netns /proc/{pid}/ns/net")] {
        let document = document(&format!("198.51.100.1:8080 {place} --once"));
        let row = row(&document, "198.51.100.1:8080".parse().unwrap());
        assert_eq!((row["pid"].as_u64(), &row["command"]), (Some(pid.into()), &"qviz".into()), "{row:#}");
        assert_eq!(row["accept_queue"]["limit"], 7);
    }
}

case!(a_namespace_that_cannot_be_entered_is_an_error_with_the_next_command);
fn a_namespace_that_cannot_be_entered_is_an_error_with_the_next_command() {
    for (words, reason) in [
        ("--once --netns /nowhere/net", "/nowhere/net"),
        ("--once --netns /proc/self/ns/mnt", "no network namespace"),
        ("--once --pid 4194303", "4194303"),
    ] {
        let output = watch(words);
        let message = said(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(reason) && message.contains("try:"), "{message}");
        assert!(output.stdout.is_empty());
    }
}

case!(a_watch_sends_nothing_to_the_watched);
fn a_watch_sends_nothing_to_the_watched() {
    inside(|| {
        let (_listener, address) = listen("127.0.0.1:0", 5);
        let opened = || lab_counter("ActiveOpens");
        let before = opened();
        document(&format!("{address} --duration 500ms"));
        assert_eq!(opened(), before, "a connection was opened");
        assert_eq!(ss(address), Some((0, 5, 0)));
    });
}

/// A counter of /proc/net/snmp's Tcp line.
fn lab_counter(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/net/snmp").unwrap();
    let lines: Vec<Vec<_>> =
        text.lines().filter(|line| line.starts_with("Tcp:")).map(|line| line.split(' ').collect()).collect();
    let column = lines[0].iter().position(|one| *one == name).unwrap();
    lines[1][column].parse().unwrap()
}
