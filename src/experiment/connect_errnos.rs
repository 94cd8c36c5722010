//! Every errno of connect() that can be had on real sockets without harm: who gives it, and when.

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

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let mut met = ObservedErrnos::default();
    no_socket(bench, &mut met)?;
    no_route(bench, &mut met)?;
    no_answer(bench, &mut met)?;
    own_side(bench, &mut met)?;
    broken_off(bench, &mut met)?;
    unix(bench, &mut met)?;
    met.errnos.sort_unstable();
    met.errnos.dedup();
    bench.measure("connect-errnos", met.errnos.len() as f64);
    Ok(())
}

/// The errnos that connect() gave.
#[derive(Default)]
struct ObservedErrnos {
    errnos: Vec<i32>,
}

impl ObservedErrnos {
    fn record(&mut self, bench: &mut Experiment<'_>, name: &str, call: impl Into<String>, errno: i32) {
        connect_attempt::record(bench, "client", call, errno);
        bench.measure(&format!("{name}-errno"), f64::from(errno));
        self.errnos.extend((errno != 0).then_some(errno));
    }
}

/// What is no socket, or one of another family.
fn no_socket(bench: &mut Experiment<'_>, met: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    let somewhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let connect = |fd: &std::os::fd::OwnedFd| {
        connect_attempt::number(&rustix::net::connect(fd, &somewhere).map_err(std::io::Error::from))
    };
    let path =
        ends::call("open(O_PATH)", open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(Into::into))?;
    met.record(bench, "no-descriptor", "open(O_PATH), connect()", connect(&path));
    let (reader, _writer) = ends::call("pipe()", pipe().map_err(std::io::Error::from))?;
    met.record(bench, "no-socket", "pipe(), connect()", connect(&reader));
    let other = SocketAddr::from((Ipv6Addr::LOCALHOST, 9));
    let errno = connect_attempt::connect(&ends::socket()?, other);
    met.record(bench, "other-family", format!("AF_INET, {}", connect_call(other)), errno);
    Ok(())
}

/// Routes that lead nowhere: the SYN does not even leave.
fn no_route(bench: &mut Experiment<'_>, met: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    bench.token()?;
    let nowhere = SocketAddr::new(IpAddr::V4(UNROUTED), 9);
    let errno = connect_attempt::connect(&connect_attempt::nonblocking()?, nowhere);
    met.record(bench, "no-route", connect_call(nowhere), errno);
    for (name, word, refusing) in [
        ("unreachable-route", "unreachable", RejectKind::Unreachable),
        ("prohibited-route", "prohibit", RejectKind::Prohibited),
        ("blackhole-route", "blackhole", RejectKind::Blackhole),
    ] {
        let denied = RejectRoute::add(bench.token()?, REJECTED, refusing).map_err(std::io::Error::from);
        let _denied = ends::call(format!("ip route add {word} {REJECTED}"), denied)?;
        bench.record_call("kernel", format!("ip route add {word} {REJECTED}"), "0", CallOutcome::Plain);
        let address = SocketAddr::new(IpAddr::V4(REJECTED), 9);
        let errno = connect_attempt::connect(&connect_attempt::nonblocking()?, address);
        met.record(bench, name, connect_call(address), errno);
    }
    Ok(())
}

/// A port without a listener, and one whose queue is full.
fn no_answer(bench: &mut Experiment<'_>, met: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    let nobody = free_port()?;
    let errno = connect_attempt::connect(&ends::socket()?, nobody);
    met.record(bench, "no-listener", connect_call(nobody), errno);
    let full = FullListener::open(bench)?;
    let socket = connect_attempt::nonblocking()?;
    ends::call("setsockopt(TCP_USER_TIMEOUT)", socket.set_tcp_user_timeout(Some(SHORT)))?;
    let errno = connect_attempt::connect(&socket, full.address);
    met.record(bench, "in-progress", format!("O_NONBLOCK, {}", connect_call(full.address)), errno);
    let errno = connect_attempt::connect(&socket, full.address);
    met.record(bench, "again-meanwhile", connect_call(full.address), errno);
    bench.wait_until(say!("the end of a connection attempt"), ends::TIMEOUT, |_| {
        connect_attempt::is_writable(&socket)
    })?;
    let errno = connect_attempt::connect(&socket, full.address);
    met.record(
        bench,
        "queue-full",
        format!("TCP_USER_TIMEOUT {} ms, {}", SHORT.as_millis(), connect_call(full.address)),
        errno,
    );
    Ok(())
}

