//! How long connections stood in an accept queue, by its depth alone: it is first in, first out. Connections that came and went between two readings are
//! not seen. For unix sockets, whose connections no list names.

use std::collections::VecDeque;

use crate::fold::spread::DurationHistogram;
use crate::model::stamp::Stamp;

/// Entries kept, each of connections that came together.
const MOST: usize = 4096;

/// The connections of one queue, and the waits of those that have left it.
#[derive(Clone, Debug, Default)]
pub(super) struct QueueWaits {
    /// When they came, and how many; `None`: before the watch.
    entries: VecDeque<(Option<Stamp>, u32)>,
    waits: Option<Box<DurationHistogram>>,
}

impl QueueWaits {
    /// The depth was read.
    pub(super) fn read(&mut self, at: Stamp, before: u32, depth: u32, first: bool) {
        if depth > before {
            self.entries.push_back(((!first).then_some(at), depth - before));
            if self.entries.len() > MOST {
                self.entries.pop_front();
            }
        }
        let mut left = before.saturating_sub(depth);
        while left > 0 {
            let Some((came, count)) = self.entries.front_mut() else { break };
            let taken = left.min(*count);
            if let Some(came) = *came {
                let waits = self.waits.get_or_insert_default();
                (0..taken).for_each(|_| waits.record(at.since(came)));
            }
            *count -= taken;
            left -= taken;
            if *count == 0 {
                self.entries.pop_front();
            }
        }
    }

    /// Nothing was read for a while: who left meanwhile is not known.
    pub(super) fn mark_gap(&mut self) {
        self.entries.iter_mut().for_each(|(came, _)| *came = None);
    }

    /// The waits of those that came and left while watched; `None`: none did.
    pub(super) fn waits(&self) -> Option<&DurationHistogram> {
        self.waits.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_came_first_leaves_first_and_nothing_is_said_of_those_from_before() {
        let at = Stamp::from_millis;
        let mut waits = QueueWaits::default();
        waits.read(at(0), 0, 2, true);
        waits.read(at(1000), 2, 5, false);
        waits.read(at(2000), 5, 3, false);
        assert!(waits.waits().is_none(), "those two were there before");
        waits.read(at(4000), 3, 1, false);
        let waited = waits.waits().unwrap();
        assert_eq!((waited.count(), waited.max_ms()), (2, Some(3000.0)));
        waits.mark_gap();
        waits.read(at(9000), 1, 0, false);
        assert_eq!(waits.waits().unwrap().count(), 2);
    }
}
