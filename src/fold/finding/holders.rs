//! Which of several processes that hold a listener should accept.

use std::fmt;

use crate::fold::listeners::ListenerState;
use crate::model::watch::HolderProcess;
use crate::say;

/// The processes that should accept: those seen to, else those that are neither init nor a master beside its workers; all where that is open.
pub(super) fn accepting(listener: &ListenerState) -> Vec<&HolderProcess> {
    let workers = workers(listener);
    let seen: Vec<_> =
        listener.holders.iter().filter(|process| process.state != 'Z' && is_seen_to_accept(process)).collect();
    if seen.is_empty() { workers } else { seen }
}

/// The processes that may accept: those that are neither init nor a master beside its workers; all where that is open.
pub(super) fn workers(listener: &ListenerState) -> Vec<&HolderProcess> {
    let all: Vec<_> = listener.holders.iter().filter(|process| process.state != 'Z').collect();
    let is_parent = |process: &HolderProcess| all.iter().any(|other| other.parent == process.pid);
    // A parent may accept as well as its children: where that is open all of them are named.
    let is_master = |process: &HolderProcess| process.accepting == Some(false) && is_parent(process);
    let is_init = |process: &HolderProcess| process.pid == 1 || process.command == "systemd";
    let workers: Vec<_> = all.iter().copied().filter(|process| !is_init(process) && !is_master(process)).collect();
    if workers.is_empty() { all } else { workers }
}

fn is_seen_to_accept(process: &HolderProcess) -> bool {
    process.accepting == Some(true) || process.served.is_some_and(|served| served > 0)
}

/// The owner of a listener: `pid 42 (nginx)`, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pids: Vec<u32>,
    command: Option<String>,
}

/// How many processes are named.
const NAMED: usize = 4;

impl Holder {
    /// Who should accept at this listener.
    pub(super) fn of(listener: &ListenerState) -> Self {
        let processes = accepting(listener);
        if let Some(first) = processes.first() {
            let pids = processes.iter().map(|process| process.pid).collect();
            return Self { pids, command: Some(first.command.clone()) };
        }
        let owner = listener.owner.as_ref();
        Self {
            pids: owner.map(|owner| owner.pid).into_iter().collect(),
            command: owner.map(|owner| owner.command.clone()),
        }
    }

    /// Their ids.
    pub(super) fn pids(&self) -> &[u32] {
        &self.pids
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(command) = &self.command else {
            return f.write_str(say!("its process (you may not see which)"));
        };
        if let [pid] = self.pids.as_slice() {
            return f.write_str(&say!("pid {pid} ({command})", pid, command));
        }
        let named: Vec<_> = self.pids.iter().take(NAMED).map(u32::to_string).collect();
        let (pids, more) = (named.join(", "), self.pids.len().saturating_sub(NAMED));
        if more > 0 {
            return f.write_str(&say!("pids {pids} and {more} more ({command})", pids, more, command));
        }
        f.write_str(&say!("pids {pids} ({command})", pids, command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::listeners::Listeners;
    use crate::model::event::Event;
    use crate::model::sample::QueueReading;
    use crate::model::stamp::Stamp;
    use crate::model::watch::{Address, ListenerId, ListenerReading};
    use crate::model::watch::{ListenerSnapshot, Watching};

    fn process(pid: u32, parent: u32, command: &str) -> HolderProcess {
        HolderProcess { pid, parent, command: command.into(), state: 'S', ..HolderProcess::default() }
    }

    fn named(holders: Vec<HolderProcess>) -> String {
        let (mut listeners, at) = (Listeners::default(), Stamp::ZERO);
        let address = Address::Tcp(([127, 0, 0, 1], 80).into());
        let id = ListenerId(1);
        let reading =
            ListenerReading { id, address, v6_only: None, queue: QueueReading::default(), inode: 1, uid: None };
        let watching = Watching {
            kernel: String::new(),
            pid: 1,
            rights: crate::model::watch::Rights::default(),
            netns: None,
            target: None,
            sysctls: crate::model::settings::Sysctls::default(),
        };
        listeners.apply(at, &Event::Watching(Box::new(watching)));
        listeners.apply(at, &Event::Snapshot(Box::new(ListenerSnapshot { changed: vec![reading], gone: Vec::new() })));
        listeners.apply(at, &Event::Holders { id, holders, served: None });
        Holder::of(listeners.get(id).unwrap()).to_string()
    }

    #[test]
    fn neither_init_nor_a_master_beside_its_workers_is_named() {
        let master = HolderProcess { accepting: Some(false), ..process(50, 1, "nginx") };
        let workers = vec![process(1, 0, "systemd"), master, process(51, 50, "nginx")];
        assert_eq!(named(workers), "pid 51 (nginx)");
        assert_eq!(named(vec![process(50, 1, "nginx")]), "pid 50 (nginx)");
        assert_eq!(named(vec![process(8, 1, "python3"), process(50, 8, "python3")]), "pids 8, 50 (python3)", "open");
    }

    #[test]
    fn a_parent_that_serves_connections_accepts_beside_its_children() {
        let serving = |pid, parent| HolderProcess { served: Some(1), ..process(pid, parent, "python3") };
        assert_eq!(named(vec![serving(6, 1), serving(7, 6), serving(8, 6)]), "pids 6, 7, 8 (python3)");
    }
}
