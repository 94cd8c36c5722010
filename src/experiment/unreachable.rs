//! "Destination unreachable": no route at all; ICMP in answer to every SYN; and ICMP about a connection that stands already.

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

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    no_route(bench)?;
    unreachable_replies(bench, "icmp-host", Unreachable::Host)?;
    unreachable_replies(bench, "icmp-net", Unreachable::Net)?;
    unreachable_replies(bench, "icmp-port", Unreachable::Port)?;
    connected(bench)
}

/// The kernel knows no way: nothing is sent.
fn no_route(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    bench.token()?;
    let (socket, began) = (connect_attempt::nonblocking()?, bench.env().now());
    let errno = connect_attempt::connect(&socket, UNROUTED);
    let lasted = bench.env().now().since(began);
    connect_attempt::record(bench, "client", connect_call(UNROUTED), errno);
    bench.measure("no-route-errno", f64::from(errno));
    bench.measure("no-route-ms", ends::millis(lasted));
    Ok(())
}

/// Each SYN meets a router that cannot pass it on. How often the kernel tries, and what connect() says in the end.
fn unreachable_replies(bench: &mut Experiment<'_>, name: &str, why: Unreachable) -> Result<(), ExperimentError> {
    let mut far = RemoteHost::open(bench)?;
    let socket = connect_attempt::nonblocking()?;
    // Where the kernel goes on trying, it has time for a few tries.
    ends::call("setsockopt(TCP_USER_TIMEOUT)", socket.set_tcp_user_timeout(Some(LONG_ENOUGH)))?;
    let began = bench.env().now();
    let errno = connect_attempt::connect(&socket, REMOTE.into());
    connect_attempt::record(bench, "client", connect_call(REMOTE.into()), errno);
    let mut syns = 0;
    while !connect_attempt::is_writable(&socket) {
        if let Some((at, syn)) = far.next(Kind::Syn) {
            syns += 1;
            bench.record_call("wire", format!("SYN #{syns}"), after(at.since(began)), CallOutcome::Plain);
            remote_host::send_unreachable(bench, &syn, why)?;
            bench.record_call("wire", "ICMP", format!("{why:?} Unreachable, 3/{}", why as u8), CallOutcome::Refused);
        } else if bench.env().now().since(began) > LONG_ENOUGH * 3 {
            return Err(ExperimentError::TimedOut(say!("the end of a connection attempt").to_owned()));
        }
        bench.sleep(POLL_INTERVAL)?;
    }
    let (lasted, errno) = (bench.env().now().since(began), connect_attempt::so_error(&socket)?);
    connect_attempt::record(bench, "client", format!("{} getsockopt(SO_ERROR)", after(lasted)), errno);
    bench.measure(&format!("{name}-errno"), f64::from(errno));
    bench.measure(&format!("{name}-ms"), ends::millis(lasted));
    bench.measure(&format!("{name}-syns"), f64::from(syns));
    Ok(())
}

/// A connection that stands takes the same complaint as a note: it lives on.
fn connected(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let mut far = RemoteHost::open(bench)?;
    let socket = connect_attempt::nonblocking()?;
    let errno = connect_attempt::connect(&socket, REMOTE.into());
    connect_attempt::record(bench, "client", connect_call(REMOTE.into()), errno);
    let (_, syn) = far.wait_for(bench, Kind::Syn, ends::TIMEOUT)?;
    remote_host::answer(bench, &syn, flags::SYN | flags::ACK)?;
    let (_, errno) = connect_attempt::end_of(bench, &socket, ends::TIMEOUT)?;
    connect_attempt::record(bench, "client", "getsockopt(SO_ERROR)", errno);
    let sent = send(&socket, PAYLOAD, SendFlags::NOSIGNAL).map_err(std::io::Error::from);
    let length = ends::call("send()", sent)?;
    bench.record_call("client", format!("send({})", PAYLOAD.len()), length.to_string(), CallOutcome::Good);
    let (_, segment) = far.wait_for(bench, Kind::Data, ends::TIMEOUT)?;
    remote_host::send_unreachable(bench, &segment, Unreachable::Host)?;
    bench.record_call("wire", "ICMP", "Host Unreachable, 3/1", CallOutcome::Refused);
    bench.sleep(POLL_INTERVAL * 10)?;
    let state = bench.env().connect_progress(socket.as_fd()).map_or(0, |(_, state)| state);
    let noted = connect_attempt::so_error(&socket)?;
    connect_attempt::record(bench, "client", "getsockopt(SO_ERROR)", noted);
    let survives = state == ESTABLISHED;
    let (outcome, mood) = if survives { ("ESTABLISHED", CallOutcome::Good) } else { ("CLOSE", CallOutcome::Refused) };
    bench.record_call("kernel", "TCP_INFO", outcome, mood);
    bench.measure_flag("established-survives", survives);
    bench.measure("established-so-error", f64::from(noted));
    reset(socket)
}

fn after(span: Duration) -> String {
    format!("+{:.0} ms", ends::millis(span))
}

/// An address to which the private network has no route (TEST-NET-3, RFC 5737).
const UNROUTED: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)), 7);
/// What is sent.
const PAYLOAD: &[u8] = b"qviz";
/// How long a kernel that goes on trying may try.
const LONG_ENOUGH: Duration = Duration::from_millis(2_500);
/// How often is looked at the wire and the client.
const POLL_INTERVAL: Duration = Duration::from_millis(2);
/// TCP_ESTABLISHED in `include/net/tcp_states.h`.
const ESTABLISHED: u8 = 1;
