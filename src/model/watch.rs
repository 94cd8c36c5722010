//! The vocabulary of `qviz watch`: listeners of other programs, their owners, and what is visible of them.
//!
//! These are facts as they were read; what follows from them is kept by the fold.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::message::Message;
use super::sample::QueueReading;
use super::settings::Sysctls;

mod options;
mod tap_reach;

pub use options::ListenerOptions;
pub use tap_reach::TapReach;

/// The interval between two dumps of all listeners while nothing moves.
pub const LOOK_AT_EASE: Duration = Duration::from_millis(100);

/// The same while a queue grows, is full, or drops.
pub const LOOK_RESTLESS: Duration = Duration::from_millis(5);

/// The identity of a listening socket, also within an SO_REUSEPORT group: its socket cookie (`sock_gen_cookie`), which is never
/// reused until reboot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListenerId(pub u64);

/// The address of a listener.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// TCP over IPv4 or IPv6.
    Tcp(SocketAddr),
    /// A unix stream socket, by its path; an abstract name begins with `@`, a socket without a name is empty.
    Unix(String),
}

impl Address {
    /// The family's fixed name in documents: `tcp4`, `tcp6`, `unix`.
    pub const fn family(&self) -> &'static str {
        match self {
            Self::Tcp(SocketAddr::V4(_)) => "tcp4",
            Self::Tcp(SocketAddr::V6(_)) => "tcp6",
            Self::Unix(_) => "unix",
        }
    }

    /// The TCP port.
    pub const fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(address) => Some(address.port()),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => f.write_str(path),
        }
    }
}

/// One listening socket as the kernel lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerReading {
    /// Which socket.
    pub id: ListenerId,
    /// Its address.
    pub address: Address,
    /// True when it accepts IPv6 only (IPV6_V6ONLY, `INET_DIAG_SKV6ONLY`); `None` if not applicable or not reported.
    pub v6_only: Option<bool>,
    /// Its accept queue and its drops. A unix socket has no drops.
    pub queue: QueueReading,
    /// The inode that `/proc/PID/fd` shows for it.
    pub inode: u64,
    /// The user that made it; `None` if not reported (unix sockets before Linux 5.3).
    pub uid: Option<u32>,
}

/// The changes in one dump of all listeners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerSnapshot {
    /// New or changed.
    pub changed: Vec<ListenerReading>,
    /// No longer listed.
    pub gone: Vec<ListenerId>,
}

/// Counts and ages of the entries in one listener's queues, read less often than their depths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueOccupants {
    /// Half-open requests for its address; shared by all members of an SO_REUSEPORT group (a request does not name its listener).
    pub half_open: Option<u32>,
    /// Milliseconds that the oldest connection in the accept queue has waited.
    pub oldest_wait_ms: Option<u32>,
}

/// The owner of a listening socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The process with the lowest id that has it open, as this `/proc` names it.
    pub pid: u32,
    /// Its name (`/proc/PID/comm`), control characters made visible.
    pub command: String,
    /// Other processes that have it open too (forked workers).
    pub others: u32,
    /// The container or unit: the last meaningful part of its cgroup; `None` without one.
    pub place: Option<String>,
}

/// One of the processes that hold a listening socket, as `/proc` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderProcess {
    /// Its id.
    pub pid: u32,
    /// Its name (`/proc/PID/comm`), control characters made visible.
    pub command: String,
    /// Its parent's id.
    pub parent: u32,
    /// The third field of `/proc/PID/stat`: R, S, D, T, t, Z.
    pub state: char,
    /// Descriptors that it has open; `None`: they may not be read.
    pub descriptors: Option<u32>,
    /// How many it may have open (RLIMIT_NOFILE, the soft one); `None`: that may not be read, or there is no limit.
    pub descriptor_limit: Option<u64>,
    /// True when it sleeps in `accept()` on this socket, false for a master that waits for its children; `None`: that is not seen (epoll).
    pub accepting: Option<bool>,
    /// How many of its descriptors are connections of this listener; `None`: not looked at.
    pub served: Option<u32>,
    /// The system call in which it sleeps, by its name; `None`: it runs, it may not be read, or it is none of those with a name here.
    #[serde(default)]
    pub sleeps_in: Option<String>,
    /// For how long its cgroup was kept off the processors by its quota since it was made, in ms; `None`: it has no quota, or that is not shown.
    #[serde(default)]
    pub throttled_ms: Option<u64>,
}

/// SYNs to one listening address since the last report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SynCounts {
    /// The socket; the lowest id of an SO_REUSEPORT group.
    pub id: ListenerId,
    /// First SYNs: arrivals.
    pub syns: u32,
    /// Retransmitted SYNs.
    pub again: u32,
}

/// The processes whose sockets can be resolved to an owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerScope {
    /// Those of the user's own processes.
    #[default]
    Own,
    /// All.
    All,
}

/// What this process is permitted to see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// True when a packet tap sees every SYN (CAP_NET_RAW).
    pub tap: bool,
    /// Why there is no tap, and the remedy.
    pub tap_refused: Option<Message>,
    /// The processes whose sockets can be resolved to an owner.
    pub owners: OwnerScope,
    /// Why some sockets have no owner, and the remedy.
    pub owners_refused: Option<Message>,
}

