//! `qviz watch` beside real servers, each stalled under connects: what it tells agrees with `ss` and `nstat`, and it names the stall.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::fixture::{Lines, SOON, assert_valid, connect, row, ss, start_connect};
use crate::lab;
use crate::needs::{had, tool, tools};
use crate::netns::inside;
use fleet::{Server, address, postgres, program, stop};

#[path = "servers/fleet.rs"]
pub(crate) mod fleet;

/// How soon a stall has to be named, by qviz's own stamps.
const NAMED_WITHIN: f64 = 2.0;

/// The document at the end of a watch.
fn document(lines: Lines) -> Value {
    let (seen, status) = lines.end(Signal::INT);
    assert_eq!(status, Some(130));
    let document = seen.last().unwrap().clone();
    assert_eq!(document["kind"], "watch", "the document comes last");
    assert_valid(&document);
    document
}

/// The finding of a rule.
fn finding<'a>(document: &'a Value, rule: &str) -> &'a Value {
    let findings = document["findings"].as_array().unwrap();
    findings.iter().find(|one| one["rule"] == rule).unwrap_or_else(|| panic!("no {rule} in {findings:#?}"))
}

/// Reads on until the watch's own stamps have passed `at`.
fn pass(lines: &mut Lines, at: f64) {
    lines.until("time passes", |event| event["t_s"].as_f64().is_some_and(|now| now > at));
}

/// The stamp at which a connection was first seen to wait.
fn first_wait(lines: &mut Lines) -> f64 {
    let waits = |event: &Value| event["event"] == "queue" && event["depth"].as_u64().is_some_and(|depth| depth > 0);
    lines.until("somebody waits", waits)["t_s"].as_f64().unwrap()
}

fn listen_drops() -> u64 {
    lab::nstat(std::process::id())["TcpExtListenDrops"]
}

/// Fills the stalled server on [`address`] and five clients more; holds everything that a watch tells against `ss` and `nstat`.
fn agrees(server: &Server, command: &[&str], habit: Option<&str>) {
    let (_, limit, _) = ss(address()).unwrap();
    let mut lines = Lines::start(&address().to_string());
    lines.next("listed");
    let before = listen_drops();
    server.stall();
    let began = lab::now();
    let clients = connect(address(), limit as usize + 1);
    let first = first_wait(&mut lines);
    lab::wait_until(SOON, "a full queue", || ss(address()).filter(|(depth, ..)| *depth == limit + 1));
    let refused: Vec<_> = (0..5).map(|_| start_connect(address())).collect();
    let (depth, _, drops) = lab::wait_until(SOON, "five drops", || ss(address()).filter(|(.., drops)| *drops >= 5));
    // Their SYNs are not sent again: from now on everything stands still.
    drop(refused);
    let dropped = listen_drops() - before;
    pass(&mut lines, first + 2.5);
    let last = lines.next("listed")["t_s"].as_f64().unwrap();
    pass(&mut lines, last + 1.0);
    let document = document(lines);
    let most = began.elapsed().as_millis() as u64;
    let row = row(&document, address());
    let queue = &row["accept_queue"];
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{row:#}"));
    assert_eq!((number(&queue["depth"]), number(&queue["limit"])), (depth, limit), "{queue:#}");
    assert_eq!((number(&queue["capacity"]), number(&queue["max"])), (limit + 1, limit + 1), "{queue:#}");
    assert_eq!(number(&row["drops"]["listener"]) + number(&row["drops"]["noise"]), drops, "{:#}", row["drops"]);
    assert_eq!(number(&row["drops"]["watched"]), dropped, "{:#}", row["drops"]);
    assert_eq!(number(&document["counters"]["ListenDrops"]), dropped);
    let mut peers: Vec<_> = row["waiting"].as_array().unwrap().iter().map(|one| one["peer"].to_string()).collect();
    let mut truth: Vec<_> = clients.iter().map(|client| format!("\"{}\"", client.local_addr().unwrap())).collect();
    peers.sort();
    truth.sort();
    assert_eq!(peers, truth, "who waits");
    for one in row["waiting"].as_array().unwrap() {
        let age = number(&one["age_ms"]);
        assert!(age > 1000 && age <= most, "{age} ms of at most {most} ms");
    }
    assert!(number(&queue["oldest_wait_ms"]) <= most, "{queue:#}");
    let told = row["command"].as_str().unwrap();
    assert!(command.contains(&told), "{told} is none of {command:?}");
    assert_eq!(row["pid"].as_u64(), Some(server.pid().into()));
    assert_eq!(queue["limit_looks_like"].as_str(), habit);
    let stall = finding(&document, "owner-stopped");
    let after = stall["since_s"].as_f64().unwrap() - first;
    assert!(after <= NAMED_WITHIN, "named after {after} s");
    assert!(stall["in_force"] == true && stall["listener"] == address().to_string(), "{stall:#}");
    eprintln!("limit {limit}, {dropped} drops, the stall was named after {after:.3} s");
}

case!(nginx_stalled_is_told_as_ss_and_nstat_tell_it);
fn nginx_stalled_is_told_as_ss_and_nstat_tell_it() {
    had(program("nginx"));
    inside(|| {
        agrees(&Server::nginx(), &["nginx"], Some("nginx's default"));
    });
}

case!(redis_stalled_is_told_as_ss_and_nstat_tell_it);
fn redis_stalled_is_told_as_ss_and_nstat_tell_it() {
    had(program("redis-server"));
    inside(|| {
        agrees(&Server::redis(), &["redis-server"], Some("redis's default"));
    });
}

case!(pythons_http_server_stalled_is_told_as_ss_and_nstat_tell_it);
fn pythons_http_server_stalled_is_told_as_ss_and_nstat_tell_it() {
    tools(&["python3"]);
    inside(|| {
        let habit = "Python's socketserver's default";
        agrees(&Server::http_server(), &["python3"], Some(habit));
    });
}

case!(postgresql_stalled_is_told_as_ss_and_nstat_tell_it);
fn postgresql_stalled_is_told_as_ss_and_nstat_tell_it() {
    had(postgres("initdb").and_then(|_| postgres("postgres")));
    inside(|| {
        agrees(&Server::postgres(), &["postgres"], None);
    });
}

case!(node_stalled_is_told_as_ss_and_nstat_tell_it_and_its_511_is_recognised);
fn node_stalled_is_told_as_ss_and_nstat_tell_it_and_its_511_is_recognised() {
    had(program("node"));
    inside(|| {
        let server = Server::node();
        assert_eq!(ss(address()).unwrap().1, 511);
        agrees(&server, &["node", "MainThread"], Some("Node.js's default"));
    });
}

/// Connects to a unix socket without waiting; `None` when it is full.
fn connect_unix(path: &Path) -> Option<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket.connect(&SockAddr::unix(path).unwrap()).ok().map(|()| socket)
}

