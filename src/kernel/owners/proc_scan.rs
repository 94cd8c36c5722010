//! One scan of the descriptors of all processes, in parts.

use std::collections::{BTreeMap, BTreeSet};

use super::proc_dir::{Descriptors, Holder, Opened, ProcDir};

/// A scan in progress.
#[derive(Debug)]
pub(super) struct ProcScan {
    wanted: BTreeSet<u64>,
    /// Processes still to be scanned, the lowest last.
    remaining: Vec<u32>,
    current: Option<(u32, Descriptors)>,
    /// The sockets found in the current process: several descriptors of one process count once.
    seen_in_current: BTreeSet<u64>,
    found: BTreeMap<u64, Holder>,
    /// The processes that hold each socket, the lowest first; bounded.
    pub(super) pids: BTreeMap<u64, Vec<u32>>,
    /// Processes scanned or refused so far.
    pub(super) processes: u32,
    /// Those that refused.
    pub(super) denied: u32,
    /// What it has cost so far, in descriptors.
    pub(super) cost: usize,
}

impl ProcScan {
    /// Lists the processes.
    pub(super) fn start(proc: &ProcDir, wanted: BTreeSet<u64>) -> Self {
        let mut remaining = proc.processes();
        remaining.sort_unstable_by(|one, other| other.cmp(one));
        let (seen_in_current, found) = (BTreeSet::new(), BTreeMap::new());
        let pids = BTreeMap::new();
        Self { wanted, remaining, current: None, seen_in_current, found, pids, processes: 0, denied: 0, cost: 0 }
    }

    /// True when this socket is searched for.
    pub(super) fn wants(&self, inode: u64) -> bool {
        self.wanted.contains(&inode)
    }

    /// The sockets found so far.
    pub(super) const fn found(&self) -> &BTreeMap<u64, Holder> {
        &self.found
    }

    /// The sockets searched for.
    pub(super) fn into_wanted(self) -> BTreeSet<u64> {
        self.wanted
    }

    /// Scans about `budget` more descriptors; true when every process has been scanned.
    pub(super) fn scan(&mut self, proc: &ProcDir, budget: usize) -> bool {
        let mut left = budget;
        let done = self.go_on(proc, &mut left);
        self.cost += budget - left;
        done
    }

    fn go_on(&mut self, proc: &ProcDir, left: &mut usize) -> bool {
        while *left > 0 {
            let Some((pid, descriptors)) = &mut self.current else {
                let Some(pid) = self.remaining.pop() else { return true };
                *left = left.saturating_sub(PROCESS_COST);
                self.enter(proc, pid);
                continue;
            };
            let pid = *pid;
            match descriptors.next_socket(left) {
                Some((fd, inode)) if self.wanted.contains(&inode) => self.find(inode, pid, fd),
                None if *left > 0 => self.current = None,
                _ => {}
            }
        }
        self.current.is_none() && self.remaining.is_empty()
    }

    fn enter(&mut self, proc: &ProcDir, pid: u32) {
        self.seen_in_current.clear();
        match proc.descriptors(pid) {
            Opened::Here(descriptors) => self.current = Some((pid, descriptors)),
            Opened::Denied => self.denied += 1,
            Opened::Gone => return,
        }
        self.processes += 1;
    }

    fn find(&mut self, inode: u64, pid: u32, fd: u32) {
        if !self.seen_in_current.insert(inode) {
            return;
        }
        let pids = self.pids.entry(inode).or_default();
        if pids.len() < MOST_PIDS {
            pids.push(pid);
        }
        self.found.entry(inode).and_modify(|holder| holder.others += 1).or_insert(Holder { pid, fd, others: 0 });
    }
}

/// Processes of one socket that are remembered.
pub(super) const MOST_PIDS: usize = 64;

/// What opening a process costs, in descriptors.
const PROCESS_COST: usize = 6;
