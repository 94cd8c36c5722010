//! connect() to a full accept queue: when each SYN leaves, that nothing ever comes back, and when the kernel gives up. It is the
//! kernel's own client with the namespace's own settings, so it takes its time: two minutes and more.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::io::Errno;
use socket2::Socket;

use super::connect_attempt::{self, FullListener, connect_call};
use super::{Experiment, ExperimentError, PortTap, Wire, ends};
use crate::model::experiment::CallOutcome;
use crate::model::segment::{Kind, Toward};
use crate::model::stamp::Stamp;
use crate::say;

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let full = FullListener::open(bench)?;
    let mut wire = ObservedSegments {
        tap: bench.env().open_tap(Wire::Loopback, full.address.port()),
        ..ObservedSegments::default()
    };
    let overflows = bench.env().counter(OVERFLOWS);
    let socket = connect_attempt::nonblocking()?;
    let began = bench.env().now();
    let errno = connect_attempt::connect(&socket, full.address);
    connect_attempt::record(bench, "client", connect_call(full.address), errno);
    wire.client = ends::name(&socket)?.port();
    let mut tries = 0;
    while !connect_attempt::is_writable(&socket) {
        let waited = bench.env().now().since(began);
        for at in wire.new_syns().unwrap_or_else(|| unobserved_syns(bench, &socket, tries)) {
            record_syn(bench, &mut tries, ends::millis(at.since(began)));
        }
        bench.sleep(POLL_INTERVAL)?;
        if waited > ATTEMPT_TIMEOUT {
            return Err(ExperimentError::TimedOut(say!("the end of a connection attempt").to_owned()));
        }
    }
    let (ended, errno) = (bench.env().now(), connect_attempt::so_error(&socket)?);
    for at in wire.new_syns().unwrap_or_default() {
        record_syn(bench, &mut tries, ends::millis(at.since(began)));
    }
    let waited = ends::millis(ended.since(began));
    bench.record_call(
        "client",
        "getsockopt(SO_ERROR)",
        format!("{} {}", connect_attempt::name(errno), after(waited)),
        CallOutcome::Silent,
    );
    bench.measure("tries", f64::from(tries));
    bench.measure("gives-up-ms", waited);
    bench.measure("errno", f64::from(errno));
    bench.measure_flag("refused", connect_attempt::is(errno, Errno::CONNREFUSED));
    if let (Some(before), Some(now)) = (overflows, bench.env().counter(OVERFLOWS)) {
        bench.record_call("kernel", OVERFLOWS, format!("+{}", now - before), CallOutcome::Plain);
        bench.measure("overflows", (now - before) as f64);
    }
    wire.record(bench);
    Ok(())
}

/// The SYNs that have left beyond those that are known, by the client's own count: as of now.
fn unobserved_syns(bench: &Experiment<'_>, client: &Socket, known: u32) -> Vec<Stamp> {
    let again = bench.env().connect_progress(client.as_fd()).map_or(0, |(again, _)| again);
    (known..=again).map(|_| bench.env().now()).collect()
}

/// One more SYN has left.
fn record_syn(bench: &mut Experiment<'_>, tries: &mut u32, after_ms: f64) {
    *tries += 1;
    bench.record_call("wire", format!("SYN #{tries}"), after(after_ms), CallOutcome::Silent);
    bench.measure(&format!("try-{tries}-ms"), after_ms);
}

fn after(ms: f64) -> String {
    format!("+{:.1} s", ms / 1_000.0)
}

/// What passes between the client and the full listener.
#[derive(Default)]
struct ObservedSegments {
    tap: Option<Box<dyn PortTap>>,
    client: u16,
    syns: u32,
    answers: u32,
    resets: u32,
}

impl ObservedSegments {
    /// When the client's SYNs passed that were not heard before; `None` without an ear.
    fn new_syns(&mut self) -> Option<Vec<Stamp>> {
        let mut syns = Vec::new();
        for (at, segment) in self.tap.as_mut()?.segments() {
            match (segment.toward, segment.kind()) {
                _ if segment.peer.port() != self.client => {}
                (Toward::Listener, Kind::Syn) => syns.push(at),
                (Toward::Listener, _) => {}
                (Toward::Client, kind) => {
                    self.answers += 1;
                    self.resets += u32::from(kind == Kind::Rst);
                }
            }
        }
        self.syns += syns.len() as u32;
        Some(syns)
    }

    /// Without an ear nothing is known, and nothing is told.
    fn record(&self, bench: &mut Experiment<'_>) {
        if self.tap.is_some() {
            bench.record_call("wire", "SYN", format!("{}", self.syns), CallOutcome::Plain);
            bench.record_call("wire", "SYN-ACK, RST", format!("{}", self.answers), CallOutcome::Silent);
            bench.measure("syns-on-the-wire", f64::from(self.syns));
            bench.measure("answers-on-the-wire", f64::from(self.answers));
            bench.measure("resets-on-the-wire", f64::from(self.resets));
        }
    }
}

const OVERFLOWS: &str = "ListenOverflows";
/// How often is looked at the client.
const POLL_INTERVAL: Duration = Duration::from_millis(3);
/// Longer than any schedule that can be asked for within a lesson: six retries last 135 s at most.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(5);
