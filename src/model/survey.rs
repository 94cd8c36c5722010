//! All listeners of a machine, folded: what [`Roll`]s say, over time. One of them can be chosen; it is then the subject of the
//! [`World`](super::world::World) around the survey.

use std::collections::BTreeMap;
use std::time::Duration;

use super::counters::Counters;
use super::event::Event;
use super::stamp::Stamp;
use super::watch::{Crowding, Knocks, ListenerId, ListenerReading, Owner, Roll, Watching};

/// All listeners and what has become of them since the watch began.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// With what rights and where it is watched; `None`: this is no watch.
    pub watching: Option<Watching>,
    /// When the watch began.
    pub since: Stamp,
    /// Every listener seen, gone ones for a while too.
    pub listeners: BTreeMap<ListenerId, Watched>,
    /// Which listener the world around is about.
    pub chosen: Option<ListenerId>,
    /// The namespace's counters when the watch began.
    pub counters_first: Option<Counters>,
    /// The namespace's counters as last read.
    pub counters_last: Option<Counters>,
}

/// One listener over time.
#[derive(Clone, Debug)]
pub struct Watched {
    /// As last read.
    pub reading: ListenerReading,
    /// Who holds it.
    pub owner: Option<Owner>,
    /// What stands behind its queues.
    pub crowding: Crowding,
    /// When it was seen first.
    pub since: Stamp,
    /// When it was found gone.
    pub gone: Option<Stamp>,
    /// The accept queue's greatest depth since the watch began.
    pub max: u32,
    /// The SYN queue's greatest depth since the watch began.
    pub half_open_max: u32,
    /// Since when the accept queue has held its capacity.
    pub full_since: Option<Stamp>,
    /// How long it held its capacity before that.
    pub full_before: Duration,
    /// Its drop counter when it was seen first (noisy, see [`QueueReading`](super::sample::QueueReading)).
    pub drops_first: Option<u32>,
    /// SYNs seen by the tap.
    pub syns: u64,
    /// SYNs sent again, seen by the tap.
    pub syns_again: u64,
}

impl Survey {
    /// Takes one fact; those that are not about all listeners are left to the world.
    pub fn apply(&mut self, at: Stamp, event: &Event) {
        match event {
            Event::Watching(watching) => {
                *self = Self { watching: Some((**watching).clone()), since: at, ..Self::default() };
            }
            Event::Roll(roll) => self.call(at, roll),
            Event::Owned { id, owner } => {
                if let Some(one) = self.listeners.get_mut(id) {
                    one.owner.clone_from(owner);
                }
            }
            Event::Crowded { id, crowding } => self.crowd(*id, *crowding),
            Event::Knocked(knocks) => self.knock(knocks),
            Event::Chosen(chosen) => self.chosen = *chosen,
            Event::Counters(counters) if self.watching.is_some() => {
                self.counters_first.get_or_insert_with(|| (**counters).clone());
                self.counters_last = Some((**counters).clone());
            }
            _ => {}
        }
    }

    fn call(&mut self, at: Stamp, roll: &Roll) {
        for reading in &roll.changed {
            let one = self.listeners.entry(reading.id).or_insert_with(|| Watched::new(at, reading));
            one.read(at, reading);
        }
        for id in &roll.gone {
            if let Some(one) = self.listeners.get_mut(id) {
                one.end_full(at);
                one.gone = Some(at);
            }
        }
    }

    fn crowd(&mut self, id: ListenerId, crowding: Crowding) {
        if let Some(one) = self.listeners.get_mut(&id) {
            one.crowding = crowding;
            one.half_open_max = one.half_open_max.max(crowding.half_open.unwrap_or(0));
        }
    }

    fn knock(&mut self, knocks: &[Knocks]) {
        for knock in knocks {
            if let Some(one) = self.listeners.get_mut(&knock.id) {
                one.syns += u64::from(knock.syns);
                one.syns_again += u64::from(knock.again);
            }
        }
    }
}

impl Watched {
    fn new(at: Stamp, reading: &ListenerReading) -> Self {
        Self {
            reading: reading.clone(),
            owner: None,
            crowding: Crowding::default(),
            since: at,
            gone: None,
            max: 0,
            half_open_max: 0,
            full_since: None,
            full_before: Duration::ZERO,
            drops_first: reading.queue.drops,
            syns: 0,
            syns_again: 0,
        }
    }

    fn read(&mut self, at: Stamp, reading: &ListenerReading) {
        self.reading = reading.clone();
        self.gone = None;
        self.max = self.max.max(reading.queue.depth.unwrap_or(0));
        match (self.is_full(), self.full_since) {
            (true, None) => self.full_since = Some(at),
            (false, Some(_)) => self.end_full(at),
            _ => {}
        }
    }

    fn end_full(&mut self, at: Stamp) {
        if let Some(since) = self.full_since.take() {
            self.full_before += at.since(since);
        }
    }

    /// How many connections its accept queue holds: one more than its limit.
    pub fn capacity(&self) -> Option<u32> {
        self.reading.queue.limit.map(super::queue::accept_capacity)
    }

    /// True when the accept queue holds its capacity or more: the next one is dropped.
    pub fn is_full(&self) -> bool {
        matches!((self.reading.queue.depth, self.capacity()), (Some(depth), Some(capacity)) if depth >= capacity)
    }

    /// How long its accept queue has held its capacity since the watch began.
    pub fn full(&self, now: Stamp) -> Duration {
        self.full_before + self.full_since.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// By how much its drop counter has gone up since it was seen first.
    pub fn drops(&self) -> Option<u32> {
        Some(self.reading.queue.drops?.wrapping_sub(self.drops_first?))
    }
}
