//! Non-blocking attempts to connect, and a listener that drops their SYNs because its accept queue is full.

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

/// A listener whose accept queue is full, and the client in the queue.
pub(super) struct FullListener {
    /// Its address.
    pub(super) address: SocketAddr,
    /// The listener; accept() is called by [`FullListener::make_room`].
    pub(super) listener: Socket,
    _filler: Socket,
}

impl FullListener {
    /// A backlog of 0 holds one connection, and one is made.
    pub(super) fn open(experiment: &mut Experiment<'_>) -> Result<Self, ExperimentError> {
        let (listener, address) = ends::listen(0)?;
        experiment.record_call("server", "listen(0)", format!("port {}", address.port()), CallOutcome::Plain);
        let filler = ends::connect(address)?;
        experiment.record_call("client", connect_call(address), "0", CallOutcome::Good);
        experiment.wait_until(say!("a full accept queue"), ends::TIMEOUT, |here| {
            here.queue(listener.as_fd()).is_some_and(|(depth, limit)| depth > limit)
        })?;
        Ok(Self { address, listener, _filler: filler })
    }

    /// Accepts the connection that fills the queue.
    pub(super) fn make_room(&self, experiment: &mut Experiment<'_>) -> Result<Socket, ExperimentError> {
        let (served, _) = ends::accept(experiment, &self.listener)?;
        experiment.record_call("server", "accept()", say!("a new socket"), CallOutcome::Good);
        Ok(served)
    }
}

/// A non-blocking socket.
pub(super) fn nonblocking() -> Result<Socket, ExperimentError> {
    let socket = ends::socket()?;
    ends::call("fcntl(O_NONBLOCK)", socket.set_nonblocking(true))?;
    Ok(socket)
}

/// Calls connect(); its errno, 0 when it is connected.
pub(super) fn connect(socket: &Socket, to: SocketAddr) -> i32 {
    number(&socket.connect(&to.into()))
}

/// The errno of a call's result, 0 for success.
pub(super) fn number<T>(outcome: &io::Result<T>) -> i32 {
    outcome.as_ref().err().map_or(0, ends::number)
}

/// The text of the call.
pub(super) fn connect_call(address: SocketAddr) -> String {
    format!("connect({address})")
}

/// Records a call that returned this errno.
pub(super) fn record(experiment: &mut Experiment<'_>, who: &str, call: impl Into<String>, errno: i32) {
    experiment.record_call(who, call, name(errno), outcome_of(errno));
}

/// Waits until a connection attempt has succeeded or failed; returns when, and SO_ERROR.
pub(super) fn end_of(
    experiment: &Experiment<'_>,
    socket: &Socket,
    within: Duration,
) -> Result<(Stamp, i32), ExperimentError> {
    let at = experiment.wait_until(say!("the end of a connection attempt"), within, |_| is_writable(socket))?;
    Ok((at, so_error(socket)?))
}

/// True when poll() reports POLLOUT or an error.
pub(super) fn is_writable(socket: &Socket) -> bool {
    let mut fds = [PollFd::new(socket, PollFlags::OUT)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

/// Reads and clears the socket's pending error (SO_ERROR).
pub(super) fn so_error(socket: &Socket) -> Result<i32, ExperimentError> {
    let error = ends::call("getsockopt(SO_ERROR)", socket.take_error())?;
    Ok(error.as_ref().map_or(0, ends::number))
}

/// A free loopback port, below the ephemeral range.
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

/// Resets a connection, so that no TIME_WAIT remains.
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

/// Ports that are tried.
const FREE_PORTS: std::ops::Range<u16> = 20_000..22_000;
