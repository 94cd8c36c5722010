//! Witnesses for tests that look at qviz from outside: they share no code with it.
//!
//! Waiting for something to become true has a deadline and says what it waited for.

#![allow(dead_code, reason = "each test binary uses its own part of the witnesses")]
#![expect(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "what fails here fails the test")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use crate::needs::{Missing, program, tool, tools};

/// Asks again and again until there is an answer; panics with `what` when there is none within `deadline`.
#[track_caller]
pub(crate) fn wait_until<T>(deadline: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let began = now();
    loop {
        if let Some(answer) = condition() {
            return answer;
        }
        assert!(began.elapsed() < deadline, "not within {deadline:?}: {what}");
        pause();
    }
}

/// A command inside the network namespace of `pid`. As an ordinary user it runs without capabilities: reading only.
pub(crate) fn nsenter<S: AsRef<OsStr>>(pid: u32, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = tool("nsenter");
    command.args(["-t", &pid.to_string(), "-n"]);
    if user_namespace("self") != user_namespace(&pid.to_string()) {
        command.args(["-U", "--preserve-credentials"]);
    }
    command.args(args);
    command
}

/// The thread of a process with this name: its network namespace may be another one.
pub(crate) fn thread(pid: u32, name: &str) -> u32 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("threads");
    let ids = threads.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let named = |id: &u32| std::fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|comm| comm.trim() == name);
    ids.into_iter().find(named).unwrap_or_else(|| panic!("no thread {name}"))
}

/// Runs qviz to its end and returns what it said; kills it and panics when it takes longer than `limit`.
#[track_caller]
pub(crate) fn run_qviz<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>, limit: Duration) -> Output {
    Running::start(args).finish(limit)
}

/// A qviz at work; killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

