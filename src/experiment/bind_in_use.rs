//! Two sockets and one port: the result of the second bind() while the first is bound, listens, or is closed with a
//! connection in TIME_WAIT; with SO_REUSEADDR and SO_REUSEPORT on the second alone or on both.

use std::net::SocketAddr;

use socket2::Socket;

use super::connect_attempt::{self, free_port};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let mut cells = 0;
    for first in [FirstSocket::Bound, FirstSocket::Listens, FirstSocket::TimeWait] {
        for reuse in REUSES {
            let errno = cell(experiment, first, reuse)?;
            experiment.measure(&format!("{}-{}-errno", first.name(), reuse.name), f64::from(errno));
            cells += 1;
        }
    }
    experiment.measure("in-use-cells", f64::from(cells));
    Ok(())
}

/// The state of the first socket at the second bind().
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FirstSocket {
    Bound,
    Listens,
    TimeWait,
}

impl FirstSocket {
    const fn name(self) -> &'static str {
        match self {
            Self::Bound => "bound",
            Self::Listens => "listening",
            Self::TimeWait => "time-wait",
        }
    }
}

/// The options of both sockets.
#[derive(Clone, Copy, Debug)]
struct Reuse {
    name: &'static str,
    first: Reused,
    second: Reused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reused {
    Nothing,
    Address,
    Port,
}

impl Reused {
    /// Sets the option; returns its text before a call.
    fn put_on(self, socket: &Socket) -> Result<&'static str, ExperimentError> {
        match self {
            Self::Nothing => Ok(""),
            Self::Address => {
                ends::call("setsockopt(SO_REUSEADDR)", socket.set_reuse_address(true)).map(|()| "SO_REUSEADDR, ")
            }
            Self::Port => {
                ends::call("setsockopt(SO_REUSEPORT)", socket.set_reuse_port(true)).map(|()| "SO_REUSEPORT, ")
            }
        }
    }
}

/// The errno of the second bind(), or of its listen() if bind() succeeded.
fn cell(experiment: &mut Experiment<'_>, first: FirstSocket, reuse: Reuse) -> Result<i32, ExperimentError> {
    let address = free_port()?;
    let _first = open_first(experiment, first, reuse.first, address)?;
    let second = ends::socket()?;
    let option = reuse.second.put_on(&second)?;
    let bound = connect_attempt::number(&second.bind(&address.into()));
    connect_attempt::record(experiment, "server 2", format!("{option}bind(:{})", address.port()), bound);
    if bound != 0 {
        return Ok(bound);
    }
    let listens = connect_attempt::number(&second.listen(5));
    connect_attempt::record(experiment, "server 2", "listen(5)", listens);
    Ok(listens)
}

/// Opens the first socket; for [`FirstSocket::TimeWait`] only a connection in TIME_WAIT remains.
fn open_first(
    experiment: &mut Experiment<'_>,
    first: FirstSocket,
    reused: Reused,
    address: SocketAddr,
) -> Result<Option<Socket>, ExperimentError> {
    let socket = ends::socket()?;
    let option = reused.put_on(&socket)?;
    ends::call("bind()", socket.bind(&address.into()))?;
    let mut calls = format!("{option}bind(:{})", address.port());
    if first != FirstSocket::Bound {
        ends::call("listen()", socket.listen(5))?;
        calls.push_str(", listen(5)");
    }
    if first == FirstSocket::TimeWait {
        leave_in_time_wait(experiment, &socket, address)?;
        calls.push_str(", accept(), close(), close()");
    }
    let outcome = if first == FirstSocket::TimeWait { "TIME_WAIT" } else { "0" };
    experiment.record_call("server", calls, outcome, CallOutcome::Plain);
    Ok((first != FirstSocket::TimeWait).then_some(socket))
}

/// Makes a connection that the listener's side closes first.
fn leave_in_time_wait(
    experiment: &Experiment<'_>,
    listener: &Socket,
    address: SocketAddr,
) -> Result<(), ExperimentError> {
    let client = ends::connect(address)?;
    let (served, _) = ends::accept(experiment, listener)?;
    drop(served);
    drop(client);
    experiment.wait_until(say!("a connection in TIME_WAIT"), ends::TIMEOUT, |here| {
        here.sockets(address.port()).iter().any(|seen| seen.state == TIME_WAIT)
    })?;
    Ok(())
}

const REUSES: [Reuse; 5] = [
    Reuse { name: "plain", first: Reused::Nothing, second: Reused::Nothing },
    Reuse { name: "reuseaddr-second", first: Reused::Nothing, second: Reused::Address },
    Reuse { name: "reuseaddr-both", first: Reused::Address, second: Reused::Address },
    Reuse { name: "reuseport-second", first: Reused::Nothing, second: Reused::Port },
    Reuse { name: "reuseport-both", first: Reused::Port, second: Reused::Port },
];

/// TCP_TIME_WAIT in `include/net/tcp_states.h`.
const TIME_WAIT: u8 = 6;
