//! connect() to a full accept queue: when each SYN leaves, that nothing ever comes back, and when the kernel gives up. It is the
//! kernel's own client with the namespace's own settings, so it takes its time: two minutes and more.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::io::Errno;
use socket2::Socket;

use super::attempts::{self, FullListener, connect_to};
use super::{Experiment, ExperimentError, PortTap, Wire, ends};
use crate::model::experiment::CallOutcome;
use crate::model::segment::{Kind, Toward};
use crate::model::stamp::Stamp;
use crate::say;

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let full = FullListener::open(bench)?;
    let mut wire = ObservedSyn { ear: bench.here().ear(Wire::Loopback, full.address.port()), ..ObservedSyn::default() };
    let overflows = bench.here().counter(OVERFLOWS);
    let socket = attempts::impatient()?;
    let began = bench.here().now();
    let errno = attempts::connect(&socket, full.address);
    attempts::tell(bench, "client", connect_to(full.address), errno);
    wire.client = ends::name(&socket)?.port();
    let mut tries = 0;
    while !attempts::is_writable(&socket) {
        let waited = bench.here().now().since(began);
        for at in wire.listen().unwrap_or_else(|| unheard(bench, &socket, tries)) {
            sent(bench, &mut tries, ends::millis(at.since(began)));
        }
        bench.pause(LOOK)?;
        if waited > LONGEST {
            return Err(ExperimentError::InVain(say!("the end of a connection attempt").to_owned()));
        }
    }
    let (ended, errno) = (bench.here().now(), attempts::so_error(&socket)?);
    for at in wire.listen().unwrap_or_default() {
        sent(bench, &mut tries, ends::millis(at.since(began)));
    }
    let waited = ends::millis(ended.since(began));
    bench.line(
        "client",
        "getsockopt(SO_ERROR)",
        format!("{} {}", attempts::name(errno), after(waited)),
        CallOutcome::Silent,
    );
    bench.measured("tries", f64::from(tries));
    bench.measured("gives-up-ms", waited);
    bench.measured("errno", f64::from(errno));
    bench.yes("refused", attempts::is(errno, Errno::CONNREFUSED));
    if let (Some(before), Some(now)) = (overflows, bench.here().counter(OVERFLOWS)) {
        bench.line("kernel", OVERFLOWS, format!("+{}", now - before), CallOutcome::Plain);
        bench.measured("overflows", (now - before) as f64);
    }
    wire.tell(bench);
    Ok(())
}

/// The SYNs that have left beyond those that are known, by the client's own count: as of now.
fn unheard(bench: &Experiment<'_>, client: &Socket, known: u32) -> Vec<Stamp> {
    let again = bench.here().connecting(client.as_fd()).map_or(0, |(again, _)| again);
    (known..=again).map(|_| bench.here().now()).collect()
}

/// One more SYN has left.
fn sent(bench: &mut Experiment<'_>, tries: &mut u32, after_ms: f64) {
    *tries += 1;
    bench.line("wire", format!("SYN #{tries}"), after(after_ms), CallOutcome::Silent);
    bench.measured(&format!("try-{tries}-ms"), after_ms);
}

fn after(ms: f64) -> String {
    format!("+{:.1} s", ms / 1_000.0)
}

/// What passes between the client and the full listener.
#[derive(Default)]
struct ObservedSyn {
    ear: Option<Box<dyn PortTap>>,
    client: u16,
    syns: u32,
    answers: u32,
    resets: u32,
}

impl ObservedSyn {
    /// When the client's SYNs passed that were not heard before; `None` without an ear.
    fn listen(&mut self) -> Option<Vec<Stamp>> {
        let mut syns = Vec::new();
        for (at, segment) in self.ear.as_mut()?.heard() {
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
    fn tell(&self, bench: &mut Experiment<'_>) {
        if self.ear.is_some() {
            bench.line("wire", "SYN", format!("{}", self.syns), CallOutcome::Plain);
            bench.line("wire", "SYN-ACK, RST", format!("{}", self.answers), CallOutcome::Silent);
            bench.measured("syns-on-the-wire", f64::from(self.syns));
            bench.measured("answers-on-the-wire", f64::from(self.answers));
            bench.measured("resets-on-the-wire", f64::from(self.resets));
        }
    }
}

const OVERFLOWS: &str = "ListenOverflows";
/// How often is looked at the client.
const LOOK: Duration = Duration::from_millis(3);
/// Longer than any schedule that can be asked for within a lesson: six retries last 135 s at most.
const LONGEST: Duration = Duration::from_mins(5);
