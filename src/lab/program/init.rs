//! The two processes between qviz and a program: the supervisor, whose first child is the init of a new PID namespace, and that init.
//! Both are this program, started with a hidden argument; both have one job and end with it.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, wait};

use super::ProgramExit;

/// The argument that starts the supervisor; the program's command follows.
pub(super) const SUPERVISOR: &str = "supervisor-of-a-program";

/// The argument that starts the init.
const INIT: &str = "init-of-a-program";

/// What qviz writes to have the program's processes asked to end.
pub(super) const TERMINATE: &[u8] = b"t";

/// Runs as one of the two processes if the command line asks for it; `None` for any other command line.
pub fn run_as_child(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter();
    let role = arguments.next()?;
    let command: Vec<OsString> = arguments.collect();
    let done = match role.to_str()? {
        SUPERVISOR => supervise(&command),
        INIT => run_init(&command),
        _ => return None,
    };
    Some(if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts the init, and ends when the kernel has killed everything in its namespace.
fn supervise(command: &[OsString]) -> std::io::Result<()> {
    Command::new("/proc/self/exe").arg(INIT).args(command).status().map(drop)
}

/// Starts the program, reports how its first process ends, and reaps the others until none is left, or until qviz is gone.
fn run_init(command: &[OsString]) -> std::io::Result<()> {
    let line = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let heard = line.try_clone()?;
    std::thread::Builder::new().spawn(move || listen(heard))?;
    let (name, arguments) = command.split_first().ok_or(Errno::INVAL)?;
    let started = Command::new(name).args(arguments).stdin(Stdio::null()).spawn();
    let first = match started {
        Ok(child) => child.id(),
        Err(error) => {
            report(&line, ProgramExit::NotStarted(error.raw_os_error().unwrap_or(libc::ENOENT)));
            return Err(error);
        }
    };
    // The output pipe is the program's alone: it ends with it.
    silence()?;
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get().cast_unsigned() == first => {
                report(&line, ProgramExit::of(ExitStatus::from_raw(status.as_raw())));
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return Ok(()),
        }
    }
}

/// Passes the request to end on; the end of the line ends this process, and with it the namespace.
#[expect(clippy::exit, reason = "the first thread waits in waitpid(2)")]
fn listen(mut line: UnixStream) {
    let mut byte = [0];
    loop {
        match line.read(&mut byte) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => std::process::exit(0),
            Ok(_) => terminate(),
        }
    }
}

/// SIGTERM to every process of the namespace but this one: `kill(-1)`, which the group of process 1 amounts to (kill(2)).
fn terminate() {
    let _none_left = kill_process_group(Pid::INIT, Signal::TERM);
}

fn report(mut line: &UnixStream, exit: ProgramExit) {
    let _qviz_has_gone = line.write_all(exit.line().as_bytes());
}

fn silence() -> std::io::Result<()> {
    let null = OwnedFd::from(std::fs::OpenOptions::new().write(true).open("/dev/null")?);
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}
