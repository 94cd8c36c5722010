//! Listeners to be watched, and qviz watching them.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::lab::wait_until;
use crate::needs::tool;
pub(crate) use crate::schema_document::assert_valid;

/// How long anything may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A listener on loopback that nobody accepts from.
pub(crate) fn listen(address: &str, backlog: i32) -> (Socket, SocketAddr) {
    let address: SocketAddr = address.parse().unwrap();
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.bind(&address.into()).unwrap();
    socket.listen(backlog).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// Clients that are connected (client's view).
pub(crate) fn connect(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| TcpStream::connect_timeout(&address, SOON).unwrap()).collect()
}

/// A connection attempt that nobody waits for.
pub(crate) fn start_connect(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    let _in_progress = socket.connect(&address.into());
    socket
}

/// `qviz watch` to its end.
pub(crate) fn watch(words: &str) -> Output {
    crate::lab::run_qviz(["watch"].into_iter().chain(words.split_whitespace()), SOON)
}

/// `qviz watch` that ends well: its document.
#[track_caller]
pub(crate) fn document(words: &str) -> Value {
    let output = watch(&format!("{words} --json"));
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    let document = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid(&document);
    document
}

/// The row of a listener.
#[track_caller]
pub(crate) fn row(document: &Value, address: SocketAddr) -> &Value {
    let rows = document["listeners"].as_array().unwrap();
    let found = rows.iter().find(|row| row["address"] == address.to_string());
    found.unwrap_or_else(|| panic!("{address} is not in {document:#}"))
}

/// `qviz watch --jsonl` at work, event by event; killed when dropped.
pub(crate) struct Lines {
    child: Child,
    reader: BufReader<ChildStdout>,
    /// Everything that was read.
    pub(crate) seen: Vec<Value>,
}

impl Lines {
    pub(crate) fn start(words: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qviz"));
        command.arg("watch").args(words.split_whitespace()).arg("--jsonl").stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let reader = BufReader::new(child.stdout.take().unwrap());
        Self { child, reader, seen: Vec::new() }
    }

    /// Reads up to the next event for which `wanted` is true.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = crate::lab::now();
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.reader.read_line(&mut line).unwrap() > 0, "the watch ended before: {what}");
            let event: Value = serde_json::from_str(&line).unwrap();
            self.seen.push(event.clone());
            if wanted(&event) {
                return event;
            }
            assert!(began.elapsed() < SOON, "not within {SOON:?}: {what}");
        }
    }

    /// Reads up to the next event of this kind.
    #[track_caller]
    pub(crate) fn next(&mut self, kind: &str) -> Value {
        self.until(kind, |event| event["event"] == kind)
    }

    /// Sends it a signal, reads everything that it still says, and returns its exit status.
    pub(crate) fn end(mut self, signal: Signal) -> (Vec<Value>, Option<i32>) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        let mut line = String::new();
        while self.reader.read_line(&mut line).unwrap() > 0 {
            self.seen.push(serde_json::from_str(&line).unwrap());
            line.clear();
        }
        let status = self.child.wait().unwrap();
        (std::mem::take(&mut self.seen), status.code())
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `python3 -m http.server`, whose backlog is 5; killed when dropped.
pub(crate) struct HttpServer {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl HttpServer {
    /// Starts it, and returns when it listens.
    pub(crate) fn start(port: u16) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut command = tool("python3");
        command.args(["-m", "http.server", "-b", "127.0.0.1", &port.to_string()]).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { child, address };
        wait_until(SOON, "the server listens", || ss(address));
        server
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `ss -ltnm` says of a listener: length, limit and drops.
pub(crate) fn ss(address: SocketAddr) -> Option<(u64, u64, u64)> {
    let filter = format!("sport = :{}", address.port());
    let output = tool("ss").args(["-ltnmH", &filter]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let columns: Vec<_> = text.split_whitespace().collect();
    let number = |at: usize| columns.get(at)?.parse().ok();
    let memory = columns.iter().find_map(|word| word.strip_prefix("skmem:("))?;
    let drops = memory.trim_end_matches(')').rsplit_once(",d")?.1.parse().ok()?;
    Some((number(1)?, number(2)?, drops))
}
