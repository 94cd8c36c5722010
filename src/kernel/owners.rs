//! Who holds a socket: the processes whose `/proc/PID/fd` names its inode.
//!
//! Every look is bounded. A known owner is asked first whether it still holds the socket; only for a socket that nobody is known to
//! hold all processes are gone through, a part with each [`Owners::read`]. Processes that end meanwhile, hide or refuse are
//! normal. Start at [`Owners::read`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use self::proc_dir::{Holder, ProcDir};
use self::proc_scan::ProcScan;
use crate::model::watch::{self, Owner};
use crate::say;

mod cgroup;
mod proc_dir;
mod proc_scan;

/// What is known of the owners, and how far the present look has come.
#[derive(Debug)]
pub struct Owners {
    proc: Option<ProcDir>,
    /// Descriptors looked at in one reading.
    budget: usize,
    known: BTreeMap<u64, KnownOwner>,
    /// Sockets that a whole look did not find.
    unowned: BTreeSet<u64>,
    scan: Option<ProcScan>,
    /// The last socket whose owner was asked whether it still holds it.
    confirmed: u64,
    /// Readings since the last whole look.
    since_scan: u32,
    /// Readings until sockets without an owner are looked for again.
    pause: u32,
    coverage: ScanCoverage,
}

/// What a look could see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanCoverage {
    /// True when all processes have been gone through for every socket asked for. False: call again, the look goes on.
    pub complete: bool,
    /// Processes in the last whole look.
    pub processes: u32,
    /// Those of them whose descriptors may not be read: processes of other users, kernel threads included.
    pub denied: u32,
    /// Sockets asked for that have no known owner.
    pub unowned: u32,
    /// What `/proc` shows at all.
    pub visibility: ProcVisibility,
}

/// Which processes `/proc` shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProcVisibility {
    /// None: it is not mounted.
    #[default]
    Absent,
    /// Those of another pid namespace: their numbers are not those that `kill` takes where qviz stands.
    Foreign,
    /// Not those of other users (hidepid).
    Hidden,
    /// Those of qviz's own pid namespace, as in a container; there are others outside of it.
    Nested,
    /// All of this machine.
    Whole,
}

#[derive(Clone, Debug)]
struct KnownOwner {
    holder: Holder,
    owner: Owner,
}

impl ScanCoverage {
    /// Whose sockets can be given an owner.
    pub fn owner_scope(&self) -> watch::OwnerScope {
        let hidden = matches!(self.visibility, ProcVisibility::Hidden | ProcVisibility::Absent);
        if self.denied == 0 && !hidden { watch::OwnerScope::All } else { watch::OwnerScope::Own }
    }

    /// Why sockets may stay without an owner, and what would show it; `None` where all processes were seen.
    pub fn limitation(&self) -> Option<String> {
        let setcap = say!(
            "run qviz as root, or give it the rights once (the packet tap's too): \
             `sudo setcap cap_net_raw,cap_sys_ptrace,cap_dac_read_search+ep $(command -v qviz)`"
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
    /// Opens `/proc`. Without one every socket stays without an owner, and [`Seen::view`] says so.
    pub fn open() -> Self {
        Self::with_budget(ProcDir::open(), BUDGET)
    }

    fn with_budget(proc: Option<ProcDir>, budget: usize) -> Self {
        let view = proc.as_ref().map_or(ProcVisibility::Absent, ProcDir::visibility);
        let coverage = ScanCoverage { visibility: view, ..ScanCoverage::default() };
        let (known, unowned) = (BTreeMap::new(), BTreeSet::new());
        Self {
            proc,
            budget,
            known,
            unowned,
            scan: None,
            confirmed: 0,
            since_scan: u32::MAX,
            pause: FIRST_PAUSE,
            coverage,
        }
    }

    /// Replaces `out` by the owners of the sockets `inodes`. One call looks at about 2,000 descriptors at most; on a large
    /// machine several are needed until [`Seen::complete`], and owners found on the way are given at once. Sockets that nobody
    /// holds (the kernel's own) or that may not be seen are looked for again more and more rarely.
    pub fn read(&mut self, inodes: &BTreeSet<u64>, out: &mut BTreeMap<u64, Owner>) -> ScanCoverage {
        out.clear();
        self.known.retain(|inode, _| inodes.contains(inode));
        self.unowned.retain(|inode| inodes.contains(inode));
        self.confirm();
        self.continue_scan(inodes);
        out.extend(self.known.iter().map(|(inode, held)| (*inode, held.owner.clone())));
        self.coverage.unowned = (inodes.len() - out.len()) as u32;
        self.coverage
    }

    /// Goes through all processes until every socket has an owner or is known to have none; for tables that are printed once.
    pub fn read_whole(&mut self, inodes: &BTreeSet<u64>, out: &mut BTreeMap<u64, Owner>) -> ScanCoverage {
        for _ in 0..MAX_READS {
            if self.read(inodes, out).complete {
                break;
            }
        }
        self.coverage
    }

    /// Asks the next known owners whether they still hold their sockets, and how they are called now.
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
            let Some(held) = self.known.get_mut(&inode) else { continue };
            if !proc.still_holds(held.holder, inode) {
                self.known.remove(&inode);
            } else if let Some(command) = proc.command(held.holder.pid) {
                held.owner.command = command;
            }
        }
    }

