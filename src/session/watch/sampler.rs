//! The sources of a watch: each has its own interval, the cost of reading it is measured, and only what is new is emitted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use super::counter_reports::CounterReports;
use super::flood_messages::FloodMessages;
use super::registry::{ListenerRegistry, SocketOwner};
use super::served_counts::ServedCounts;
use crate::kernel::census::Census;
use crate::kernel::owners::{Owners, ScanCoverage};
use crate::kernel::proc::{self, CountersFile};
use crate::model::event::{Event, Stamped};
use crate::model::sample::{HalfOpen, Source, Waiting};
use crate::model::settings::Sysctls;
use crate::model::stamp::Stamp;
use crate::model::watch::{
    Address, HolderProcess, LOOK_AT_EASE, LOOK_RESTLESS, ListenerId, ListenerOptions, ListenerReading, Owner,
    QueueOccupants,
};
use crate::session::clock::{self, Clock};
use crate::session::pace::Pace;

/// How often the sources are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SamplingRate {
    /// Nothing moves.
    Calm,
    /// One listener is chosen, nothing moves.
    Close,
    /// A queue is full, nothing moves.
    Full,
    /// A queue fills, or its listener drops.
    Restless,
}

impl SamplingRate {
    /// Interval of the dump of all listeners.
    pub(super) const fn listeners(self) -> Duration {
        match self {
            Self::Calm => LOOK_AT_EASE,
            Self::Close => Duration::from_millis(50),
            Self::Full => Duration::from_millis(10),
            Self::Restless => LOOK_RESTLESS,
        }
    }

    const fn counters(self) -> Duration {
        Duration::from_millis(match self {
            Self::Calm => 250,
            Self::Close | Self::Full | Self::Restless => 100,
        })
    }

    /// Interval of the dumps of connections; they walk the kernel's whole table.
    const fn lists(self) -> Duration {
        Duration::from_millis(match self {
            Self::Calm => 1000,
            Self::Close | Self::Full => 250,
            Self::Restless => 100,
        })
    }
}

/// Interval of the owner scan: a socket can be passed on. New sockets are looked up at once.
const OWNERS_PACE: Duration = Duration::from_secs(1);

/// Interval of the owner scan while an owner is unknown.
const OWNERS_HASTE: Duration = Duration::from_millis(20);

/// Interval of looking at the processes that hold a listener.
const HOLDERS_PACE: Duration = Duration::from_secs(1);

/// By so much the dumps of connections are rarer while there is nothing to list.
const IDLE_FACTOR: u32 = 4;

/// Interval of reading the sysctls.
const SYSCTL_PACE: Duration = Duration::from_secs(1);

/// Interval of cost reports.
const COST_PACE: Duration = Duration::from_secs(1);

/// The sources on all listeners.
pub(super) struct Sampler {
    pub(super) census: Census,
    owners: Owners,
    counters: Option<CountersFile>,
    counted: CounterReports,
    sysctls: Sysctls,
    /// All listeners as last dumped.
    pub(super) readings: Vec<ListenerReading>,
    /// True when that dump was not interrupted.
    pub(super) complete: bool,
    reported_owners: BTreeMap<ListenerId, Option<Owner>>,
    pub(super) reported_occupants: BTreeMap<ListenerId, QueueOccupants>,
    /// The listeners that are asked for, where only their owners tell.
    pub(super) asked_for: BTreeSet<ListenerId>,
    pub(super) reported_holders: BTreeMap<ListenerId, (Vec<HolderProcess>, Option<u32>)>,
    pub(super) reported_options: BTreeMap<ListenerId, ListenerOptions>,
    pub(super) requests: Vec<(SocketAddr, HalfOpen)>,
    pub(super) waiting: Vec<(SocketAddr, Waiting)>,
    listener_dumps: Pace,
    owner_scans: Pace,
    counter_reads: Pace,
    pub(super) half_open_dumps: Pace,
    pub(super) waiting_dumps: Pace,
    pub(super) holder_reads: Pace,
    pub(super) served: ServedCounts,
    flood_messages: FloodMessages,
    sysctl_reads: Pace,
    costs_reported: Stamp,
    busy_before: Duration,
    /// True while the owner of a listener has not been looked up.
    pub(super) owner_unknown: bool,
}

