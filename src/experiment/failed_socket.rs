//! A socket after a failed connect(): the same descriptor once more, after a refusal and after a timeout.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::Socket;

use super::connect_attempt::{self, FullListener, connect_call, free_port, reset};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    after_refusal(experiment)?;
    after_timeout(experiment)
}

/// No listener; then there is one, and the same socket connects again.
fn after_refusal(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let address = free_port()?;
    let socket = ends::socket()?;
    let failed = connect_attempt::connect(&socket, address);
    connect_attempt::record(experiment, "client", connect_call(address), failed);
    experiment.measure("refused-errno", f64::from(failed));
    let server = ends::socket()?;
    ends::call("bind()", server.bind(&address.into()))?;
    ends::call("listen(5)", server.listen(5))?;
    experiment.record_call("server", format!("bind({address}), listen(5)"), "0", CallOutcome::Plain);
    let again = connect_attempt::connect(&socket, address);
    connect_attempt::record(experiment, "client", connect_call(address), again);
    experiment.measure("refused-again-errno", f64::from(again));
    let usable = again == 0 && is_usable(experiment, &socket, &server)?;
    experiment.measure_flag("refused-usable", usable);
    reset(socket)
}

/// The queue is full until connect() times out; then there is room, and the same socket connects again.
fn after_timeout(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let full = FullListener::open(experiment)?;
    let socket = ends::socket()?;
    ends::call("setsockopt(TCP_USER_TIMEOUT)", socket.set_tcp_user_timeout(Some(SHORT)))?;
    let (began, address): (_, SocketAddr) = (experiment.env().now(), full.address);
    let failed = connect_attempt::connect(&socket, address);
    let lasted = experiment.env().now().since(began);
    let call = format!("TCP_USER_TIMEOUT {} ms, {}", SHORT.as_millis(), connect_call(address));
    connect_attempt::record(experiment, "client", call, failed);
    experiment.measure("timeout-errno", f64::from(failed));
    experiment.measure("timeout-ms", ends::millis(lasted));
    let _taken = full.make_room(experiment)?;
    let again = connect_attempt::connect(&socket, address);
    connect_attempt::record(experiment, "client", connect_call(address), again);
    experiment.measure("timeout-again-errno", f64::from(again));
    let usable = again == 0 && is_usable(experiment, &socket, &full.listener)?;
    experiment.measure_flag("timeout-usable", usable);
    reset(socket)
}

/// Whether what the client sends arrives.
fn is_usable(experiment: &mut Experiment<'_>, mut client: &Socket, listener: &Socket) -> Result<bool, ExperimentError> {
    let (mut served, _) = ends::accept(experiment, listener)?;
    ends::call("send()", client.write_all(PAYLOAD))?;
    experiment.record_call("client", format!("send({})", PAYLOAD.len()), PAYLOAD.len().to_string(), CallOutcome::Good);
    ends::call("setsockopt(SO_RCVTIMEO)", served.set_read_timeout(Some(ends::TIMEOUT)))?;
    let mut received = [0; PAYLOAD.len()];
    ends::call("recv()", served.read_exact(&mut received))?;
    experiment.record_call(
        "server",
        format!("accept(), recv({})", PAYLOAD.len()),
        PAYLOAD.len().to_string(),
        CallOutcome::Good,
    );
    Ok(received == PAYLOAD)
}

/// What is sent.
const PAYLOAD: &[u8] = b"qviz";
/// TCP_USER_TIMEOUT; the kernel checks it when the first retransmission timer fires, after one second.
const SHORT: Duration = Duration::from_millis(500);
