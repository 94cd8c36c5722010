//! The processes of trials: this very program, started with a word that no person types. It is always there, whatever else is
//! installed, and no `fork` in a program of many threads is needed: a socket that is given to it as its standard output is one more
//! copy of the parent's descriptor, as after a fork. Each ends as soon as its standard input does, so none outlives its parent.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, fcntl_dupfd_cloexec, write};
use rustix::net::{SocketFlags, accept_with};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{Experiment, ExperimentError, ends};
use crate::say;

/// What a child does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChildRole {
    /// Writes to its standard output what it reads, until there is nothing more to read.
    Copy,
    /// Says [`SERVED`] on its standard output.
    Serve,
    /// Accepts from the listener that is its standard output, lets a child serve each connection, and forgets to close its own copy.
    Leak,
    /// The same, and closes its own copy.
    Close,
}

impl ChildRole {
    const ALL: [Self; 4] = [Self::Copy, Self::Serve, Self::Leak, Self::Close];

    const fn argument(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Serve => "serve",
            Self::Leak => "leak",
            Self::Close => "close",
        }
    }
}

/// A child at work. Dropping it ends it.
pub(super) struct ChildProcess {
    process: Child,
    stdin: Option<ChildStdin>,
}

impl ChildProcess {
    /// Starts a child that holds this socket as its standard output, and is spoken to through its standard input.
    pub(super) fn start(part: ChildRole, socket: OwnedFd) -> Result<Self, ExperimentError> {
        let mut process = ends::call(
            "fork()",
            command(part).stderr(Stdio::null()).stdin(Stdio::piped()).stdout(Stdio::from(socket)).spawn(),
        )?;
        let stdin = process.stdin.take();
        Ok(Self { process, stdin })
    }

    /// Starts one that speaks through its standard input, too: the other end of `line`.
    pub(super) fn with_stdin(part: ChildRole, socket: OwnedFd, line: OwnedFd) -> Result<Self, ExperimentError> {
        let (stdin, stdout) = (Stdio::from(line), Stdio::from(socket));
        let process = ends::call("fork()", command(part).stderr(Stdio::null()).stdin(stdin).stdout(stdout).spawn())?;
        Ok(Self { process, stdin: None })
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// True while it has not ended.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Says something to it.
    pub(super) fn write(&mut self, words: &[u8]) -> Result<(), ExperimentError> {
        let Some(stdin) = &mut self.stdin else { return Ok(()) };
        ends::call("write()", stdin.write_all(words))
    }

    /// Ends its standard input and waits for its end.
    pub(super) fn end(&mut self, bench: &Experiment<'_>) -> Result<(), ExperimentError> {
        self.stdin = None;
        bench.wait_until(say!("the child's end"), ends::TIMEOUT, |_| !self.is_running())?;
        Ok(())
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        let _it_may_have_ended = self.process.kill();
        let _it_may_be_reaped = self.process.wait();
    }
}

/// Plays a child's part, if these words of the command line ask for one; `None` for a person's words.
pub fn run_as_child(words: impl IntoIterator<Item = String>) -> Option<ExitCode> {
    let mut words = words.into_iter();
    if words.next()? != CHILD_ARGUMENT {
        return None;
    }
    let wanted = words.next()?;
    let part = ChildRole::ALL.into_iter().find(|part| part.argument() == wanted)?;
    let played = match part {
        ChildRole::Copy => io::copy(&mut io::stdin(), &mut io::stdout()).map(drop),
        ChildRole::Serve => io::stdout().write_all(SERVED),
        ChildRole::Leak | ChildRole::Close => serve_all(part == ChildRole::Leak),
    };
    Some(if played.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A concurrent server as the textbook has it: accept(), fork(), the child serves; the parent closes its copy, or forgets to.
fn serve_all(forgets: bool) -> io::Result<()> {
    let limit = Rlimit { current: Some(DESCRIPTORS), maximum: Some(DESCRIPTORS) };
    setrlimit(Resource::Nofile, limit)?;
    let (line, listener) = (io::stdin(), io::stdout());
    let (mut kept, mut failed) = (Vec::new(), false);
    // To start a child takes a descriptor for a moment: it is put by, so that accept() is what fails.
    let mut spare = fcntl_dupfd_cloexec(&line, 0)?;
    loop {
        let mut fds = vec![PollFd::new(&line, PollFlags::IN)];
        if !failed {
            fds.push(PollFd::new(&listener, PollFlags::IN));
        }
        poll(&mut fds, None)?;
        let over = !fds[0].revents().is_empty();
        if over {
            return Ok(());
        }
        match accept_with(&listener, SocketFlags::CLOEXEC) {
            Ok(connection) => {
                drop(spare);
                serve(connection.as_fd())?;
                spare = fcntl_dupfd_cloexec(&line, 0)?;
                report(&line, "accept 0")?;
                if forgets {
                    kept.push(connection);
                }
            }
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => {}
            Err(errno) => {
                failed = true;
                report(&line, &format!("accept {}", errno.raw_os_error()))?;
            }
        }
    }
}

/// A child that holds a copy of the connection serves it and ends, as it would after a fork.
fn serve(connection: BorrowedFd<'_>) -> io::Result<()> {
    let copy = connection.try_clone_to_owned()?;
    let started = command(ChildRole::Serve).stdout(Stdio::from(copy)).spawn();
    started?.wait().map(drop)
}

/// One line for the parent.
fn report(line: impl AsFd, words: &str) -> io::Result<()> {
    write(line, format!("{words}\n").as_bytes()).map(drop).map_err(io::Error::from)
}

fn command(part: ChildRole) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args([CHILD_ARGUMENT, part.argument()]);
    command
}

/// What [`Part::Serve`] says.
pub(super) const SERVED: &[u8] = b"served\n";

/// The descriptors that a server of [`Part::Leak`] and [`Part::Close`] may hold (RLIMIT_NOFILE of that process alone).
pub(super) const DESCRIPTORS: u64 = 24;

/// The word by which this program knows that it is a child.
const CHILD_ARGUMENT: &str = "child-of-a-trial";
