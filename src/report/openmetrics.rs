//! A watch as metrics: one page of text for Prometheus and its relatives, in OpenMetrics 1.0 or in the older text format.
//!
//! One series per listening address, not per socket and not per process: a restart leaves no stale series behind. Of an
//! SO_REUSEPORT group the fullest socket is reported, because a group that is half empty on average drops where one member is
//! full. At most [`ADDRESSES`] addresses are reported, the fullest first; the number omitted is a metric too. What is unknown has
//! no sample.

use std::collections::BTreeMap;

use crate::fold::listeners::ListenerState;
use crate::fold::world::World;
use crate::model::event::Event;
use crate::model::watch::ListenerId;
use crate::session::metrics::PageFormat;
use crate::text::sanitize;

mod merged;
mod page;
mod series;
#[cfg(test)]
mod tests;

pub use merged::{NamespaceCounts, merged};
use series::Row;

/// The most addresses reported.
pub const ADDRESSES: usize = 200;

/// The state between two scrapes.
#[derive(Clone, Debug, Default)]
pub struct ScrapeState {
    /// The greatest depth of each accept queue since the last scrape; only non-empty ones.
    high: BTreeMap<ListenerId, u32>,
    /// The drops of each socket that are already in `by_address`.
    entered: BTreeMap<ListenerId, u64>,
    /// Drops by address: they never go down when one of several sockets goes away.
    drops: BTreeMap<Place, u64>,
    scrapes: u64,
}

/// A listening address as labels: family and address.
type Place = (&'static str, String);

/// The data of one scrape.
#[derive(Debug)]
pub struct Shot<'a> {
    world: &'a World,
    rows: Vec<Row>,
    listeners: usize,
    left_out: usize,
    scrapes: u64,
}

impl ScrapeState {
    /// Applies a fact after the world has.
    pub fn apply(&mut self, world: &World, event: &Event) {
        match event {
            Event::Snapshot(snapshot) => {
                for reading in &snapshot.changed {
                    self.reach(reading.id, reading.queue.depth);
                }
            }
            Event::Queue(reading) => {
                if let Some(id) = world.listeners.chosen {
                    self.reach(id, reading.depth);
                }
            }
            _ => {}
        }
    }

    fn reach(&mut self, id: ListenerId, depth: Option<u32>) {
        if let Some(depth) = depth.filter(|depth| *depth > 0) {
            let high = self.high.entry(id).or_default();
            *high = depth.max(*high);
        }
    }

    /// Takes the data of a scrape and resets the high-water marks.
    pub fn snapshot<'a>(&mut self, world: &'a World) -> Shot<'a> {
        self.scrapes += 1;
        self.enter_drops(world);
        let mut rows = series::rows(world, self);
        let listeners = world.listeners.live().count();
        let left_out = rows.len().saturating_sub(ADDRESSES);
        rows.truncate(ADDRESSES);
        self.high.clear();
        Shot { world, rows, listeners, left_out, scrapes: self.scrapes }
    }

    fn enter_drops(&mut self, world: &World) {
        let mut entered = BTreeMap::new();
        let mut drops = BTreeMap::new();
        for listener in world.listeners.wanted() {
            let place = place(listener);
            let known = self.drops.get(&place).copied();
            let Some(now) = world.drops_of(listener).map(|drops| drops.listener) else { continue };
            let before = self.entered.get(&listener.id()).copied().unwrap_or(0);
            entered.insert(listener.id(), now.max(before));
            *drops.entry(place).or_insert_with(|| known.unwrap_or(0)) += now.saturating_sub(before);
        }
        // State of listeners that are no longer kept is dropped.
        (self.entered, self.drops) = (entered, drops);
    }
}

impl Shot<'_> {
    /// The page.
    pub fn text(&self, dialect: PageFormat) -> String {
        page::text(self, dialect)
    }
}

/// A listener's family and address, without control characters.
fn place(listener: &ListenerState) -> Place {
    (listener.reading.address.family(), sanitize::lines(&listener.reading.address.to_string()))
}
