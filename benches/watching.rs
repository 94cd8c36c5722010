//! What a watch costs: its processor time beside idle connections, and what it takes from a server's throughput.
//!
//! `cargo bench --bench watching`; everything happens in a network namespace of its own. The server under load is nginx with two
//! workers, its clients are ab, one request a connection; each measurement beside a watch stands between two alone, and its ratio is
//! that to their mean. Two ratios are given: of the throughput by the clock, which other work on the machine disturbs, and of the
//! processor time that a request takes, of server, clients and watch together, which it hardly does; where the processors are
//! saturated both are the same. `QVIZ_BENCH_PAIRS`: how many ratios there are of each kind (9).

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may stop and has a table to show")]

#[path = "support/runs.rs"]
mod runs;

use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use qviz::kernel::proc;
use qviz::lab::namespace::{Namespace, NetworkPlan};
use qviz::session::clock::Clock;

use runs::{Line, median, table};

/// How long a watch settles before its time is taken: what is scanned once is not its steady cost.
const SETTLES: Duration = Duration::from_secs(8);

/// For how long its time is taken.
const TAKEN: Duration = Duration::from_secs(12);

/// How long a watch runs before the load beside it begins.
const BEGINS: Duration = Duration::from_secs(2);

/// Connections that one process holds, both ends; as many as the limit of descriptors allows.
const HELD: usize = 9_000;

/// Requests of one measurement.
const REQUESTS: u32 = 40_000;

fn main() {
    // Kept to the end: its network goes with it.
    let _namespace = Namespace::enter(&NetworkPlan::like_host(proc::read_sysctls())).unwrap();
    let mut lines = idle();
    lines.extend(under_load());
    table(&lines);
}

/// CPU beside no connections, and beside those of one process.
fn idle() -> Vec<Line> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = format!(":{}", listener.local_addr().unwrap().port());
    let mut held = Vec::new();
    let mut lines = Vec::new();
    for wanted in [0, HELD] {
        while held.len() < wanted {
            let Ok(client) = TcpStream::connect(listener.local_addr().unwrap()) else { break };
            let Ok((served, _)) = listener.accept() else { break };
            held.push((client, served));
        }
        let count = held.len();
        for (name, target, most) in [("all", None, 4.0), ("one chosen", Some(&port), 8.0)] {
            let watch = Watch::start(target.map(String::as_str));
            Clock::pause(SETTLES);
            let (clock, before) = (Clock::start(), watch.0.cpu_ms());
            Clock::pause(TAKEN);
            let spent = (watch.0.cpu_ms() - before) / clock.now().as_secs_f64();
            let what = format!("watch of {name} beside {count} connections: CPU ms/s");
            lines.push(Line::new(what, spent, Some(("target", most))));
        }
    }
    lines
}

/// nginx and ab, alone and beside a watch.
fn under_load() -> Vec<Line> {
    let missing: Vec<_> = ["nginx", "ab"].into_iter().filter(|tool| !is_there(tool)).collect();
    assert!(
        missing.is_empty(),
        "not measured, because it is not here: {missing:?}; apt-get install nginx apache2-utils"
    );
    let pairs = env::var("QVIZ_BENCH_PAIRS").map_or(9, |pairs| pairs.parse().unwrap());
    let place = tempfile::tempdir().unwrap();
    let server = nginx(place.path());
    let kinds: [(&str, Option<&str>, f64); 2] = [("all", None, 0.98), ("one chosen", Some(PORT_OF_NGINX), 0.95)];
    let mut ratios = [const { (Vec::new(), Vec::new()) }; 2];
    // What a first run warms is no part of any ratio.
    let mut alone = vec![Run::of(&server, None), Run::of(&server, None)];
    for _ in 0..pairs {
        for ((_, target, _), ratios) in kinds.iter().zip(&mut ratios) {
            let before = Run::of(&server, None);
            let watch = Watch::start(*target);
            Clock::pause(BEGINS);
            // It sees how much comes, and whether that is too much to follow.
            Run::of(&server, None);
            let beside = Run::of(&server, Some(&watch));
            drop(watch);
            let after = Run::of(&server, None);
            ratios.0.push(beside.per_s / f64::midpoint(before.per_s, after.per_s));
            ratios.1.push(f64::midpoint(before.cpu_us, after.cpu_us) / beside.cpu_us);
            alone.extend([before, after]);
        }
    }
    drop(server);
    let of = |what: fn(&Run) -> f64| median(alone.iter().map(what).collect());
    let mut lines = vec![
        Line::new("nginx and ab alone: connections/s", of(|run| run.per_s), None),
        Line::new("nginx and ab alone: CPU of a connection, µs", of(|run| run.cpu_us), None),
    ];
    for ((name, _, least), ratios) in kinds.iter().zip(ratios) {
        for (what, mut ratios) in [("connections/s", ratios.0), ("connections per CPU", ratios.1)] {
            ratios.sort_unstable_by(f64::total_cmp);
            println!("{what} beside a watch of {name}, to that alone: {ratios:.3?}");
            let what = format!("beside a watch of {name}: {what}, to that alone");
            lines.push(Line::new(what, median(ratios), Some(("target", *least))));
        }
    }
    lines
}

