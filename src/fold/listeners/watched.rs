//! One listener over time.

use std::time::Duration;

use super::drops::{DropMeter, Drops};
use super::flow::{Drain, Flow};
use super::second::Seconds;
use super::shares::{Shares, Uneven};
use super::throttle::Throttle;
use super::waits::QueueWaits;
use crate::fold::occupancy::Occupancy;
use crate::fold::rhythm::Rhythm;
use crate::fold::spread::DurationHistogram;
use crate::model::queue;
use crate::model::sample::{Listed, QueueReading, Waiting};
use crate::model::stamp::Stamp;
use crate::model::watch::{
    HolderProcess, ListenerId, ListenerOptions, ListenerReading, Owner, QueueOccupants, SynCounts, Target,
};

/// One listener over time.
#[derive(Clone, Debug)]
pub struct ListenerState {
    /// As last read.
    pub reading: ListenerReading,
    /// Its owner.
    pub owner: Option<Owner>,
    /// The processes that hold it, where they were looked at.
    pub holders: Vec<HolderProcess>,
    /// Its connections that were accepted and are open; `None`: not looked at.
    pub served: Option<u32>,
    /// Its options; `None`: not read.
    pub options: Option<ListenerOptions>,
    /// Counts from the dumps of requests and waiting connections.
    pub occupants: QueueOccupants,
    /// When it was seen first.
    pub since: Stamp,
    /// When it was found gone.
    pub gone: Option<Stamp>,
    /// Its accept queue since the watch began.
    pub accept_queue: Occupancy,
    /// The SYN queue's greatest depth since the watch began.
    pub half_open_max: u32,
    /// First SYNs seen by the tap since the watch began.
    pub syns: u64,
    /// SYNs sent again, seen by the tap.
    pub syns_again: u64,
    /// The listener on the same address that had gone when this one appeared.
    pub predecessor: Option<ListenerId>,
    /// Since when its SYN queue has held half of its limit or more.
    pub half_full_since: Option<Stamp>,
    pub(super) meter: DropMeter,
    pub(super) seconds: Seconds,
    /// How many connections waited when it was found gone.
    pub closed_with: u32,
    /// True while other sockets share its address: lists of connections are of all of them.
    pub(super) shared: bool,
    /// The depth when it was seen first.
    depth_first: u32,
    throttle: Throttle,
    shares: Shares,
    waits: QueueWaits,
    flow: Flow,
    pub(super) arrivals: Rhythm,
    head: Option<QueueHead>,
}

/// How long nothing has been accepted, as far as that is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// How long the same connection has been at the head of the queue.
    pub unmoved: Duration,
    /// How long that connection has waited.
    pub oldest: Duration,
}

/// The connection that `accept()` would return next.
#[derive(Clone, Copy, Debug)]
struct QueueHead {
    /// When it entered the queue, in nanoseconds of the session; negative: before it.
    queued_at_ns: i64,
    cookie: Option<u64>,
    first_seen: Stamp,
    last_seen: Stamp,
}

/// How far the entry times of one connection may differ between two readings, in ns: ages are cut to milliseconds, and a busy
/// machine stamps late.
const AGE_TOLERANCE_NS: i64 = 300_000_000;

/// Ages in ms that differ by no more may be in any order: two ticks of the slowest kernel (HZ 100).
const TIE_MS: u32 = 20;

impl ListenerState {
    pub(super) fn new(at: Stamp, reading: &ListenerReading) -> Self {
        let mut entry = Self {
            reading: reading.clone(),
            owner: None,
            holders: Vec::new(),
            served: None,
            options: None,
            occupants: QueueOccupants::default(),
            since: at,
            gone: None,
            accept_queue: Occupancy::default(),
            half_open_max: 0,
            syns: 0,
            syns_again: 0,
            predecessor: None,
            half_full_since: None,
            meter: DropMeter::new(reading.queue.drops),
            seconds: Seconds::default(),
            closed_with: 0,
            shared: false,
            depth_first: reading.queue.depth.unwrap_or(0),
            throttle: Throttle::default(),
            shares: Shares::default(),
            waits: QueueWaits::default(),
            flow: Flow::default(),
            arrivals: Rhythm::default(),
            head: None,
        };
        entry.measure(at, 0);
        entry
    }

