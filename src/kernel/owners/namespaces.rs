//! Every network namespace of the machine that shows itself: by the processes in it, or by a name below `/run/netns`. No right is needed to see
//! that a namespace of one's own processes is there; those of other users' processes are counted as hidden.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::cgroup;
use super::proc_dir::{ProcDir, printable_lines};
use crate::kernel::printable::printable;
use crate::kernel::proc::CountersFile;
use crate::model::counters::Counters;

/// A network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetnsEntry {
    /// Its number, as in `net:[4026531840]`.
    pub inode: u64,
    /// The lowest process in it; `None`: it has a name alone.
    pub pid: Option<u32>,
    /// Its name below `/run/netns`, else the container or unit of one of its processes, else the lowest process's name.
    pub name: Option<String>,
    /// The file by which it is entered.
    pub path: PathBuf,
    /// True for that of this thread.
    pub own: bool,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetnsList {
    /// By number; the own one first.
    pub entries: Vec<NetnsEntry>,
    /// Processes whose namespace may not be seen.
    pub hidden: u32,
}

impl NetnsList {
    /// Reads the namespace of each process once, and the names.
    pub fn read() -> Self {
        Self::read_without(&BTreeSet::new())
    }

    /// As [`Self::read`], but a namespace that these processes alone are in is none: who watches it holds it.
    pub fn read_without(watchers: &BTreeSet<u32>) -> Self {
        let own = number_of(Path::new("/proc/thread-self/ns/net"));
        let mut found: BTreeMap<u64, NetnsEntry> = BTreeMap::new();
        let mut hidden = 0;
        if let Some(proc) = ProcDir::open() {
            let mut processes = proc.processes();
            processes.retain(|pid| !watchers.contains(pid));
            processes.sort_unstable();
            for pid in processes {
                match proc.network_namespace(pid) {
                    Some(Ok(inode)) => take_process(&mut found, &proc, (inode, pid), own),
                    Some(Err(())) => hidden += 1,
                    None => {}
                }
            }
        }
        for file in std::fs::read_dir("/run/netns").into_iter().flatten().flatten() {
            let path = file.path();
            let Some(inode) = number_of(&path) else { continue };
            let name = Some(printable(file.file_name().as_encoded_bytes()));
            let (pid, own) = (None, own == Some(inode));
            found.entry(inode).or_insert(NetnsEntry { inode, pid, name: None, path, own }).name = name;
        }
        let mut entries: Vec<_> = found.into_values().collect();
        entries.sort_by_key(|entry| (!entry.own, entry.inode));
        Self { entries, hidden }
    }

    /// The other namespaces in which something listens on this TCP port, or on the container's port that Docker publishes as this one, with that
    /// port and a process of it: as `/proc/PID/net` and the arguments of docker-proxy show it. `goes_on` is asked before each namespace is
    /// looked at.
    pub fn others_listening_on(&self, port: u16, goes_on: impl Fn() -> bool) -> Vec<(&NetnsEntry, u32, u16)> {
        let within = published(port).unwrap_or(port);
        let others = self.entries.iter().filter(|entry| !entry.own).take_while(|_| goes_on());
        let listening =
            others.filter_map(|entry| Some((entry, entry.pid.filter(|pid| listens(*pid, within))?, within)));
        listening.collect()
    }
}

/// The container's port that a docker-proxy passes this port on to.
fn published(port: u16) -> Option<u16> {
    let proc = ProcDir::open()?;
    let proxies =
        proc.processes().into_iter().filter(|pid| proc.command(*pid).is_some_and(|name| name == "docker-proxy"));
    proxies.filter_map(|pid| proc.small_file(&format!("{pid}/cmdline"))).find_map(|line| container_port(&line, port))
}

/// `docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80`.
fn container_port(command_line: &[u8], port: u16) -> Option<u16> {
    let words: Vec<_> = command_line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    let value = |name: &str| words.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1].as_ref());
    let host = value("-host-port")?.parse() == Ok(port);
    (host && value("-proto") == Some("tcp")).then(|| value("-container-port")?.parse().ok()).flatten()
}

impl NetnsEntry {
    /// What the kernel has counted in it since it was made, as `/proc/PID/net` shows it to everybody who sees the process.
    pub fn counters(&self) -> Option<Counters> {
        let net = Path::new("/proc").join(self.pid?.to_string()).join("net");
        CountersFile::open_in(&net).ok()?.read().ok()
    }
}

/// A process is in this namespace; of several the lowest stands for it, and the first with a container or unit names it.
fn take_process(found: &mut BTreeMap<u64, NetnsEntry>, proc: &ProcDir, (inode, pid): (u64, u32), own: Option<u64>) {
    if own == Some(inode) && found.contains_key(&inode) {
        return;
    }
    let entry = found.entry(inode).or_insert_with(|| NetnsEntry {
        inode,
        pid: Some(pid),
        name: None,
        path: Path::new("/proc").join(pid.to_string()).join("ns/net"),
        own: own == Some(inode),
    });
    if entry.name.is_none() || entry.pid == Some(pid) {
        let cgroup = proc.small_file(&format!("{pid}/cgroup"));
        let place = cgroup.and_then(|text| cgroup::container_or_unit(&printable_lines(&text)));
        entry.name = place.or_else(|| entry.name.take());
    }
}

fn number_of(path: &Path) -> Option<u64> {
    rustix::fs::stat(path).ok().map(|stat| stat.st_ino)
}

/// True when a socket in state LISTEN (0A) has this local port in `/proc/PID/net/tcp` or `tcp6`. Listeners come first there: of the rest,
/// which may be long, nothing is read.
fn listens(pid: u32, port: u16) -> bool {
    ["tcp", "tcp6"].into_iter().any(|file| {
        let Ok(file) = File::open(format!("/proc/{pid}/net/{file}")) else { return false };
        let lines = BufReader::with_capacity(PAGE, file).lines().map_while(Result::ok);
        lines.skip(1).map_while(|line| listening_port(&line)).any(|listening| listening == port)
    })
}

/// The kernel makes so much of such a file at a time.
const PAGE: usize = 4096;

fn listening_port(line: &str) -> Option<u16> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (local, _peer, state) = (fields.next()?, fields.next()?, fields.next()?);
    (state == "0A").then(|| u16::from_str_radix(local.rsplit(':').next()?, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_own_namespace_is_the_first_and_is_none_of_the_others() {
        let list = NetnsList::read();
        assert!(list.entries[0].own && list.entries.iter().skip(1).all(|entry| !entry.own), "{list:?}");
        assert!(list.entries[0].counters().is_some_and(|counters| counters.iter().next().is_some()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(listens(std::process::id(), port));
        assert_eq!(list.others_listening_on(port, || true), []);
        drop(listener);
        assert!(!listens(std::process::id(), port));
    }

    #[test]
    fn a_published_port_is_known_by_the_arguments_of_its_proxy() {
        let line = b"/usr/bin/docker-proxy\0-proto\0tcp\0-host-ip\x000.0.0.0\0-host-port\x008080\0-container-ip\x00172.17.0.2\0-container-port\x0080\0";
        assert_eq!(
            (container_port(line, 8080), container_port(line, 80), container_port(b"", 80)),
            (Some(80), None, None)
        );
    }

    #[test]
    fn only_a_listener_counts_in_the_lines_of_proc() {
        let line =
            |state| format!("   0: 0100007F:1F90 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0");
        assert_eq!(
            (listening_port(&line("0A")), listening_port(&line("01")), listening_port("")),
            (Some(8080), None, None)
        );
    }
}
