//! What an accepted socket inherits from its listener: options and flags are set on the listener before any client
//! connects, and read from a new socket, from the listener, and from the accepted socket.

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

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (textbook, others) = OPTIONS.split_at(TEXTBOOK_OPTIONS);
    let (textbook, others, flags) =
        (try_all(experiment, textbook)?, try_all(experiment, others)?, try_all(experiment, &FLAGS)?);
    measure_counts(experiment, "options-taught", textbook);
    measure_counts(experiment, "options", (textbook.0 + others.0, textbook.1 + others.1));
    measure_counts(experiment, "flags", flags);
    Ok(())
}

/// Measures how many were tried, and how many the accepted socket has.
fn measure_counts(experiment: &mut Experiment<'_>, name: &str, (tried, inherited): (f64, f64)) {
    experiment.measure(name, tried);
    experiment.measure(&format!("{name}-inherited"), inherited);
}

/// Tries each option; returns how many were tried, and how many of them the accepted socket has.
fn try_all(experiment: &mut Experiment<'_>, options: &[SocketOption]) -> Result<(f64, f64), ExperimentError> {
    // socket() alone: it gives the new descriptor no flag.
    let fresh = ends::call("socket()", Socket::new_raw(Domain::IPV4, Type::STREAM, None))?;
    let (listener, address) = ends::listen(5)?;
    ends::call("fcntl(~O_NONBLOCK)", listener.set_nonblocking(false))?;
    for option in options {
        ends::call(format!("set {}", option.name), (option.set)(&listener))?;
    }
    let client = ends::connect(address)?;
    // accept(), not accept4(): it gives the new descriptor no flag of its own.
    let (accepted, _) = ends::call("accept()", accept(experiment, &listener))?;
    let (mut tried, mut inherited) = (0.0, 0.0);
    for option in options {
        let read = |socket| ends::call(format!("read {}", option.name), (option.read)(socket));
        let (usual, set, got) = (read(&fresh)?, read(&listener)?, read(&accepted)?);
        if usual == set {
            return Err(ExperimentError::TimedOut(option.name.to_owned()));
        }
        let same = got == set;
        tried += 1.0;
        inherited += f64::from(u8::from(same));
        experiment.measure_flag(option.measured, same);
        let mood = if same { CallOutcome::Good } else { CallOutcome::Refused };
        experiment.record_call("server", format!("{}: {usual} → {set}", option.name), format!("accept(): {got}"), mood);
    }
    drop(client);
    Ok((tried, inherited))
}

/// The client is connected, so its connection is in the queue or arrives at once.
fn accept(experiment: &Experiment<'_>, listener: &Socket) -> io::Result<(Socket, SockAddr)> {
    let _accept_reports_a_timeout = experiment.wait_until(say!("a child in the accept queue"), ends::TIMEOUT, |here| {
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

/// The first options of [`OPTIONS`] are those that the textbook lists as inherited (Stevens, UNIX Network
/// Programming, section 7.4).
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