/// What the caller himself has done already.
fn own_side(bench: &mut Experiment<'_>, met: &mut ObservedErrnos) -> Result<(), ExperimentError> {
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
    connect_attempt::record(bench, "client", call.clone(), connect_attempt::connect(&first, address));
    let errno = connect_attempt::connect(&second, address);
    met.record(bench, "same-pair", call, errno);
    let errno = connect_attempt::connect(&first, address);
    met.record(bench, "connected-already", connect_call(address), errno);
    let errno = connect_attempt::number(&ends::socket()?.bind(&own.into()));
    connect_attempt::record(bench, "client", format!("bind(:{})", own.port()), errno);
    bench.measure("bind-in-use-errno", f64::from(errno));
    reset(first)
}

/// A connection that stood and was broken off before the caller asked again.
fn broken_off(bench: &mut Experiment<'_>, met: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    for (name, is_taken) in [("reset-meanwhile", false), ("reset-error-taken", true)] {
        let (listener, address) = ends::listen(5)?;
        let socket = connect_attempt::nonblocking()?;
        let begun = connect_attempt::connect(&socket, address);
        connect_attempt::record(bench, "client", format!("O_NONBLOCK, {}", connect_call(address)), begun);
        let (served, _) = ends::call("accept()", listener.accept())?;
        reset(served)?;
        bench.record_call("server", "accept(), SO_LINGER 0, close()", "0", CallOutcome::Plain);
        if is_taken {
            let error = connect_attempt::so_error(&socket)?;
            connect_attempt::record(bench, "client", "getsockopt(SO_ERROR)", error);
        }
        let errno = connect_attempt::connect(&socket, address);
        met.record(bench, name, connect_call(address), errno);
    }
    Ok(())
}

/// Unix sockets have answers of their own.
fn unix(bench: &mut Experiment<'_>, met: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    let open = || ends::call("socket(AF_UNIX)", Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None));
    let missing = ends::call("connect()", SockAddr::unix("/proc/qviz"))?;
    let errno = connect_attempt::number(&open()?.connect(&missing));
    met.record(bench, "unix-no-file", "connect(/proc/qviz)", errno);
    let listener = open()?;
    ends::call("bind()", listener.bind(&ends::call("bind()", SockAddr::unix(""))?))?;
    let name = ends::call("getsockname()", listener.local_addr())?;
    ends::call("listen(0)", listener.listen(0))?;
    let (first, second) = (open()?, open()?);
    ends::call("connect(AF_UNIX)", first.connect(&name))?;
    bench.record_call("server", "AF_UNIX, listen(0)", "0", CallOutcome::Plain);
    bench.record_call("client", "connect(AF_UNIX)", "0", CallOutcome::Good);
    let errno = connect_attempt::number(&second.connect(&name));
    met.record(bench, "unix-full", "O_NONBLOCK, connect(AF_UNIX)", errno);
    Ok(())
}

/// An address to which the private network has no route (TEST-NET-3, RFC 5737).
const UNROUTED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// One of the clients' addresses that no client of the lab has.
const REJECTED: Ipv4Addr = Ipv4Addr::new(198, 19, 255, 251);
/// How long a SYN is answered by silence before connect() gives up; the kernel looks at it when its first second is over.
const SHORT: Duration = Duration::from_millis(500);
