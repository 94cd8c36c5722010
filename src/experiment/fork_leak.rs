//! A concurrent server that never closes the connections which its children serve: it runs out of descriptors, and no
//! client ever reads EOF. Then the same server with its close(). The limit of descriptors is lowered in the server's
//! own process alone.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::io::Errno;
use socket2::Socket;

use super::child::{self, ChildProcess, ChildRole};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;
use crate::text::errno;

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    experiment.measure("leak-limit", child::DESCRIPTORS as f64);
    experiment.measure("leak-clients", CLIENTS as f64);
    serve(experiment, ChildRole::Leak, "leak")?;
    serve(experiment, ChildRole::Close, "tidy")
}

/// One server and its clients; `name` is the prefix of its measurements.
fn serve(experiment: &mut Experiment<'_>, role: ChildRole, name: &str) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(CLIENTS as i32)?;
    let (ours, theirs) = ends::call("socketpair()", UnixStream::pair())?;
    ends::call("fcntl(O_NONBLOCK)", ours.set_nonblocking(true))?;
    let copy = ends::call("dup()", listener.try_clone())?;
    let mut server = ChildProcess::with_stdin(role, OwnedFd::from(copy), OwnedFd::from(theirs))?;
    let limit = format!("RLIMIT_NOFILE {}", child::DESCRIPTORS);
    experiment.record_call(
        "server",
        "fork(), setrlimit()",
        format!("pid {}, {limit}", server.pid()),
        CallOutcome::Plain,
    );
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::connect(address)?);
    }
    experiment.record_call("client", format!("{CLIENTS} × connect()"), "0", CallOutcome::Good);
    let (accepted, errno) = read_accept_reports(experiment, &ours)?;
    experiment.measure(&format!("{name}-accepted"), f64::from(accepted));
    experiment.measure(&format!("{name}-errno"), f64::from(errno));
    experiment.measure_flag(&format!("{name}-emfile"), errno == Errno::MFILE.raw_os_error());
    experiment.sleep(QUIET)?;
    let (answered, ended) = read_all(&mut clients);
    let waiting = experiment.env().queue(listener.as_fd()).map_or(0, |(depth, _)| depth);
    experiment.record_call("client", format!("{answered} × read()"), "served", CallOutcome::Good);
    let mood = if ended < CLIENTS { CallOutcome::Silent } else { CallOutcome::Good };
    experiment.record_call("client", format!("{CLIENTS} × read()"), format!("{ended} × {}", say!("end of file")), mood);
    experiment.measure(&format!("{name}-served"), answered as f64);
    experiment.measure(&format!("{name}-eof"), ended as f64);
    experiment.measure(&format!("{name}-still-queued"), f64::from(waiting));
    drop(ours);
    server.end(experiment)?;
    experiment.record_call("server", "exit(0)", "0", CallOutcome::Plain);
    let mut after = 0;
    // Connections still in the queue were never accepted: no process's exit closes them.
    let _some_never_end = experiment.wait_until("EOF", ends::TIMEOUT, |_| {
        after = read_all(&mut clients).1;
        after >= accepted as usize
    })?;
    experiment.record_call(
        "client",
        format!("{CLIENTS} × read()"),
        format!("{after} × {}", say!("end of file")),
        CallOutcome::Good,
    );
    experiment.measure(&format!("{name}-eof-after-exit"), after as f64);
    Ok(())
}

/// A client and what it has read.
struct Client {
    socket: Socket,
    bytes_read: usize,
    ended: bool,
}

impl Client {
    fn connect(address: std::net::SocketAddr) -> Result<Self, ExperimentError> {
        let socket = ends::connect(address)?;
        ends::call("fcntl(O_NONBLOCK)", socket.set_nonblocking(true))?;
        Ok(Self { socket, bytes_read: 0, ended: false })
    }

    fn read_available(&mut self) {
        let mut buffer = [MaybeUninit::uninit(); 64];
        while !self.ended {
            match self.socket.recv(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(bytes) => self.bytes_read += bytes,
                Err(_) => return,
            }
        }
    }
}

/// How many clients were served, and how many read EOF.
fn read_all(clients: &mut [Client]) -> (usize, usize) {
    clients.iter_mut().for_each(Client::read_available);
    let served = clients.iter().filter(|client| client.bytes_read == child::SERVED.len()).count();
    (served, clients.iter().filter(|client| client.ended).count())
}

/// Reads the server's reports of accept() until one fails or all clients are accepted; returns how many were
/// accepted, and the errno.
fn read_accept_reports(experiment: &mut Experiment<'_>, line: &UnixStream) -> Result<(u32, i32), ExperimentError> {
    let mut reports = String::new();
    experiment.wait_until(say!("the server's accept() calls"), LONGEST, |_| {
        let mut buffer = [0_u8; 512];
        while let Ok(bytes @ 1..) = std::io::Read::read(&mut &*line, &mut buffer) {
            reports.push_str(&String::from_utf8_lossy(&buffer[..bytes]));
        }
        reports.lines().count() >= CLIENTS
            || reports.lines().any(|word| errno_of(word) != 0 || fork_failed(word).is_some())
    })?;
    let errno = reports.lines().map(errno_of).find(|errno| *errno != 0).unwrap_or(0);
    let accepted = reports.lines().filter(|word| errno_of(word) == 0 && fork_failed(word).is_none()).count() as u32;
    experiment.record_call("server", format!("{accepted} × accept(), fork()"), "0", CallOutcome::Good);
    if errno != 0 {
        experiment.record_call("server", "accept()", errno::name(errno), CallOutcome::Refused);
    }
    if let Some(errno) = reports.lines().find_map(fork_failed) {
        experiment.record_call("server", "fork()", errno::name(errno), CallOutcome::Refused);
    }
    Ok((accepted, errno))
}

/// The errno in a report of [`child`].
fn errno_of(word: &str) -> i32 {
    word.strip_prefix("accept ").and_then(|errno| errno.parse().ok()).unwrap_or(0)
}

/// The errno with which the server could not start a child.
fn fork_failed(word: &str) -> Option<i32> {
    word.strip_prefix("fork ").and_then(|errno| errno.parse().ok())
}

/// More than the server has descriptors for.
const CLIENTS: usize = 30;

/// How long no client may read EOF.
const QUIET: Duration = Duration::from_millis(400);

/// How long starting a child for each client may take.
const LONGEST: Duration = Duration::from_secs(20);
