//! TCP_DEFER_ACCEPT: a handshake that is complete for the client adds nothing to the accept queue before data
//! arrives; and, in a second experiment, a client that never sends data.
//!
//! The option is set by unsafe code: no safe crate knows it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use libc::{c_int, c_void, socklen_t};
use socket2::Socket;

use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;

/// The client sends data after a while.
pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    at_once(experiment)?;
    let (listener, address) = ends::listen(5)?;
    ends::call("setsockopt(TCP_DEFER_ACCEPT)", defer(&listener, DEFER_S))?;
    experiment.record_call("server", format!("listen(5), TCP_DEFER_ACCEPT {DEFER_S}"), "0", CallOutcome::Plain);
    let before = experiment.env().counter(DROPS);
    let (client, port) = connect(experiment, address)?;
    experiment.sleep(QUIET)?;
    let (depth, state) = read_server_end(experiment, &listener, address, port);
    let after = experiment.env().counter(DROPS);
    experiment.measure("defer-queued-before-data", f64::from(depth));
    experiment.measure_flag("defer-syn-rcvd-before-data", state == Some(ends::SYN_RECV));
    if let Some(dropped) = before.zip(after).map(|(before, after)| after - before) {
        experiment.record_call("kernel", DROPS, format!("+{dropped}"), CallOutcome::Refused);
        experiment.measure("defer-acks-dropped", dropped as f64);
    }
    send_request(experiment, &client, &listener)?;
    let (depth, state) = read_server_end(experiment, &listener, address, port);
    experiment.measure("defer-queued-after-data", f64::from(depth));
    experiment.measure_flag("defer-established-after-data", state == Some(ends::ESTABLISHED));
    Ok(())
}

/// Without the option: the final ACK alone is enough.
fn at_once(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    experiment.record_call("server", "listen(5)", "0", CallOutcome::Plain);
    let (_client, port) = connect(experiment, address)?;
    experiment.sleep(QUIET)?;
    let (depth, _) = read_server_end(experiment, &listener, address, port);
    experiment.measure("defer-without-queued", f64::from(depth));
    Ok(())
}

/// A client that sends no data: the kernel retransmits the SYN-ACK until the timeout, then queues the connection
/// without data.
pub(super) fn stay_silent(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    ends::call("setsockopt(TCP_DEFER_ACCEPT)", defer(&listener, SHORT_S))?;
    experiment.record_call("server", format!("listen(5), TCP_DEFER_ACCEPT {SHORT_S}"), "0", CallOutcome::Plain);
    let began = experiment.env().now();
    let (_client, port) = connect(experiment, address)?;
    let came = experiment.wait_until(say!("a child in the accept queue"), LONGEST, |here| {
        here.queue(listener.as_fd()).is_some_and(|(depth, _)| depth == 1)
    });
    read_server_end(experiment, &listener, address, port);
    match came {
        Ok(at) => experiment.measure("defer-silent-queued-ms", ends::millis(at.since(began))),
        Err(ExperimentError::TimedOut(_)) => {}
        Err(error) => return Err(error),
    }
    experiment.measure_flag("defer-silent-queued", came.is_ok());
    Ok(())
}

/// A client connects and sends no data yet.
fn connect(experiment: &mut Experiment<'_>, address: SocketAddr) -> Result<(Socket, u16), ExperimentError> {
    let client = ends::connect(address)?;
    let port = ends::name(&client)?.port();
    experiment.record_call("client", format!("connect(:{})", address.port()), "ESTABLISHED", CallOutcome::Good);
    Ok((client, port))
}

/// Depth of the accept queue, and the state of the connection at the server's end.
fn read_server_end(
    experiment: &mut Experiment<'_>,
    listener: &Socket,
    address: SocketAddr,
    client_port: u16,
) -> (u32, Option<u8>) {
    let depth = experiment.env().queue(listener.as_fd()).map_or(0, |(depth, _)| depth);
    let state = ends::server_end(&experiment.env().sockets(address.port()), client_port).map(|seen| seen.state);
    let mood = if depth > 0 { CallOutcome::Good } else { CallOutcome::Silent };
    let outcome = format!("{}, {}", state.map_or("–", ends::state), say!("{depth} in the queue", depth));
    experiment.record_call("kernel", say!("the server's end"), outcome, mood);
    (depth, state)
}

/// The client sends its request.
fn send_request(experiment: &mut Experiment<'_>, client: &Socket, listener: &Socket) -> Result<(), ExperimentError> {
    let began = experiment.env().now();
    ends::call("send()", client.send(REQUEST))?;
    experiment.record_call("client", format!("send({} B)", REQUEST.len()), "0", CallOutcome::Plain);
    let came = experiment.wait_until(say!("a child in the accept queue"), ends::TIMEOUT, |here| {
        here.queue(listener.as_fd()).is_some_and(|(depth, _)| depth == 1)
    })?;
    experiment.measure("defer-data-to-queue-ms", ends::millis(came.since(began)));
    Ok(())
}

/// Connections without data are not queued for accept() for about `seconds`.
#[expect(unsafe_code, reason = "neither rustix nor socket2 sets TCP_DEFER_ACCEPT")]
fn defer(listener: &Socket, seconds: c_int) -> io::Result<()> {
    let (raw, length) = (listener.as_raw_fd(), size_of::<c_int>() as socklen_t);
    let value = (&raw const seconds).cast::<c_void>();
    // SAFETY: `value` points to readable memory of exactly `length` bytes that outlives the call; the kernel only reads it.
    let done = unsafe { libc::setsockopt(raw, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, value, length) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

const DROPS: &str = "TCPDeferAcceptDrop";
const REQUEST: &[u8] = b"GET / HTTP/1.0\r\n\r\n";

/// Longer than the client waits before it sends data.
const DEFER_S: c_int = 30;
const SHORT_S: c_int = 1;

/// How long the client sends no data.
const QUIET: Duration = Duration::from_millis(300);

/// How long a silent client is observed: several times [`SHORT_S`].
const LONGEST: Duration = Duration::from_secs(8);
