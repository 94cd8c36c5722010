//! Which eye looks when: each source has its own pace, what it costs is measured, and a reading that says nothing new is not told.

use std::sync::Arc;
use std::time::Duration;

use crate::kernel::own_socket::OwnListener;
use crate::kernel::proc::CountersFile;
use crate::kernel::sock_diag::Diag;
use crate::lab::listener::Listener;
use crate::model::event::{Event, Stamped};
use crate::model::sample::{Listed, QueueReading, Source};
use crate::model::stamp::Stamp;
use crate::session::clock::Clock;
use crate::session::pace::Pace;

/// The own queue: as often as the loop turns, but told again unchanged only after this time.
const RETELL: Duration = Duration::from_millis(250);

/// The shortest time between two looks at the own queue.
const QUEUE_PACE: Duration = Duration::from_micros(500);

/// Lists and counters while something moves.
const BUSY_PACE: Duration = Duration::from_millis(50);

/// Lists and counters while the SYN queue is about to be full: whether a SYN becomes a request or is answered with a cookie is then a
/// matter of one entry, and real clients' SYN-ACKs do not tell.
const NARROW_PACE: Duration = Duration::from_millis(5);

/// Lists and counters while nothing moves.
const IDLE_PACE: Duration = Duration::from_millis(250);

/// How often costs are told.
const COST_PACE: Duration = Duration::from_secs(1);

/// How long a reading of the queue or of the counters may last: several times what either takes.
const IN_ONE_GO: Duration = Duration::from_micros(500);

/// How often one of them is tried.
const TRIES: u32 = 4;

/// The eyes on one listener.
pub(super) struct Sampler {
    pub(super) own: OwnListener<Arc<Listener>>,
    pub(super) diag: Option<Diag>,
    pub(super) counters: Option<CountersFile>,
    pub(super) port: u16,
    queue: Pace,
    lists: Pace,
    counting: Pace,
    told: Option<(Stamp, QueueReading)>,
    /// Half-open requests in the last list.
    half_open: usize,
    costs_told: Stamp,
}

impl Sampler {
    pub(super) fn new(
        own: OwnListener<Arc<Listener>>,
        diag: Option<Diag>,
        counters: Option<CountersFile>,
        port: u16,
    ) -> Self {
        Self {
            own,
            diag,
            counters,
            port,
            queue: Pace::default(),
            lists: Pace::default(),
            counting: Pace::default(),
            told: None,
            half_open: 0,
            costs_told: Stamp::ZERO,
        }
    }

    /// Reads what is due.
    pub(super) fn look(&mut self, clock: &Clock, busy: bool, out: &mut Vec<Stamped>) {
        let now = clock.now();
        let pace = match busy {
            true if self.is_narrow() => NARROW_PACE,
            true => BUSY_PACE,
            false => IDLE_PACE,
        };
        // The end of a request is in its absence alone.
        let watched = if self.half_open > 0 { pace.min(BUSY_PACE) } else { pace };
        if self.queue.is_due(now, QUEUE_PACE) {
            self.look_at_queue(clock, out);
        }
        if self.counting.is_due(now, pace) {
            self.count(clock, out);
        }
        if self.lists.is_due(now, watched) {
            self.list(clock, out);
        }
        if now.since(self.costs_told) >= COST_PACE {
            self.costs_told = now;
            for (eye, source) in
                [(Source::Queue, self.queue), (Source::Counters, self.counting), (Source::HalfOpen, self.lists)]
            {
                let nanos = source.cost().as_nanos() as u64;
                out.push(Stamped { at: now, event: Event::Cost { eye, nanos } });
            }
        }
    }

    /// Reads everything once, whatever is due.
    pub(super) fn look_at_all(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        self.told = None;
        self.look_at_queue(clock, out);
        self.count(clock, out);
        self.list(clock, out);
    }

    /// True when the SYN queue holds its limit or is one short of it.
    fn is_narrow(&self) -> bool {
        let limit = self.told.and_then(|(_, reading)| reading.limit);
        limit.is_some_and(|limit| self.half_open > 0 && self.half_open + 1 >= limit as usize)
    }

    fn look_at_queue(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        let (at, reading) = in_one_go(|| clock.now(), || self.own.read());
        self.queue.read(at, clock.now());
        let known = self.told.is_some_and(|(told, before)| before == reading && at.since(told) < RETELL);
        if !known {
            self.told = Some((at, reading));
            out.push(Stamped { at, event: Event::Queue(reading) });
        }
    }

    fn count(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        let Some(file) = &mut self.counters else { return };
        let (at, counters) = in_one_go(|| clock.now(), || file.read());
        match counters {
            Ok(counters) => out.push(Stamped { at, event: Event::Counters(Box::new(counters)) }),
            Err(error) => tracing::warn!(%error, "the counters could not be read"),
        }
        self.counting.read(at, clock.now());
    }

    fn list(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        let Some(diag) = &mut self.diag else { return };
        let at = clock.now();
        let (mut half_open, mut waiting) = (Vec::new(), Vec::new());
        let dumped = diag.both(self.port, &mut half_open, &mut waiting);
        self.lists.read(at, clock.now());
        match dumped {
            Ok(dumped) if !dumped.interrupted => {
                self.half_open = half_open.len();
                // Who is half-open when the walk begins may have got in before it ends; who waits goes on waiting, because nobody calls
                // accept() meanwhile. Each list counts from the moment at which nothing that passed before contradicts it.
                let requests = Listed { half_open: Some(half_open), waiting: None };
                out.push(Stamped { at, event: Event::Listed(Box::new(requests)) });
                let children = Listed { half_open: None, waiting: Some(waiting) };
                out.push(Stamped { at: clock.now(), event: Event::Listed(Box::new(children)) });
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "requests and waiting connections could not be listed"),
        }
    }
}

/// Reads, and says when. What was interrupted for longer than [`IN_ONE_GO`] speaks of a moment that nobody knows, and is read again.
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

    /// Readings that last so many microseconds each: when the one that counts began, and which it was.
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
