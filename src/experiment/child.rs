//! The child processes of experiments: this program, started with a hidden argument. It needs no other program and no
//! `fork` in a multi-threaded process: a socket passed as standard output is a copy of the parent's descriptor, as
//! after a fork. Each child exits at the end of its standard input, so none outlives its parent.

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
    /// Copies standard input to standard output until EOF.
    Copy,
    /// Writes [`SERVED`] to its standard output.
    Serve,
    /// Accepts from the listener that is its standard output, lets a child serve each connection, and does not close
    /// its own copy.
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

/// A running child. Dropping it kills and reaps it.
pub(super) struct ChildProcess {
    process: Child,
    stdin: Option<ChildStdin>,
}

impl ChildProcess {
    /// Starts a child with this socket as standard output and a pipe as standard input.
    pub(super) fn start(role: ChildRole, socket: OwnedFd) -> Result<Self, ExperimentError> {
        let mut process = ends::call(
            "fork()",
            command(role).stderr(Stdio::null()).stdin(Stdio::piped()).stdout(Stdio::from(socket)).spawn(),
        )?;
        let stdin = process.stdin.take();
        Ok(Self { process, stdin })
    }

    /// Starts a child with this socket as standard output and `line` as standard input, through which it reports.
    pub(super) fn with_stdin(role: ChildRole, socket: OwnedFd, line: OwnedFd) -> Result<Self, ExperimentError> {
        let (stdin, stdout) = (Stdio::from(line), Stdio::from(socket));
        let process = ends::call("fork()", command(role).stderr(Stdio::null()).stdin(stdin).stdout(stdout).spawn())?;
        Ok(Self { process, stdin: None })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// True while it runs.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Writes to its standard input.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), ExperimentError> {
        let Some(stdin) = &mut self.stdin else { return Ok(()) };
        ends::call("write()", stdin.write_all(bytes))
    }

    /// Closes its standard input and waits for its exit.
    pub(super) fn end(&mut self, experiment: &Experiment<'_>) -> Result<(), ExperimentError> {
        self.stdin = None;
        experiment.wait_until(say!("the child's end"), ends::TIMEOUT, |_| !self.is_running())?;
        Ok(())
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        let _already_exited = self.process.kill();
        let _already_reaped = self.process.wait();
    }
}

/// Runs as a child if the command line asks for it; `None` for any other command line.
pub fn run_as_child(arguments: impl IntoIterator<Item = String>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter();
    if arguments.next()? != CHILD_ARGUMENT {
        return None;
    }
    let wanted = arguments.next()?;
    let role = ChildRole::ALL.into_iter().find(|role| role.argument() == wanted)?;
    let played = match role {
        ChildRole::Copy => io::copy(&mut io::stdin(), &mut io::stdout()).map(drop),
        ChildRole::Serve => io::stdout().write_all(SERVED),
        ChildRole::Leak | ChildRole::Close => serve_all(role == ChildRole::Leak),
    };
    Some(if played.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A textbook concurrent server: accept(), fork(), the child serves; the parent closes its copy unless `leaks`.
fn serve_all(leaks: bool) -> io::Result<()> {
    let limit = Rlimit { current: Some(DESCRIPTORS), maximum: Some(DESCRIPTORS) };
    setrlimit(Resource::Nofile, limit)?;
    let (line, listener) = (io::stdin(), io::stdout());
    let (mut kept, mut failed) = (Vec::new(), false);
    // Starting a child needs descriptors for a moment: they are reserved, so that accept() is the call that fails.
    let reserve = || (0..SPARE).map(|_| fcntl_dupfd_cloexec(&line, 0)).collect::<Result<Vec<_>, _>>();
    let mut spare = reserve()?;
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
                if let Err(error) = serve(connection.as_fd()) {
                    report(&line, &format!("fork {}", error.raw_os_error().unwrap_or_default()))?;
                    return Err(error);
                }
                spare = reserve()?;
                report(&line, "accept 0")?;
                if leaks {
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

/// A child with a copy of the connection serves it and exits, as after a fork.
fn serve(connection: BorrowedFd<'_>) -> io::Result<()> {
    let copy = connection.try_clone_to_owned()?;
    let started = command(ChildRole::Serve).stdout(Stdio::from(copy)).spawn();
    started?.wait().map(drop)
}

/// Reports one line to the parent.
fn report(line: impl AsFd, text: &str) -> io::Result<()> {
    write(line, format!("{text}\n").as_bytes()).map(drop).map_err(io::Error::from)
}

fn command(role: ChildRole) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args([CHILD_ARGUMENT, role.argument()]);
    command
}

/// What [`ChildRole::Serve`] writes.
pub(super) const SERVED: &[u8] = b"served\n";

/// The copy of the connection, and the pipe through which musl's posix_spawn() reports.
const SPARE: usize = 3;

/// RLIMIT_NOFILE of the child for [`ChildRole::Leak`] and [`ChildRole::Close`].
pub(super) const DESCRIPTORS: u64 = 24;

/// The argument that starts this program as a child.
const CHILD_ARGUMENT: &str = "child-of-a-trial";
