//! Non-blocking connect(): its immediate result, when the socket becomes writable, and that writable does not mean
//! connected. To a listener on loopback, a unix socket, a host at 200 ms, a full queue, and a port without a
//! listener.

use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::connect_attempt::{self, FullListener, connect_call, free_port, reset};
use super::remote_host::{self, REMOTE, RemoteHost};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::model::segment::{Kind, flags};
use crate::model::stamp::Stamp;

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (_listener, address) = ends::listen(5)?;
    let attempt = Attempt::begin(experiment, "loopback", address)?;
    attempt.end(experiment)?;
    unix(experiment)?;
    if experiment.token().is_ok() {
        far_away(experiment)?;
    }
    let full = FullListener::open(experiment)?;
    let attempt = Attempt::begin(experiment, "full", full.address)?;
    experiment.sleep(ROOM_AFTER)?;
    let _taken = full.make_room(experiment)?;
    attempt.end(experiment)?;
    let attempt = Attempt::begin(experiment, "nobody", free_port()?)?;
    attempt.end(experiment)
}

/// A non-blocking connection attempt.
struct Attempt {
    name: &'static str,
    socket: Socket,
    began: Stamp,
}

impl Attempt {
    fn begin(experiment: &mut Experiment<'_>, name: &'static str, to: SocketAddr) -> Result<Self, ExperimentError> {
        let (socket, began) = (connect_attempt::nonblocking()?, experiment.env().now());
        let errno = connect_attempt::connect(&socket, to);
        let is_writable = connect_attempt::is_writable(&socket);
        connect_attempt::record(experiment, "client", format!("O_NONBLOCK, {}", connect_call(to)), errno);
        experiment.measure(&format!("{name}-errno"), f64::from(errno));
        experiment.measure_flag(&format!("{name}-writable-at-once"), is_writable);
        Ok(Self { name, socket, began })
    }

    fn end(self, experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
        let (at, errno) = connect_attempt::end_of(experiment, &self.socket, ends::TIMEOUT)?;
        let waited = ends::millis(at.since(self.began));
        experiment.record_call("client", "poll(POLLOUT)", format!("+{waited:.0} ms"), CallOutcome::Plain);
        connect_attempt::record(experiment, "client", "getsockopt(SO_ERROR)", errno);
        experiment.measure(&format!("{}-writable-ms", self.name), waited);
        experiment.measure(&format!("{}-so-error", self.name), f64::from(errno));
        reset(self.socket)
    }
}

/// A unix socket has no handshake.
fn unix(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let open = || ends::call("socket(AF_UNIX)", Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None));
    let listener = open()?;
    ends::call("bind()", listener.bind(&ends::call("bind()", SockAddr::unix(""))?))?;
    ends::call("listen(5)", listener.listen(5))?;
    let (client, name) = (open()?, ends::call("getsockname()", listener.local_addr())?);
    let errno = connect_attempt::number(&client.connect(&name));
    connect_attempt::record(experiment, "client", "O_NONBLOCK, connect(AF_UNIX)", errno);
    experiment.measure("unix-errno", f64::from(errno));
    Ok(())
}

/// The remote host answers after a round trip.
fn far_away(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let mut remote = RemoteHost::open(experiment)?;
    let attempt = Attempt::begin(experiment, "far", REMOTE.into())?;
    let (_, syn) = remote.wait_for(experiment, Kind::Syn, ends::TIMEOUT)?;
    experiment.sleep(ROUND_TRIP)?;
    remote_host::answer(experiment, &syn, flags::SYN | flags::ACK)?;
    experiment.record_call("wire", "SYN-ACK", format!("+{} ms", ROUND_TRIP.as_millis()), CallOutcome::Plain);
    experiment.measure("far-rtt-ms", ends::millis(ROUND_TRIP));
    attempt.end(experiment)
}

/// The round-trip time of the remote host.
const ROUND_TRIP: Duration = Duration::from_millis(200);
/// When accept() makes room in the full queue.
const ROOM_AFTER: Duration = Duration::from_millis(300);
