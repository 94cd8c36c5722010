//! The kernel's messages about listeners that it believes to be flooded: the last one before the watch, and each since.

use std::net::SocketAddr;
use std::time::Duration;

use crate::kernel::kernel_log::KernelLog;
use crate::model::event::{Event, Stamped};
use crate::model::stamp::Stamp;
use crate::model::watch::{Address, ListenerReading};
use crate::session::clock::{self, Clock};
use crate::session::pace::Pace;

/// How often the log is read.
const INTERVAL: Duration = Duration::from_secs(1);

/// The kernel's log, where it may be read.
#[derive(Debug)]
pub(super) struct FloodMessages {
    log: Option<KernelLog>,
    reads: Pace,
}

impl FloodMessages {
    pub(super) fn open() -> Self {
        let log = KernelLog::open().inspect_err(|error| tracing::info!(%error, "the kernel's log")).ok();
        Self { log, reads: Pace::default() }
    }

    pub(super) fn is_due(&self, now: Stamp) -> bool {
        self.log.is_some() && self.reads.is_due(now, INTERVAL)
    }

    /// Reads what is new in the kernel's log; of several messages about one of these listeners the last one counts.
    pub(super) fn read(&mut self, clock: &Clock, readings: &[ListenerReading], out: &mut Vec<Stamped>) {
        let Some(log) = &mut self.log else { return };
        let (at, before) = (clock.now(), clock::thread_busy());
        let messages = log.read();
        let running = clock::since_boot();
        self.reads.read(at, clock::busy_since(before));
        for reading in readings.iter().filter(|_| !messages.is_empty()) {
            let Some(address) = tcp(reading) else { continue };
            if let Some(last) = messages.iter().rfind(|message| message.names(address)) {
                let ago_ms = running.saturating_sub(last.since_boot).as_millis() as u64;
                out.push(Stamped { at, event: Event::FloodLogged { id: reading.id, ago_ms } });
            }
        }
    }
}

const fn tcp(reading: &ListenerReading) -> Option<SocketAddr> {
    match &reading.address {
        Address::Tcp(address) => Some(*address),
        Address::Unix(_) => None,
    }
}
