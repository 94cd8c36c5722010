//! TCP_DEFER_ACCEPT: a handshake that is complete for the client leaves nothing in the accept queue before data comes; and, in a trial of
//! its own, what becomes of a client that never says anything.
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

/// A client speaks after a while.
pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    at_once(bench)?;
    let (listener, address) = ends::listen(5)?;
    ends::call("setsockopt(TCP_DEFER_ACCEPT)", defer(&listener, DEFER_S))?;
    bench.record_call("server", format!("listen(5), TCP_DEFER_ACCEPT {DEFER_S}"), "0", CallOutcome::Plain);
    let before = bench.env().counter(DROPS);
    let (client, port) = connect(bench, address)?;
    bench.sleep(QUIET)?;
    let (depth, state) = read_server_end(bench, &listener, address, port);
    let after = bench.env().counter(DROPS);
    bench.measure("defer-queued-before-data", f64::from(depth));
    bench.measure_flag("defer-syn-rcvd-before-data", state == Some(ends::SYN_RECV));
    if let Some(dropped) = before.zip(after).map(|(before, after)| after - before) {
        bench.record_call("kernel", DROPS, format!("+{dropped}"), CallOutcome::Refused);
        bench.measure("defer-acks-dropped", dropped as f64);
    }
    send_request(bench, &client, &listener)?;
    let (depth, state) = read_server_end(bench, &listener, address, port);
    bench.measure("defer-queued-after-data", f64::from(depth));
    bench.measure_flag("defer-established-after-data", state == Some(ends::ESTABLISHED));
    Ok(())
}

/// Without the option: the final ACK alone is enough.
fn at_once(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    bench.record_call("server", "listen(5)", "0", CallOutcome::Plain);
    let (_client, port) = connect(bench, address)?;
    bench.sleep(QUIET)?;
    let (depth, _) = read_server_end(bench, &listener, address, port);
    bench.measure("defer-without-queued", f64::from(depth));
    Ok(())
}

/// A client that says nothing: the kernel asks it again (SYN-ACK) until the time is over, then lets it in without data.
pub(super) fn stay_silent(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    ends::call("setsockopt(TCP_DEFER_ACCEPT)", defer(&listener, SHORT_S))?;
    bench.record_call("server", format!("listen(5), TCP_DEFER_ACCEPT {SHORT_S}"), "0", CallOutcome::Plain);
    let began = bench.env().now();
    let (_client, port) = connect(bench, address)?;
    let came = bench.wait_until(say!("a child in the accept queue"), LONGEST, |here| {
        here.queue(listener.as_fd()).is_some_and(|(depth, _)| depth == 1)
    });
    read_server_end(bench, &listener, address, port);
    match came {
        Ok(at) => bench.measure("defer-silent-queued-ms", ends::millis(at.since(began))),
        Err(ExperimentError::TimedOut(_)) => {}
        Err(error) => return Err(error),
    }
    bench.measure_flag("defer-silent-queued", came.is_ok());
    Ok(())
}

/// A client connects and says nothing yet.
fn connect(bench: &mut Experiment<'_>, address: SocketAddr) -> Result<(Socket, u16), ExperimentError> {
    let client = ends::connect(address)?;
    let port = ends::name(&client)?.port();
    bench.record_call("client", format!("connect(:{})", address.port()), "ESTABLISHED", CallOutcome::Good);
    Ok((client, port))
}

/// Depth of the accept queue, and the state of the connection at the server's end.
fn read_server_end(
    bench: &mut Experiment<'_>,
    listener: &Socket,
    address: SocketAddr,
    client_port: u16,
) -> (u32, Option<u8>) {
    let depth = bench.env().queue(listener.as_fd()).map_or(0, |(depth, _)| depth);
    let state = ends::server_end(&bench.env().sockets(address.port()), client_port).map(|seen| seen.state);
    let mood = if depth > 0 { CallOutcome::Good } else { CallOutcome::Silent };
    let outcome = format!("{}, {}", state.map_or("–", ends::state), say!("{depth} in the queue", depth));
    bench.record_call("kernel", say!("the server's end"), outcome, mood);
    (depth, state)
}

/// The client sends its request.
fn send_request(bench: &mut Experiment<'_>, client: &Socket, listener: &Socket) -> Result<(), ExperimentError> {
    let began = bench.env().now();
    ends::call("send()", client.send(REQUEST))?;
    bench.record_call("client", format!("send({} B)", REQUEST.len()), "0", CallOutcome::Plain);
    let came = bench.wait_until(say!("a child in the accept queue"), ends::TIMEOUT, |here| {
        here.queue(listener.as_fd()).is_some_and(|(depth, _)| depth == 1)
    })?;
    bench.measure("defer-data-to-queue-ms", ends::millis(came.since(began)));
    Ok(())
}

/// Connections without data do not become ready for accept() for about so many seconds.
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

/// Longer than it takes until the client speaks.
const DEFER_S: c_int = 30;
const SHORT_S: c_int = 1;

/// How long the client says nothing.
const QUIET: Duration = Duration::from_millis(300);

/// How long a silent client is watched: several times [`SHORT_S`].
const LONGEST: Duration = Duration::from_secs(8);
