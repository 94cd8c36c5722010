//! sock_diag dumps of half-open requests and waiting connections, sorted by listener.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use super::sampler::Sampler;
use crate::kernel::census::listeners_for;
use crate::model::event::{Event, Stamped};
use crate::model::sample::Listed;
use crate::model::watch::{ListenerId, QueueOccupants};
use crate::session::clock::{self, Clock};

/// Ports whose waiting connections are dumped in one round, the fullest first: each dump is a walk of its own.
const PORTS: usize = 8;

impl Sampler {
    /// Half-open requests and waiting connections: counts for each listener, addresses for the chosen one.
    pub(super) fn read_lists(&mut self, clock: &Clock, chosen: Option<ListenerId>, out: &mut Vec<Stamped>) {
        let (at, before) = (clock.now(), clock::thread_busy());
        let requested = self.census.requests(&mut self.requests);
        self.half_open_dumps.read(at, clock::busy_since(before));
        let whole = match requested {
            Ok(dumped) => !dumped.interrupted,
            Err(error) => {
                tracing::warn!(%error, "half-open requests could not be listed");
                false
            }
        };
        let (began, before) = (clock.now(), clock::thread_busy());
        let mut listed = Listed::default();
        let mut occupants = whole.then(|| self.half_open_by_listener());
        if let (true, Some(id)) = (whole, chosen) {
            listed.half_open =
                Some(self.requests.iter().filter(|(to, _)| self.takes(id, *to)).map(|entry| entry.1).collect());
        }
        // An empty queue has no connections to look for among all of them.
        if chosen.is_some_and(|id| self.depth(id) == Some(0)) {
            listed.waiting = Some(Vec::new());
        }
        for port in self.ports(chosen) {
            if !self.census.waiting(port, &mut self.waiting).is_ok_and(|dumped| !dumped.interrupted) {
                occupants = None;
                continue;
            }
            self.oldest(port, &mut occupants);
            if let Some(id) = chosen.filter(|id| self.port(*id) == Some(port)) {
                let here = self.waiting.iter().filter(|(to, _)| self.takes(id, *to)).map(|entry| entry.1);
                listed.waiting = Some(here.collect());
            }
        }
        self.waiting_dumps.read(began, clock::busy_since(before));
        if chosen.is_some() && listed != Listed::default() {
            out.push(Stamped { at, event: Event::Listed(Box::new(listed)) });
        }
        for (id, occupants) in occupants.into_iter().flatten() {
            if self.reported_occupants.insert(id, occupants) != Some(occupants) {
                out.push(Stamped { at, event: Event::Occupants { id, occupants } });
            }
        }
    }

    /// Half-open requests for each TCP listener; a request to an SO_REUSEPORT group counts for each member.
    fn half_open_by_listener(&self) -> BTreeMap<ListenerId, QueueOccupants> {
        let none = QueueOccupants { half_open: Some(0), oldest_wait_ms: None };
        let tcp = self.readings.iter().filter(|reading| reading.address.port().is_some());
        let mut occupants: BTreeMap<_, _> = tcp.map(|reading| (reading.id, none)).collect();
        let mut by_address: HashMap<SocketAddr, u32> = HashMap::new();
        for (to, _) in &self.requests {
            *by_address.entry(*to).or_default() += 1;
        }
        for (to, count) in by_address {
            for taker in listeners_for(to, &self.readings) {
                if let Some(entry) = occupants.get_mut(&taker.id) {
                    entry.half_open = entry.half_open.map(|before| before + count);
                }
            }
        }
        occupants
    }

    /// The longest wait at this port. A connection does not name its listener: within a group the wait is reported only if no
    /// other member has a connection in its queue.
    fn oldest(&self, port: u16, occupants: &mut Option<BTreeMap<ListenerId, QueueOccupants>>) {
        let Some(occupants) = occupants else { return };
        let mut oldest: HashMap<SocketAddr, u32> = HashMap::new();
        for (to, waiting) in &self.waiting {
            if let Some(age) = waiting.age_ms {
                let known = oldest.entry(*to).or_default();
                *known = age.max(*known);
            }
        }
        debug_assert!(oldest.keys().all(|to| to.port() == port), "the dump was asked for one port");
        for (to, age) in oldest {
            let mut holders = listeners_for(to, &self.readings).filter(|reading| reading.queue.depth != Some(0));
            if let (Some(holder), None) = (holders.next(), holders.next())
                && let Some(entry) = occupants.get_mut(&holder.id)
            {
                entry.oldest_wait_ms = entry.oldest_wait_ms.max(Some(age));
            }
        }
    }

    /// The ports with a non-empty accept queue, the fullest first; the chosen listener's port before all.
    fn ports(&self, chosen: Option<ListenerId>) -> Vec<u16> {
        let mut ports: Vec<(bool, u32, u16)> = self
            .readings
            .iter()
            .filter_map(|reading| Some((chosen == Some(reading.id), reading.queue.depth?, reading.address.port()?)))
            .filter(|(_, depth, _)| *depth > 0)
            .collect();
        ports.sort_unstable_by(|entry, other| other.cmp(entry));
        let mut first = Vec::new();
        for (_, _, port) in ports {
            if first.len() < PORTS && !first.contains(&port) {
                first.push(port);
            }
        }
        first
    }

    fn takes(&self, id: ListenerId, to: SocketAddr) -> bool {
        listeners_for(to, &self.readings).any(|taker| taker.id == id)
    }

    fn depth(&self, id: ListenerId) -> Option<u32> {
        let reading = self.readings.iter().find(|reading| reading.id == id)?;
        reading.queue.depth.filter(|_| reading.address.port().is_some())
    }

    fn port(&self, id: ListenerId) -> Option<u16> {
        self.readings.iter().find(|reading| reading.id == id).and_then(|reading| reading.address.port())
    }
}
