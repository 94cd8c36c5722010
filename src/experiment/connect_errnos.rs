//! Every errno of connect() that can be had on real sockets without harm: who gives it, and when.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::pipe::pipe;
use socket2::{Domain, SockAddr, Socket, Type};

use super::attempts::{self, FullListener, connect_to, cut, free_port};
use super::{Experiment, ExperimentError, ends};
use crate::lab::namespace::{Denial, Refusing};
use crate::model::experiment::CallOutcome;
use crate::say;

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let mut met = ObservedErrnos::default();
    no_socket(bench, &mut met)?;
    no_way(bench, &mut met)?;
    nobody_answers(bench, &mut met)?;
    own_side(bench, &mut met)?;
    broken_off(bench, &mut met)?;
    unix(bench, &mut met)?;
    met.errnos.sort_unstable();
    met.errnos.dedup();
    bench.measured("connect-errnos", met.errnos.len() as f64);
    Ok(())
}

/// The errnos that connect() gave.
#[derive(Default)]
struct ObservedErrnos {
    errnos: Vec<i32>,
}

impl ObservedErrnos {
    fn tell(&mut self, bench: &mut Experiment<'_>, name: &str, call: impl Into<String>, errno: i32) {
        attempts::tell(bench, "client", call, errno);
        bench.measured(&format!("{name}-errno"), f64::from(errno));
        self.errnos.extend((errno != 0).then_some(errno));
    }
}

/// What is no socket, or one of another family.
fn no_socket(bench: &mut Experiment<'_>, met: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    let somewhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let connect = |fd: &std::os::fd::OwnedFd| {
        attempts::number(&rustix::net::connect(fd, &somewhere).map_err(std::io::Error::from))
    };
    let path =
        ends::call("open(O_PATH)", open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(Into::into))?;
    met.tell(bench, "no-descriptor", "open(O_PATH), connect()", connect(&path));
    let (reader, _writer) = ends::call("pipe()", pipe().map_err(std::io::Error::from))?;
    met.tell(bench, "no-socket", "pipe(), connect()", connect(&reader));
    let other = SocketAddr::from((Ipv6Addr::LOCALHOST, 9));
    let errno = attempts::connect(&ends::socket()?, other);
    met.tell(bench, "other-family", format!("AF_INET, {}", connect_to(other)), errno);
    Ok(())
}

/// Routes that lead nowhere: the SYN does not even leave.
fn no_way(bench: &mut Experiment<'_>, met: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    bench.pass()?;
    let nowhere = SocketAddr::new(IpAddr::V4(NOWHERE), 9);
    let errno = attempts::connect(&attempts::impatient()?, nowhere);
    met.tell(bench, "no-route", connect_to(nowhere), errno);
    for (name, word, refusing) in [
        ("unreachable-route", "unreachable", Refusing::Unreachable),
        ("prohibited-route", "prohibit", Refusing::Prohibited),
        ("blackhole-route", "blackhole", Refusing::Blackhole),
    ] {
        let denied = Denial::put_up(bench.pass()?, DENIED, refusing).map_err(std::io::Error::from);
        let _denied = ends::call(format!("ip route add {word} {DENIED}"), denied)?;
        bench.line("kernel", format!("ip route add {word} {DENIED}"), "0", CallOutcome::Plain);
        let address = SocketAddr::new(IpAddr::V4(DENIED), 9);
        let errno = attempts::connect(&attempts::impatient()?, address);
        met.tell(bench, name, connect_to(address), errno);
    }
    Ok(())
}

