//! The two ends that most experiments need: a listener on loopback and its clients, and texts for the results of
//! their calls.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, SockFilter, Socket, Type};

use super::{Experiment, ExperimentError, ListedSocket};
use crate::say;
use crate::text::errno;

/// A name for the error of a call, as `strace` writes it.
pub(super) fn call<T>(what: impl Into<String>, outcome: io::Result<T>) -> Result<T, ExperimentError> {
    outcome.map_err(|source| ExperimentError::Call { call: what.into(), source })
}

/// The result of a call: `0`, or the name of its errno.
pub(super) fn answer<T>(outcome: &io::Result<T>) -> String {
    match outcome {
        Ok(_) => "0".to_owned(),
        Err(error) => errno::name(number(error)).into_owned(),
    }
}

/// The errno of an error; 0 when it is not from the kernel.
pub(super) fn number(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}

/// A TCP socket, blocking and close-on-exec.
pub(super) fn socket() -> Result<Socket, ExperimentError> {
    call("socket(TCP)", Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)))
}

/// A non-blocking listener on a loopback port of the kernel's choice.
pub(super) fn listen(backlog: i32) -> Result<(Socket, SocketAddr), ExperimentError> {
    let socket = socket()?;
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    call("bind(127.0.0.1:0)", socket.bind(&anywhere.into()))?;
    call(format!("listen({backlog})"), socket.listen(backlog))?;
    call("fcntl(O_NONBLOCK)", socket.set_nonblocking(true))?;
    let address = name(&socket)?;
    Ok((socket, address))
}

/// Connects a client.
pub(super) fn connect(to: SocketAddr) -> Result<Socket, ExperimentError> {
    let socket = socket()?;
    call(format!("connect({to})"), socket.connect_timeout(&to.into(), TIMEOUT))?;
    Ok(socket)
}

/// Accepts the next connection. Where the kernel has left the client's ACK to another thread, it comes a moment later.
pub(super) fn accept(experiment: &Experiment<'_>, listener: &Socket) -> Result<(Socket, SockAddr), ExperimentError> {
    let mut accepted = listener.accept();
    experiment.wait_until(say!("a connection to accept"), TIMEOUT, |_| {
        let is_early = matches!(&accepted, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        if is_early {
            accepted = listener.accept();
        }
        !is_early
    })?;
    call("accept()", accepted)
}

/// The address of a socket (getsockname).
pub(super) fn name(socket: &Socket) -> Result<SocketAddr, ExperimentError> {
    address("getsockname()", socket.local_addr())
}

/// An IP address as an answer.
pub(super) fn address(what: &str, answer: io::Result<socket2::SockAddr>) -> Result<SocketAddr, ExperimentError> {
    let found = call(what, answer)?;
    found.as_socket().ok_or_else(|| ExperimentError::TimedOut(say!("an IP address from {what}", what)))
}

/// A span in milliseconds.
pub(super) const fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}

/// A client that drops all answers to its SYN until [`accept_incoming`].
pub(super) fn connect_dropping_replies(to: SocketAddr) -> Result<Socket, ExperimentError> {
    let socket = socket()?;
    drop_incoming(&socket)?;
    begin_connect(&socket, to)?;
    Ok(socket)
}

/// Drops everything that arrives (needs CAP_NET_ADMIN in the network namespace).
pub(super) fn drop_incoming(socket: &Socket) -> Result<(), ExperimentError> {
    call("setsockopt(SO_ATTACH_FILTER)", socket.attach_filter(&DROP_ALL))
}

/// Removes the filter.
pub(super) fn accept_incoming(socket: &Socket) -> Result<(), ExperimentError> {
    call("setsockopt(SO_DETACH_FILTER)", socket.detach_filter())
}

/// Sends the SYN and does not wait; the socket stays non-blocking.
pub(super) fn begin_connect(socket: &Socket, to: SocketAddr) -> Result<(), ExperimentError> {
    call("fcntl(O_NONBLOCK)", socket.set_nonblocking(true))?;
    match socket.connect(&to.into()) {
        Err(error) if number(&error) != Errno::INPROGRESS.raw_os_error() => call(format!("connect({to})"), Err(error)),
        _ => Ok(()),
    }
}

/// The server's end of the connection with this client, from a list of sockets.
pub(super) fn server_end(listed: &[ListedSocket], client_port: u16) -> Option<ListedSocket> {
    listed.iter().copied().find(|seen| seen.peer_port == client_port)
}

/// A state by its number, as `ss` and the textbooks name it.
pub(super) fn state(number: u8) -> &'static str {
    STATES.get(usize::from(number)).copied().unwrap_or("?")
}

/// The timeout for something that may not happen at all.
pub(super) const SHORT_TIMEOUT: Duration = Duration::from_millis(300);

/// The timeout for anything on loopback.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

// Some states by their number (include/net/tcp_states.h).
pub(super) const ESTABLISHED: u8 = 1;
pub(super) const SYN_SENT: u8 = 2;
pub(super) const SYN_RECV: u8 = 3;

const STATES: [&str; 12] = [
    "?",
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RCVD",
    "FIN_WAIT_1",
    "FIN_WAIT_2",
    "TIME_WAIT",
    "CLOSED",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
];

/// A socket filter (classic BPF) that drops everything: `ret #0`.
const DROP_ALL: [SockFilter; 1] = [SockFilter::new(0x06, 0, 0, 0)];
