//! "Destination unreachable": no route at all; ICMP in answer to every SYN; and ICMP about a connection that stands already.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::{SendFlags, send};

use super::attempts::{self, connect_to, cut};
use super::far::{self, FAR, RemoteHost};
use super::{Experiment, ExperimentError, ends};
use crate::lab::wire::icmp::Unreachable;
use crate::model::experiment::CallOutcome;
use crate::model::segment::{Kind, flags};
use crate::say;

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    no_route(bench)?;
    complaints(bench, "icmp-host", Unreachable::Host)?;
    complaints(bench, "icmp-net", Unreachable::Net)?;
    complaints(bench, "icmp-port", Unreachable::Port)?;
    connected(bench)
}

/// The kernel knows no way: nothing is sent.
fn no_route(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    bench.pass()?;
    let (socket, began) = (attempts::impatient()?, bench.here().now());
    let errno = attempts::connect(&socket, NOWHERE);
    let lasted = bench.here().now().since(began);
    attempts::tell(bench, "client", connect_to(NOWHERE), errno);
    bench.measured("no-route-errno", f64::from(errno));
    bench.measured("no-route-ms", ends::millis(lasted));
    Ok(())
}

/// Each SYN meets a router that cannot pass it on. How often the kernel tries, and what connect() says in the end.
fn complaints(bench: &mut Experiment<'_>, name: &str, why: Unreachable) -> Result<(), ExperimentError> {
    let mut far = RemoteHost::open(bench)?;
    let socket = attempts::impatient()?;
    // Where the kernel goes on trying, it has time for a few tries.
    ends::call("setsockopt(TCP_USER_TIMEOUT)", socket.set_tcp_user_timeout(Some(LONG_ENOUGH)))?;
    let began = bench.here().now();
    let errno = attempts::connect(&socket, FAR.into());
    attempts::tell(bench, "client", connect_to(FAR.into()), errno);
    let mut syns = 0;
    while !attempts::is_writable(&socket) {
        if let Some((at, syn)) = far.next(Kind::Syn) {
            syns += 1;
            bench.line("wire", format!("SYN #{syns}"), after(at.since(began)), CallOutcome::Plain);
            far::complain(bench, &syn, why)?;
            bench.line("wire", "ICMP", format!("{why:?} Unreachable, 3/{}", why as u8), CallOutcome::Refused);
        } else if bench.here().now().since(began) > LONG_ENOUGH * 3 {
            return Err(ExperimentError::InVain(say!("the end of a connection attempt").to_owned()));
        }
        bench.pause(LOOK)?;
    }
    let (lasted, errno) = (bench.here().now().since(began), attempts::so_error(&socket)?);
    attempts::tell(bench, "client", format!("{} getsockopt(SO_ERROR)", after(lasted)), errno);
    bench.measured(&format!("{name}-errno"), f64::from(errno));
    bench.measured(&format!("{name}-ms"), ends::millis(lasted));
    bench.measured(&format!("{name}-syns"), f64::from(syns));
    Ok(())
}

/// A connection that stands takes the same complaint as a note: it lives on.
fn connected(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let mut far = RemoteHost::open(bench)?;
    let socket = attempts::impatient()?;
    let errno = attempts::connect(&socket, FAR.into());
    attempts::tell(bench, "client", connect_to(FAR.into()), errno);
    let (_, syn) = far.wait_for(bench, Kind::Syn, ends::PATIENCE)?;
    far::answer(bench, &syn, flags::SYN | flags::ACK)?;
    let (_, errno) = attempts::end_of(bench, &socket, ends::PATIENCE)?;
    attempts::tell(bench, "client", "getsockopt(SO_ERROR)", errno);
    let sent = send(&socket, WORD, SendFlags::NOSIGNAL).map_err(std::io::Error::from);
    let length = ends::call("send()", sent)?;
    bench.line("client", format!("send({})", WORD.len()), length.to_string(), CallOutcome::Good);
    let (_, segment) = far.wait_for(bench, Kind::Data, ends::PATIENCE)?;
    far::complain(bench, &segment, Unreachable::Host)?;
    bench.line("wire", "ICMP", "Host Unreachable, 3/1", CallOutcome::Refused);
    bench.pause(LOOK * 10)?;
    let state = bench.here().connecting(socket.as_fd()).map_or(0, |(_, state)| state);
    let noted = attempts::so_error(&socket)?;
    attempts::tell(bench, "client", "getsockopt(SO_ERROR)", noted);
    let survives = state == ESTABLISHED;
    let (outcome, mood) = if survives { ("ESTABLISHED", CallOutcome::Good) } else { ("CLOSE", CallOutcome::Refused) };
    bench.line("kernel", "TCP_INFO", outcome, mood);
    bench.yes("established-survives", survives);
    bench.measured("established-so-error", f64::from(noted));
    cut(socket)
}

fn after(span: Duration) -> String {
    format!("+{:.0} ms", ends::millis(span))
}

/// An address to which the private network has no route (TEST-NET-3, RFC 5737).
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)), 7);
/// What is sent.
const WORD: &[u8] = b"qviz";
/// How long a kernel that goes on trying may try.
const LONG_ENOUGH: Duration = Duration::from_millis(2_500);
/// How often is looked at the wire and the client.
const LOOK: Duration = Duration::from_millis(2);
/// TCP_ESTABLISHED in `include/net/tcp_states.h`.
const ESTABLISHED: u8 = 1;