/// A port without a listener, and one whose queue is full.
fn nobody_answers(bench: &mut Experiment<'_>, met: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    let nobody = free_port()?;
    let errno = attempts::connect(&ends::socket()?, nobody);
    met.tell(bench, "no-listener", connect_to(nobody), errno);
    let full = FullListener::open(bench)?;
    let socket = attempts::impatient()?;
    ends::call("setsockopt(TCP_USER_TIMEOUT)", socket.set_tcp_user_timeout(Some(SHORT)))?;
    let errno = attempts::connect(&socket, full.address);
    met.tell(bench, "in-progress", format!("O_NONBLOCK, {}", connect_to(full.address)), errno);
    let errno = attempts::connect(&socket, full.address);
    met.tell(bench, "again-meanwhile", connect_to(full.address), errno);
    bench.until(say!("the end of a connection attempt"), ends::PATIENCE, |_| attempts::is_writable(&socket))?;
    let errno = attempts::connect(&socket, full.address);
    met.tell(
        bench,
        "queue-full",
        format!("TCP_USER_TIMEOUT {} ms, {}", SHORT.as_millis(), connect_to(full.address)),
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
    let call = format!("SO_REUSEADDR, bind(:{}), {}", own.port(), connect_to(address));
    attempts::tell(bench, "client", call.clone(), attempts::connect(&first, address));
    let errno = attempts::connect(&second, address);
    met.tell(bench, "same-pair", call, errno);
    let errno = attempts::connect(&first, address);
    met.tell(bench, "connected-already", connect_to(address), errno);
    let errno = attempts::number(&ends::socket()?.bind(&own.into()));
    attempts::tell(bench, "client", format!("bind(:{})", own.port()), errno);
    bench.measured("bind-in-use-errno", f64::from(errno));
    cut(first)
}

/// A connection that stood and was broken off before the caller asked again.
fn broken_off(bench: &mut Experiment<'_>, met: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    for (name, is_taken) in [("reset-meanwhile", false), ("reset-error-taken", true)] {
        let (listener, address) = ends::listen(5)?;
        let socket = attempts::impatient()?;
        let begun = attempts::connect(&socket, address);
        attempts::tell(bench, "client", format!("O_NONBLOCK, {}", connect_to(address)), begun);
        let (served, _) = ends::call("accept()", listener.accept())?;
        cut(served)?;
        bench.line("server", "accept(), SO_LINGER 0, close()", "0", CallOutcome::Plain);
        if is_taken {
            let error = attempts::so_error(&socket)?;
            attempts::tell(bench, "client", "getsockopt(SO_ERROR)", error);
        }
        let errno = attempts::connect(&socket, address);
        met.tell(bench, name, connect_to(address), errno);
    }
    Ok(())
}

/// Unix sockets have answers of their own.
fn unix(bench: &mut Experiment<'_>, met: &mut ObservedErrnos) -> Result<(), ExperimentError> {
    let open = || ends::call("socket(AF_UNIX)", Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None));
    let missing = ends::call("connect()", SockAddr::unix("/proc/qviz"))?;
    let errno = attempts::number(&open()?.connect(&missing));
    met.tell(bench, "unix-no-file", "connect(/proc/qviz)", errno);
    let listener = open()?;
    ends::call("bind()", listener.bind(&ends::call("bind()", SockAddr::unix(""))?))?;
    let name = ends::call("getsockname()", listener.local_addr())?;
    ends::call("listen(0)", listener.listen(0))?;
    let (first, second) = (open()?, open()?);
    ends::call("connect(AF_UNIX)", first.connect(&name))?;
    bench.line("server", "AF_UNIX, listen(0)", "0", CallOutcome::Plain);
    bench.line("client", "connect(AF_UNIX)", "0", CallOutcome::Good);
    let errno = attempts::number(&second.connect(&name));
    met.tell(bench, "unix-full", "O_NONBLOCK, connect(AF_UNIX)", errno);
    Ok(())
}

/// An address to which the private network has no route (TEST-NET-3, RFC 5737).
const NOWHERE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// One of the clients' addresses that no client of the lab has.
const DENIED: Ipv4Addr = Ipv4Addr::new(198, 19, 255, 251);
/// How long a SYN is answered by silence before connect() gives up; the kernel looks at it when its first second is over.
const SHORT: Duration = Duration::from_millis(500);
