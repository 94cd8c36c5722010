//! The attempt in a forked child: it builds the network, reports through a pipe, hands over the namespaces and then waits. The
//! parent either joins it with one `setns` or releases it, and the network ends with the child. Unsafe code: `fork`, `unshare` and
//! `_exit`.
#![expect(unsafe_code, reason = "fork, unshare and _exit have no safe form; each is used by a process with one thread")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, WaitOptions, getegid, geteuid, pidfd_open, set_dumpable_behavior, setsid,
    waitpid,
};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::thread::{
    CapabilitySet, ThreadNameSpaceType, UnshareFlags, capabilities, move_into_thread_name_spaces, unshare_unsafe,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::refusal::{Fault, errno_of, fault_at};
use super::spaces::{Namespaces, receive, send};
use super::{Network, Privilege, Refusal, Step};

/// A child that holds a finished network.
#[derive(Debug)]
pub(super) struct BuildAttempt {
    network: Network,
    spaces: Namespaces,
    child: Child,
}

/// A forked child that runs until its release pipe is closed.
#[derive(Debug)]
pub(super) struct Child {
    pid: Pid,
    release: Option<OwnedFd>,
}

impl BuildAttempt {
    /// Builds the network in a child.
    pub(super) fn run(build: impl FnOnce() -> Result<(Network, Namespaces), Fault>) -> Result<Self, Refusal> {
        if threads().is_some_and(|count| count > 1) {
            return Err(Refusal::new(Step::Threads, Errno::INVAL));
        }
        let build = || build().map(|(network, spaces)| Made { answer: network, spaces: Some(spaces), kept: () });
        let (child, report) = spawn(build).map_err(|errno| Refusal::new(Step::Fork, errno))?;
        let (network, spaces) = report.map_err(Refusal::from)?;
        let spaces = spaces.ok_or_else(|| Refusal::new(Step::Fork, Errno::CHILD))?;
        Ok(Self { network, spaces, child })
    }

    /// The network that the child has built.
    pub(super) const fn network(&self) -> &Network {
        &self.network
    }

    /// Moves the calling process into the child's namespaces, all of them or none; the child then exits.
    pub(super) fn join(self, spaces: ThreadNameSpaceType) -> Result<Namespaces, Errno> {
        let handle = pidfd_open(self.child.pid, PidfdFlags::empty())?;
        move_into_thread_name_spaces(handle.as_fd(), spaces)?;
        Ok(self.spaces)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.release.take());
        let _reaped = retry_on_intr(|| waitpid(Some(self.pid), WaitOptions::empty()));
    }
}

/// Does `work` in a child that ends with it, so that what it does to its namespaces ends too; `None` where that fails, or where the
/// process has several threads.
pub(super) fn in_child<T: Serialize + DeserializeOwned>(work: impl FnOnce() -> Result<T, Fault>) -> Option<T> {
    if threads().is_some_and(|count| count > 1) {
        return None;
    }
    let work = || work().map(|answer| Made { answer, spaces: None, kept: () });
    let built = spawn(work).ok().and_then(|(_child, built)| built.ok());
    built.map(|(answer, _)| answer)
}

/// Does `work` in a child that keeps what that makes until this process drops the child or ends, however it ends. No signal of the
/// terminal reaches the child, and it holds none of this process's outputs.
pub(super) fn hold<T: Serialize + DeserializeOwned, K>(
    work: impl FnOnce() -> Result<(T, K), Fault>,
) -> Result<(T, Child), Refusal> {
    if threads().is_some_and(|count| count > 1) {
        return Err(Refusal::new(Step::Threads, Errno::INVAL));
    }
    let work = || {
        apart().map_err(fault_at(Step::Fork))?;
        work().map(|(answer, kept)| Made { answer, spaces: None, kept })
    };
    let (child, built) = spawn(work).map_err(|errno| Refusal::new(Step::Fork, errno))?;
    built.map(|(answer, _)| (answer, child)).map_err(Refusal::from)
}

/// Leaves the terminal and the parent's outputs.
fn apart() -> Result<(), Errno> {
    setsid()?;
    let null = File::options().read(true).write(true).open("/dev/null").map_err(|error| errno_of(&error))?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)
}

