//! What ends a watch with a failed expectation (`--fail-on`): a listener that drops, or one that is too full.
//!
//! The real drops of a listener are separated from the noise of its counter by [`Drops`](crate::fold::listeners::Drops): a
//! certain drop counts at once, one that may be another listener's counts after [`DOUBT`] if the queue has been full.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::world::World;
use crate::fold::listeners::{ListenerState, Listeners};
use crate::model::event::Event;
use crate::model::stamp::Stamp;
use crate::model::watch::{ListenerId, Target};
use crate::say;

/// One condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FailOn {
    /// The listener has dropped a SYN or a final ACK.
    Overflow,
    /// Its accept queue holds this share of its capacity or more; above 0, at most 1.
    Full(f64),
    /// A connection has waited in its accept queue for so long.
    Wait(Duration),
    /// Connections wait and none was accepted for longer than the program's own rhythm ([`ListenerState::is_stalled`]).
    Stalled,
}

/// As it is written on the command line.
impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overflow => f.write_str("overflow"),
            Self::Full(share) => write!(f, "full:{}%", share * 100.0),
            Self::Wait(span) => write!(f, "wait:{}ms", span.as_millis()),
            Self::Stalled => f.write_str("stalled"),
        }
    }
}

/// Conditions and what is known about them so far.
#[derive(Clone, Debug, Default)]
pub struct Alarm {
    conditions: Vec<FailOn>,
    target: Option<Target>,
    /// Since when a listener has had uncertain drops.
    suspected: BTreeMap<ListenerId, Stamp>,
}

impl Alarm {
    /// An alarm for the listeners of `target`; `None`: for any.
    pub fn new(conditions: Vec<FailOn>, target: Option<Target>) -> Self {
        Self { conditions, target, ..Self::default() }
    }

    /// Checks the conditions after `world` has applied `event`; the message of the first that holds.
    pub fn check(&mut self, world: &World, event: &Event) -> Option<String> {
        let conditions = std::mem::take(&mut self.conditions);
        let raised = conditions.iter().find_map(|condition| match condition {
            FailOn::Full(share) => self.too_full(&world.listeners, event, *share),
            FailOn::Overflow => self.dropped(world, event),
            FailOn::Wait(longest) => self.waited(world, event, *longest),
            FailOn::Stalled => self.stalled(world),
        });
        self.conditions = conditions;
        raised
    }

    fn too_full(&self, listeners: &Listeners, event: &Event, share: f64) -> Option<String> {
        let Event::Snapshot(snapshot) = event else { return None };
        snapshot.changed.iter().filter(|reading| self.is_targeted(reading.id, listeners)).find_map(|reading| {
            let listener = listeners.by_id.get(&reading.id)?;
            let (depth, capacity) = (reading.queue.depth?, listener.capacity()?);
            (depth > 0 && f64::from(depth) >= share * f64::from(capacity)).then(|| {
                let percent = share * 100.0;
                say!(
                    "{name}: its accept queue holds {depth} of {capacity}, {percent} % or more",
                    name = name(listener),
                    depth,
                    capacity,
                    percent
                )
            })
        })
    }

    /// The oldest connection of a listener; of sockets that share an address only where one of them alone holds connections.
    fn waited(&self, world: &World, event: &Event, longest: Duration) -> Option<String> {
        if !matches!(event, Event::Occupants { .. } | Event::Listed(_)) {
            return None;
        }
        world.listeners.live().filter(|listener| self.is_targeted(listener.id(), &world.listeners)).find_map(
            |listener| {
                let holds = |member: &&ListenerState| member.reading.queue.depth.unwrap_or(0) > 0;
                let holders =
                    world.listeners.group_of(listener).members.iter().copied().filter(|member| holds(member)).count();
                let oldest = listener.occupants.oldest_wait_ms.filter(|_| holders == 1 && holds(&listener))?;
                let oldest = Duration::from_millis(oldest.into());
                (oldest >= longest).then(|| {
                    let depth = number(listener.reading.queue.depth);
                    let (oldest, longest) = (oldest.as_secs_f64(), longest.as_secs_f64());
                    say!(
                        "{name}: a connection has waited {oldest} s for accept(), {longest} s or more; {depth} waiting",
                        name = name(listener),
                        oldest,
                        longest,
                        depth
                    )
                })
            },
        )
    }

    fn stalled(&self, world: &World) -> Option<String> {
        let now = world.now;
        let targeted = |listener: &&ListenerState| self.is_targeted(listener.id(), &world.listeners);
        let stalled = world.listeners.live().filter(targeted).find(|listener| listener.is_stalled(now))?;
        let (depth, idle) = (number(stalled.reading.queue.depth), stalled.unaccepted(now)?.as_secs());
        Some(say!("{name}: no connection accepted for {idle} s, {depth} waiting", name = name(stalled), idle, depth))
    }

    fn dropped(&mut self, world: &World, event: &Event) -> Option<String> {
        if !matches!(event, Event::Snapshot(_) | Event::Counters(_) | Event::Ended) {
            return None;
        }
        let (now, last) = (world.now, matches!(event, Event::Ended));
        for (id, listener) in &world.listeners.by_id {
            let some = listener.drops().filter(|drops| drops.listener > 0);
            let Some(drops) = some.and_then(|_| world.drops_of(listener)) else {
                self.suspected.remove(id);
                continue;
            };
            let since = *self.suspected.entry(*id).or_insert(now);
            let likely = !listener.full(now).is_zero() && (last || now.since(since) >= DOUBT);
            if (drops.at_least > 0 || likely) && self.is_targeted(*id, &world.listeners) {
                let (depth, capacity) = (number(listener.reading.queue.depth), number(listener.capacity()));
                let count = if drops.is_exact() { drops.at_least } else { drops.at_least.max(1) };
                let at_least = if drops.is_exact() { "" } else { say!("at least ") };
                let count = if count == 1 { say!("1 packet").to_owned() } else { say!("{count} packets", count) };
                return Some(say!(
                    "{name} has dropped {at_least}{count} (SYNs or final ACKs); its accept queue holds {depth} of {capacity}",
                    name = name(listener),
                    at_least,
                    count,
                    depth,
                    capacity
                ));
            }
        }
        None
    }

    fn is_targeted(&self, id: ListenerId, listeners: &Listeners) -> bool {
        let listener = listeners.by_id.get(&id);
        listener.is_some_and(|listener| self.target.as_ref().is_none_or(|target| listener.is_asked_for_by(target)))
    }
}

fn number(value: Option<u32>) -> String {
    value.map_or_else(|| "—".to_owned(), |value| value.to_string())
}

/// The listener's address and owner.
fn name(listener: &ListenerState) -> String {
    let address = &listener.reading.address;
    listener
        .owner
        .as_ref()
        .map_or_else(|| address.to_string(), |owner| format!("{address} ({}, pid {})", owner.command, owner.pid))
}

/// An uncertain drop counts after this time.
const DOUBT: Duration = Duration::from_secs(1);