fn is_there(tool: &str) -> bool {
    let paths = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&paths).any(|path| path.join(tool).is_file())
}

/// A process that ends with the value.
struct Running(Child);

impl Running {
    /// The processor time of all its threads, and of its children's, so far (the first field of schedstat, in ns).
    fn cpu_ms(&self) -> f64 {
        let own = self.0.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        let mut processes: Vec<u32> = children.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
        processes.push(own);
        let threads = processes.iter().filter_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok()).flatten();
        let spent = |thread: fs::DirEntry| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<f64>().ok()
        };
        threads.filter_map(|thread| spent(thread.ok()?)).sum::<f64>() / 1e6
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.0.wait().unwrap();
    }
}

fn nginx(place: &Path) -> Running {
    let directory = place.display();
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let text = format!(
        "daemon off; {user} worker_processes 2; pid {directory}/pid; error_log {directory}/errors;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; client_body_temp_path {directory}/1; proxy_temp_path {directory}/2;\n\
         fastcgi_temp_path {directory}/3; uwsgi_temp_path {directory}/4; scgi_temp_path {directory}/5;\n\
         server {{ listen 127.0.0.1{PORT_OF_NGINX} backlog=4096; return 200 'ok'; }} }}\n"
    );
    let file = place.join("nginx.conf");
    fs::write(&file, text).unwrap();
    let server = Command::new("nginx").arg("-c").arg(&file).args(["-p", &directory.to_string()]).spawn().unwrap();
    let server = Running(server);
    let clock = Clock::start();
    while TcpStream::connect(format!("127.0.0.1{PORT_OF_NGINX}")).is_err() {
        assert!(clock.now().as_secs_f64() < 10.0, "nginx does not listen");
        Clock::pause(Duration::from_millis(10));
    }
    server
}

/// One run of ab.
struct Run {
    per_s: f64,
    /// Processor time of a request: server, clients, and the watch if there is one.
    cpu_us: f64,
}

impl Run {
    fn of(server: &Running, watch: Option<&Watch>) -> Self {
        let spent = || server.cpu_ms() + children_ms() + watch.map_or(0.0, |watch| watch.0.cpu_ms());
        let before = spent();
        let url = format!("http://127.0.0.1{PORT_OF_NGINX}/");
        let output = Command::new("ab").args(["-q", "-c", "64", "-n", &REQUESTS.to_string(), &url]).output().unwrap();
        let cpu_us = (spent() - before) * 1e3 / f64::from(REQUESTS);
        let text = String::from_utf8(output.stdout).unwrap();
        let word = |name| {
            let rest = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            rest.split_whitespace().next().unwrap().parse::<f64>().unwrap()
        };
        assert_eq!(word("Failed requests:") as u32, 0, "{text}");
        Self { per_s: word("Requests per second:"), cpu_us }
    }
}

/// Processor time of all children that have ended: the sixteenth and seventeenth field of stat, in hundredths of a second.
fn children_ms() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace().skip(13).take(2);
    fields.map(|ticks| ticks.parse::<f64>().unwrap() * 10.0).sum()
}

/// A watch at work.
struct Watch(Running);

impl Watch {
    fn start(target: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qviz"));
        command.args(["watch", "--headless", "--no-config"]).args(target);
        Self(Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()))
    }
}

const PORT_OF_NGINX: &str = ":8080";
