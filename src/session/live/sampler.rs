//! When each source is read: each has its own interval, the cost of reading it is measured, and a reading that is not new is not
//! emitted.

use std::time::Duration;

use crate::kernel::own_socket::OwnListener;
use crate::kernel::proc::CountersFile;
use crate::kernel::sock_diag::Diag;
use crate::lab::listener::Member;
use crate::model::counters::Counters;
use crate::model::event::{Event, Stamped};
use crate::model::sample::{HalfOpen, Listed, QueueReading, Source, Waiting};
use crate::model::stamp::Stamp;
use crate::session::clock::{self, Clock};
use crate::session::pace::Pace;

/// The listener's queue is read in every turn, and emitted again unchanged after this time.
const QUEUE_REPEAT: Duration = Duration::from_millis(250);

/// Shortest interval between two readings of the listener's queue.
const QUEUE_PACE: Duration = Duration::from_micros(500);

/// Interval of lists and counters while segments pass.
const BUSY_PACE: Duration = Duration::from_millis(50);

/// Interval of lists and counters while nothing passes.
const IDLE_PACE: Duration = Duration::from_millis(250);

/// Interval of cost reports.
const COST_PACE: Duration = Duration::from_secs(1);

/// A reading of the queue or the counters that took longer was interrupted; undisturbed it takes a fraction of this.
const IN_ONE_GO: Duration = Duration::from_micros(500);

/// Attempts at one reading.
const TRIES: u32 = 4;

/// The sources on one listener.
pub(super) struct Sampler {
    pub(super) own: OwnListener<Member>,
    pub(super) diag: Option<Diag>,
    pub(super) counters: Option<CountersFile>,
    /// Those of the clients' namespace.
    pub(super) client_counters: Option<CountersFile>,
    client_counters_reported: Option<Counters>,
    pub(super) port: u16,
    queue: Pace,
    lists: Pace,
    counting: Pace,
    reported: Option<(Stamp, QueueReading)>,
    /// Half-open requests in the last dump.
    half_open: usize,
    /// The last dump of requests, until somebody takes it.
    requests: Option<(Stamp, Vec<HalfOpen>)>,
    /// The last dump of waiting connections, until somebody takes it.
    waiting: Option<(Stamp, Vec<Waiting>)>,
    /// The last reading of the accept queue's depth, until somebody takes it.
    depth: Option<(Stamp, u32)>,
    costs_reported: Stamp,
}

impl Sampler {
    pub(super) fn new(
        own: OwnListener<Member>,
        diag: Option<Diag>,
        [counters, client_counters]: [Option<CountersFile>; 2],
        port: u16,
    ) -> Self {
        Self {
            own,
            diag,
            counters,
            client_counters,
            client_counters_reported: None,
            port,
            queue: Pace::default(),
            lists: Pace::default(),
            counting: Pace::default(),
            reported: None,
            half_open: 0,
            requests: None,
            waiting: None,
            depth: None,
            costs_reported: Stamp::ZERO,
        }
    }

    /// Reads the listener's queue if that is due.
    pub(super) fn read_queue_if_due(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        if self.queue.is_due(clock.now(), QUEUE_PACE) {
            self.read_queue(clock, out);
        }
    }

    /// Reads the listener's queue and emits it even if it is what it was.
    pub(super) fn read_queue_anew(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        self.reported = None;
        self.read_queue(clock, out);
    }

    /// Reads the other sources that are due.
    pub(super) fn read_due(&mut self, clock: &Clock, busy: bool, out: &mut Vec<Stamped>) {
        let now = clock.now();
        let pace = if busy { BUSY_PACE } else { IDLE_PACE };
        // Only its absence from a dump shows the end of a request.
        let watched = if self.half_open > 0 { pace.min(BUSY_PACE) } else { pace };
        if self.counting.is_due(now, pace) {
            self.read_counters(clock, out);
        }
        if self.lists.is_due(now, watched) {
            self.read_lists(clock, out);
        }
        if now.since(self.costs_reported) >= COST_PACE {
            self.costs_reported = now;
            for (source, pace) in
                [(Source::Queue, self.queue), (Source::Counters, self.counting), (Source::HalfOpen, self.lists)]
            {
                let nanos = pace.cost().as_nanos() as u64;
                out.push(Stamped { at: now, event: Event::Cost { source, nanos } });
            }
        }
    }

    /// Reads counters and lists once.
    pub(super) fn read_all(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        self.read_counters(clock, out);
        self.read_lists(clock, out);
    }

