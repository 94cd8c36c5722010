//! One process that holds a listening socket: its state, its descriptors and their limit, whether it sleeps in `accept()`. Each may be hidden or
//! vanish between two reads.

use std::collections::BTreeSet;

use super::proc_dir::{Opened, ProcDir};
use crate::model::watch::HolderProcess;

/// The most descriptors of one process that are gone through; with more the count is unknown.
const MOST_DESCRIPTORS: usize = 20_000;

/// The process; `None` when it has ended. `listener`: the socket's inode; `connections`: the inodes of the listener's connections, where they
/// are known.
pub(super) fn read(
    proc: &ProcDir,
    pid: u32,
    listener: u64,
    connections: Option<&BTreeSet<u64>>,
) -> Option<HolderProcess> {
    let stat = proc.small_file(&format!("{pid}/stat"))?;
    let (state, parent) = state_and_parent(&String::from_utf8_lossy(&stat))?;
    let counted = connections.map(|known| count(proc, pid, known));
    let walked = || counted.unwrap_or_else(|| count(proc, pid, &BTreeSet::new()));
    let descriptors = proc.descriptor_count(pid).or_else(|| walked().map(|(all, _)| all));
    let limits = proc.small_file(&format!("{pid}/limits")).unwrap_or_default();
    let syscall = proc.small_file(&format!("{pid}/syscall")).unwrap_or_default();
    let syscall = String::from_utf8_lossy(&syscall);
    let title = proc.small_file(&format!("{pid}/cmdline")).unwrap_or_default();
    let accepts = accepts_on(&syscall).is_some_and(|fd| proc.is_socket(pid, fd, listener));
    let never = is_master(&String::from_utf8_lossy(&title)) || waits_for_children(&syscall);
    Some(HolderProcess {
        pid,
        command: proc.command(pid)?,
        parent,
        state,
        descriptors,
        descriptor_limit: soft_limit(&String::from_utf8_lossy(&limits)),
        accepting: if accepts { Some(true) } else { never.then_some(false) },
        served: counted.flatten().map(|(_, served)| served),
        sleeps_in: sleeps_in(&syscall).map(str::to_owned),
        throttled_ms: throttled_ms(proc, pid),
    })
}

/// Its descriptors, and how many of them are these connections.
fn count(proc: &ProcDir, pid: u32, connections: &BTreeSet<u64>) -> Option<(u32, u32)> {
    let Opened::Here(mut descriptors) = proc.descriptors(pid) else { return None };
    let (mut left, mut served) = (MOST_DESCRIPTORS, 0);
    while let Some((_, inode)) = descriptors.next_socket(&mut left) {
        served += u32::from(connections.contains(&inode));
    }
    let all = u32::try_from(MOST_DESCRIPTORS - left).ok().filter(|_| left > 0)?;
    Some((all, served))
}

/// The third and fourth field of `/proc/PID/stat`; the second, the name, is in brackets and may hold anything.
fn state_and_parent(stat: &str) -> Option<(char, u32)> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// The soft limit in the line `Max open files` of `/proc/PID/limits`; `None` for `unlimited`.
fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// The descriptor in `/proc/PID/syscall` if that is accept() or accept4().
fn accepts_on(syscall: &str) -> Option<u32> {
    let mut fields = syscall.split_ascii_whitespace();
    let number: i64 = fields.next()?.parse().ok()?;
    let accepts = ACCEPT.contains(&number);
    fields.next().filter(|_| accepts).and_then(|fd| u32::from_str_radix(fd.strip_prefix("0x")?, 16).ok())
}

/// True for the title of a master beside its workers: `nginx: master process ...`, `php-fpm: master process (...)`, `gunicorn: master [...]`.
fn is_master(title: &str) -> bool {
    title.split_once(": ").is_some_and(|(_, role)| role.starts_with("master "))
}

/// True when it waits for a signal or for a child: rt_sigsuspend, pause, wait4, waitid.
fn waits_for_children(syscall: &str) -> bool {
    let number = syscall.split_ascii_whitespace().next().and_then(|number| number.parse::<i64>().ok());
    number.is_some_and(|number| WAITS.contains(&number))
}

/// The name of the system call in `/proc/PID/syscall`, where it is one in which a server waits.
fn sleeps_in(syscall: &str) -> Option<&'static str> {
    let number: i64 = syscall.split_ascii_whitespace().next()?.parse().ok()?;
    SLEEPS.iter().find(|(sleeps, _)| *sleeps == number).map(|(_, name)| *name)
}

/// For how long the process's cgroup was throttled, in ms: `cpu.stat` of the second version, or of the first one's cpu controller.
fn throttled_ms(proc: &ProcDir, pid: u32) -> Option<u64> {
    let cgroup = proc.small_file(&format!("{pid}/cgroup"))?;
    cpu_stats(&String::from_utf8_lossy(&cgroup))
        .into_iter()
        .find_map(|path| throttled(&std::fs::read_to_string(path).ok()?))
}

