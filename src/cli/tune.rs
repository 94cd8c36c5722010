//! `qviz tune`: another backlog for a listener of somebody else's program, while it runs. The one command that changes something
//! outside of qviz's own networks. Everything is found and every right is tried before the first socket is changed.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

use super::args::TuneArgs;
use super::exit::{Exit, Failure};
use super::lab;
use super::output::{Output, Written};
use super::plan;
use crate::fold::nearby;
use crate::kernel::census::Census;
use crate::kernel::descriptor_copy::{self, CopyError};
use crate::kernel::owners::{Descriptor, Owners, SocketHolders};
use crate::kernel::{other_netns, proc};
use crate::lab::foreign_listener;
use crate::model::settings::Sysctl;
use crate::model::watch::{Address, ListenerId, ListenerReading};
use crate::report::json;
use crate::report::tune::{Tuned, Tuning, limit};
use crate::say;
use crate::text::errno::describe;

/// Changes the backlog as the arguments ask for, and prints what came of it.
///
/// # Errors
/// A [`Failure`] with the next command. Nothing has been changed then, but where it says so.
pub(super) fn run(args: &TuneArgs) -> Result<Exit, Failure> {
    if let Some(pid) = args.pid {
        other_netns::enter_pid(pid).map_err(|error| Failure::new(error.to_string(), error.hint()))?;
    }
    let somaxconn = proc::read_sysctls().value(Sysctl::Somaxconn).and_then(|most| u32::try_from(most).ok());
    let all = read_listeners()?;
    let holders = SocketHolders::find(&all.iter().map(|listener| listener.inode).collect());
    let chosen = choose(args, &all, &holders)?;
    let mut copies = Vec::with_capacity(chosen.len());
    for listener in &chosen {
        copies.push(copy(listener, &holders)?);
    }
    if !args.dry_run {
        change(&copies, args.backlog)?;
    }
    let after = if args.dry_run { Vec::new() } else { read_listeners()? };
    let limit_after = |id: ListenerId| {
        if args.dry_run {
            return Some(limit(args.backlog, somaxconn));
        }
        after.iter().find(|listener| listener.id == id).and_then(|listener| listener.queue.limit)
    };
    let tuned = copies.iter().map(|copy| copy.tuned(limit_after(copy.listener.id))).collect();
    let mut tuning = Tuning::new(args.backlog, somaxconn, args.dry_run, tuned);
    tuning.undo = undo(args, &chosen, somaxconn);
    let (Written::Taken | Written::PipeClosed) =
        Output::stdout().put(|out| if args.json { json::write(out, &tuning) } else { tuning.write(out) })?;
    Ok(Exit::Success)
}

fn read_listeners() -> Result<Vec<ListenerReading>, Failure> {
    let mut listeners = Vec::new();
    Census::open()
        .and_then(|mut census| census.read(&mut listeners))
        .map_err(|error| Failure::new(error.to_string(), error.hint()))?;
    Ok(listeners)
}

/// The listeners that are meant: one address, or several of one process.
fn choose<'a>(
    args: &TuneArgs,
    all: &'a [ListenerReading],
    holders: &SocketHolders,
) -> Result<Vec<&'a ListenerReading>, Failure> {
    let mut owners = Owners::open();
    if args.target.needs_owner() {
        owners.read_whole(&all.iter().map(|listener| listener.inode).collect());
    }
    let is_meant = |listener: &&ListenerReading| {
        let pids = holders.of(listener.inode).iter().map(|holder| holder.pid);
        args.target.takes(listener, owners.owner(listener.inode), pids)
    };
    let mut chosen: Vec<_> = all.iter().filter(is_meant).collect();
    let held_by =
        |pid: u32, listener: &ListenerReading| holders.of(listener.inode).iter().any(|holder| holder.pid == pid);
    // The process that was named; where it holds none of them (a container's first process), its namespace alone counts.
    if let Some(pid) = args.pid {
        let its: BTreeSet<_> =
            chosen.iter().filter(|listener| held_by(pid, listener)).map(|listener| listener.address.clone()).collect();
        if !its.is_empty() {
            chosen.retain(|listener| its.contains(&listener.address));
        }
    }
    let Some(first) = chosen.first() else { return Err(nobody(args, all)) };
    let of_one_program = |listener: &&ListenerReading| {
        listener.address == first.address || holders.of(first.inode).iter().any(|holder| held_by(holder.pid, listener))
    };
    if chosen.iter().all(of_one_program) { Ok(chosen) } else { Err(several(args, &chosen, holders)) }
}

