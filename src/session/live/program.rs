//! A program as the server of a live session: its listener is found and read through a copy of its descriptor, and what it accepts
//! is seen in the queue. `accept()` takes the head of the queue (`reqsk_queue_remove`, include/net/request_sock.h): by how much the
//! depth has fallen says who was accepted.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;

use crate::kernel::descriptor_copy::{self, CopyError};
use crate::kernel::proc::sends_without_a_way;
use crate::kernel::sock_diag::{Diag, DiagError};
use crate::lab::listener::Listener;
use crate::lab::namespace::reachable_by_wire;
use crate::lab::program::{Program, ProgramError, ProgramExit, ProgramPlan};
use crate::model::event::{Event, ServerEvent, Stamped};
use crate::model::peer::Peer;
use crate::model::program::{ProgramRole, ProgramState};
use crate::model::sample::Waiting;
use crate::model::stamp::Stamp;
use crate::say;
use crate::session::clock::Clock;
use crate::session::live::wire::Passed;
use crate::text::errno::describe;

/// Which listener is wanted, and by when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its port; `None`: the first that appears.
    pub port: Option<u16>,
    /// How long it may take.
    pub ready: Duration,
}

/// A program as the server, and another one as its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramsPlan {
    /// The server.
    pub server: ProgramPlan,
    /// Where its standard output and error output go as well.
    pub log: Option<PathBuf>,
    /// Its listener.
    pub wanted: Wanted,
    /// The backlog that its listener is given; `None`: it keeps its own.
    pub backlog: Option<i32>,
    /// A command for the shell that sends clients, once the listener is there.
    pub load: Option<String>,
    /// The session ends with it.
    pub ends_with_load: bool,
}

/// The server, and the connections of it that are not over.
pub(super) struct ServerProgram {
    program: Program,
    state: ProgramState,
    /// Who waits in the accept queue, in its order.
    waiting: VecDeque<Peer>,
    accepted: HashSet<Peer>,
    /// Its listener is a group: each member has an order of its own, and only a list says who waits.
    is_group: bool,
    /// The queue's depth as last read.
    depth: u32,
}

/// Why there is no listener of the program.
#[derive(Debug, thiserror::Error)]
pub enum NoListener {
    /// It could not be started.
    #[error(transparent)]
    NotStarted(#[from] ProgramError),
    /// What it writes cannot be kept where it should.
    #[error("{}", say!("cannot open the log {file}: {error}", file = path.display(), error = describe(source)))]
    Log {
        /// The file.
        path: PathBuf,
        /// What the system said, or what was found there.
        source: io::Error,
    },
    /// Sockets could not be listed.
    #[error(transparent)]
    Diag(#[from] DiagError),
    /// It has ended before it listened.
    #[error("{}", ended(command, *exit, output))]
    Ended {
        /// The command's name.
        command: String,
        /// How its first process has ended.
        exit: Option<ProgramExit>,
        /// It has sent something for which the lab has no way.
        needs_network: bool,
        /// Its last lines.
        output: Vec<String>,
    },
    /// None has appeared in time.
    #[error("{}", late(command, *ready, others, output))]
    Late {
        /// The command's name.
        command: String,
        /// How long it was waited for.
        ready: Duration,
        /// Where it listens that does not count.
        others: Vec<SocketAddr>,
        /// It has sent something for which the lab has no way.
        needs_network: bool,
        /// Its last lines.
        output: Vec<String>,
    },
    /// Its descriptor could not be copied.
    #[error(
        "{}",
        say!("the listener of {command} on {address} cannot be read: {source}", command, address, source)
    )]
    NoCopy {
        /// The command's name.
        command: String,
        /// Where it listens.
        address: SocketAddr,
        /// What is missing.
        source: CopyError,
    },
}

impl NoListener {
    /// The next command, or the next option, that would help.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotStarted(_) => say!("see: qviz doctor"),
            Self::Log { .. } => say!("give a file that can be written: --server-log server.log"),
            Self::Diag(error) => error.hint(),
            Self::Ended { exit: Some(ProgramExit::NotStarted(errno)), .. } => not_started(*errno),
            Self::Ended { needs_network: true, .. } | Self::Late { needs_network: true, .. } => {
                say!(
                    "it has sent something out of the lab, which is a network of its own without a way out: a database or a name server has to run beside it (qviz run -- sh -c 'my-database & exec my-server')"
                )
            }
            Self::Ended { .. } => say!("start the same command without qviz: it has sent nothing that the lab lacks"),
            Self::Late { others, .. } if others.is_empty() => {
                say!("it may need longer (--ready 30s), or listen with UDP or a unix socket alone")
            }
            Self::Late { .. } => {
                say!("leave --port away, or give one of these; ::1 alone cannot be reached from another network")
            }
            Self::NoCopy { .. } => say!("a server that takes other rights than qviz has (setuid) needs qviz as root"),
        }
    }
}