/// Where a process's `cpu.stat` may be, from its `/proc/PID/cgroup`.
fn cpu_stats(cgroup: &str) -> Vec<String> {
    let found = cgroup.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        match controllers {
            "" => Some(vec![format!("/sys/fs/cgroup{path}/cpu.stat")]),
            _ if controllers.split(',').any(|one| one == "cpu") => {
                let roots = ["cpu", "cpu,cpuacct"];
                Some(roots.iter().map(|root| format!("/sys/fs/cgroup/{root}{path}/cpu.stat")).collect())
            }
            _ => None,
        }
    });
    found.flatten().collect()
}

/// `throttled_usec` (cgroup 2) or `throttled_time` in ns (cgroup 1) of `cpu.stat`, in ms.
fn throttled(stat: &str) -> Option<u64> {
    let value = |name: &str| {
        let line = stat.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse::<u64>().ok()
    };
    value("throttled_usec ").map(|usec| usec / 1000).or_else(|| value("throttled_time ").map(|nanos| nanos / 1_000_000))
}

/// System calls in which a server waits: of another peer, of a lock, of time, of events (the same files as below).
#[cfg(target_arch = "x86_64")]
const SLEEPS: [(i64, &str); 17] = [
    (0, "read"),
    (1, "write"),
    (7, "poll"),
    (23, "select"),
    (35, "nanosleep"),
    (42, "connect"),
    (44, "sendto"),
    (45, "recvfrom"),
    (47, "recvmsg"),
    (74, "fsync"),
    (75, "fdatasync"),
    (202, "futex"),
    (230, "clock_nanosleep"),
    (232, "epoll_wait"),
    (270, "pselect6"),
    (271, "ppoll"),
    (281, "epoll_pwait"),
];
#[cfg(not(target_arch = "x86_64"))]
const SLEEPS: [(i64, &str); 14] = [
    (22, "epoll_pwait"),
    (63, "read"),
    (64, "write"),
    (72, "pselect6"),
    (73, "ppoll"),
    (82, "fsync"),
    (83, "fdatasync"),
    (98, "futex"),
    (101, "nanosleep"),
    (115, "clock_nanosleep"),
    (203, "connect"),
    (206, "sendto"),
    (207, "recvfrom"),
    (212, "recvmsg"),
];

/// Beside accept below, in the same files: rt_sigsuspend, pause (not in all), wait4, waitid.
#[cfg(target_arch = "x86_64")]
const WAITS: [i64; 4] = [130, 34, 61, 247];
#[cfg(not(target_arch = "x86_64"))]
const WAITS: [i64; 4] = [133, 133, 260, 95];

/// accept and accept4 (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
#[cfg(target_arch = "x86_64")]
const ACCEPT: [i64; 2] = [43, 288];
#[cfg(not(target_arch = "x86_64"))]
const ACCEPT: [i64; 2] = [202, 242];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_hides_neither_state_nor_parent() {
        assert_eq!(state_and_parent("42 (a) T (b)) T 7 42 42 0"), Some(('T', 7)));
        assert_eq!(state_and_parent("42"), None);
    }

    #[test]
    fn an_unlimited_number_of_descriptors_is_no_number() {
        let limits = |soft: &str| format!("Limit  Soft Hard Units\nMax open files            {soft}   4096    files\n");
        assert_eq!(
            (soft_limit(&limits("40")), soft_limit(&limits("unlimited")), soft_limit("")),
            (Some(40), None, None)
        );
    }

    #[test]
    fn a_master_is_known_by_its_title_or_by_what_it_waits_for() {
        assert!(is_master("nginx: master process /usr/sbin/nginx") && is_master("gunicorn: master [app:app]"));
        assert!(!is_master("nginx: worker process") && !is_master("python3 master.py") && !is_master(""));
        assert!(waits_for_children(&format!("{} 0x7ffc 0x8", WAITS[0])) && !waits_for_children("running"));
    }

    #[test]
    fn throttling_is_read_of_both_versions_of_cgroups() {
        assert_eq!(throttled("usage_usec 5\nnr_throttled 3\nthrottled_usec 412345\n"), Some(412));
        assert_eq!(throttled("nr_periods 9\nnr_throttled 3\nthrottled_time 412345678\n"), Some(412));
        assert_eq!(throttled("usage_usec 5\n"), None, "no quota");
        assert_eq!(cpu_stats("0::/system.slice/x.service\n"), ["/sys/fs/cgroup/system.slice/x.service/cpu.stat"]);
        let first = cpu_stats("4:memory:/a\n3:cpu,cpuacct:/b\n");
        assert_eq!(first, ["/sys/fs/cgroup/cpu/b/cpu.stat", "/sys/fs/cgroup/cpu,cpuacct/b/cpu.stat"]);
    }

    #[test]
    fn a_process_sleeps_where_its_system_call_is() {
        let (number, name) = SLEEPS[0];
        assert_eq!(sleeps_in(&format!("{number} 0x3 0x0")), Some(name));
        assert_eq!((sleeps_in("running"), sleeps_in("999 0x0"), sleeps_in("")), (None, None, None));
    }

    #[test]
    fn only_accept_is_accept() {
        let accept = format!("{} 0x3 0x0 0x0 0x0 0x0 0x0 0x7ffc 0x7f0", ACCEPT[1]);
        assert_eq!(accepts_on(&accept), Some(3));
        assert_eq!((accepts_on("running"), accepts_on("0 0x3 0x0"), accepts_on("")), (None, None, None));
    }
}