impl Sampler {
    pub(super) fn new(census: Census, owners: Owners, counters: Option<CountersFile>, sysctls: Sysctls) -> Self {
        Self {
            census,
            owners,
            counters,
            counted: CounterReports::default(),
            sysctls,
            readings: Vec::new(),
            complete: false,
            reported_owners: BTreeMap::new(),
            reported_occupants: BTreeMap::new(),
            asked_for: BTreeSet::new(),
            reported_holders: BTreeMap::new(),
            reported_options: BTreeMap::new(),
            requests: Vec::new(),
            waiting: Vec::new(),
            listener_dumps: Pace::default(),
            owner_scans: Pace::default(),
            counter_reads: Pace::default(),
            half_open_dumps: Pace::default(),
            waiting_dumps: Pace::default(),
            holder_reads: Pace::default(),
            served: ServedCounts::default(),
            flood_messages: FloodMessages::open(),
            sysctl_reads: Pace::default(),
            costs_reported: Stamp::ZERO,
            busy_before: clock::busy(),
            owner_unknown: true,
        }
    }

    /// True when the dump of all listeners is due.
    pub(super) fn listeners_due(&self, now: Stamp, rate: SamplingRate) -> bool {
        self.listener_dumps.is_due(now, rate.listeners())
    }

    /// When the next reading of any source is due.
    pub(super) fn next(&self, rate: SamplingRate) -> Option<Stamp> {
        let lists = self.lists_due(rate);
        let counters = self.counters.as_ref().and_then(|_| self.counter_reads.due(rate.counters()));
        [self.listener_dumps.due(rate.listeners()), counters, lists].into_iter().flatten().min()
    }

    /// True while no accept queue holds a connection.
    pub(super) fn nothing_waits(&self) -> bool {
        self.readings.iter().all(|reading| reading.queue.depth.unwrap_or(0) == 0)
    }

    /// When the dumps of connections are due: rarely while no connection waits and no request was half-open at the last one. `None`:
    /// nothing was dumped yet.
    fn lists_due(&self, rate: SamplingRate) -> Option<Stamp> {
        let quiet = matches!(rate, SamplingRate::Calm | SamplingRate::Close);
        if quiet && self.requests.is_empty() && self.nothing_waits() {
            let pace = rate.lists() * IDLE_FACTOR;
            return self.half_open_dumps.due_at_ease(pace).max(self.waiting_dumps.due(pace));
        }
        self.half_open_dumps.list_due(rate.lists()).max(self.waiting_dumps.list_due(rate.lists()))
    }

    /// Dumps all listeners. Returns when, or `None` if the dump failed.
    pub(super) fn read_listeners(&mut self, clock: &Clock) -> Option<Stamp> {
        let (at, before) = (clock.now(), clock::thread_busy());
        let read = self.census.read(&mut self.readings);
        self.listener_dumps.read(at, clock::busy_since(before));
        match read {
            Ok(dumped) => {
                self.complete = !dumped.interrupted;
                Some(at)
            }
            Err(error) => {
                tracing::warn!(%error, "the listeners could not be listed");
                None
            }
        }
    }

    /// Reads the sources that are due, other than the dump of all listeners.
    pub(super) fn read_due(
        &mut self,
        clock: &Clock,
        (rate, chosen): (SamplingRate, Option<ListenerId>),
        out: &mut Vec<Stamped>,
    ) {
        let now = clock.now();
        let haste = if self.owner_unknown { OWNERS_HASTE } else { OWNERS_PACE };
        if self.owner_scans.is_due(now, haste) {
            self.read_owners(clock, out);
        }
        if self.counter_reads.is_due(now, rate.counters()) {
            self.read_counters(clock, out);
        }
        if self.lists_due(rate).is_none_or(|due| now >= due) {
            self.read_lists(clock, chosen, out);
        }
        if self.holder_reads.is_due(now, HOLDERS_PACE) {
            self.read_holders(clock, chosen, out);
        }
        if self.flood_messages.is_due(now) {
            self.flood_messages.read(clock, &self.readings, out);
        }
        if self.sysctl_reads.is_due(now, SYSCTL_PACE) {
            self.read_sysctls(clock, out);
        }
        if now.since(self.costs_reported) >= COST_PACE {
            self.emit_costs(now, out);
        }
    }