/// What `ss -xl` says of a unix listener: length and limit.
fn ss_unix(path: &Path) -> Option<(u64, u64)> {
    let output = tool("ss").arg("-xlH").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.contains(path.to_str().unwrap()))?;
    let columns: Vec<_> = line.split_whitespace().collect();
    Some((columns[2].parse().ok()?, columns[3].parse().ok()?))
}

case!(php_fpm_stalled_on_its_unix_socket_is_recognised_and_found_full);
fn php_fpm_stalled_on_its_unix_socket_is_recognised_and_found_full() {
    had(program("php-fpm"));
    inside(|| {
        let (server, path) = Server::php(Some(511));
        let mut lines = Lines::start(path.to_str().unwrap());
        lines.next("roll");
        server.stall();
        let clients: Vec<_> = std::iter::from_fn(|| connect_unix(&path)).take(1000).collect();
        let truth = ss_unix(&path).unwrap();
        assert_eq!(truth, (clients.len() as u64, 511));
        let full = lines.until("a full queue", |event| shows_depth(event, truth.0));
        let full = full["t_s"].as_f64().unwrap();
        pass(&mut lines, full + NAMED_WITHIN);
        let document = document(lines);
        let row = &document["listeners"][0];
        let queue = &row["accept_queue"];
        assert_eq!((queue["depth"].as_u64(), queue["limit"].as_u64()), (Some(truth.0), Some(truth.1)), "{row:#}");
        assert_eq!((&row["family"], row["pid"].as_u64()), (&"unix".into(), Some(server.pid().into())), "{row:#}");
        assert!(row["command"].as_str().unwrap().starts_with("php-fpm"), "{row:#}");
        assert_eq!(queue["limit_looks_like"], "PHP-FPM's default");
        let found = finding(&document, "unix-socket-full");
        let after = found["since_s"].as_f64().unwrap() - full;
        assert!(found["in_force"] == true && after <= NAMED_WITHIN, "after {after} s: {found:#}");
    });
}

case!(php_fpms_own_backlog_is_recognised);
fn php_fpms_own_backlog_is_recognised() {
    had(program("php-fpm"));
    inside(|| {
        let (_server, path) = Server::php(None);
        let document = crate::fixture::document(&format!("{} --once", path.display()));
        let queue = &document["listeners"][0]["accept_queue"];
        let limit = queue["limit"].as_u64();
        assert_eq!(limit, ss_unix(&path).map(|(_, limit)| limit));
        let clamped = limit == document["somaxconn"].as_u64();
        assert!(clamped || limit == Some(511), "{queue:#}");
        let (looks_like, rule) = if clamped {
            ("net.core.somaxconn", "limit-is-somaxconn")
        } else {
            ("PHP-FPM's default", "default-backlog")
        };
        assert_eq!(queue["limit_looks_like"], looks_like);
        finding(&document, rule);
    });
}

