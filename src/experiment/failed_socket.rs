//! A socket after a failed connect(): the same descriptor once more, after a refusal and after a timeout.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::Socket;

use super::attempts::{self, FullListener, connect_to, cut, free_port};
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
    let failed = attempts::connect(&socket, address);
    attempts::tell(bench, "client", connect_to(address), failed);
    bench.measured("refused-errno", f64::from(failed));
    let server = ends::socket()?;
    ends::call("bind()", server.bind(&address.into()))?;
    ends::call("listen(5)", server.listen(5))?;
    bench.line("server", format!("bind({address}), listen(5)"), "0", CallOutcome::Plain);
    let again = attempts::connect(&socket, address);
    attempts::tell(bench, "client", connect_to(address), again);
    bench.measured("refused-again-errno", f64::from(again));
    let usable = again == 0 && carries(bench, &socket, &server)?;
    bench.yes("refused-usable", usable);
    cut(socket)
}

/// The queue is full until connect() gives up; then there is room, and the same socket tries again.
fn after_timeout(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let full = FullListener::open(bench)?;
    let socket = ends::socket()?;
    ends::call("setsockopt(TCP_USER_TIMEOUT)", socket.set_tcp_user_timeout(Some(SHORT)))?;
    let (began, address): (_, SocketAddr) = (bench.here().now(), full.address);
    let failed = attempts::connect(&socket, address);
    let lasted = bench.here().now().since(began);
    let call = format!("TCP_USER_TIMEOUT {} ms, {}", SHORT.as_millis(), connect_to(address));
    attempts::tell(bench, "client", call, failed);
    bench.measured("timeout-errno", f64::from(failed));
    bench.measured("timeout-ms", ends::millis(lasted));
    let _taken = full.make_room(bench)?;
    let again = attempts::connect(&socket, address);
    attempts::tell(bench, "client", connect_to(address), again);
    bench.measured("timeout-again-errno", f64::from(again));
    let usable = again == 0 && carries(bench, &socket, &full.listener)?;
    bench.yes("timeout-usable", usable);
    cut(socket)
}

/// Whether what the client sends arrives.
fn carries(bench: &mut Experiment<'_>, mut client: &Socket, listener: &Socket) -> Result<bool, ExperimentError> {
    let (mut served, _) = ends::call("accept()", listener.accept())?;
    ends::call("send()", client.write_all(WORD))?;
    bench.line("client", format!("send({})", WORD.len()), WORD.len().to_string(), CallOutcome::Good);
    ends::call("setsockopt(SO_RCVTIMEO)", served.set_read_timeout(Some(ends::PATIENCE)))?;
    let mut heard = [0; WORD.len()];
    ends::call("recv()", served.read_exact(&mut heard))?;
    bench.line("server", format!("accept(), recv({})", WORD.len()), WORD.len().to_string(), CallOutcome::Good);
    Ok(heard == WORD)
}

/// What is sent.
const WORD: &[u8] = b"qviz";
/// How long connect() may wait: the kernel looks at it when its first second is over.
const SHORT: Duration = Duration::from_millis(500);