/// What to do where a command cannot be executed (`execve(2)`).
fn not_started(errno: i32) -> &'static str {
    match Errno::from_raw_os_error(errno) {
        Errno::ACCESS => say!(
            "it is a directory, or lacks the right to be executed: chmod +x, or give its interpreter (python3 FILE)"
        ),
        Errno::NOEXEC => {
            say!("it is no program, or a script without its first line (#!/bin/sh): give the interpreter (sh FILE)")
        }
        _ => {
            say!("give the server's command behind --, as the shell would find it: qviz run -- ./my-server --port 8080")
        }
    }
}

fn ended(command: &str, exit: Option<ProgramExit>, output: &[String]) -> String {
    let what = match exit {
        Some(ProgramExit::NotStarted(errno)) => {
            let why = io::Error::from_raw_os_error(errno);
            return say!("{command} cannot be started: {why}", command, why = describe(&why));
        }
        Some(ProgramExit::Signal(number)) => {
            say!("{command} was ended by signal {number} before it listened", command, number)
        }
        Some(ProgramExit::Status(status)) => {
            say!("{command} has exited with status {status} before it listened", command, status)
        }
        None => say!("{command} has ended before it listened", command),
    };
    what + &last_lines(output)
}

fn late(command: &str, ready: Duration, others: &[SocketAddr], output: &[String]) -> String {
    let seconds = ready.as_secs_f64();
    let what = if others.is_empty() {
        say!("{command} does not listen on a TCP port after {seconds} s", command, seconds)
    } else {
        let others = others.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(", ");
        say!(
            "{command} listens on {others} after {seconds} s, but not where the lab's clients could come",
            command,
            others,
            seconds
        )
    };
    what + &last_lines(output)
}

fn last_lines(output: &[String]) -> String {
    if output.is_empty() {
        return say!("; it has written nothing").to_owned();
    }
    std::iter::once(say!("; its last lines:")).chain(output.iter().map(String::as_str)).collect::<Vec<_>>().join("\n  ")
}

impl ServerProgram {
    /// Waits for the program's listener and copies its descriptor.
    pub(super) fn find(mut program: Program, wanted: Wanted, clock: Clock) -> Result<(Self, Listener), NoListener> {
        let command = || program.command().next().unwrap_or_default();
        let name = command();
        let mut diag = Diag::open()?;
        let deadline = clock.now() + wanted.ready;
        let mut last = Vec::new();
        let (members, address, other_listeners, listener) = loop {
            program.look();
            let rows = listeners(&mut diag)?;
            let members = wanted_of(&rows, wanted.port);
            // The members of a group appear one after the other.
            let settled = std::mem::replace(&mut last, members.clone()) == members;
            if let (true, Some(Found { address, .. })) = (settled, members.first().copied())
                && let Some(copied) = copy_all(&program, &members)
            {
                let failed = |source| NoListener::NoCopy { command: name.clone(), address, source };
                let mut others: Vec<_> = rows.iter().map(|one| one.address).filter(|one| *one != address).collect();
                others.dedup();
                break (members.len(), address, others, copied.map_err(failed)?);
            }
            if program.is_gone() || matches!(program.exit(), Some(ProgramExit::NotStarted(_))) {
                let exit = program.exit();
                program.end();
                let (output, needs_network) = (program.output(), sends_without_a_way() > 0);
                return Err(NoListener::Ended { command: name, exit, needs_network, output });
            }
            if clock.now() >= deadline {
                let others = rows.iter().map(|one| one.address).collect();
                program.end();
                let (output, needs_network) = (program.output(), sends_without_a_way() > 0);
                return Err(NoListener::Late { command: name, ready: wanted.ready, others, needs_network, output });
            }
            program.await_report(LOOK_PACE);
        };
        let state = ProgramState {
            role: ProgramRole::Server,
            command: program.command().collect(),
            pid: program.pids().first().copied(),
            listener: Some(address),
            other_listeners,
            backlog_asked: None,
            exit: None,
            output: Vec::new(),
        };
        let (waiting, accepted, is_group) = (VecDeque::new(), HashSet::new(), members > 1);
        Ok((Self { program, state, waiting, accepted, is_group, depth: 0 }, listener))
    }

    /// What is known of it.
    pub(super) const fn state(&self) -> &ProgramState {
        &self.state
    }

    /// qviz was asked to give its listener this backlog.
    pub(super) const fn asked(&mut self, backlog: Option<i32>) {
        self.state.backlog_asked = backlog;
    }

    /// Takes over how it is; true when that has changed.
    pub(super) fn look(&mut self) -> bool {
        look(&mut self.program, &mut self.state)
    }

    /// True when nothing of it is left.
    pub(super) const fn is_gone(&self) -> bool {
        self.program.is_gone()
    }

    /// Ends it and takes its last lines over; how it ends then is qviz's doing, and no exit of its own.
    pub(super) fn end(&mut self) {
        self.program.end();
        self.state.output = self.program.output();
    }

