//! connect() that does not wait: what it answers at once, when the socket becomes writable, and that writable is not yet connected.
//! To a listener on loopback, to a unix socket, to a host that is 200 ms away, to a full queue, and to nobody.

use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::connect_attempt::{self, FullListener, connect_call, free_port, reset};
use super::remote_host::{self, REMOTE, RemoteHost};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::model::segment::{Kind, flags};
use crate::model::stamp::Stamp;

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (_listener, address) = ends::listen(5)?;
    let attempt = Attempt::begin(bench, "loopback", address)?;
    attempt.end(bench)?;
    unix(bench)?;
    if bench.token().is_ok() {
        far_away(bench)?;
    }
    let full = FullListener::open(bench)?;
    let attempt = Attempt::begin(bench, "full", full.address)?;
    bench.sleep(ROOM_AFTER)?;
    let _taken = full.make_room(bench)?;
    attempt.end(bench)?;
    let attempt = Attempt::begin(bench, "nobody", free_port()?)?;
    attempt.end(bench)
}

/// A connection that was begun without waiting.
struct Attempt {
    name: &'static str,
    socket: Socket,
    began: Stamp,
}

impl Attempt {
    fn begin(bench: &mut Experiment<'_>, name: &'static str, to: SocketAddr) -> Result<Self, ExperimentError> {
        let (socket, began) = (connect_attempt::nonblocking()?, bench.env().now());
        let errno = connect_attempt::connect(&socket, to);
        let is_writable = connect_attempt::is_writable(&socket);
        connect_attempt::record(bench, "client", format!("O_NONBLOCK, {}", connect_call(to)), errno);
        bench.measure(&format!("{name}-errno"), f64::from(errno));
        bench.measure_flag(&format!("{name}-writable-at-once"), is_writable);
        Ok(Self { name, socket, began })
    }

    fn end(self, bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
        let (at, errno) = connect_attempt::end_of(bench, &self.socket, ends::TIMEOUT)?;
        let waited = ends::millis(at.since(self.began));
        bench.record_call("client", "poll(POLLOUT)", format!("+{waited:.0} ms"), CallOutcome::Plain);
        connect_attempt::record(bench, "client", "getsockopt(SO_ERROR)", errno);
        bench.measure(&format!("{}-writable-ms", self.name), waited);
        bench.measure(&format!("{}-so-error", self.name), f64::from(errno));
        reset(self.socket)
    }
}

/// A unix socket has no handshake.
fn unix(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let open = || ends::call("socket(AF_UNIX)", Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None));
    let listener = open()?;
    ends::call("bind()", listener.bind(&ends::call("bind()", SockAddr::unix(""))?))?;
    ends::call("listen(5)", listener.listen(5))?;
    let (client, name) = (open()?, ends::call("getsockname()", listener.local_addr())?);
    let errno = connect_attempt::number(&client.connect(&name));
    connect_attempt::record(bench, "client", "O_NONBLOCK, connect(AF_UNIX)", errno);
    bench.measure("unix-errno", f64::from(errno));
    Ok(())
}

/// The far host answers after a round trip.
fn far_away(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let mut far = RemoteHost::open(bench)?;
    let attempt = Attempt::begin(bench, "far", REMOTE.into())?;
    let (_, syn) = far.wait_for(bench, Kind::Syn, ends::TIMEOUT)?;
    bench.sleep(ROUND_TRIP)?;
    remote_host::answer(bench, &syn, flags::SYN | flags::ACK)?;
    bench.record_call("wire", "SYN-ACK", format!("+{} ms", ROUND_TRIP.as_millis()), CallOutcome::Plain);
    bench.measure("far-rtt-ms", ends::millis(ROUND_TRIP));
    attempt.end(bench)
}

/// How far away the far host is.
const ROUND_TRIP: Duration = Duration::from_millis(200);
/// When the full queue gets room.
const ROOM_AFTER: Duration = Duration::from_millis(300);
