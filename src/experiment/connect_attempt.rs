//! Attempts to connect that nobody waits for in the kernel, and the listener that answers none of them: its queue is full.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use socket2::Socket;

use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::model::stamp::Stamp;
use crate::say;
use crate::text::errno;

/// A listener whose accept queue is full, and the client that fills it.
pub(super) struct FullListener {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// The listener; nobody calls its accept() until room is wanted.
    pub(super) listener: Socket,
    _filler: Socket,
}

impl FullListener {
    /// A backlog of 0 holds one connection, and one comes.
    pub(super) fn open(bench: &mut Experiment<'_>) -> Result<Self, ExperimentError> {
        let (listener, address) = ends::listen(0)?;
        bench.record_call("server", "listen(0)", format!("port {}", address.port()), CallOutcome::Plain);
        let filler = ends::connect(address)?;
        bench.record_call("client", connect_call(address), "0", CallOutcome::Good);
        bench.wait_until(say!("a full accept queue"), ends::TIMEOUT, |here| {
            here.queue(listener.as_fd()).is_some_and(|(depth, limit)| depth > limit)
        })?;
        Ok(Self { address, listener, _filler: filler })
    }

    /// Takes the connection that fills the queue.
    pub(super) fn make_room(&self, bench: &mut Experiment<'_>) -> Result<Socket, ExperimentError> {
        let (served, _) = ends::call("accept()", self.listener.accept())?;
        bench.record_call("server", "accept()", say!("a new socket"), CallOutcome::Good);
        Ok(served)
    }
}

/// A socket that does not wait.
pub(super) fn nonblocking() -> Result<Socket, ExperimentError> {
    let socket = ends::socket()?;
    ends::call("fcntl(O_NONBLOCK)", socket.set_nonblocking(true))?;
    Ok(socket)
}

/// Calls connect(); its errno, 0 when it is connected.
pub(super) fn connect(socket: &Socket, to: SocketAddr) -> i32 {
    number(&socket.connect(&to.into()))
}

/// The errno of a call's outcome, 0 when it went well.
pub(super) fn number<T>(outcome: &io::Result<T>) -> i32 {
    outcome.as_ref().err().map_or(0, ends::number)
}

/// The call as it is told.
pub(super) fn connect_call(address: SocketAddr) -> String {
    format!("connect({address})")
}

/// Tells a call that answered with this errno.
pub(super) fn record(bench: &mut Experiment<'_>, who: &str, call: impl Into<String>, errno: i32) {
    bench.record_call(who, call, name(errno), outcome_of(errno));
}

/// Waits until a connection that was begun has come to an end, good or bad: the moment, and what SO_ERROR says.
pub(super) fn end_of(
    bench: &Experiment<'_>,
    socket: &Socket,
    within: Duration,
) -> Result<(Stamp, i32), ExperimentError> {
    let at = bench.wait_until(say!("the end of a connection attempt"), within, |_| is_writable(socket))?;
    Ok((at, so_error(socket)?))
}

/// True when poll() calls the socket writable, or broken.
pub(super) fn is_writable(socket: &Socket) -> bool {
    let mut fds = [PollFd::new(socket, PollFlags::OUT)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

/// The socket's pending error (SO_ERROR), which is taken from it.
pub(super) fn so_error(socket: &Socket) -> Result<i32, ExperimentError> {
    let error = ends::call("getsockopt(SO_ERROR)", socket.take_error())?;
    Ok(error.as_ref().map_or(0, ends::number))
}

/// A loopback port at which nobody listens, from below those that the kernel gives out by itself.
pub(super) fn free_port() -> Result<SocketAddr, ExperimentError> {
    for port in FREE_PORTS {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let anywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        if ends::socket()?.bind(&anywhere.into()).is_ok() {
            return Ok(address);
        }
    }
    Err(ExperimentError::TimedOut(say!("a free port").to_owned()))
}

/// Ends a connection at both ends without a trace: by RST, so that no TIME_WAIT stays behind.
pub(super) fn reset(client: Socket) -> Result<(), ExperimentError> {
    ends::call("setsockopt(SO_LINGER)", client.set_linger(Some(Duration::ZERO)))?;
    drop(client);
    Ok(())
}

/// The name of an errno, `0` for success.
pub(super) fn name(errno: i32) -> String {
    if errno == 0 { "0".to_owned() } else { errno::name(errno).into_owned() }
}

/// True for this errno.
pub(super) fn is(errno: i32, expected: Errno) -> bool {
    errno == expected.raw_os_error()
}

fn outcome_of(errno: i32) -> CallOutcome {
    match errno {
        0 => CallOutcome::Good,
        _ if is(errno, Errno::INPROGRESS) || is(errno, Errno::ALREADY) => CallOutcome::Plain,
        _ if is(errno, Errno::TIMEDOUT) => CallOutcome::Silent,
        _ => CallOutcome::Refused,
    }
}

/// Ports that are tried for a free one.
const FREE_PORTS: std::ops::Range<u16> = 20_000..22_000;