    /// The waiting connections of the last dump, once, and the moment at which it was over.
    pub(super) const fn take_waiting(&mut self) -> Option<(Stamp, Vec<Waiting>)> {
        self.waiting.take()
    }

    /// The accept queue's depth as last read, once, and the moment.
    pub(super) const fn take_depth(&mut self) -> Option<(Stamp, u32)> {
        self.depth.take()
    }

    /// The requests of the last dump, once, and the moment at which it began.
    pub(super) const fn take_requests(&mut self) -> Option<(Stamp, Vec<HalfOpen>)> {
        self.requests.take()
    }

    fn read_queue(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        let before = clock::thread_busy();
        let (at, reading) = in_one_go(|| clock.now(), || self.own.read());
        self.queue.read(at, clock::busy_since(before));
        self.depth = reading.depth.map(|depth| (at, depth));
        let known =
            self.reported.is_some_and(|(emitted, before)| before == reading && at.since(emitted) < QUEUE_REPEAT);
        if !known {
            self.reported = Some((at, reading));
            out.push(Stamped { at, event: Event::Queue(reading) });
        }
    }

    fn read_counters(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        let Some(file) = &mut self.counters else { return };
        let before = clock::thread_busy();
        let (at, counters) = in_one_go(|| clock.now(), || file.read());
        match counters {
            Ok(counters) => out.push(Stamped { at, event: Event::Counters(Box::new(counters)) }),
            Err(error) => tracing::warn!(%error, "the counters could not be read"),
        }
        if let Some(Ok(counters)) = self.client_counters.as_mut().map(CountersFile::read)
            && self.client_counters_reported.as_ref() != Some(&counters)
        {
            self.client_counters_reported = Some(counters.clone());
            out.push(Stamped { at, event: Event::ClientCounters(Box::new(counters)) });
        }
        self.counting.read(at, clock::busy_since(before));
    }

    fn read_lists(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        let Some(diag) = &mut self.diag else { return };
        let (at, before) = (clock.now(), clock::thread_busy());
        let (mut half_open, mut waiting) = (Vec::new(), Vec::new());
        let dumped = diag.both(self.port, &mut half_open, &mut waiting);
        self.lists.read(at, clock::busy_since(before));
        match dumped {
            Ok(dumped) if !dumped.interrupted => {
                self.half_open = half_open.len();
                self.requests = Some((at, half_open.clone()));
                // A request of the first dump may be established before the second ends; a waiting connection stays, because
                // nothing calls accept() meanwhile. Each list gets the stamp of the moment from which no earlier fact contradicts
                // it.
                let requests = Listed { half_open: Some(half_open), waiting: None };
                out.push(Stamped { at, event: Event::Listed(Box::new(requests)) });
                let over = clock.now();
                self.waiting = Some((over, waiting.clone()));
                let children = Listed { half_open: None, waiting: Some(waiting) };
                out.push(Stamped { at: over, event: Event::Listed(Box::new(children)) });
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "requests and waiting connections could not be listed"),
        }
    }
}

/// Reads, and returns the stamp of the reading. A reading interrupted for longer than [`IN_ONE_GO`] is repeated: its moment is
/// unknown.
fn in_one_go<T>(now: impl Fn() -> Stamp, mut read: impl FnMut() -> T) -> (Stamp, T) {
    let mut tries = TRIES;
    loop {
        let at = now();
        let reading = read();
        tries -= 1;
        if tries == 0 || now().since(at) <= IN_ONE_GO {
            return (at, reading);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Readings that last `spans` microseconds each: when the accepted one began, and its number.
    fn read(spans: &[u64]) -> (u64, usize) {
        let (now, count) = (Cell::new(0), Cell::new(0));
        let (at, reading) = in_one_go(
            || Stamp::from_nanos(now.get() * 1000),
            || {
                now.set(now.get() + spans[count.get()]);
                count.set(count.get() + 1);
                count.get()
            },
        );
        (at.as_nanos() / 1000, reading)
    }

    #[test]
    fn a_reading_that_was_interrupted_is_made_again_and_the_last_one_counts_whatever_it_took() {
        assert_eq!(read(&[100]), (0, 1));
        assert_eq!(read(&[500]), (0, 1));
        assert_eq!(read(&[501, 20]), (501, 2));
        assert_eq!(read(&[900, 900, 900, 900]), (2700, 4));
    }
}