impl Running {
    /// Starts qviz with nothing on stdin.
    #[track_caller]
    pub(crate) fn start<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qviz"));
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("qviz starts");
        let stdout = child.stdout.take().map(|pipe| std::thread::spawn(|| drained(pipe)));
        let stderr = child.stderr.take().map(|pipe| std::thread::spawn(|| drained(pipe)));
        Self { child, stdout, stderr }
    }

    /// The process that holds the lab's namespace.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        send(&self.child, signal);
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(mut self, limit: Duration) -> Output {
        let status = self.ended(limit);
        let output = Output { status, stdout: joined(self.stdout.take()), stderr: joined(self.stderr.take()) };
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    #[track_caller]
    fn ended(&mut self, limit: Duration) -> ExitStatus {
        let pid = self.pid();
        wait_until(limit, &format!("the end of qviz (pid {pid})"), || {
            self.child.try_wait().expect("qviz can be waited for")
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// The accept queue of the listener on `port` in the namespace of `pid`, as `ss` says: (Recv-Q, Send-Q), that is its length
/// and its limit in connections; `None` while nothing listens there. Panics when several sockets share the port.
#[track_caller]
pub(crate) fn ss_listener(pid: u32, port: u16) -> Option<(u32, u32)> {
    tools(&["ss"]);
    let text = stdout_of(&mut nsenter(pid, ["ss", "-ltnH", &format!("sport = :{port}")]));
    let mut rows = text.lines().filter(|row| !row.trim().is_empty());
    let row = rows.next()?;
    assert!(rows.next().is_none(), "one listener on port {port}, not several:\n{text}");
    let mut columns = row.split_whitespace().skip(1).map(|column| column.parse().expect("ss prints a number"));
    Some((columns.next()?, columns.next()?))
}

/// How many half-open requests the listener on `port` in the namespace of `pid` has, as `ss` lists them.
#[track_caller]
pub(crate) fn ss_half_open(pid: u32, port: u16) -> u64 {
    tools(&["ss"]);
    let filter = format!("sport = :{port}");
    let text = stdout_of(&mut nsenter(pid, ["ss", "-tanH", "state", "syn-recv", &filter]));
    text.lines().filter(|row| !row.trim().is_empty()).count() as u64
}

/// Every counter in the namespace of `pid` by the name that `nstat` gives it (`TcpExtListenOverflows`), in absolute values.
#[track_caller]
pub(crate) fn nstat(pid: u32) -> BTreeMap<String, u64> {
    tools(&["nstat"]);
    let history = tempfile::tempdir().expect("a directory for nstat's history");
    let mut command = nsenter(pid, ["nstat", "-asz"]);
    let text = stdout_of(command.env("NSTAT_HISTORY", history.path().join("nstat")));
    let row = |line: &str| {
        let mut columns = line.split_whitespace();
        Some((columns.next()?.to_owned(), columns.next()?.parse().ok()?))
    };
    let counters: BTreeMap<_, _> = text.lines().filter(|line| !line.starts_with('#')).filter_map(row).collect();
    assert!(counters.contains_key("TcpExtListenDrops"), "nstat prints the counters:\n{text}");
    counters
}

/// What an independent reader of the wire saw of one port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Wire {
    /// First SYNs of the clients (a new sequence number).
    pub(crate) syn: u64,
    /// SYNs sent again.
    pub(crate) syn_retransmit: u64,
    /// First SYN-ACKs of the listener; a SYN cookie's too.
    pub(crate) syn_ack: u64,
    /// SYN-ACKs sent again.
    pub(crate) syn_ack_retransmit: u64,
    /// Bare ACKs of the clients.
    pub(crate) ack: u64,
    /// Those of them that complete a handshake, repeats included: nothing sent and nothing received but the SYNs.
    pub(crate) final_ack: u64,
    /// Segments with payload, both directions.
    pub(crate) data: u64,
    /// RSTs, both directions.
    pub(crate) rst: u64,
    /// FINs, both directions.
    pub(crate) fin: u64,
    /// TCP segments of the port, both directions.
    pub(crate) segments: u64,
    /// Frames that did not fit into the reader's ring: with any, the other numbers are too small.
    pub(crate) dropped: u64,
}

/// `capture.py` at work inside another process's network namespace; killed when dropped.
pub(crate) struct Capture {
    child: Child,
    report: BufReader<Box<dyn Read>>,
}

impl Capture {
    /// Begins to read one interface of the namespace of `pid`, and returns when it sees every frame from now on. Choose the
    /// kernel's end of a veth pair: the other end does not show what was sent past the queueing discipline.
    /// `Err` says what this machine lacks.
    pub(crate) fn start(pid: u32, interface: &str, port: u16) -> Result<Self, Missing> {
        let mut command = Command::new(program("python3")?);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/capture.py"));
        command.args([&pid.to_string(), interface, &port.to_string()]).stdin(Stdio::null());
        let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.expect("python3 starts");
        let stdout: Box<dyn Read> = Box::new(child.stdout.take().expect("a pipe"));
        let mut report = BufReader::new(stdout);
        let mut ready = String::new();
        if report.read_line(&mut ready).is_ok() && ready == "ready\n" {
            return Ok(Self { child, report });
        }
        end(&mut child);
        Err(Missing::because("a capture", child.stderr.take().map(drained_text).unwrap_or_default()))
    }

    /// Ends the reading with all that has arrived until now.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Wire {
        send(&self.child, Signal::TERM);
        let mut text = String::new();
        self.report.read_to_string(&mut text).expect("the capture's report");
        let failure = self.child.stderr.take().map(drained_text).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: the capture said {text:?} {failure}"))
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn user_namespace(pid: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/user")).ok()
}

#[track_caller]
fn stdout_of(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn drained(mut pipe: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A pipe that breaks has given all that it had.
    let _ = pipe.read_to_end(&mut bytes);
    bytes
}

fn drained_text(pipe: impl Read) -> String {
    String::from_utf8_lossy(&drained(pipe)).trim().to_owned()
}

#[track_caller]
fn joined(reader: Option<JoinHandle<Vec<u8>>>) -> Vec<u8> {
    reader.map(|reader| reader.join().expect("the reader of a pipe ends")).unwrap_or_default()
}

#[track_caller]
fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("a child that was not waited for takes a signal");
}

fn end(child: &mut Child) {
    // It may be gone already.
    let _ = child.kill();
    let _ = child.wait();
}

#[expect(clippy::disallowed_methods, reason = "a test's deadline is no part of a session")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the only pause of the tests, between two looks")]
fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}