    /// Goes on with the present look, or begins one where a socket needs it.
    fn continue_scan(&mut self, inodes: &BTreeSet<u64>) {
        let Some(proc) = &self.proc else {
            self.coverage.complete = true;
            return;
        };
        self.since_scan = self.since_scan.saturating_add(1);
        let new = |inode: &&u64| !self.known.contains_key(inode) && !self.unowned.contains(inode);
        let again = if self.unowned.is_empty() { RESCAN_AFTER } else { self.pause };
        if self.scan.is_none() && (inodes.iter().any(|inode| new(&inode)) || self.since_scan > again) {
            self.scan = Some(ProcScan::start(proc, inodes.clone()));
        }
        let Some(sweep) = &mut self.scan else {
            self.coverage.complete = true;
            return;
        };
        let done = sweep.scan(proc, self.budget);
        for (inode, holder) in sweep.found() {
            match self.known.get_mut(inode) {
                // Until all have been seen, what was known is better than what has been counted so far.
                Some(_) if !done => {}
                Some(held) if held.holder.pid == holder.pid => held.owner.others = holder.others,
                _ => {
                    let Some(owner) = proc.owner(holder.pid) else { continue };
                    let owner = Owner { others: holder.others, ..owner };
                    self.known.insert(*inode, KnownOwner { holder: *holder, owner });
                }
            }
        }
        self.known.retain(|inode, _| inodes.contains(inode));
        self.coverage.complete = done && inodes.iter().all(|inode| sweep.wants(*inode));
        if done {
            self.end_scan();
        }
    }

    fn end_scan(&mut self) {
        let Some(sweep) = self.scan.take() else { return };
        (self.coverage.processes, self.coverage.denied) = (sweep.processes, sweep.denied);
        let missed: BTreeSet<u64> =
            sweep.into_wanted().into_iter().filter(|inode| !self.known.contains_key(inode)).collect();
        self.pause = if missed == self.unowned { (self.pause * 2).min(RESCAN_AFTER) } else { FIRST_PAUSE };
        self.unowned = missed;
        self.since_scan = 0;
    }
}

/// Known owners asked in one reading; each costs about 3 µs.
const CONFIRMED_PER_READ: usize = 512;

/// Descriptors looked at in one reading, 1 to 5 µs each; opening a process counts as some. 10,000 processes with 90,000 descriptors
/// take 75 readings.
const BUDGET: usize = 2048;

/// Readings; a look at all processes may take so many before it is given up.
const MAX_READS: u32 = 40_000;

/// Readings until sockets without an owner are looked for once more; doubled each time, up to [`REFRESHED`].
const FIRST_PAUSE: u32 = 4;

/// Readings after which all processes are gone through again although every owner is known: workers come and go.
const RESCAN_AFTER: u32 = 128;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_scan_in_small_parts_finds_the_same_and_reports_completion() {
        let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let inodes: BTreeSet<u64> = listeners.iter().map(|one| rustix::fs::fstat(one).unwrap().st_ino).collect();
        let mut out = BTreeMap::new();
        let mut parted = Owners::with_budget(ProcDir::open(), 3);
        let mut parts = 1;
        while !parted.read(&inodes, &mut out).complete {
            parts += 1;
            assert!(parts < 1_000_000, "it never ends");
        }
        assert!(parts > 3, "{parts}");
        assert_eq!(out.keys().copied().collect::<BTreeSet<_>>(), inodes);
        assert!(out.values().all(|owner| owner.pid == std::process::id()));
        drop(listeners);
        let seen = parted.read(&BTreeSet::new(), &mut out);
        assert!(seen.complete && out.is_empty() && seen.unowned == 0, "{seen:?}");
    }
}
