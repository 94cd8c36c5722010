//! The processes that hold a socket: those whose `/proc/PID/fd` links to its inode.
//!
//! Each [`Owners::read`] does a bounded amount of work. Known owners are checked first; only for a socket without a
//! known owner are all processes scanned, a part with each call. Processes that end meanwhile, are hidden or may not
//! be read are expected. Start at [`Owners::read`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use self::proc_dir::{Holder, ProcDir};
use self::proc_scan::ProcScan;
use crate::model::watch::{self, HolderProcess, Owner};
use crate::say;

pub use self::holders::{Descriptor, SocketHolders};
pub use self::namespaces::{NetnsEntry, NetnsList};

mod cgroup;
mod holders;
mod namespaces;
mod proc_dir;
mod proc_scan;
mod process;

/// The known owners and the state of the current scan.
#[derive(Debug)]
pub struct Owners {
    proc: Option<ProcDir>,
    /// Descriptors read in one call.
    budget: usize,
    known: BTreeMap<u64, KnownOwner>,
    /// The processes that hold each socket, by the last complete scan.
    pids: BTreeMap<u64, Vec<u32>>,
    /// Sockets whose owner a complete scan did not find.
    unowned: BTreeSet<u64>,
    scan: Option<ProcScan>,
    /// The last socket whose owner was checked.
    confirmed: u64,
    /// Calls since the last complete scan.
    since_scan: u32,
    /// Calls until sockets without an owner are searched for again.
    pause: u32,
    /// The fewest calls between two scans that no new socket asks for: they grow with the descriptors of the machine.
    rest: u32,
    coverage: ScanCoverage,
}

/// How much a scan could see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanCoverage {
    /// True when all processes have been scanned for every requested socket. False: call again, the scan goes on.
    pub complete: bool,
    /// Processes in the last complete scan.
    pub processes: u32,
    /// Those of them whose descriptors may not be read: processes of other users, kernel threads included.
    pub denied: u32,
    /// Requested sockets without a known owner.
    pub unowned: u32,
    /// Which processes `/proc` shows.
    pub visibility: ProcVisibility,
}

/// Which processes `/proc` shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProcVisibility {
    /// None: it is not mounted.
    #[default]
    Absent,
    /// Those of another pid namespace: their pids are not those of qviz's own pid namespace.
    Foreign,
    /// Not those of other users (hidepid).
    Hidden,
    /// Those of qviz's own pid namespace, as in a container; others exist outside it.
    Nested,
    /// All processes of this machine.
    Whole,
}

#[derive(Clone, Debug)]
struct KnownOwner {
    holder: Holder,
    owner: Owner,
}

impl ScanCoverage {
    /// For whose sockets owners can be found.
    pub fn owner_scope(&self) -> watch::OwnerScope {
        let hidden = matches!(self.visibility, ProcVisibility::Hidden | ProcVisibility::Absent);
        if self.denied == 0 && !hidden { watch::OwnerScope::All } else { watch::OwnerScope::Own }
    }

    /// Why sockets may have no owner, and what would help; `None` when all processes were readable.
    pub fn limitation(&self) -> Option<String> {
        let setcap = say!(
            "run qviz as root, or give it the rights once (the packet tap's too), to one group alone, because whoever starts it then sees \
             every process; `sudo setcap -r $(command -v qviz)` undoes it: `sudo sh -c 'chgrp adm $0 && chmod 750 $0 && \
             setcap cap_net_raw,cap_sys_ptrace,cap_dac_read_search+ep $0' $(command -v qviz)`"
        );
        let (denied, all) = (self.denied, self.processes);
        match self.visibility {
            ProcVisibility::Absent => Some(say!("/proc is not mounted here: `mount -t proc proc /proc` as root").to_owned()),
            ProcVisibility::Hidden => Some(say!("/proc hides the processes of other users (hidepid): {setcap}", setcap)),
            _ if denied > 0 => {
                Some(say!(
                    "{denied} of {all} processes belong to other users and may not be looked into: {setcap}",
                    denied,
                    all,
                    setcap
                ))
            }
            ProcVisibility::Foreign => Some(
                say!("/proc is that of another pid namespace, and so are its numbers: mount one of this namespace")
                    .to_owned(),
            ),
            ProcVisibility::Nested => Some(
                say!("processes outside of this pid namespace are not listed: run qviz on the host (docker: `--pid=host`)")
                    .to_owned(),
            ),
            ProcVisibility::Whole => None,
        }
    }
}

