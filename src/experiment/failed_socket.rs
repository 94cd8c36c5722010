//! A socket after a failed connect(): the same descriptor once more, after a refusal and after a timeout.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::Socket;

use super::connect_attempt::{self, FullListener, connect_call, free_port, reset};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    after_refusal(bench)?;
    after_timeout(bench)
}

/// Nobody listens; then somebody does, and the same socket tries again.
fn after_refusal(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let address = free_port()?;
    let socket = ends::socket()?;
    let failed = connect_attempt::connect(&socket, address);
    connect_attempt::record(bench, "client", connect_call(address), failed);
    bench.measure("refused-errno", f64::from(failed));
    let server = ends::socket()?;
    ends::call("bind()", server.bind(&address.into()))?;
    ends::call("listen(5)", server.listen(5))?;
    bench.record_call("server", format!("bind({address}), listen(5)"), "0", CallOutcome::Plain);
    let again = connect_attempt::connect(&socket, address);
    connect_attempt::record(bench, "client", connect_call(address), again);
    bench.measure("refused-again-errno", f64::from(again));
    let usable = again == 0 && is_usable(bench, &socket, &server)?;
    bench.measure_flag("refused-usable", usable);
    reset(socket)
}

/// The queue is full until connect() gives up; then there is room, and the same socket tries again.
fn after_timeout(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let full = FullListener::open(bench)?;
    let socket = ends::socket()?;
    ends::call("setsockopt(TCP_USER_TIMEOUT)", socket.set_tcp_user_timeout(Some(SHORT)))?;
    let (began, address): (_, SocketAddr) = (bench.env().now(), full.address);
    let failed = connect_attempt::connect(&socket, address);
    let lasted = bench.env().now().since(began);
    let call = format!("TCP_USER_TIMEOUT {} ms, {}", SHORT.as_millis(), connect_call(address));
    connect_attempt::record(bench, "client", call, failed);
    bench.measure("timeout-errno", f64::from(failed));
    bench.measure("timeout-ms", ends::millis(lasted));
    let _taken = full.make_room(bench)?;
    let again = connect_attempt::connect(&socket, address);
    connect_attempt::record(bench, "client", connect_call(address), again);
    bench.measure("timeout-again-errno", f64::from(again));
    let usable = again == 0 && is_usable(bench, &socket, &full.listener)?;
    bench.measure_flag("timeout-usable", usable);
    reset(socket)
}

/// Whether what the client sends arrives.
fn is_usable(bench: &mut Experiment<'_>, mut client: &Socket, listener: &Socket) -> Result<bool, ExperimentError> {
    let (mut served, _) = ends::call("accept()", listener.accept())?;
    ends::call("send()", client.write_all(PAYLOAD))?;
    bench.record_call("client", format!("send({})", PAYLOAD.len()), PAYLOAD.len().to_string(), CallOutcome::Good);
    ends::call("setsockopt(SO_RCVTIMEO)", served.set_read_timeout(Some(ends::TIMEOUT)))?;
    let mut heard = [0; PAYLOAD.len()];
    ends::call("recv()", served.read_exact(&mut heard))?;
    bench.record_call(
        "server",
        format!("accept(), recv({})", PAYLOAD.len()),
        PAYLOAD.len().to_string(),
        CallOutcome::Good,
    );
    Ok(heard == PAYLOAD)
}

/// What is sent.
const PAYLOAD: &[u8] = b"qviz";
/// How long connect() may wait: the kernel looks at it when its first second is over.
const SHORT: Duration = Duration::from_millis(500);
