//! When the kernel's log named a listener as possibly flooded with SYNs.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::stamp::Stamp;
use crate::model::watch::ListenerId;

/// The last such message about each listener: when it was read, and how old it was then.
#[derive(Clone, Debug, Default)]
pub struct FloodLog(BTreeMap<ListenerId, (Stamp, Duration)>);

/// At most so many listeners are remembered.
const MOST: usize = 1024;

impl FloodLog {
    pub(super) fn note(&mut self, id: ListenerId, read: Stamp, ago_ms: u64) {
        if self.0.len() < MOST || self.0.contains_key(&id) {
            self.0.insert(id, (read, Duration::from_millis(ago_ms)));
        }
    }

    /// How long ago the log named this listener; `None`: it did not, or it may not be read.
    pub fn ago(&self, id: ListenerId, now: Stamp) -> Option<Duration> {
        self.0.get(&id).map(|(read, ago)| now.since(*read) + *ago)
    }
}
