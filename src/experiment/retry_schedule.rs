//! connect() to a full accept queue: when each SYN is sent, that no answer arrives, and when the kernel gives up. It
//! uses the kernel's client with the namespace's settings, so it takes two minutes and more.

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

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let full = FullListener::open(experiment)?;
    let mut wire = ObservedSegments {
        tap: experiment.env().open_tap(Wire::Loopback, full.address.port()),
        ..ObservedSegments::default()
    };
    let overflows = experiment.env().counter(OVERFLOWS);
    let socket = connect_attempt::nonblocking()?;
    let began = experiment.env().now();
    let errno = connect_attempt::connect(&socket, full.address);
    connect_attempt::record(experiment, "client", connect_call(full.address), errno);
    wire.client = ends::name(&socket)?.port();
    let mut tries = 0;
    while !connect_attempt::is_writable(&socket) {
        let waited = experiment.env().now().since(began);
        for at in wire.new_syns().unwrap_or_else(|| unobserved_syns(experiment, &socket, tries)) {
            record_syn(experiment, &mut tries, ends::millis(at.since(began)));
        }
        experiment.sleep(POLL_INTERVAL)?;
        if waited > ATTEMPT_TIMEOUT {
            return Err(ExperimentError::TimedOut(say!("the end of a connection attempt").to_owned()));
        }
    }
    let (ended, errno) = (experiment.env().now(), connect_attempt::so_error(&socket)?);
    for at in wire.new_syns().unwrap_or_default() {
        record_syn(experiment, &mut tries, ends::millis(at.since(began)));
    }
    let waited = ends::millis(ended.since(began));
    experiment.record_call(
        "client",
        "getsockopt(SO_ERROR)",
        format!("{} {}", connect_attempt::name(errno), after(waited)),
        CallOutcome::Silent,
    );
    experiment.measure("tries", f64::from(tries));
    experiment.measure("gives-up-ms", waited);
    experiment.measure("errno", f64::from(errno));
    experiment.measure_flag("refused", connect_attempt::is(errno, Errno::CONNREFUSED));
    if let (Some(before), Some(now)) = (overflows, experiment.env().counter(OVERFLOWS)) {
        experiment.record_call("kernel", OVERFLOWS, format!("+{}", now - before), CallOutcome::Plain);
        experiment.measure("overflows", (now - before) as f64);
    }
    wire.record(experiment);
    Ok(())
}

/// SYNs sent beyond the `known` ones, by the client's retransmission counter, stamped now.
fn unobserved_syns(experiment: &Experiment<'_>, client: &Socket, known: u32) -> Vec<Stamp> {
    let retransmits = experiment.env().connect_progress(client.as_fd()).map_or(0, |(retransmits, _)| retransmits);
    (known..=retransmits).map(|_| experiment.env().now()).collect()
}

/// Records one more SYN.
fn record_syn(experiment: &mut Experiment<'_>, tries: &mut u32, after_ms: f64) {
    *tries += 1;
    experiment.record_call("wire", format!("SYN #{tries}"), after(after_ms), CallOutcome::Silent);
    experiment.measure(&format!("try-{tries}-ms"), after_ms);
}

fn after(ms: f64) -> String {
    format!("+{:.1} s", ms / 1_000.0)
}

/// The segments between the client and the full listener.
#[derive(Default)]
struct ObservedSegments {
    tap: Option<Box<dyn PortTap>>,
    client: u16,
    syns: u32,
    answers: u32,
    resets: u32,
}

impl ObservedSegments {
    /// The stamps of the client's new SYNs; `None` without a tap.
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

    /// Records the counts; nothing without a tap.
    fn record(&self, experiment: &mut Experiment<'_>) {
        if self.tap.is_some() {
            experiment.record_call("wire", "SYN", format!("{}", self.syns), CallOutcome::Plain);
            experiment.record_call("wire", "SYN-ACK, RST", format!("{}", self.answers), CallOutcome::Silent);
            experiment.measure("syns-on-the-wire", f64::from(self.syns));
            experiment.measure("answers-on-the-wire", f64::from(self.answers));
            experiment.measure("resets-on-the-wire", f64::from(self.resets));
        }
    }
}

const OVERFLOWS: &str = "ListenOverflows";
/// Interval between two checks of the client.
const POLL_INTERVAL: Duration = Duration::from_millis(3);
/// Longer than any retry schedule of a lesson: six retries last 135 s at most.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5 * 60);