impl Owners {
    /// Opens `/proc`. Without it no socket has an owner, and [`ScanCoverage::visibility`] is
    /// [`ProcVisibility::Absent`].
    pub fn open() -> Self {
        Self::with_budget(ProcDir::open(), BUDGET)
    }

    fn with_budget(proc: Option<ProcDir>, budget: usize) -> Self {
        let visibility = proc.as_ref().map_or(ProcVisibility::Absent, ProcDir::visibility);
        let coverage = ScanCoverage { visibility, ..ScanCoverage::default() };
        let (known, unowned) = (BTreeMap::new(), BTreeSet::new());
        Self {
            proc,
            budget,
            known,
            pids: BTreeMap::new(),
            unowned,
            scan: None,
            confirmed: 0,
            since_scan: u32::MAX,
            pause: FIRST_PAUSE,
            rest: 0,
            coverage,
        }
    }

    /// Looks for the owners of the sockets `inodes`, which [`Self::owner`] tells. One call reads about 2,000 descriptors at most; on a
    /// large machine several calls are needed until [`ScanCoverage::complete`], and owners found on the way are
    /// known at once. Sockets without an owner (the kernel's own, or not visible) are searched for again at
    /// growing intervals.
    pub fn read(&mut self, inodes: &BTreeSet<u64>) -> ScanCoverage {
        self.known.retain(|inode, _| inodes.contains(inode));
        self.unowned.retain(|inode| inodes.contains(inode));
        self.confirm();
        self.continue_scan(inodes);
        self.coverage.unowned = (inodes.len() - self.known.len()) as u32;
        self.coverage
    }

    /// Scans until every socket has an owner or is known to have none; for tables that are printed once.
    pub fn read_whole(&mut self, inodes: &BTreeSet<u64>) -> ScanCoverage {
        // In as few calls as can be: each of them goes through everything that is known.
        let budget = std::mem::replace(&mut self.budget, WHOLE_BUDGET);
        for _ in 0..MAX_READS {
            if self.read(inodes).complete {
                break;
            }
        }
        self.budget = budget;
        self.coverage
    }

    /// The known owner of a socket.
    pub fn owner(&self, inode: u64) -> Option<&Owner> {
        self.known.get(&inode).map(|known| &known.owner)
    }

    /// All known owners, by the inodes of their sockets.
    pub fn all(&self) -> impl Iterator<Item = (u64, &Owner)> {
        self.known.iter().map(|(inode, known)| (*inode, &known.owner))
    }

    /// The known owner of a socket: its process and one of its descriptors of the socket.
    pub fn descriptor(&self, inode: u64) -> Option<(u32, u32)> {
        self.known.get(&inode).map(|known| (known.holder.pid, known.holder.fd))
    }

    /// The ids of the processes that hold a socket, as far as the last scan has seen them.
    pub fn pids(&self, inode: u64) -> &[u32] {
        self.pids.get(&inode).map(Vec::as_slice).unwrap_or_default()
    }

    /// The processes that hold a socket, as far as the last scan has seen them. `connections`: the inodes of its connections, where they are to be
    /// counted for each of them.
    pub fn holders(&self, inode: u64, connections: Option<&BTreeSet<u64>>) -> Vec<HolderProcess> {
        let Some(proc) = &self.proc else { return Vec::new() };
        let pids = self.pids.get(&inode).into_iter().flatten();
        pids.filter_map(|pid| process::read(proc, *pid, inode, connections)).collect()
    }

    /// Checks whether the next known owners still hold their sockets, and updates their names.
    fn confirm(&mut self) {
        let Some(proc) = &self.proc else { return };
        let after = self.known.range((Bound::Excluded(self.confirmed), Bound::Unbounded));
        let next: Vec<u64> = after
            .chain(self.known.range(..=self.confirmed))
            .map(|(inode, _)| *inode)
            .take(CONFIRMED_PER_READ)
            .collect();
        for inode in next {
            self.confirmed = inode;
            let Some(known) = self.known.get_mut(&inode) else { continue };
            if !proc.still_holds(known.holder, inode) {
                self.known.remove(&inode);
            } else if let Some(command) = proc.command(known.holder.pid) {
                known.owner.command = command;
            }
        }
    }

