//! "Destination unreachable": no route at all; ICMP in answer to every SYN; and ICMP for an established connection.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::{SendFlags, send};

use super::connect_attempt::{self, connect_call, reset};
use super::remote_host::{self, REMOTE, RemoteHost};
use super::{Experiment, ExperimentError, ends};
use crate::lab::wire::icmp::Unreachable;
use crate::model::experiment::CallOutcome;
use crate::model::segment::{Kind, flags};
use crate::say;

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    no_route(experiment)?;
    unreachable_replies(experiment, "icmp-host", Unreachable::Host)?;
    unreachable_replies(experiment, "icmp-net", Unreachable::Net)?;
    unreachable_replies(experiment, "icmp-port", Unreachable::Port)?;
    connected(experiment)
}

/// The kernel has no route: nothing is sent.
fn no_route(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    experiment.token()?;
    let (socket, began) = (connect_attempt::nonblocking()?, experiment.env().now());
    let errno = connect_attempt::connect(&socket, UNROUTED);
    let lasted = experiment.env().now().since(began);
    connect_attempt::record(experiment, "client", connect_call(UNROUTED), errno);
    experiment.measure("no-route-errno", f64::from(errno));
    experiment.measure("no-route-ms", ends::millis(lasted));
    Ok(())
}

/// A router rejects each SYN. Measures the number of SYNs and the result of connect().
fn unreachable_replies(experiment: &mut Experiment<'_>, name: &str, why: Unreachable) -> Result<(), ExperimentError> {
    let mut remote = RemoteHost::open(experiment)?;
    let socket = connect_attempt::nonblocking()?;
    // If the kernel retries, it has time for a few attempts.
    ends::call("setsockopt(TCP_USER_TIMEOUT)", socket.set_tcp_user_timeout(Some(LONG_ENOUGH)))?;
    let began = experiment.env().now();
    let errno = connect_attempt::connect(&socket, REMOTE.into());
    connect_attempt::record(experiment, "client", connect_call(REMOTE.into()), errno);
    let mut syns = 0;
    while !connect_attempt::is_writable(&socket) {
        if let Some((at, syn)) = remote.next(Kind::Syn) {
            syns += 1;
            experiment.record_call("wire", format!("SYN #{syns}"), after(at.since(began)), CallOutcome::Plain);
            remote_host::send_unreachable(experiment, &syn, why)?;
            experiment.record_call(
                "wire",
                "ICMP",
                format!("{why:?} Unreachable, 3/{}", why as u8),
                CallOutcome::Refused,
            );
        } else if experiment.env().now().since(began) > LONG_ENOUGH * 3 {
            return Err(ExperimentError::TimedOut(say!("the end of a connection attempt").to_owned()));
        }
        experiment.sleep(POLL_INTERVAL)?;
    }
    let (lasted, errno) = (experiment.env().now().since(began), connect_attempt::so_error(&socket)?);
    connect_attempt::record(experiment, "client", format!("{} getsockopt(SO_ERROR)", after(lasted)), errno);
    experiment.measure(&format!("{name}-errno"), f64::from(errno));
    experiment.measure(&format!("{name}-ms"), ends::millis(lasted));
    experiment.measure(&format!("{name}-syns"), f64::from(syns));
    Ok(())
}

/// For an established connection the same ICMP error is only a soft error.
fn connected(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let mut remote = RemoteHost::open(experiment)?;
    let socket = connect_attempt::nonblocking()?;
    let errno = connect_attempt::connect(&socket, REMOTE.into());
    connect_attempt::record(experiment, "client", connect_call(REMOTE.into()), errno);
    let (_, syn) = remote.wait_for(experiment, Kind::Syn, ends::TIMEOUT)?;
    remote_host::answer(experiment, &syn, flags::SYN | flags::ACK)?;
    let (_, errno) = connect_attempt::end_of(experiment, &socket, ends::TIMEOUT)?;
    connect_attempt::record(experiment, "client", "getsockopt(SO_ERROR)", errno);
    let sent = send(&socket, PAYLOAD, SendFlags::NOSIGNAL).map_err(std::io::Error::from);
    let length = ends::call("send()", sent)?;
    experiment.record_call("client", format!("send({})", PAYLOAD.len()), length.to_string(), CallOutcome::Good);
    let (_, segment) = remote.wait_for(experiment, Kind::Data, ends::TIMEOUT)?;
    remote_host::send_unreachable(experiment, &segment, Unreachable::Host)?;
    experiment.record_call("wire", "ICMP", "Host Unreachable, 3/1", CallOutcome::Refused);
    experiment.sleep(POLL_INTERVAL * 10)?;
    let state = experiment.env().connect_progress(socket.as_fd()).map_or(0, |(_, state)| state);
    let noted = connect_attempt::so_error(&socket)?;
    connect_attempt::record(experiment, "client", "getsockopt(SO_ERROR)", noted);
    let survives = state == ESTABLISHED;
    let (outcome, mood) = if survives { ("ESTABLISHED", CallOutcome::Good) } else { ("CLOSE", CallOutcome::Refused) };
    experiment.record_call("kernel", "TCP_INFO", outcome, mood);
    experiment.measure_flag("established-survives", survives);
    experiment.measure("established-so-error", f64::from(noted));
    reset(socket)
}

fn after(span: Duration) -> String {
    format!("+{:.0} ms", ends::millis(span))
}

/// An address to which the private network has no route (TEST-NET-3, RFC 5737).
const UNROUTED: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)), 7);
/// What is sent.
const PAYLOAD: &[u8] = b"qviz";
/// TCP_USER_TIMEOUT for a kernel that retries.
const LONG_ENOUGH: Duration = Duration::from_millis(2_500);
/// Interval between two checks of the wire and the client.
const POLL_INTERVAL: Duration = Duration::from_millis(2);
/// TCP_ESTABLISHED in `include/net/tcp_states.h`.
const ESTABLISHED: u8 = 1;