case!(the_128_of_rusts_std_is_nobodys_default_by_its_number_alone);
fn the_128_of_rusts_std_is_nobodys_default_by_its_number_alone() {
    inside(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let document = crate::fixture::document(&format!("{address} --once"));
        let queue = &row(&document, address)["accept_queue"];
        assert_eq!(queue["limit"].as_u64(), ss(address).map(|(_, limit, _)| limit));
        assert_eq!(queue["limit"], 128);
        assert!(queue["limit_looks_like"].is_null(), "a number alone is nobody's name: {queue:#}");
    });
}

fn set_somaxconn(value: u32) {
    std::fs::write("/proc/sys/net/core/somaxconn", value.to_string()).unwrap();
}

case!(a_clamped_redis_is_recognised_and_so_is_one_that_did_not_listen_again);
fn a_clamped_redis_is_recognised_and_so_is_one_that_did_not_listen_again() {
    had(program("redis-server"));
    inside(|| {
        set_somaxconn(100);
        let _server = Server::redis();
        assert_eq!(ss(address()).unwrap().1, 100);
        let clamped = crate::fixture::document(&format!("{} --once", address()));
        let found = finding(&clamped, "limit-is-somaxconn");
        assert_eq!((&found["evidence"]["limit"], &found["evidence"]["somaxconn"]), (&100.0.into(), &100.0.into()));
        let mut lines = Lines::start(&address().to_string());
        lines.next("listed");
        set_somaxconn(4096);
        let raised =
            lines.until("the sysctl is seen", |event| event["event"] == "sysctl" && event.to_string().contains("4096"));
        pass(&mut lines, raised["t_s"].as_f64().unwrap() + 1.0);
        let document = document(lines);
        assert_eq!(row(&document, address())["accept_queue"]["limit"], 100);
        let found = finding(&document, "limit-was-somaxconn");
        assert_eq!(
            (&found["in_force"], &found["evidence"]["seen_to_change"]),
            (&true.into(), &1.0.into()),
            "{found:#}"
        );
        assert!(found["sentence"].as_str().unwrap().contains("redis-server"), "{found:#}");
    });
}

case!(of_four_reuseport_workers_the_stopped_one_is_named);
fn of_four_reuseport_workers_the_stopped_one_is_named() {
    tools(&["python3"]);
    inside(|| {
        let server = Server::reuseport();
        let workers = server.workers();
        let mut lines = Lines::start(&address().to_string());
        lines.next("listed");
        let stopped = workers[2];
        stop(stopped);
        let mut clients = Vec::new();
        lab::wait_until(SOON, "the stopped worker is full", || {
            clients.push(start_connect(address()));
            full_member(address()).then_some(())
        });
        let full = lines.until("its queue is seen full", |event| shows_depth(event, 6));
        pass(&mut lines, full["t_s"].as_f64().unwrap() + NAMED_WITHIN);
        let document = document(lines);
        let found = finding(&document, "one-member-full");
        assert_eq!(found["evidence"]["pid"].as_f64(), Some(f64::from(stopped)), "{found:#}");
        assert_eq!(found["evidence"]["members"], 4.0);
        assert!(found["sentence"].as_str().unwrap().contains(&format!("pid {stopped}")), "{found:#}");
        let rows = document["listeners"].as_array().unwrap();
        let depth = |row: &&Value| row["accept_queue"]["depth"].as_u64().unwrap();
        let full: Vec<_> = rows.iter().filter(|row| depth(row) == 6).map(|row| row["pid"].as_u64().unwrap()).collect();
        assert_eq!(full, [u64::from(stopped)]);
    });
}

/// True for a reading of a queue, or a look at all, with somebody's queue this deep.
fn shows_depth(event: &Value, depth: u64) -> bool {
    let mut rows = event["changed"].as_array().into_iter().flatten();
    let chosen = event["event"] == "queue" && event["depth"] == depth;
    chosen || rows.any(|row| row["depth"] == depth || row["queue"]["depth"] == depth)
}

/// True when one socket of the address holds its capacity of 6, by `ss`.
fn full_member(address: SocketAddr) -> bool {
    let output = tool("ss").args(["-ltnH", &format!("sport = :{}", address.port())]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().any(|line| line.split_whitespace().nth(1) == Some("6"))
}

case!(nstat_can_be_asked_where_the_servers_stand);
fn nstat_can_be_asked_where_the_servers_stand() {
    inside(|| {
        let (_listener, address) = crate::fixture::listen("127.0.0.1:0", 0);
        let before = listen_drops();
        let _one = connect(address, 1);
        let _refused = start_connect(address);
        lab::wait_until(Duration::from_secs(10), "the drop is counted", || (listen_drops() > before).then_some(()));
    });
}
