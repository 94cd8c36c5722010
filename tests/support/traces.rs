//! What a program may leave behind: processes of its session or group, and namespaces that have a name.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![expect(clippy::expect_used, reason = "what fails here fails the test")]

use std::fs;
use std::time::Duration;

use crate::lab::wait_until;

/// The traces of one program that leads its session or its process group.
pub(crate) struct Traces {
    leader: u32,
    named: usize,
}

impl Traces {
    /// Begins to follow the program; call it before the program has ended.
    pub(crate) fn of(leader: u32) -> Self {
        Self { leader, named: named_namespaces() }
    }

    /// Fails when a process of the program's session or group is still there soon after its end, or a namespace has got a name.
    #[track_caller]
    pub(crate) fn assert_gone(&self) {
        // A child that dies with its parent needs a moment to do so.
        wait_until(Duration::from_secs(2), "the end of every process of the program", || {
            processes_of(self.leader).is_empty().then_some(())
        });
        assert!(named_namespaces() <= self.named, "a network namespace is left with a name");
    }
}

/// One letter for what a process is doing, as in ps(1): `T` is stopped.
pub(crate) fn state(pid: u32) -> Option<char> {
    fields(pid)?.first()?.chars().next()
}

/// Time on the processor so far, user and system, in ticks of 10 ms.
pub(crate) fn ticks(pid: u32) -> Option<u64> {
    let fields = fields(pid)?;
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// Processes that are alive and belong to this session or process group.
fn processes_of(leader: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("/proc");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        fields(*pid).is_some_and(|fields| {
            let belongs = |at: usize| fields.get(at).is_some_and(|id| *id == leader.to_string());
            fields.first().is_some_and(|state| state != "Z") && (belongs(2) || belongs(3))
        })
    })
    .collect()
}

/// The fields of /proc/PID/stat behind the name: state, parent, group, session, ...
fn fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

/// Network namespaces that live without a process, because a file is mounted on them.
fn named_namespaces() -> usize {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("the mounts");
    mounts.lines().filter(|line| line.contains(" net:[")).count()
}