    /// Takes a reading; true when the drop counter has moved.
    pub(super) fn read(&mut self, at: Stamp, reading: &ListenerReading) -> bool {
        let before = self.depth();
        self.reading = reading.clone();
        self.measure(at, before);
        self.meter.read(reading.queue.drops)
    }

    /// Takes a reading of its queue alone; true when the drop counter has moved.
    pub(super) fn read_queue(&mut self, at: Stamp, reading: QueueReading) -> bool {
        let (before, queue) = (self.depth(), self.reading.queue);
        self.reading.queue = reading.or(queue);
        self.measure(at, before);
        self.meter.read(reading.drops)
    }

    /// Takes the dumps of its connections; never moves the drop counter.
    pub(super) fn read_lists(&mut self, at: Stamp, listed: &Listed) -> bool {
        let mut occupants = self.occupants;
        if let Some(half_open) = &listed.half_open {
            occupants.half_open = u32::try_from(half_open.len()).ok();
        }
        let mut cookie = None;
        if let Some(waiting) = &listed.waiting {
            let oldest = waiting.iter().max_by_key(|entry| entry.age_ms);
            occupants.oldest_wait_ms = oldest.and_then(|entry| entry.age_ms);
            cookie = oldest.map(|oldest| self.head_among(waiting, oldest));
        }
        self.take_crowding(at, occupants, cookie, listed.waiting.is_some());
        false
    }

    /// The head's cookie: the known one while it is as old as the oldest. Of connections that came together any may be the oldest of a dump.
    fn head_among(&self, waiting: &[Waiting], oldest: &Waiting) -> u64 {
        let before = self.head.and_then(|head| head.cookie);
        let known = waiting.iter().find(|entry| Some(entry.cookie) == before);
        let tied = |entry: &&Waiting| {
            entry.age_ms.zip(oldest.age_ms).is_some_and(|(age, oldest)| oldest.saturating_sub(age) <= TIE_MS)
        };
        known.filter(tied).unwrap_or(oldest).cookie
    }

    pub(super) fn set_occupants(&mut self, at: Stamp, occupants: QueueOccupants) {
        self.take_crowding(at, occupants, None, true);
    }

    fn take_crowding(&mut self, at: Stamp, occupants: QueueOccupants, cookie: Option<u64>, waiting: bool) {
        let before = self.occupants.half_open.unwrap_or(0);
        self.occupants = occupants;
        let half_open = occupants.half_open.unwrap_or(0);
        self.half_open_max = self.half_open_max.max(half_open);
        if half_open > 0 || before > 0 {
            self.seconds.slot_at(at).half_open_last = half_open;
        }
        let crowded =
            self.reading.queue.limit.is_some_and(|limit| half_open > 0 && half_open.saturating_mul(2) >= limit);
        self.half_full_since = if crowded { self.half_full_since.or(Some(at)) } else { None };
        if waiting {
            self.see_head(at, occupants.oldest_wait_ms, cookie);
        }
    }

    fn see_head(&mut self, at: Stamp, oldest_wait_ms: Option<u32>, cookie: Option<u64>) {
        let Some(wait_ms) = oldest_wait_ms else {
            self.head = None;
            return;
        };
        let born = at.as_nanos().cast_signed() - i64::from(wait_ms) * 1_000_000;
        let before = self.head;
        let same = before.filter(|head| match (head.cookie, cookie) {
            (Some(before), Some(now)) => before == now,
            _ => (born - head.queued_at_ns).abs() <= AGE_TOLERANCE_NS,
        });
        if before.is_some() && same.is_none() && !self.shared {
            self.flow.accepted(at);
        }
        self.head = Some(QueueHead {
            queued_at_ns: same.map_or(born, |head| head.queued_at_ns),
            cookie: cookie.or_else(|| same.and_then(|head| head.cookie)),
            first_seen: same.map_or(at, |head| head.first_seen),
            last_seen: at,
        });
    }

