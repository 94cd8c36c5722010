//! Every errno of connect() that can be produced on real sockets without harm, and its cause.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::pipe::pipe;
use socket2::{Domain, SockAddr, Socket, Type};

use super::connect_attempt::{self, FullListener, connect_call, free_port, reset};
use super::{Experiment, ExperimentError, ends};
use crate::lab::namespace::{RejectKind, RejectRoute};
use crate::model::experiment::CallOutcome;
use crate::say;

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let mut observed = ObservedErrnos::default();
    no_socket(experiment, &mut observed)?;
    no_route(experiment, &mut observed)?;
    no_answer(experiment, &mut observed)?;
    own_side(experiment, &mut observed)?;
    broken_off(experiment, &mut observed)?;
    unix(experiment, &mut observed)?;
    observed.errnos.sort_unstable();
    observed.errnos.dedup();
    experiment.measure("connect-errnos", observed.errnos.len() as f64);
    Ok(())
}

/// The errnos that connect() gave.
#[derive(Default)]
struct ObservedErrnos {
    errnos: Vec<i32>,
}

impl ObservedErrnos {
    fn record(&mut self, experiment: &mut Experiment<'_>, name: &str, call: impl Into<String>, errno: i32) {
        connect_attempt::record(experiment, "client", call, errno);
        experiment.measure(&format!("{name}-errno"), f64::from(errno));
        self.errnos.extend((errno != 0).then_some(errno));
    }
}

/// A descriptor that is no socket, or a socket of another family.
fn no_socket(experiment: &mut Experiment<'_>, observed: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    let somewhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let connect = |fd: &std::os::fd::OwnedFd| {
        connect_attempt::number(&rustix::net::connect(fd, &somewhere).map_err(std::io::Error::from))
    };
    let path =
        ends::call("open(O_PATH)", open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(Into::into))?;
    observed.record(experiment, "no-descriptor", "open(O_PATH), connect()", connect(&path));
    let (reader, _writer) = ends::call("pipe()", pipe().map_err(std::io::Error::from))?;
    observed.record(experiment, "no-socket", "pipe(), connect()", connect(&reader));
    let other = SocketAddr::from((Ipv6Addr::LOCALHOST, 9));
    let errno = connect_attempt::connect(&ends::socket()?, other);
    observed.record(experiment, "other-family", format!("AF_INET, {}", connect_call(other)), errno);
    Ok(())
}

/// No route or a reject route: no SYN is sent.
fn no_route(experiment: &mut Experiment<'_>, observed: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    experiment.token()?;
    let nowhere = SocketAddr::new(IpAddr::V4(UNROUTED), 9);
    let errno = connect_attempt::connect(&connect_attempt::nonblocking()?, nowhere);
    observed.record(experiment, "no-route", connect_call(nowhere), errno);
    for (name, word, kind) in [
        ("unreachable-route", "unreachable", RejectKind::Unreachable),
        ("prohibited-route", "prohibit", RejectKind::Prohibited),
        ("blackhole-route", "blackhole", RejectKind::Blackhole),
    ] {
        let route = RejectRoute::add(experiment.token()?, REJECTED, kind).map_err(std::io::Error::from);
        let _denied = ends::call(format!("ip route add {word} {REJECTED}"), route)?;
        experiment.record_call("kernel", format!("ip route add {word} {REJECTED}"), "0", CallOutcome::Plain);
        let address = SocketAddr::new(IpAddr::V4(REJECTED), 9);
        let errno = connect_attempt::connect(&connect_attempt::nonblocking()?, address);
        observed.record(experiment, name, connect_call(address), errno);
    }
    Ok(())
}

/// A port without a listener, and a listener whose queue is full.
fn no_answer(experiment: &mut Experiment<'_>, observed: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    let no_listener = free_port()?;
    let errno = connect_attempt::connect(&ends::socket()?, no_listener);
    observed.record(experiment, "no-listener", connect_call(no_listener), errno);
    let full = FullListener::open(experiment)?;
    let socket = connect_attempt::nonblocking()?;
    ends::call("setsockopt(TCP_USER_TIMEOUT)", socket.set_tcp_user_timeout(Some(SHORT)))?;
    let errno = connect_attempt::connect(&socket, full.address);
    observed.record(experiment, "in-progress", format!("O_NONBLOCK, {}", connect_call(full.address)), errno);
    let errno = connect_attempt::connect(&socket, full.address);
    observed.record(experiment, "again-meanwhile", connect_call(full.address), errno);
    experiment.wait_until(say!("the end of a connection attempt"), ends::TIMEOUT, |_| {
        connect_attempt::is_writable(&socket)
    })?;
    let errno = connect_attempt::connect(&socket, full.address);
    observed.record(
        experiment,
        "queue-full",
        format!("TCP_USER_TIMEOUT {} ms, {}", SHORT.as_millis(), connect_call(full.address)),
        errno,
    );
    Ok(())
}

