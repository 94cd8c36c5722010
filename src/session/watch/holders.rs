//! The processes that hold a listener: of the chosen one, and of those where connections wait.

use std::collections::BTreeSet;

use super::sampler::Sampler;
use crate::kernel::census::listeners_for;
use crate::model::event::{Event, Stamped};
use crate::model::watch::{ListenerId, ListenerReading};
use crate::session::clock::Clock;

/// Listeners whose processes are looked at in one round beside the chosen one, the fullest first.
const LISTENERS: usize = 8;

/// Listeners of one program whose processes are looked at.
const MOST_ASKED_FOR: usize = 64;

impl Sampler {
    /// Looks at the processes of the chosen listener, with their connections, and at those of the fullest others.
    pub(super) fn read_holders(&mut self, clock: &Clock, chosen: Option<ListenerId>, out: &mut Vec<Stamped>) {
        let at = clock.now();
        let concerns =
            |reading: &&ListenerReading| reading.queue.depth.unwrap_or(0) > 0 || self.asked_for.contains(&reading.id);
        let mut others: Vec<_> = self.readings.iter().filter(concerns).collect();
        // Those that were asked for first: only their processes tell that they were.
        let rank = |reading: &&ListenerReading| {
            (!self.asked_for.contains(&reading.id), std::cmp::Reverse(reading.queue.depth))
        };
        others.sort_by_key(rank);
        let first = self.readings.iter().filter(|reading| chosen == Some(reading.id));
        let others = others
            .into_iter()
            .filter(|reading| chosen != Some(reading.id))
            .take(LISTENERS + self.asked_for.len().min(MOST_ASKED_FOR));
        let looked_at: Vec<ListenerReading> = first.chain(others).cloned().collect();
        for reading in looked_at {
            let connections = if chosen == Some(reading.id) { self.connections(&reading) } else { None };
            let holders = self.holders_of(reading.inode, connections.as_ref());
            let served = connections.and_then(|inodes| u32::try_from(inodes.len()).ok());
            let now = (holders, served);
            if self.reported_holders.get(&reading.id) != Some(&now) {
                self.reported_holders.insert(reading.id, now.clone());
                let (holders, served) = now;
                out.push(Stamped { at, event: Event::Holders { id: reading.id, holders, served } });
            }
        }
        self.holder_reads.read(at, clock.now());
    }

    /// The inodes of the listener's connections that were accepted; `None` for unix sockets, and where several listeners may have taken them.
    fn connections(&mut self, listener: &ListenerReading) -> Option<BTreeSet<u64>> {
        let port = listener.address.port()?;
        let mut accepted = Vec::new();
        let dumped = self.census.accepted(port, &mut accepted).ok()?;
        let mut inodes = BTreeSet::new();
        for (to, inode) in accepted {
            let mut takers = listeners_for(to, &self.readings);
            match (takers.next(), takers.next()) {
                (Some(one), None) if one.id == listener.id => _ = inodes.insert(inode),
                (Some(_), None) | (None, _) => {}
                (Some(_), Some(_)) => return None,
            }
        }
        (!dumped.interrupted).then_some(inodes)
    }
}