/// Leaves the host's network with the privilege that the process has.
pub(super) fn unshare_network() -> Result<Privilege, Fault> {
    let needed = CapabilitySet::SYS_ADMIN | CapabilitySet::NET_ADMIN | CapabilitySet::NET_RAW;
    let privilege = if capabilities(None).is_ok_and(|held| held.effective.contains(needed)) {
        Privilege::Root
    } else {
        Privilege::User
    };
    if privilege == Privilege::User {
        let (user, group) = (geteuid().as_raw(), getegid().as_raw());
        // A program with file capabilities does not own its /proc files; the child is short-lived, so this is
        // harmless.
        set_dumpable_behavior(DumpableBehavior::Dumpable).map_err(fault_at(Step::IdentityMap))?;
        unshare(UnshareFlags::NEWUSER).map_err(fault_at(Step::UserNamespace))?;
        let maps = [
            ("/proc/self/setgroups", "deny".to_owned()),
            ("/proc/self/uid_map", format!("{user} {user} 1")),
            ("/proc/self/gid_map", format!("{group} {group} 1")),
        ];
        for (path, text) in maps {
            std::fs::write(path, text).map_err(|error| fault_at(Step::IdentityMap)(errno_of(&error)))?;
        }
    }
    unshare(UnshareFlags::NEWNET).map_err(fault_at(Step::NetworkNamespace))?;
    Ok(privilege)
}

/// Moves the calling thread into new namespaces. The caller has one thread and shares no file descriptor table.
pub(in crate::lab) fn unshare(spaces: UnshareFlags) -> Result<(), Errno> {
    // SAFETY: only CLONE_FILES is unsafe, where other threads keep another descriptor table; it is masked out.
    unsafe { unshare_unsafe(spaces.difference(UnshareFlags::FILES)) }
}

/// What a child has made, with the namespaces that it hands over, or what failed.
type Built<T> = Result<(T, Option<Namespaces>), Fault>;

/// The same in the child, with what it keeps until it is released.
struct Made<T, K> {
    answer: T,
    spaces: Option<Namespaces>,
    kept: K,
}

/// Runs `work` in a child and returns its result; the child waits until the guard is dropped.
fn spawn<T: Serialize + DeserializeOwned, K>(
    work: impl FnOnce() -> Result<Made<T, K>, Fault>,
) -> Result<(Child, Built<T>), Errno> {
    let (report_out, report_in) = pipe_with(PipeFlags::CLOEXEC)?;
    let (release_out, release_in) = pipe_with(PipeFlags::CLOEXEC)?;
    let (spaces_out, spaces_in) = socketpair(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    // SAFETY: the process has one thread (checked by the caller, and by the kernel for user namespaces), so the child's memory is
    // consistent; the child leaves by `_exit` and never returns into the parent's code, not even by a panic.
    match unsafe { libc::fork() } {
        -1 => Err(errno_of(&std::io::Error::last_os_error())),
        0 => {
            drop((report_out, release_in, spaces_out));
            let ends = ChildEnds { report: report_in, release: release_out, spaces: spaces_in };
            let reported = catch_unwind(AssertUnwindSafe(|| report_and_wait(work(), ends)));
            // SAFETY: `_exit` has no preconditions; it runs no destructor and flushes no buffer that the parent owns, too.
            unsafe { libc::_exit(i32::from(reported.is_err())) }
        }
        pid => {
            drop((report_in, release_out, spaces_in));
            let pid = Pid::from_raw(pid).ok_or(Errno::CHILD)?;
            let child = Child { pid, release: Some(release_in) };
            let mut answer = Vec::new();
            File::from(report_out).read_to_end(&mut answer).map_err(|error| errno_of(&error))?;
            let answer: Result<T, Fault> = serde_json::from_slice(&answer).map_err(|_| Errno::CHILD)?;
            let built = match answer {
                Ok(made) => Ok((made, receive(spaces_out.as_fd())?)),
                Err(fault) => Err(fault),
            };
            Ok((child, built))
        }
    }
}

/// What the child holds of the pipes.
struct ChildEnds {
    report: OwnedFd,
    release: OwnedFd,
    spaces: OwnedFd,
}

fn report_and_wait<T: Serialize, K>(built: Result<Made<T, K>, Fault>, ends: ChildEnds) {
    let (answer, spaces, _kept_until_the_end) = match built {
        Ok(Made { answer, spaces, kept }) => (Ok(answer), spaces, Some(kept)),
        Err(fault) => (Err(fault), None, None),
    };
    if let Some(spaces) = &spaces
        && send(ends.spaces.as_fd(), spaces).is_err()
    {
        return;
    }
    let reported = serde_json::to_vec(&answer).is_ok_and(|bytes| File::from(ends.report).write_all(&bytes).is_ok());
    if reported && answer.is_ok() {
        let _released = File::from(ends.release).read_to_end(&mut Vec::new());
    }
}

/// Threads of this process; `None` when /proc is not readable.
fn threads() -> Option<usize> {
    std::fs::read_dir("/proc/self/task").ok().map(Iterator::count)
}
