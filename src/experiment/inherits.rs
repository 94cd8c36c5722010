//! What an accepted socket has of its listener: options and flags are set on the listener before anybody comes, and read from a fresh
//! socket, from the listener, and from the socket that accept() returned.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{FdFlags, fcntl_getfd};
use socket2::{Domain, SockAddr, Socket, TcpKeepalive, Type};

use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;

/// How an option or a flag is set and read; a value is a plain number.
struct SocketOption {
    /// As C writes it.
    name: &'static str,
    /// The name of its measurement.
    measured: &'static str,
    set: fn(&Socket) -> io::Result<()>,
    read: fn(&Socket) -> io::Result<u64>,
}

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (taught, others) = OPTIONS.split_at(TEXTBOOK_OPTIONS);
    let (taught, others, flags) = (try_all(bench, taught)?, try_all(bench, others)?, try_all(bench, &FLAGS)?);
    measure_counts(bench, "options-taught", taught);
    measure_counts(bench, "options", (taught.0 + others.0, taught.1 + others.1));
    measure_counts(bench, "flags", flags);
    Ok(())
}

/// How many were tried, and how many the accepted socket has.
fn measure_counts(bench: &mut Experiment<'_>, name: &str, (tried, inherited): (f64, f64)) {
    bench.measure(name, tried);
    bench.measure(&format!("{name}-inherited"), inherited);
}

/// Tries each and tells how many could be set, and how many of them the accepted socket has.
fn try_all(bench: &mut Experiment<'_>, traits: &[SocketOption]) -> Result<(f64, f64), ExperimentError> {
    // socket() alone: it gives the new descriptor no flag.
    let fresh = ends::call("socket()", Socket::new_raw(Domain::IPV4, Type::STREAM, None))?;
    let (listener, address) = ends::listen(5)?;
    ends::call("fcntl(~O_NONBLOCK)", listener.set_nonblocking(false))?;
    for one in traits {
        ends::call(format!("set {}", one.name), (one.set)(&listener))?;
    }
    let client = ends::connect(address)?;
    // accept(), not accept4(): it gives the new descriptor no flag of its own.
    let (accepted, _) = ends::call("accept()", accept(bench, &listener))?;
    let (mut tried, mut inherited) = (0.0, 0.0);
    for one in traits {
        let read = |socket| ends::call(format!("read {}", one.name), (one.read)(socket));
        let (usual, set, got) = (read(&fresh)?, read(&listener)?, read(&accepted)?);
        if usual == set {
            return Err(ExperimentError::TimedOut(one.name.to_owned()));
        }
        let same = got == set;
        tried += 1.0;
        inherited += f64::from(u8::from(same));
        bench.measure_flag(one.measured, same);
        let mood = if same { CallOutcome::Good } else { CallOutcome::Refused };
        bench.record_call("server", format!("{}: {usual} → {set}", one.name), format!("accept(): {got}"), mood);
    }
    drop(client);
    Ok((tried, inherited))
}

/// The client is connected: whoever waits in the queue is there already or comes at once.
fn accept(bench: &Experiment<'_>, listener: &Socket) -> io::Result<(Socket, SockAddr)> {
    let _too_late_is_told_by_accept = bench.wait_until(say!("a child in the accept queue"), ends::TIMEOUT, |here| {
        here.queue(listener.as_fd()).is_some_and(|(depth, _)| depth > 0)
    });
    listener.accept_raw()
}

/// A span that may be unlimited, in milliseconds.
fn millis(span: Option<Duration>) -> u64 {
    span.map_or(0, |span| span.as_millis() as u64)
}

