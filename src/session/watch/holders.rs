//! The processes that hold a listener: of the chosen one, and of those where connections wait.

use std::collections::BTreeSet;
use std::time::Duration;

use super::sampler::Sampler;
use crate::kernel::census::listeners_for;
use crate::kernel::{descriptor_copy, own_socket};
use crate::model::event::{Event, Stamped};
use crate::model::watch::{HolderProcess, ListenerId, ListenerReading};
use crate::session::clock::{self, Clock};

/// Listeners whose processes are looked at in one round beside the chosen one, the fullest first.
const LISTENERS: usize = 8;

/// Listeners of one program whose processes are looked at.
const MOST_ASKED_FOR: usize = 64;

/// Interval of counting the connections of each holder while connections wait. All descriptors of all holders are read for that.
const COUNT_PACE: Duration = Duration::from_secs(1);

/// The same while nothing waits and the holders are the same.
const COUNT_AT_EASE: Duration = Duration::from_secs(10);

impl Sampler {
    /// Looks at the processes of the chosen listener, with their connections, and at those of the fullest others.
    pub(super) fn read_holders(&mut self, clock: &Clock, chosen: Option<ListenerId>, out: &mut Vec<Stamped>) {
        let (at, before) = (clock.now(), clock::thread_busy());
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
            if chosen == Some(reading.id) {
                self.read_options(clock, &reading, out);
            }
            let mut holders = self.holders_of(reading.inode, None);
            let served =
                if chosen == Some(reading.id) { self.count_served(clock, &reading, &mut holders) } else { None };
            let now = (holders, served);
            if self.reported_holders.get(&reading.id) != Some(&now) {
                self.reported_holders.insert(reading.id, now.clone());
                let (holders, served) = now;
                out.push(Stamped { at, event: Event::Holders { id: reading.id, holders, served } });
            }
        }
        self.holder_reads.read(at, clock::busy_since(before));
    }

    /// Reads the options of a listener from a copy of its descriptor, where that is allowed.
    fn read_options(&mut self, clock: &Clock, listener: &ListenerReading, out: &mut Vec<Stamped>) {
        let id = listener.id;
        let Some((pid, fd)) = self.descriptor_of(listener.inode).filter(|_| listener.address.port().is_some()) else {
            return;
        };
        let Ok(copied) = descriptor_copy::copy(pid, fd, id.0) else { return };
        let options = own_socket::listener_options(&copied);
        if self.reported_options.insert(id, options) != Some(options) {
            out.push(Stamped { at: clock.now(), event: Event::Options { id, options } });
        }
    }

    /// How many connections each of the chosen listener's holders serves, and how many there are: counted when that is due, or when a holder
    /// is new; else as last counted.
    fn count_served(
        &mut self,
        clock: &Clock,
        listener: &ListenerReading,
        holders: &mut Vec<HolderProcess>,
    ) -> Option<u32> {
        let known = self.served.listener == Some(listener.id);
        // A process with fewer descriptors than it served has closed some since.
        let stands = |holder: &HolderProcess| match self.served.by_process.get(&holder.pid) {
            Some(served) => served.is_none() || *served <= holder.descriptors || holder.descriptors.is_none(),
            None => false,
        };
        let same = holders.iter().all(stands);
        let counts = self.served.counts;
        let due =
            if same && self.nothing_waits() { counts.due_at_ease(COUNT_AT_EASE) } else { counts.list_due(COUNT_PACE) };
        let began = clock.now();
        if known && due.is_some_and(|due| began < due) {
            for holder in holders {
                holder.served = self.served.by_process.get(&holder.pid).copied().flatten();
            }
            return self.served.served;
        }
        let before = clock::thread_busy();
        let connections = self.connections(listener);
        *holders = self.holders_of(listener.inode, connections.as_ref());
        self.served.counts.read(began, clock::busy_since(before));
        self.served.listener = Some(listener.id);
        self.served.by_process = holders.iter().map(|holder| (holder.pid, holder.served)).collect();
        self.served.served = connections.and_then(|inodes| u32::try_from(inodes.len()).ok());
        self.served.served
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
