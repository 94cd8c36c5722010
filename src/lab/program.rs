//! A program of somebody else's in the lab: a server, or a load generator, with every process that it starts.
//!
//! It runs in a PID namespace of its own, as the child of a process of ours that is its init ([`init`]): when that exits, the kernel
//! kills whatever is left there (`zap_pid_ns_processes`, kernel/pid_namespace.c), also what has daemonized. Our init exits as soon as
//! the socket to qviz is closed, so that nothing outlives qviz, however that ends. The program's own process ids are those of that
//! namespace; [`Program::pids`] are qviz's. Unsafe code: what is done between fork and exec.

pub mod init;
mod output;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::UnshareFlags;

use self::output::Output;
use super::namespace::unshare;
use crate::say;
use crate::text::errno::describe;

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramPlan {
    /// The command and its arguments; not empty.
    pub command: Vec<OsString>,
    /// Added to the environment.
    pub environment: Vec<(&'static str, String)>,
}

/// A running program. Dropping it ends all of its processes.
#[derive(Debug)]
pub struct Program {
    command: Vec<OsString>,
    supervisor: Child,
    /// Our init reports on it what has become of the program; when it is closed, everything ends.
    line: UnixStream,
    reported: Vec<u8>,
    exit: Option<ProgramExit>,
    gone: bool,
    output: Output,
}

/// How a program's first process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramExit {
    /// It could not be started: this errno.
    NotStarted(i32),
    /// It has exited with this status.
    Status(i32),
    /// This signal has ended it.
    Signal(i32),
}

impl ProgramExit {
    /// The status as a shell gives it: 127 for what could not be started, 128 and the number for a signal.
    pub const fn status(self) -> i32 {
        match self {
            Self::NotStarted(_) => 127,
            Self::Status(status) => status,
            Self::Signal(number) => 128 + number,
        }
    }

    fn of(status: ExitStatus) -> Self {
        status.code().map_or_else(|| Self::Signal(status.signal().unwrap_or(0)), Self::Status)
    }