    pub(super) fn read_counters(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        let Some(file) = &mut self.counters else { return };
        let (at, before) = (clock.now(), clock::thread_busy());
        match file.read() {
            Ok(counters) => {
                if self.counted.is_new(at, &counters) {
                    out.push(Stamped { at, event: Event::Counters(Box::new(counters)) });
                }
            }
            Err(error) => tracing::warn!(%error, "the counters could not be read"),
        }
        self.counter_reads.read(at, clock::busy_since(before));
    }

    /// Scans all processes for the listeners' owners and returns how far that reached.
    pub(super) fn read_all_owners(&mut self, clock: &Clock) -> ScanCoverage {
        let (at, before) = (clock.now(), clock::thread_busy());
        let inodes = self.readings.iter().map(|reading| reading.inode).collect();
        let seen = self.owners.read_whole(&inodes);
        self.owner_scans.read(at, clock::busy_since(before));
        seen
    }

    pub(super) fn read_owners(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        let (at, before) = (clock.now(), clock::thread_busy());
        let inodes = self.readings.iter().map(|reading| reading.inode).collect();
        let seen = self.owners.read(&inodes);
        self.owner_scans.read(at, clock::busy_since(before));
        self.owner_unknown = !seen.complete;
        for reading in &self.readings {
            let owner = self.owners.owner(reading.inode);
            let reported = self.reported_owners.get(&reading.id);
            if reported.map(Option::as_ref) != Some(owner) && (owner.is_some() || seen.complete) {
                self.reported_owners.insert(reading.id, owner.cloned());
                out.push(Stamped { at, event: Event::Owned { id: reading.id, owner: owner.cloned() } });
            }
        }
    }

    fn read_sysctls(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        let (at, before) = (clock.now(), clock::thread_busy());
        let sysctls = proc::read_sysctls();
        self.sysctl_reads.read(at, clock::busy_since(before));
        for (name, value) in sysctls.iter() {
            if let Some(value) = value.filter(|value| self.sysctls.value(name) != Some(*value)) {
                out.push(Stamped { at, event: Event::Sysctl { name, value } });
            }
        }
        self.sysctls = sysctls;
    }

    /// Emits what each source costs, and the processor time of the whole process since the last report.
    fn emit_costs(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        self.costs_reported = now;
        let sources = [
            (Source::Listeners, self.listener_dumps),
            (Source::Owners, self.owner_scans),
            (Source::Counters, self.counter_reads),
            (Source::HalfOpen, self.half_open_dumps),
            (Source::Waiting, self.waiting_dumps),
        ];
        let busy = clock::busy();
        let whole = (Source::Whole, busy.saturating_sub(self.busy_before));
        self.busy_before = busy;
        for (source, cost) in sources.into_iter().map(|(source, pace)| (source, pace.cost())).chain([whole]) {
            out.push(Stamped { at: now, event: Event::Cost { source, nanos: cost.as_nanos() as u64 } });
        }
    }

    /// Forgets what was emitted about listeners that are gone.
    pub(super) fn forget(&mut self, gone: &[ListenerId]) {
        for id in gone {
            self.reported_owners.remove(id);
            self.reported_occupants.remove(id);
            self.reported_holders.remove(id);
            self.reported_options.remove(id);
        }
    }

    /// Who holds the sockets, as far as it is known.
    pub(super) fn socket_owners(&self) -> BTreeMap<u64, SocketOwner> {
        let entry = |(inode, owner): (u64, &Owner)| {
            (inode, SocketOwner { owner: owner.clone(), pids: self.owners.pids(inode).to_vec() })
        };
        self.owners.all().map(entry).collect()
    }

    /// The process and the descriptor by which a socket is known.
    pub(super) fn descriptor_of(&self, inode: u64) -> Option<(u32, u32)> {
        self.owners.descriptor(inode)
    }

    pub(super) fn holders_of(&self, inode: u64, connections: Option<&BTreeSet<u64>>) -> Vec<HolderProcess> {
        self.owners.holders(inode, connections)
    }

    /// The sysctls as last read.
    pub(super) const fn sysctls(&self) -> &Sysctls {
        &self.sysctls
    }

    /// The chosen listener's address, where it has a port.
    pub(super) fn address(registry: &ListenerRegistry, id: ListenerId) -> Option<SocketAddr> {
        match &registry.reading(id)?.address {
            Address::Tcp(address) => Some(*address),
            Address::Unix(_) => None,
        }
    }
}