/// A listener with a copy of its descriptor.
struct Copied<'a> {
    listener: &'a ListenerReading,
    holder: &'a Descriptor,
    socket: OwnedFd,
}

impl Copied<'_> {
    fn tuned(&self, after: Option<u32>) -> Tuned {
        let (listener, holder) = (self.listener, self.holder);
        Tuned {
            family: listener.address.family(),
            address: listener.address.clone(),
            pid: holder.pid,
            command: holder.command.clone(),
            fd: holder.fd,
            waiting: listener.queue.depth,
            before: listener.queue.limit,
            after,
        }
    }
}

/// Copies the descriptor of one of the processes that have the listener open.
fn copy<'a>(listener: &'a ListenerReading, holders: &'a SocketHolders) -> Result<Copied<'a>, Failure> {
    let mut refusal = None;
    for holder in holders.of(listener.inode) {
        match descriptor_copy::copy(holder.pid, holder.fd, listener.id.0) {
            Ok(socket) => {
                may_listen_as_its_owner(listener, &socket)?;
                return Ok(Copied { listener, holder, socket });
            }
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    Err(match refusal {
        Some(error) => refused(&listener.address, &error),
        None => unseen(listener, holders.denied),
    })
}

/// `listen()` on a unix socket makes the caller the owner that its clients see (SO_PEERCRED): only its own user may do that.
fn may_listen_as_its_owner(listener: &ListenerReading, socket: &OwnedFd) -> Result<(), Failure> {
    if !matches!(listener.address, Address::Unix(_)) {
        return Ok(());
    }
    let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let Ok(owner) = descriptor_copy::listening_user(socket) else { return Ok(()) };
    if owner == own {
        return Ok(());
    }
    let (uid, gid) = owner;
    Err(Failure::new(
        say!(
            "{address} belongs to user {uid}, group {gid}: listen() by another user would show that one to its clients (SO_PEERCRED)",
            address = listener.address,
            uid,
            gid
        ),
        format!(
            "sudo setpriv --reuid {uid} --regid {gid} --clear-groups --inh-caps +sys_ptrace --ambient-caps +sys_ptrace {}",
            plan::command(&lab::arguments())
        ),
    ))
}

/// Calls `listen()` on all of them.
fn change(copies: &[Copied<'_>], backlog: i32) -> Result<(), Failure> {
    for (changed, copy) in copies.iter().enumerate() {
        foreign_listener::relisten(&copy.socket, backlog).map_err(|error| {
            Failure::new(
                say!(
                    "listen() on {address} was refused: {error}. Changed before it: {changed}",
                    address = copy.listener.address,
                    error = describe(&error),
                    changed
                ),
                say!("see its limit: qviz watch --once {address}", address = copy.listener.address),
            )
        })?;
    }
    Ok(())
}

/// The command that sets the limits from before: one for each address; `None` where the sockets of one address had different
/// limits, or one had more than somaxconn allows now.
fn undo(args: &TuneArgs, chosen: &[&ListenerReading], somaxconn: Option<u32>) -> Option<String> {
    let command = |target: String, before: u32| {
        let pid = args.pid.iter().flat_map(|pid| ["--pid".to_owned(), pid.to_string()]);
        let words = ["tune".to_owned(), target, "--backlog".to_owned(), before.to_string()];
        plan::command(&words.into_iter().chain(pid).collect::<Vec<_>>())
    };
    let before: BTreeSet<_> = chosen.iter().map(|listener| (&listener.address, listener.queue.limit)).collect();
    let possible = |limit: Option<u32>| {
        limit.filter(|limit| i32::try_from(*limit).is_ok() && somaxconn.is_none_or(|most| *limit <= most))
    };
    let limits: BTreeSet<_> = before.iter().map(|(_, limit)| *limit).collect();
    if let [limit] = limits.iter().collect::<Vec<_>>()[..] {
        return possible(*limit).map(|limit| command(args.target.to_string(), limit));
    }
    let addresses: BTreeSet<_> = before.iter().map(|(address, _)| *address).collect();
    if addresses.len() < before.len() {
        return None;
    }
    let each: Option<Vec<_>> = before
        .iter()
        .map(|(address, limit)| possible(*limit).map(|limit| command(address.to_string(), limit)))
        .collect();
    each.map(|commands| commands.join(" && "))
}

/// The kernel refused the copy.
fn refused(address: &Address, error: &CopyError) -> Failure {
    let again = plan::command(&lab::arguments());
    let hint = match error {
        CopyError::Yama { scope: 3, .. } => {
            say!("with 3 nobody may until the next boot: set kernel.yama.ptrace_scope to 1 in /etc/sysctl.d, or change the program's own configuration").to_owned()
        }
        CopyError::Unsupported => say!("change the backlog in the program's own configuration").to_owned(),
        CopyError::Changed { .. } => again,
        CopyError::OtherUser { .. } | CopyError::Yama { .. } | CopyError::Protected { .. }
            if rustix::process::geteuid().is_root() =>
        {
            say!("CAP_SYS_PTRACE is missing: run it on the host, outside of the container: {command}", command = again)
        }
        CopyError::OtherUser { .. } | CopyError::Yama { .. } | CopyError::Protected { .. } | CopyError::System { .. } => {
            format!("sudo {again}")
        }
    };
    Failure::new(say!("the limit of {address} cannot be changed: {error}", address, error), hint)
}

/// No process is seen that has it open.
fn unseen(listener: &ListenerReading, denied: u32) -> Failure {
    let address = &listener.address;
    if denied == 0 {
        return Failure::new(
            say!("the limit of {address} cannot be changed: no process in this /proc has it open", address),
            say!("it may be the kernel's own, or that of another pid namespace: run qviz on the host"),
        );
    }
    let again = format!("sudo {}", plan::command(&lab::arguments()));
    match listener.uid {
        Some(uid) => Failure::new(
            say!(
                "the limit of {address} cannot be changed: it belongs to user {uid}, whose processes may not be looked into",
                address,
                uid
            ),
            again,
        ),
        None => Failure::new(
            say!(
                "the limit of {address} cannot be changed: the process that has it open may not be looked into",
                address
            ),
            again,
        ),
    }
}

/// Nothing listens there.
fn nobody(args: &TuneArgs, all: &[ListenerReading]) -> Failure {
    let target = &args.target;
    let near = nearby::nearest(target, all.iter());
    let shown: Vec<_> = near.iter().take(4).map(ToString::to_string).collect();
    let more = near.len() - shown.len();
    let more = if more > 0 { say!(", and {more} more", more) } else { String::new() };
    if shown.is_empty() {
        return Failure::new(
            say!("nothing listens on {target} here, nor on a port near it", target),
            say!("qviz watch --once lists the listeners; another namespace: --pid PID"),
        );
    }
    Failure::new(
        say!(
            "nothing listens on {target} here. Listening, the nearest first: {others}{more}",
            target,
            others = shown.join(say!(", ")),
            more
        ),
        say!("qviz watch --once lists the listeners; another namespace: --pid PID"),
    )
}

/// Several programs listen there.
fn several(args: &TuneArgs, chosen: &[&ListenerReading], holders: &SocketHolders) -> Failure {
    let mut named: Vec<_> = chosen
        .iter()
        .map(|listener| match holders.of(listener.inode).first() {
            Some(holder) => format!("{} ({}, pid {})", listener.address, holder.command, holder.pid),
            None => listener.address.to_string(),
        })
        .collect();
    named.dedup();
    let first = chosen.first().map(|listener| listener.address.to_string()).unwrap_or_default();
    Failure::new(
        say!(
            "{target} is {count} listeners, and nothing was changed: {named}",
            target = args.target,
            count = named.len(),
            named = named.join(say!(", "))
        ),
        say!(
            "name one: qviz tune {first} --backlog {backlog}, or its process with --pid",
            first,
            backlog = args.backlog
        ),
    )
}
