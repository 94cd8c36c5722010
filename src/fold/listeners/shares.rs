//! How the processes that hold one listener share its connections, as far as that stays the same.

use std::time::Duration;

use crate::model::stamp::Stamp;
use crate::model::watch::HolderProcess;

/// One process serves many connections, and others next to none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uneven {
    /// The process that serves most.
    pub busy: u32,
    /// How many it serves.
    pub served: u32,
    /// Those that serve less than a tenth of that.
    pub idle: Vec<u32>,
    /// How many these serve together.
    pub idle_serve: u32,
    /// Since when it is so.
    pub since: Stamp,
}

/// Fewer connections are chance.
const MANY: u32 = 10;

/// The present share, where it is uneven.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares(Option<Uneven>);

impl Shares {
    /// The processes were looked at.
    pub(super) fn read(&mut self, at: Stamp, holders: &[HolderProcess]) {
        let before = self.0.take();
        let workers: Vec<_> = holders.iter().filter(|process| is_worker(process, holders)).collect();
        let Some(busy) = workers.iter().max_by_key(|process| process.served) else { return };
        let Some(most) = busy.served.filter(|served| *served >= MANY) else { return };
        // Of the same program: others may hold it without ever calling accept().
        let siblings = workers.iter().filter(|process| process.command == busy.command);
        let idle: Vec<_> = siblings.filter_map(|process| Some((process.pid, process.served?))).collect();
        let idle = idle.into_iter().filter(|(_, served)| served * MANY <= most);
        let goes_on = before.filter(|before| before.busy == busy.pid);
        let idle: Vec<_> =
            idle.filter(|(pid, _)| goes_on.as_ref().is_none_or(|before| before.idle.contains(pid))).collect();
        if !idle.is_empty() {
            self.0 = Some(Uneven {
                busy: busy.pid,
                served: most,
                idle_serve: idle.iter().map(|(_, served)| served).sum(),
                idle: idle.into_iter().map(|(pid, _)| pid).collect(),
                since: goes_on.map_or(at, |before| before.since),
            });
        }
    }

    /// That, where it has been so for this time.
    pub(super) fn uneven(&self, now: Stamp, long: Duration) -> Option<&Uneven> {
        self.0.as_ref().filter(|uneven| now.since(uneven.since) >= long)
    }
}

/// False for a master beside its workers, and for who cannot accept now.
fn is_worker(process: &HolderProcess, all: &[HolderProcess]) -> bool {
    process.served.is_some()
        && !matches!(process.state, 'T' | 't' | 'Z')
        && all.iter().all(|other| other.parent != process.pid)
}