    /// Learns who has entered the queue, and emits that an accepted connection is closed.
    pub(super) fn follow(&mut self, passed: Vec<(Stamp, Passed)>, out: &mut Vec<Stamped>) {
        for (at, passed) in passed {
            match passed {
                Passed::Queued(peer) => self.waiting.push_back(peer),
                Passed::Closed(peer) => {
                    // It has left the queue, and so has who came before it.
                    if let Some(place) = self.waiting.iter().position(|one| *one == peer) {
                        let before = if self.is_group { place } else { 0 };
                        for peer in self.waiting.drain(before..=place).collect::<Vec<_>>() {
                            self.accept(at, peer, out);
                        }
                    }
                    self.close(at, peer, out);
                }
                Passed::Reset(peer) => self.close(at, peer, out),
            }
        }
    }

    fn close(&mut self, at: Stamp, peer: Peer, out: &mut Vec<Stamped>) {
        if self.accepted.remove(&peer) {
            out.push(Stamped { at, event: Event::Served { peer, event: ServerEvent::Closed } });
        }
    }

    /// The accept queue holds so many connections now: those before them were accepted.
    pub(super) fn take_depth(&mut self, at: Stamp, depth: u32, out: &mut Vec<Stamped>) {
        while (!self.is_group || depth == 0) && self.waiting.len() > depth as usize {
            let Some(peer) = self.waiting.pop_front() else { return };
            self.accept(at, peer, out);
        }
        self.depth = depth;
    }

    /// These connections wait; what a client has reset waits unlisted.
    pub(super) fn take_list(&mut self, at: Stamp, listed: &[Waiting], out: &mut Vec<Stamped>) {
        if !self.is_group {
            return;
        }
        let listed: HashSet<Peer> = listed.iter().map(|one| one.peer).collect();
        let mut gone = self.waiting.len().saturating_sub(self.depth as usize);
        for peer in std::mem::take(&mut self.waiting) {
            if gone > 0 && !listed.contains(&peer) {
                gone -= 1;
                self.accept(at, peer, out);
            } else {
                self.waiting.push_back(peer);
            }
        }
    }

    fn accept(&mut self, at: Stamp, peer: Peer, out: &mut Vec<Stamped>) {
        self.accepted.insert(peer);
        let event = ServerEvent::Accepted { waited_ms: None, cookie: None };
        out.push(Stamped { at, event: Event::Served { peer, event } });
    }
}

/// Takes over how a program is; true when that has changed.
pub(super) fn look(program: &mut Program, state: &mut ProgramState) -> bool {
    program.look();
    let exit = program.exit().map(ProgramExit::status);
    let changed = exit != state.exit;
    state.exit = exit;
    changed
}

/// A listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    address: SocketAddr,
    inode: u32,
    cookie: u64,
}

/// Every TCP listener of this namespace, the reachable ones first, then by port: in the lab they are the program's.
fn listeners(diag: &mut Diag) -> Result<Vec<Found>, DiagError> {
    let mut rows = Vec::new();
    diag.tcp_listeners(|row| match row {
        Some(row) => rows.push(Found { address: row.local, inode: row.inode, cookie: row.cookie }),
        None => rows.clear(),
    })?;
    rows.sort_unstable_by_key(|one| (!reachable_by_wire(one.address.ip()), one.address.port(), one.inode));
    rows.dedup();
    Ok(rows)
}

/// Those of these sockets that are the wanted listener: one, or all members of its SO_REUSEPORT group.
fn wanted_of(rows: &[Found], port: Option<u16>) -> Vec<Found> {
    let fits = |one: &&Found| port.is_none_or(|port| port == one.address.port()) && reachable_by_wire(one.address.ip());
    let first = rows.iter().find(fits);
    rows.iter().filter(|one| first.is_some_and(|first| first.address == one.address)).copied().collect()
}

/// Copies of the descriptors of these sockets; `None` where no process of the program has one of them.
fn copy_all(program: &Program, sockets: &[Found]) -> Option<Result<Listener, CopyError>> {
    let pids = program.pids();
    let holder = |socket: &Found| {
        let link = format!("socket:[{}]", socket.inode);
        pids.iter().find_map(|pid| Some((*pid, descriptor_with(*pid, &link)?, socket.cookie)))
    };
    let held: Vec<(u32, u32, u64)> = sockets.iter().map(holder).collect::<Option<_>>()?;
    let pid = held.first()?.0;
    let copies: Result<Vec<_>, _> =
        held.iter().map(|(pid, descriptor, cookie)| descriptor_copy::copy(*pid, *descriptor, *cookie)).collect();
    Some(copies.and_then(|copies| Listener::adopt(copies).map_err(|_| CopyError::Changed { pid })))
}

/// The descriptor of a process that has this link in /proc.
fn descriptor_with(pid: u32, link: &str) -> Option<u32> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    entries
        .filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == link))
        .find_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// How often it is looked for the listener.
const LOOK_PACE: Duration = Duration::from_millis(5);