/// Errors caused by the caller's own sockets.
fn own_side(experiment: &mut Experiment<'_>, observed: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    let (_listener, address) = ends::listen(5)?;
    let own = free_port()?;
    let bound = || -> Result<_, ExperimentError> {
        let socket = ends::socket()?;
        ends::call("setsockopt(SO_REUSEADDR)", socket.set_reuse_address(true))?;
        ends::call("bind()", socket.bind(&own.into()))?;
        Ok(socket)
    };
    let (first, second) = (bound()?, bound()?);
    let call = format!("SO_REUSEADDR, bind(:{}), {}", own.port(), connect_call(address));
    connect_attempt::record(experiment, "client", call.clone(), connect_attempt::connect(&first, address));
    let errno = connect_attempt::connect(&second, address);
    observed.record(experiment, "same-pair", call, errno);
    let errno = connect_attempt::connect(&first, address);
    observed.record(experiment, "connected-already", connect_call(address), errno);
    let errno = connect_attempt::number(&ends::socket()?.bind(&own.into()));
    connect_attempt::record(experiment, "client", format!("bind(:{})", own.port()), errno);
    experiment.measure("bind-in-use-errno", f64::from(errno));
    reset(first)
}

/// An established connection that is reset before the next connect().
fn broken_off(experiment: &mut Experiment<'_>, observed: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    for (name, is_taken) in [("reset-meanwhile", false), ("reset-error-taken", true)] {
        let (listener, address) = ends::listen(5)?;
        let socket = connect_attempt::nonblocking()?;
        let begun = connect_attempt::connect(&socket, address);
        connect_attempt::record(experiment, "client", format!("O_NONBLOCK, {}", connect_call(address)), begun);
        let (served, _) = ends::accept(experiment, &listener)?;
        reset(served)?;
        experiment.record_call("server", "accept(), SO_LINGER 0, close()", "0", CallOutcome::Plain);
        if is_taken {
            let error = connect_attempt::so_error(&socket)?;
            connect_attempt::record(experiment, "client", "getsockopt(SO_ERROR)", error);
        }
        let errno = connect_attempt::connect(&socket, address);
        observed.record(experiment, name, connect_call(address), errno);
    }
    Ok(())
}

/// The errnos of unix sockets.
fn unix(experiment: &mut Experiment<'_>, observed: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    let open = || ends::call("socket(AF_UNIX)", Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None));
    let missing = ends::call("connect()", SockAddr::unix("/proc/qviz"))?;
    let errno = connect_attempt::number(&open()?.connect(&missing));
    observed.record(experiment, "unix-no-file", "connect(/proc/qviz)", errno);
    let listener = open()?;
    ends::call("bind()", listener.bind(&ends::call("bind()", SockAddr::unix(""))?))?;
    let name = ends::call("getsockname()", listener.local_addr())?;
    ends::call("listen(0)", listener.listen(0))?;
    let (first, second) = (open()?, open()?);
    ends::call("connect(AF_UNIX)", first.connect(&name))?;
    experiment.record_call("server", "AF_UNIX, listen(0)", "0", CallOutcome::Plain);
    experiment.record_call("client", "connect(AF_UNIX)", "0", CallOutcome::Good);
    let errno = connect_attempt::number(&second.connect(&name));
    observed.record(experiment, "unix-full", "O_NONBLOCK, connect(AF_UNIX)", errno);
    Ok(())
}

/// An address to which the private network has no route (TEST-NET-3, RFC 5737).
const UNROUTED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// One of the clients' addresses that no client of the lab has.
const REJECTED: Ipv4Addr = Ipv4Addr::new(198, 19, 255, 251);
/// TCP_USER_TIMEOUT; the kernel checks it when the first retransmission timer fires, after one second.
const SHORT: Duration = Duration::from_millis(500);
