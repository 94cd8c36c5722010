//! A concurrent server that never closes the connections which its children serve: it runs out of descriptors, and no client ever sees
//! the end. Then the same server with its close(). The limit of descriptors is lowered in the server's own process alone.

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

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    bench.measure("leak-limit", child::DESCRIPTORS as f64);
    bench.measure("leak-clients", CLIENTS as f64);
    serve(bench, ChildRole::Leak, "leak")?;
    serve(bench, ChildRole::Close, "tidy")
}

/// One server and its clients; `name` begins the names of what is measured.
fn serve(bench: &mut Experiment<'_>, part: ChildRole, name: &str) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(CLIENTS as i32)?;
    let (ours, theirs) = ends::call("socketpair()", UnixStream::pair())?;
    ends::call("fcntl(O_NONBLOCK)", ours.set_nonblocking(true))?;
    let copy = ends::call("dup()", listener.try_clone())?;
    let mut server = ChildProcess::with_stdin(part, OwnedFd::from(copy), OwnedFd::from(theirs))?;
    let limit = format!("RLIMIT_NOFILE {}", child::DESCRIPTORS);
    bench.record_call("server", "fork(), setrlimit()", format!("pid {}, {limit}", server.pid()), CallOutcome::Plain);
    let mut guests = Vec::new();
    for _ in 0..CLIENTS {
        guests.push(Client::connect(address)?);
    }
    bench.record_call("client", format!("{CLIENTS} × connect()"), "0", CallOutcome::Good);
    let (accepted, errno) = read_accept_reports(bench, &ours)?;
    bench.measure(&format!("{name}-accepted"), f64::from(accepted));
    bench.measure(&format!("{name}-errno"), f64::from(errno));
    bench.measure_flag(&format!("{name}-emfile"), errno == Errno::MFILE.raw_os_error());
    bench.sleep(QUIET)?;
    let (answered, ended) = read_all(&mut guests);
    let waiting = bench.env().queue(listener.as_fd()).map_or(0, |(depth, _)| depth);
    bench.record_call("client", format!("{answered} × read()"), "served", CallOutcome::Good);
    let mood = if ended < CLIENTS { CallOutcome::Silent } else { CallOutcome::Good };
    bench.record_call("client", format!("{CLIENTS} × read()"), format!("{ended} × {}", say!("end of file")), mood);
    bench.measure(&format!("{name}-served"), answered as f64);
    bench.measure(&format!("{name}-eof"), ended as f64);
    bench.measure(&format!("{name}-still-queued"), f64::from(waiting));
    drop(ours);
    server.end(bench)?;
    bench.record_call("server", "exit(0)", "0", CallOutcome::Plain);
    let mut after = 0;
    // Whoever waits in the queue was never accepted: nobody's exit ends it.
    let _some_never_end = bench.wait_until("EOF", ends::TIMEOUT, |_| {
        after = read_all(&mut guests).1;
        after >= accepted as usize
    })?;
    bench.record_call(
        "client",
        format!("{CLIENTS} × read()"),
        format!("{after} × {}", say!("end of file")),
        CallOutcome::Good,
    );
    bench.measure(&format!("{name}-eof-after-exit"), after as f64);
    Ok(())
}

/// A client, and what it has heard.
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
        let mut room = [MaybeUninit::uninit(); 64];
        while !self.ended {
            match self.socket.recv(&mut room) {
                Ok(0) => self.ended = true,
                Ok(bytes) => self.bytes_read += bytes,
                Err(_) => return,
            }
        }
    }
}

/// How many clients were served, and how many saw the end.
fn read_all(guests: &mut [Client]) -> (usize, usize) {
    guests.iter_mut().for_each(Client::read_available);
    let served = guests.iter().filter(|guest| guest.bytes_read == child::SERVED.len()).count();
    (served, guests.iter().filter(|guest| guest.ended).count())
}

/// Takes what the server tells of its accept() calls until one fails or everybody is in: how many were accepted, and the errno.
fn read_accept_reports(bench: &mut Experiment<'_>, line: &UnixStream) -> Result<(u32, i32), ExperimentError> {
    let mut words = String::new();
    bench.wait_until(say!("the server's accept() calls"), LONGEST, |_| {
        let mut room = [0_u8; 512];
        while let Ok(bytes @ 1..) = std::io::Read::read(&mut &*line, &mut room) {
            words.push_str(&String::from_utf8_lossy(&room[..bytes]));
        }
        words.lines().count() >= CLIENTS || words.lines().any(|word| errno_of(word) != 0)
    })?;
    let errno = words.lines().map(errno_of).find(|errno| *errno != 0).unwrap_or(0);
    let accepted = words.lines().filter(|word| errno_of(word) == 0).count() as u32;
    bench.record_call("server", format!("{accepted} × accept(), fork()"), "0", CallOutcome::Good);
    if errno != 0 {
        bench.record_call("server", "accept()", errno::name(errno), CallOutcome::Refused);
    }
    Ok((accepted, errno))
}

/// The errno of a line of [`child`].
fn errno_of(word: &str) -> i32 {
    word.strip_prefix("accept ").and_then(|errno| errno.parse().ok()).unwrap_or(0)
}

/// More than the server has descriptors for.
const CLIENTS: usize = 30;

/// How long nobody may see an end.
const QUIET: Duration = Duration::from_millis(400);

/// How long starting a child for each client may take.
const LONGEST: Duration = Duration::from_secs(20);
