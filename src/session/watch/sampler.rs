//! The eyes of a watch: each source has its own pace, what it costs is measured, and only what is new is told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::counter_reports::Counted;
use super::registry::ListenerRegistry;
use crate::kernel::census::Census;
use crate::kernel::owners::{Owners, ScanCoverage};
use crate::kernel::proc::{self, CountersFile};
use crate::model::event::{Event, Stamped};
use crate::model::sample::{HalfOpen, Source, Waiting};
use crate::model::settings::Sysctls;
use crate::model::stamp::Stamp;
use crate::model::watch::{Address, LOOK_AT_EASE, LOOK_RESTLESS, ListenerId, ListenerReading, Owner, QueueOccupants};
use crate::session::clock::{self, Clock};
use crate::session::pace::Pace;

/// How closely is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SamplingRate {
    /// Nothing moves.
    Calm,
    /// One listener is chosen, nothing moves.
    Close,
    /// A queue is full, nothing moves.
    Full,
    /// A queue grows, or its listener drops.
    Restless,
}

impl SamplingRate {
    /// All listeners.
    pub(super) const fn roll(self) -> Duration {
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

    /// These walk the kernel's whole table of connections.
    const fn lists(self) -> Duration {
        Duration::from_millis(match self {
            Self::Calm => 1000,
            Self::Close | Self::Full => 250,
            Self::Restless => 100,
        })
    }
}

/// Who holds what: looked up again so often, because a socket can be handed on. Something new is looked up at once.
const OWNERS_PACE: Duration = Duration::from_secs(1);

/// The time between two looks while somebody's owner is still looked for.
const OWNERS_HASTE: Duration = Duration::from_millis(20);

/// Settings change when somebody changes them.
const SYSCTL_PACE: Duration = Duration::from_secs(1);

/// How often costs are told.
const COST_PACE: Duration = Duration::from_secs(1);

/// The eyes on all listeners.
pub(super) struct Sampler {
    pub(super) census: Census,
    owners: Owners,
    counters: Option<CountersFile>,
    counted: Counted,
    sysctls: Sysctls,
    /// The last look at all listeners.
    pub(super) look: Vec<ListenerReading>,
    /// True when that look was complete.
    pub(super) whole: bool,
    found: BTreeMap<u64, Owner>,
    told_owners: BTreeMap<ListenerId, Option<Owner>>,
    pub(super) told_crowding: BTreeMap<ListenerId, QueueOccupants>,
    pub(super) requests: Vec<(SocketAddr, HalfOpen)>,
    pub(super) waiting: Vec<(SocketAddr, Waiting)>,
    roll: Pace,
    owning: Pace,
    counting: Pace,
    pub(super) requesting: Pace,
    pub(super) queueing: Pace,
    setting: Pace,
    costs_told: Stamp,
    busy_before: Duration,
    /// True while a listener is there whose owner was not looked up.
    pub(super) curious: bool,
}

impl Sampler {
    pub(super) fn new(census: Census, owners: Owners, counters: Option<CountersFile>, sysctls: Sysctls) -> Self {
        Self {
            census,
            owners,
            counters,
            counted: Counted::default(),
            sysctls,
            look: Vec::new(),
            whole: false,
            found: BTreeMap::new(),
            told_owners: BTreeMap::new(),
            told_crowding: BTreeMap::new(),
            requests: Vec::new(),
            waiting: Vec::new(),
            roll: Pace::default(),
            owning: Pace::default(),
            counting: Pace::default(),
            requesting: Pace::default(),
            queueing: Pace::default(),
            setting: Pace::default(),
            costs_told: Stamp::ZERO,
            busy_before: clock::busy(),
            curious: true,
        }
    }

    /// True when all listeners shall be looked at.
    pub(super) fn roll_is_due(&self, now: Stamp, care: SamplingRate) -> bool {
        self.roll.is_due(now, care.roll())
    }

    /// When the next look at anything is due.
    pub(super) fn next(&self, care: SamplingRate) -> Option<Stamp> {
        let lists = self.requesting.due(care.lists()).max(self.queueing.due(care.lists()));
        let counters = self.counters.as_ref().and_then(|_| self.counting.due(care.counters()));
        [self.roll.due(care.roll()), counters, lists].into_iter().flatten().min()
    }

    /// Looks at all listeners; when it was, or `None` where the kernel gave no answer.
    pub(super) fn look_at_all(&mut self, clock: &Clock) -> Option<Stamp> {
        let at = clock.now();
        let read = self.census.read(&mut self.look);
        self.roll.read(at, clock.now());
        match read {
            Ok(dumped) => {
                self.whole = !dumped.interrupted;
                Some(at)
            }
            Err(error) => {
                tracing::warn!(%error, "the listeners could not be listed");
                None
            }
        }
    }