    fn measure(&mut self, at: Stamp, before: u32) {
        let depth = self.depth();
        let full_since = self.accept_queue.full_since();
        self.accept_queue.set_capacity(at, self.capacity());
        self.accept_queue.set(at, depth);
        if let Some(began) = full_since.filter(|_| self.accept_queue.full_since().is_none()) {
            self.flow.was_full(began, at);
        }
        self.flow.read(at, before, depth);
        if self.reading.address.port().is_none() {
            self.waits.read(at, before, depth, at == self.since);
        }
        if depth < before {
            // Only accept() makes a queue shorter.
            self.head = None;
        }
        if depth > 0 || before > 0 {
            let second = self.seconds.slot_at(at);
            second.depth_max = second.depth_max.max(depth);
            second.depth_last = depth;
        }
    }

    pub(super) fn count_syns(&mut self, at: Stamp, counts: SynCounts) {
        self.syns += u64::from(counts.syns);
        self.syns_again += u64::from(counts.again);
        if counts.syns > 0 {
            self.arrivals.note(at, counts.syns);
        }
        let second = self.seconds.slot_at(at);
        second.syns = second.syns.saturating_add(counts.syns);
        second.again = second.again.saturating_add(counts.again);
    }

    pub(super) fn mark_gone(&mut self, at: Stamp) {
        self.closed_with = self.depth();
        self.accept_queue.set(at, 0);
        self.gone = Some(at);
        self.occupants = QueueOccupants::default();
        self.half_full_since = None;
        self.head = None;
        self.reading.queue.depth = self.reading.queue.depth.map(|_| 0);
    }

    /// The time from `began` to `ended` is unknown: it counts neither as full nor as unchanged.
    pub(super) fn mark_gap(&mut self, began: Stamp, ended: Stamp) {
        self.accept_queue.skip(began, ended);
        self.half_full_since = self.half_full_since.map(|_| ended);
        self.flow.mark_gap(ended);
        self.waits.mark_gap();
        self.head = None;
    }

    /// Entries in its accept queue; 0 where unknown.
    pub fn depth(&self) -> u32 {
        self.reading.queue.depth.unwrap_or(0)
    }

    /// True when this listener is asked for.
    pub fn is_asked_for_by(&self, target: &Target) -> bool {
        target.takes(&self.reading, self.owner.as_ref(), self.holders.iter().map(|process| process.pid))
    }

    /// Its id.
    pub const fn id(&self) -> ListenerId {
        self.reading.id
    }

    /// How many connections its accept queue holds: one more than its limit.
    pub fn capacity(&self) -> Option<u32> {
        self.reading.queue.limit.map(queue::accept_capacity)
    }

    /// True when the accept queue holds its capacity or more: the next one is dropped.
    pub fn is_full(&self) -> bool {
        matches!((self.reading.queue.depth, self.capacity()), (Some(depth), Some(capacity)) if depth >= capacity)
    }

    /// How full the accept queue is: 1 is full, more is possible (a queue is not emptied when its limit shrinks).
    pub fn fullness(&self) -> Option<f64> {
        Some(f64::from(self.reading.queue.depth?) / f64::from(self.capacity()?))
    }

    /// Its greatest fill so far, relative to the present limit.
    pub fn fullness_max(&self) -> Option<f64> {
        Some(f64::from(self.accept_queue.max()) / f64::from(self.capacity()?))
    }

    /// How long its accept queue has held its capacity since the watch began.
    pub fn full(&self, now: Stamp) -> Duration {
        self.accept_queue.full(now)
    }

    /// Its drops since the watch began; `None` for a unix socket and where its counter is unknown.
    pub fn drops(&self) -> Option<Drops> {
        self.meter.since_watched()
    }