    /// Its line of the report.
    fn line(self) -> String {
        match self {
            Self::NotStarted(errno) => format!("not-started {errno}\n"),
            Self::Status(status) => format!("status {status}\n"),
            Self::Signal(number) => format!("signal {number}\n"),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let (what, number) = line.split_once(' ')?;
        let number = number.parse().ok()?;
        match what {
            "not-started" => Some(Self::NotStarted(number)),
            "status" => Some(Self::Status(number)),
            "signal" => Some(Self::Signal(number)),
            _ => None,
        }
    }
}

/// Why a program could not be started.
#[derive(Debug, thiserror::Error)]
#[error("{}", say!("cannot start {command} in the lab: {source}", command, source = describe(source)))]
pub struct ProgramError {
    /// The command's name.
    pub command: String,
    /// What the system said.
    pub source: io::Error,
}

impl Program {
    /// Starts the program in the network namespace of the calling thread; what it writes goes to `log` as well. A command that does not exist shows as
    /// [`ProgramExit::NotStarted`] a moment later.
    ///
    /// # Errors
    /// [`ProgramError`] where no process or no PID namespace is to be had.
    pub fn start(plan: &ProgramPlan, log: Option<File>) -> Result<Self, ProgramError> {
        let failed = |source| ProgramError {
            command: plan.command.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            source,
        };
        let (line, theirs) = UnixStream::pair().map_err(failed)?;
        line.set_nonblocking(true).map_err(failed)?;
        let (output_end, output_start) = io::pipe().map_err(failed)?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg(init::SUPERVISOR)
            .args(&plan.command)
            .envs(plan.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
            .stdout(output_start.try_clone().map_err(failed)?)
            .stderr(output_start)
            // The terminal's Ctrl-C is for qviz, which then ends the program.
            .process_group(0);
        let supervisor = in_own_pid_namespace(&mut command).spawn().map_err(failed)?;
        // Its copies of the pipe's and the socket's other ends.
        drop(command);
        let output = Output::gather(output_end, log).map_err(failed)?;
        Ok(Self {
            command: plan.command.clone(),
            supervisor,
            line,
            reported: Vec::new(),
            exit: None,
            gone: false,
            output,
        })
    }

    /// The command and its arguments.
    pub fn command(&self) -> impl Iterator<Item = String> {
        self.command.iter().map(|word| word.to_string_lossy().into_owned())
    }

    /// Takes over what has been reported of it.
    pub fn look(&mut self) {
        let mut bytes = [0; 256];
        loop {
            match (&self.line).read(&mut bytes) {
                Ok(0) => break self.gone = true,
                Ok(count) => self.reported.extend_from_slice(bytes.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => break self.gone = true,
            }
        }
        let text = String::from_utf8_lossy(&self.reported);
        self.exit = self.exit.or_else(|| text.lines().find_map(ProgramExit::parse));
    }

    /// Waits until something is reported of it, or this long; less than a second.
    pub fn await_report(&self, span: Duration) {
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(span.subsec_nanos()) };
        let _interrupted = poll(&mut [PollFd::new(&self.line, PollFlags::IN)], Some(&timeout));
    }

    /// How its first process has ended; `None` while that runs. Its children may go on.
    pub const fn exit(&self) -> Option<ProgramExit> {
        self.exit
    }

    /// True when none of its processes is left.
    pub const fn is_gone(&self) -> bool {
        self.gone
    }

    /// The ids of its processes as qviz sees them, its first one first; empty when none is left.
    pub fn pids(&self) -> Vec<u32> {
        let init = children(self.supervisor.id());
        let mut pids: Vec<u32> = init.iter().flat_map(|init| children(*init)).collect();
        let mut next = 0;
        while let Some(&pid) = pids.get(next) {
            pids.extend(children(pid));
            next += 1;
        }
        pids
    }

    /// The last lines that it has written, each at most [`output::WIDTH`] characters long.
    pub fn output(&self) -> Vec<String> {
        self.output.lines()
    }

    /// Asks its processes to end (SIGTERM), and after a while ends those that are left.
    pub fn end(&mut self) {
        self.look();
        if !self.gone && (&self.line).write_all(init::TERMINATE).is_ok() {
            for _ in 0..LOOKS {
                self.await_report(PAUSE);
                self.look();
                if self.gone {
                    break;
                }
            }
        }
        let _our_init_has_gone = self.line.shutdown(std::net::Shutdown::Both);
        let _reaped = self.supervisor.wait();
        self.gone = true;
        self.output.finish();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
    }
}

/// The children of a process, of all its threads.
fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// The first child of the command will be the init of a new PID namespace.
#[expect(unsafe_code, reason = "what is done between fork and exec has no safe form")]
fn in_own_pid_namespace(command: &mut Command) -> &mut Command {
    let unshare = || unshare(UnshareFlags::NEWPID).map_err(io::Error::from);
    // SAFETY: between fork and exec one system call is made; nothing is allocated, and no lock is taken.
    unsafe { command.pre_exec(unshare) }
}

/// Keeps an output pipe's end and its log file together.
type Log = Option<File>;

/// How often it is looked whether all processes have ended after SIGTERM.
const LOOKS: u32 = 10;

const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_survives_its_line() {
        for exit in [ProgramExit::NotStarted(2), ProgramExit::Status(3), ProgramExit::Signal(9)] {
            assert_eq!(ProgramExit::parse(exit.line().trim_end()), Some(exit));
        }
        assert_eq!([ProgramExit::NotStarted(2), ProgramExit::Signal(9)].map(ProgramExit::status), [127, 137]);
        assert_eq!(ProgramExit::parse("status"), None);
    }

    #[test]
    fn children_are_found() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(children(std::process::id()).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
