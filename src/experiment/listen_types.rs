//! listen() on sockets of every type: connection-oriented ones accept it, the others return EOPNOTSUPP.

use std::net::{Ipv4Addr, SocketAddr};

use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::{Experiment, ExperimentError, connect_attempt, ends};
use crate::model::experiment::CallOutcome;

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (mut listen, mut refused) = (0, 0);
    for kind in KINDS {
        let call = format!("socket({}, {})", kind.domain_name, kind.type_name);
        let socket = match Socket::new(kind.domain, kind.variety, kind.protocol) {
            Ok(socket) => socket,
            // Raw sockets need CAP_NET_RAW.
            Err(error) => {
                experiment.record_call(
                    "server",
                    call,
                    connect_attempt::name(ends::number(&error)),
                    CallOutcome::Refused,
                );
                continue;
            }
        };
        ends::call(format!("{call}, bind()"), socket.bind(&local_address(kind.domain)?))?;
        let errno = connect_attempt::number(&socket.listen(5));
        connect_attempt::record(experiment, "server", format!("{call}, bind(), listen(5)"), errno);
        experiment.measure(&format!("listen-{}-errno", kind.name), f64::from(errno));
        listen += u32::from(errno == 0);
        refused += u32::from(connect_attempt::is(errno, Errno::OPNOTSUPP));
    }
    experiment.measure("listen-types-taken", f64::from(listen));
    experiment.measure("listen-types-refused", f64::from(refused));
    Ok(())
}

/// An address chosen by the kernel: a port, or for unix sockets an abstract name (unix(7), "autobind").
fn local_address(domain: Domain) -> Result<SockAddr, ExperimentError> {
    if domain == Domain::UNIX {
        return ends::call("bind()", SockAddr::unix(""));
    }
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
}

/// One kind of socket.
struct Kind {
    name: &'static str,
    domain: Domain,
    domain_name: &'static str,
    variety: Type,
    type_name: &'static str,
    protocol: Option<Protocol>,
}

const fn inet(name: &'static str, variety: Type, type_name: &'static str, protocol: Option<Protocol>) -> Kind {
    Kind { name, domain: Domain::IPV4, domain_name: "AF_INET", variety, type_name, protocol }
}

const fn unix(name: &'static str, variety: Type, type_name: &'static str) -> Kind {
    Kind { name, domain: Domain::UNIX, domain_name: "AF_UNIX", variety, type_name, protocol: None }
}

const KINDS: [Kind; 6] = [
    inet("stream", Type::STREAM, "SOCK_STREAM", None),
    unix("unix-stream", Type::STREAM, "SOCK_STREAM"),
    unix("unix-seqpacket", Type::SEQPACKET, "SOCK_SEQPACKET"),
    inet("dgram", Type::DGRAM, "SOCK_DGRAM", None),
    unix("unix-dgram", Type::DGRAM, "SOCK_DGRAM"),
    inet("raw", Type::RAW, "SOCK_RAW", Some(Protocol::ICMPV4)),
];