    /// Its drops since it was made; listener and noise together are what `ss -m` shows behind `d`.
    pub fn drops_since_made(&self) -> Option<Drops> {
        self.meter.since_made()
    }

    /// For how long connections have waited and none was accepted, as far as the watch has seen.
    pub fn unaccepted(&self, now: Stamp) -> Option<Duration> {
        self.flow.unaccepted(now).filter(|_| self.depth() > 0)
    }

    /// What was the head of one list is not that of another.
    pub(super) fn set_shared(&mut self, shared: bool) {
        if std::mem::replace(&mut self.shared, shared) != shared {
            self.head = None;
        }
    }

    /// How long the oldest connection has waited at least, by the depth alone: the queue is first in, first out, and fewer have left it than were there
    /// when it was seen first.
    pub fn waits_at_least(&self, now: Stamp) -> Option<Duration> {
        (u64::from(self.depth_first) > self.flow.left() && self.depth() > 0).then(|| now.since(self.since))
    }

    /// How long connections of a unix socket waited in its queue; `None`: none came and left while watched, or it is none.
    pub fn waits(&self) -> Option<&DurationHistogram> {
        self.waits.waits()
    }

    /// How many connections have left its queue since it was seen first, at least.
    pub const fn accepted_at_least(&self) -> u64 {
        self.flow.left()
    }

    /// The depth when it was seen first.
    pub const fn depth_first(&self) -> u32 {
        self.depth_first
    }

    pub(super) fn set_holders(&mut self, at: Stamp, holders: &[HolderProcess], served: Option<u32>) {
        self.holders = holders.to_vec();
        self.served = served;
        self.throttle.read(at, holders);
        self.shares.read(at, holders);
    }

    /// For which share of the last seconds the processes were kept off the processors by their cgroup's quota, and over how many.
    pub fn throttled(&self) -> Option<(f64, Duration)> {
        self.throttle.share()
    }

    /// True when nothing was accepted for three times this program's longest gap between two accepts, and for three seconds at least. A full queue
    /// whose ages are unknown proves nothing: who is accepted may be replaced at once.
    pub fn is_stalled(&self, now: Stamp) -> bool {
        let seen = self.occupants.oldest_wait_ms.is_some() || !self.is_full();
        self.depth() > 0 && seen && self.flow.is_out_of_rhythm(now)
    }

    /// Whether its queue empties in between, as far as its program's rhythm shows that; `None` where it does not yet. Only a queue that empties is helped
    /// by a greater length.
    pub fn empties(&self, now: Stamp) -> Option<bool> {
        self.flow.empties(now, self.since)
    }

    /// How its processes share its connections, where one has most of them and others next to none for at least so `long`.
    pub fn uneven(&self, now: Stamp, long: Duration) -> Option<&Uneven> {
        self.shares.uneven(now, long)
    }

    /// How fast its queue drains, by its depth alone.
    pub fn drain(&self, now: Stamp) -> Option<Drain> {
        self.flow.drain(now, self.since)
    }

    /// For how much of the last three seconds its accept queue held its capacity, and of how many it is known.
    pub fn full_lately(&self, now: Stamp) -> (Duration, Duration) {
        self.flow.full_of(now, self.since, self.accept_queue.full_since())
    }

    /// The same as a share, 0 to 1; `None` while it is watched for less than a second.
    pub fn full_share(&self, now: Stamp) -> Option<f64> {
        let (full, span) = self.full_lately(now);
        (span >= Duration::from_secs(1) && self.capacity().is_some()).then(|| full.as_secs_f64() / span.as_secs_f64())
    }

    /// How long the same connection has been at the head of its queue. `None`: it is empty, has just moved, or no ages are known.
    pub fn stall(&self) -> Option<Stall> {
        let head = self.head.filter(|_| self.depth() > 0)?;
        let oldest = head.last_seen.as_nanos().cast_signed() - head.queued_at_ns;
        let oldest = Duration::from_nanos(oldest.max(0).cast_unsigned());
        Some(Stall { unmoved: head.last_seen.since(head.first_seen), oldest })
    }
}