    /// Continues the current scan, or starts one when a socket needs it.
    fn continue_scan(&mut self, inodes: &BTreeSet<u64>) {
        let Some(proc) = &self.proc else {
            self.coverage.complete = true;
            return;
        };
        self.since_scan = self.since_scan.saturating_add(1);
        let new = |inode: &&u64| !self.known.contains_key(inode) && !self.unowned.contains(inode);
        let again = if self.unowned.is_empty() { RESCAN_AFTER } else { self.pause }.max(self.rest);
        if self.scan.is_none() && (inodes.iter().any(|inode| new(&inode)) || self.since_scan > again) {
            self.scan = Some(ProcScan::start(proc, inodes.clone()));
        }
        let Some(scan) = &mut self.scan else {
            self.coverage.complete = true;
            return;
        };
        let done = scan.scan(proc, self.budget);
        // Most sockets of a process come together; its name and place are read once.
        let mut seen: BTreeMap<u32, Option<Owner>> = BTreeMap::new();
        for (inode, holder) in scan.found() {
            match self.known.get_mut(inode) {
                // Until the scan is complete, the old count is better than the partial one.
                Some(_) if !done => {}
                Some(known) if known.holder.pid == holder.pid => known.owner.others = holder.others,
                _ => {
                    let owner = seen.entry(holder.pid).or_insert_with(|| proc.owner(holder.pid)).clone();
                    let Some(owner) = owner else { continue };
                    let owner = Owner { others: holder.others, ..owner };
                    self.known.insert(*inode, KnownOwner { holder: *holder, owner });
                }
            }
        }
        self.known.retain(|inode, _| inodes.contains(inode));
        self.coverage.complete = done && inodes.iter().all(|inode| scan.wants(*inode));
        if done {
            self.end_scan();
        }
    }

    fn end_scan(&mut self) {
        let Some(scan) = self.scan.take() else { return };
        (self.coverage.processes, self.coverage.denied) = (scan.processes, scan.denied);
        let mut scan = scan;
        self.rest = u32::try_from(scan.cost / DESCRIPTORS_PER_CALL).unwrap_or(u32::MAX);
        self.pids = std::mem::take(&mut scan.pids);
        let unowned: BTreeSet<u64> =
            scan.into_wanted().into_iter().filter(|inode| !self.known.contains_key(inode)).collect();
        self.pause = if unowned == self.unowned { (self.pause * 2).min(RESCAN_AFTER) } else { FIRST_PAUSE };
        self.unowned = unowned;
        self.since_scan = 0;
    }
}

/// Known owners checked in one call; each costs about 3 µs.
const CONFIRMED_PER_READ: usize = 512;

/// Descriptors read in one call, 1 to 5 µs each; opening a process counts as several. 10,000 processes with 90,000
/// descriptors take 75 calls.
const BUDGET: usize = 2048;

/// The same for a table that is printed once: all at once, on any machine.
const WHOLE_BUDGET: usize = 1 << 30;

/// Calls after which [`Owners::read_whole`] gives up.
const MAX_READS: u32 = 40_000;

/// A scan is rested from for one call per so many descriptors: with 3 µs each and a call a second that is a thousandth of a processor.
const DESCRIPTORS_PER_CALL: usize = 333;

/// Calls until sockets without an owner are searched for again; doubled each time, up to [`RESCAN_AFTER`].
const FIRST_PAUSE: u32 = 4;

/// Calls after which all processes are scanned again although every owner is known: workers come and go.
const RESCAN_AFTER: u32 = 128;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_scan_in_small_parts_finds_the_same_and_reports_completion() {
        let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let inodes: BTreeSet<u64> =
            listeners.iter().map(|listener| rustix::fs::fstat(listener).unwrap().st_ino).collect();
        let mut owners = Owners::with_budget(ProcDir::open(), 3);
        let mut parts = 1;
        while !owners.read(&inodes).complete {
            parts += 1;
            assert!(parts < 1_000_000, "it never ends");
        }
        assert!(parts > 3, "{parts}");
        assert_eq!(owners.all().map(|(inode, _)| inode).collect::<BTreeSet<_>>(), inodes);
        assert!(owners.all().all(|(_, owner)| owner.pid == std::process::id()));
        let mut at_once = Owners::with_budget(ProcDir::open(), 3);
        assert!(at_once.read_whole(&inodes).complete && at_once.budget == 3);
        assert!(at_once.all().eq(owners.all()));
        drop(listeners);
        let coverage = owners.read(&BTreeSet::new());
        assert!(coverage.complete && owners.all().next().is_none() && coverage.unowned == 0, "{coverage:?}");
    }
}