/// The first fact of a watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watching {
    /// The kernel's release, as `uname -r` prints it.
    pub kernel: String,
    /// qviz's own process.
    pub pid: u32,
    /// What is visible.
    pub rights: Rights,
    /// The network namespace, where it is not qviz's own: the words that named it.
    pub netns: Option<String>,
    /// Which listeners are asked for; `None`: all.
    pub target: Option<Target>,
    /// The sysctls in force there.
    pub sysctls: Sysctls,
}

/// Which listeners are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Every TCP listener of this port.
    Port(u16),
    /// The TCP listener that takes connections to this address: one bound to it, or one bound to all addresses.
    Address(SocketAddr),
    /// A unix socket's path or `@`name.
    Unix(String),
    /// All listeners of a program, by its name; `php-fpm` stands for `php-fpm8.2` too.
    Program(String),
    /// All listeners that this process holds.
    Process(u32),
    /// All listeners of a unit of systemd: `redis.service`.
    Unit(String),
}

impl Target {
    /// True when only the owner of a listener tells whether it is asked for.
    pub const fn needs_owner(&self) -> bool {
        matches!(self, Self::Program(_) | Self::Process(_) | Self::Unit(_))
    }

    /// True when this listener is asked for; `pids`: the processes that hold it, as far as they are known.
    pub fn takes(
        &self,
        listener: &ListenerReading,
        owner: Option<&Owner>,
        mut pids: impl Iterator<Item = u32>,
    ) -> bool {
        match (self, &listener.address) {
            (Self::Program(name), _) => owner.is_some_and(|owner| is_called(&owner.command, name)),
            (Self::Process(pid), _) => {
                owner.is_some_and(|owner| owner.pid == *pid) || pids.any(|holder| holder == *pid)
            }
            (Self::Unit(unit), _) => owner.is_some_and(|owner| owner.place.as_ref() == Some(unit)),
            (Self::Port(port), Address::Tcp(address)) => address.port() == *port,
            (Self::Address(wanted), Address::Tcp(address)) => {
                address.port() == wanted.port() && covers(address.ip(), listener.v6_only, wanted.ip())
            }
            (Self::Unix(path), Address::Unix(bound)) => bound == path,
            _ => false,
        }
    }
}

/// True when a process of this name is meant by `name`: the kernel keeps its first 15 letters, a version or a role may follow.
fn is_called(command: &str, name: &str) -> bool {
    let (command, name) = (command.to_lowercase(), name.to_lowercase());
    let more = |rest: &str| rest.starts_with(|next: char| next.is_ascii_digit() || matches!(next, '.' | '-'));
    let cut = command.len() == COMMAND_LETTERS && name.starts_with(&command);
    cut || command.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || more(rest))
}

/// Letters of a process's name (`TASK_COMM_LEN` without its end, include/linux/sched.h).
const COMMAND_LETTERS: usize = 15;

/// True when a socket bound to `bound` accepts connections to `wanted`.
fn covers(bound: IpAddr, v6_only: Option<bool>, wanted: IpAddr) -> bool {
    let wanted = wanted.to_canonical();
    bound.to_canonical() == wanted
        || bound == wanted
        || match bound {
            IpAddr::V4(ip) => ip.is_unspecified() && wanted.is_ipv4(),
            IpAddr::V6(ip) => ip == Ipv6Addr::UNSPECIFIED && (wanted.is_ipv6() || v6_only != Some(true)),
        }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, ":{port}"),
            Self::Address(address) => address.fmt(f),
            Self::Unix(name) | Self::Program(name) | Self::Unit(name) => f.write_str(name),
            Self::Process(pid) => write!(f, "pid:{pid}"),
        }
    }
}

/// A text that names no listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTarget(pub String);

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(words: &str) -> Result<Self, InvalidTarget> {
        if words.starts_with(['/', '@']) && words.len() > 1 {
            return Ok(Self::Unix(words.to_owned()));
        }
        if let Some(pid) = words.strip_prefix("pid:") {
            let pid = pid.parse().ok().filter(|pid| *pid > 0);
            return pid.map(Self::Process).ok_or_else(|| InvalidTarget(words.to_owned()));
        }
        // As ss prints a socket of both families, and one that is bound to a device.
        let any = words.strip_prefix("*:").map(|port| format!("[::]:{port}"));
        let device = words.rsplit_once(':').and_then(|(host, port)| {
            let end = if host.starts_with('[') { "]" } else { "" };
            Some(format!("{}{end}:{port}", host.split_once('%')?.0.trim_end_matches(']')))
        });
        let words = any.or(device).unwrap_or_else(|| words.to_owned());
        let words = words.as_str();
        let port = words.strip_prefix(':').unwrap_or(words).parse().ok().filter(|port| *port > 0).map(Self::Port);
        let address = || words.parse().ok().filter(|address: &SocketAddr| address.port() > 0).map(Self::Address);
        let named = || is_name(words).then(|| name(words));
        port.or_else(address).or_else(named).ok_or_else(|| InvalidTarget(words.to_owned()))
    }
}

/// True for what may be a program's or a unit's name: no address, no path.
fn is_name(words: &str) -> bool {
    let letters = words.chars().any(|letter| letter.is_ascii_alphabetic());
    letters
        && words.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | '@' | '+'))
}

fn name(words: &str) -> Target {
    let unit = [".service", ".socket", ".scope"].iter().any(|kind| words.ends_with(kind));
    if unit { Target::Unit(words.to_owned()) } else { Target::Program(words.to_owned()) }
}