/// Options of a socket; the textbook's first.
const OPTIONS: [SocketOption; 14] = [
    SocketOption {
        name: "SO_KEEPALIVE",
        measured: "inherits-so-keepalive",
        set: |s| s.set_keepalive(true),
        read: |s| s.keepalive().map(u64::from),
    },
    SocketOption {
        name: "SO_LINGER",
        measured: "inherits-so-linger",
        set: |s| s.set_linger(Some(Duration::from_secs(7))),
        read: |s| s.linger().map(millis),
    },
    SocketOption {
        name: "SO_OOBINLINE",
        measured: "inherits-so-oobinline",
        set: |s| s.set_out_of_band_inline(true),
        read: |s| s.out_of_band_inline().map(u64::from),
    },
    SocketOption {
        name: "SO_RCVBUF",
        measured: "inherits-so-rcvbuf",
        set: |s| s.set_recv_buffer_size(20_000),
        read: |s| s.recv_buffer_size().map(|bytes| bytes as u64),
    },
    SocketOption {
        name: "SO_SNDBUF",
        measured: "inherits-so-sndbuf",
        set: |s| s.set_send_buffer_size(30_000),
        read: |s| s.send_buffer_size().map(|bytes| bytes as u64),
    },
    SocketOption {
        name: "TCP_NODELAY",
        measured: "inherits-tcp-nodelay",
        set: |s| s.set_tcp_nodelay(true),
        read: |s| s.tcp_nodelay().map(u64::from),
    },
    SocketOption {
        name: "TCP_KEEPIDLE",
        measured: "inherits-tcp-keepidle",
        set: |s| s.set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::from_secs(77))),
        read: |s| s.tcp_keepalive_time().map(|span| span.as_secs()),
    },
    SocketOption {
        name: "TCP_CORK",
        measured: "inherits-tcp-cork",
        set: |s| s.set_tcp_cork(true),
        read: |s| s.tcp_cork().map(u64::from),
    },
    SocketOption {
        name: "TCP_USER_TIMEOUT",
        measured: "inherits-tcp-user-timeout",
        set: |s| s.set_tcp_user_timeout(Some(Duration::from_millis(7_700))),
        read: |s| s.tcp_user_timeout().map(millis),
    },
    SocketOption {
        name: "SO_RCVTIMEO",
        measured: "inherits-so-rcvtimeo",
        set: |s| s.set_read_timeout(Some(Duration::from_secs(8))),
        read: |s| s.read_timeout().map(millis),
    },
    SocketOption {
        name: "SO_REUSEADDR",
        measured: "inherits-so-reuseaddr",
        set: |s| s.set_reuse_address(true),
        read: |s| s.reuse_address().map(u64::from),
    },
    SocketOption {
        name: "IP_TTL",
        measured: "inherits-ip-ttl",
        set: |s| s.set_ttl_v4(77),
        read: |s| s.ttl_v4().map(u64::from),
    },
    SocketOption {
        name: "IP_TOS",
        measured: "inherits-ip-tos",
        set: |s| s.set_tos_v4(0x10),
        read: |s| s.tos_v4().map(u64::from),
    },
    // Behind IP_TOS, which sets it, too (`do_ip_setsockopt`, `net/ipv4/ip_sockglue.c`).
    SocketOption {
        name: "SO_PRIORITY",
        measured: "inherits-so-priority",
        set: |s| s.set_priority(5),
        read: |s| s.priority().map(u64::from),
    },
];

/// So many of [`OPTIONS`] are those of which the textbook says so (Stevens, UNIX Network Programming, section 7.4).
const TEXTBOOK_OPTIONS: usize = 6;

/// Flags of an open file description and of a descriptor.
const FLAGS: [SocketOption; 2] = [
    SocketOption {
        name: "O_NONBLOCK",
        measured: "inherits-o-nonblock",
        set: |s| s.set_nonblocking(true),
        read: |s| Ok(u64::from(fcntl_getfl(s)?.contains(OFlags::NONBLOCK))),
    },
    SocketOption {
        name: "FD_CLOEXEC",
        measured: "inherits-fd-cloexec",
        set: |s| s.set_cloexec(true),
        read: |s| Ok(u64::from(fcntl_getfd(s)?.contains(FdFlags::CLOEXEC))),
    },
];