    /// Looks at what stands behind the listeners, where it is due.
    pub(super) fn look_behind(
        &mut self,
        clock: &Clock,
        (care, chosen): (SamplingRate, Option<ListenerId>),
        out: &mut Vec<Stamped>,
    ) {
        let now = clock.now();
        let haste = if self.curious { OWNERS_HASTE } else { OWNERS_PACE };
        if self.owning.is_due(now, haste) {
            self.look_at_owners(clock, out);
        }
        if self.counting.is_due(now, care.counters()) {
            self.count(clock, out);
        }
        if self.requesting.is_due(now, care.lists()) && self.queueing.is_due(now, care.lists()) {
            self.list(clock, chosen, out);
        }
        if self.setting.is_due(now, SYSCTL_PACE) {
            self.look_at_settings(clock, out);
        }
        if now.since(self.costs_told) >= COST_PACE {
            self.tell_costs(now, out);
        }
    }

    pub(super) fn count(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        let Some(file) = &mut self.counters else { return };
        let at = clock.now();
        match file.read() {
            Ok(counters) => {
                if self.counted.is_new(at, &counters) {
                    out.push(Stamped { at, event: Event::Counters(Box::new(counters)) });
                }
            }
            Err(error) => tracing::warn!(%error, "the counters could not be read"),
        }
        self.counting.read(at, clock.now());
    }

    /// Goes through all processes, and says how far that reached.
    pub(super) fn look_for_all_owners(&mut self, clock: &Clock) -> ScanCoverage {
        let at = clock.now();
        let inodes = self.look.iter().map(|reading| reading.inode).collect();
        let seen = self.owners.read_whole(&inodes, &mut self.found);
        self.owning.read(at, clock.now());
        seen
    }

    pub(super) fn look_at_owners(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        let at = clock.now();
        let inodes = self.look.iter().map(|reading| reading.inode).collect();
        let seen = self.owners.read(&inodes, &mut self.found);
        self.owning.read(at, clock.now());
        self.curious = !seen.complete;
        for reading in &self.look {
            let owner = self.found.get(&reading.inode);
            let told = self.told_owners.get(&reading.id);
            if told.map(Option::as_ref) != Some(owner) && (owner.is_some() || seen.complete) {
                self.told_owners.insert(reading.id, owner.cloned());
                out.push(Stamped { at, event: Event::Owned { id: reading.id, owner: owner.cloned() } });
            }
        }
    }

    fn look_at_settings(&mut self, clock: &Clock, out: &mut Vec<Stamped>) {
        let at = clock.now();
        let sysctls = proc::read_sysctls();
        self.setting.read(at, clock.now());
        for (name, value) in sysctls.iter() {
            if let Some(value) = value.filter(|value| self.sysctls.value(name) != Some(*value)) {
                out.push(Stamped { at, event: Event::Sysctl { name, value } });
            }
        }
        self.sysctls = sysctls;
    }

    /// What each source costs, and what all of qviz has taken of the processors since the last time.
    fn tell_costs(&mut self, now: Stamp, out: &mut Vec<Stamped>) {
        self.costs_told = now;
        let sources = [
            (Source::Listeners, self.roll),
            (Source::Owners, self.owning),
            (Source::Counters, self.counting),
            (Source::HalfOpen, self.requesting),
            (Source::Waiting, self.queueing),
        ];
        let busy = clock::busy();
        let whole = (Source::Whole, busy.saturating_sub(self.busy_before));
        self.busy_before = busy;
        for (eye, cost) in sources.into_iter().map(|(eye, pace)| (eye, pace.cost())).chain([whole]) {
            out.push(Stamped { at: now, event: Event::Cost { eye, nanos: cost.as_nanos() as u64 } });
        }
    }

    /// Forgets what was told of listeners that are gone.
    pub(super) fn forget(&mut self, gone: &[ListenerId]) {
        for id in gone {
            self.told_owners.remove(id);
            self.told_crowding.remove(id);
        }
    }

    /// The sysctls as last read.
    pub(super) const fn sysctls(&self) -> &Sysctls {
        &self.sysctls
    }

    /// The chosen listener's address, where it has a port.
    pub(super) fn address(register: &ListenerRegistry, id: ListenerId) -> Option<SocketAddr> {
        match &register.reading(id)?.address {
            Address::Tcp(address) => Some(*address),
            Address::Unix(_) => None,
        }
    }
}
