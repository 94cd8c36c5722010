//! The series of one address.

use std::collections::{BTreeMap, BTreeSet};

use super::{Place, ScrapeState, place};
use crate::fold::finding::Severity;
use crate::fold::listeners::ListenerState;
use crate::fold::world::World;
use crate::model::watch::ListenerId;
use crate::text::sanitize;

/// Findings of a listener from which nobody accepts.
const NOBODY_ACCEPTS: [&str; 4] =
    ["server-stalled", "owner-stopped", "owner-out-of-descriptors", "at-its-connection-limit"];

/// One address.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) family: &'static str,
    pub(super) address: String,
    /// Sockets that share it.
    pub(super) sockets: usize,
    /// The accept queue of the fullest socket: entries, limit, capacity.
    pub(super) depth: Option<u32>,
    pub(super) limit: Option<u32>,
    pub(super) capacity: Option<u32>,
    /// The greatest depth since the last scrape, of the socket that was fullest then.
    pub(super) high: Option<u32>,
    pub(super) drops: Option<u64>,
    pub(super) half_open: Option<u32>,
    pub(super) oldest_wait_s: Option<f64>,
    pub(super) stalled: bool,
    /// The program's name, of the lowest process that holds one of the sockets.
    pub(super) command: Option<String>,
}

/// All addresses, those that were fullest since the last scrape first.
pub(super) fn rows(world: &World, state: &ScrapeState) -> Vec<Row> {
    let mut places: BTreeMap<Place, Vec<&ListenerState>> = BTreeMap::new();
    for listener in world.listeners.live() {
        places.entry(place(listener)).or_default().push(listener);
    }
    let in_force = world
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Problem && NOBODY_ACCEPTS.contains(&finding.rule.as_str()));
    let stalled: BTreeSet<_> =
        in_force.filter_map(|finding| finding.subject.as_ref()).map(|subject| subject.id).collect();
    let mut rows: Vec<_> = places.into_iter().map(|(place, sockets)| row((place, &sockets), state, &stalled)).collect();
    rows.sort_by(Row::order);
    rows
}

fn row((place, sockets): (Place, &[&ListenerState]), state: &ScrapeState, stalled: &BTreeSet<ListenerId>) -> Row {
    let high = |listener: &ListenerState| {
        let depth = listener.reading.queue.depth?;
        Some(state.high.get(&listener.id()).map_or(depth, |high| depth.max(*high)))
    };
    let fullness = |listener: &ListenerState| share(high(listener), listener.capacity());
    let now = |listener: &ListenerState| listener.fullness().unwrap_or(0.0);
    let fullest = sockets.iter().max_by(|listener, other| {
        let was = fullness(listener).total_cmp(&fullness(other));
        // The present depth comes first; the past one is the high-water mark.
        now(listener).total_cmp(&now(other)).then(was)
    });
    let highest = sockets.iter().max_by(|listener, other| fullness(listener).total_cmp(&fullness(other)));
    let all_empty = sockets.iter().all(|listener| listener.reading.queue.depth == Some(0));
    let oldest_ms = sockets.iter().filter_map(|listener| listener.occupants.oldest_wait_ms).max();
    let oldest_wait_s = if all_empty { Some(0.0) } else { oldest_ms.map(|ms| f64::from(ms) / 1000.0) };
    let owner = sockets.iter().filter_map(|listener| listener.owner.as_ref()).min_by_key(|owner| owner.pid);
    Row {
        sockets: sockets.len(),
        depth: fullest.and_then(|listener| listener.reading.queue.depth),
        limit: fullest.and_then(|listener| listener.reading.queue.limit),
        capacity: fullest.and_then(|listener| listener.capacity()),
        high: highest.and_then(|listener| high(listener)),
        drops: state.drops.get(&place).copied(),
        half_open: sockets.iter().filter_map(|listener| listener.occupants.half_open).max(),
        oldest_wait_s,
        stalled: sockets.iter().any(|listener| stalled.contains(&listener.id())),
        command: owner.map(|owner| sanitize::line(&owner.command)),
        family: place.0,
        address: place.1,
    }
}

fn share(depth: Option<u32>, capacity: Option<u32>) -> f64 {
    depth.zip(capacity).map_or(0.0, |(depth, capacity)| f64::from(depth) / f64::from(capacity.max(1)))
}

impl Row {
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let fullness = |row: &Self| share(row.high, row.capacity);
        let drops = |row: &Self| row.drops.unwrap_or(0);
        let fuller = fullness(other).total_cmp(&fullness(self));
        fuller.then(drops(other).cmp(&drops(self))).then_with(|| self.address.cmp(&other.address))
    }
}
