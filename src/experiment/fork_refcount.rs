//! A connection's socket held by two processes: the parent's close() does not end the connection, the last close
//! does; in a second experiment, shutdown() ends it at once.

use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use socket2::Socket;

use super::child::{ChildProcess, ChildRole};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;

/// A connection whose server's end is held by two processes.
struct Shared {
    client: Socket,
    port: u16,
    parent_socket: Socket,
    child: ChildProcess,
}

/// The parent closes its copy, the child uses its own, then ends.
pub(super) fn close(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    let Shared { client, port, parent_socket, mut child } = share(experiment, &listener, address)?;
    drop(parent_socket);
    experiment.record_call("server", "close()", "0", CallOutcome::Plain);
    let began = experiment.env().now();
    experiment.sleep(QUIET)?;
    let outcome = read(&client);
    experiment.measure("fork-close-quiet-ms", ends::millis(experiment.env().now().since(began)));
    experiment.measure_flag("fork-close-eof", outcome == ReadOutcome::End);
    record_read(experiment, outcome);
    let state = ends::server_end(&experiment.env().sockets(address.port()), port).map(|seen| seen.state);
    experiment.record_call("kernel", say!("the server's end"), state.map_or("–", ends::state), CallOutcome::Plain);
    experiment.measure_flag("fork-close-established", state == Some(ends::ESTABLISHED));
    child.write(WORDS)?;
    experiment.record_call("child", format!("write({} B)", WORDS.len()), "0", CallOutcome::Good);
    let outcome = wait_for(experiment, &client, say!("the child's words"))?;
    experiment.measure_flag("fork-child-heard", outcome == ReadOutcome::Bytes(WORDS.len()));
    record_read(experiment, outcome);
    let began = experiment.env().now();
    child.end(experiment)?;
    experiment.record_call("child", "exit(0)", "0", CallOutcome::Plain);
    let outcome = wait_for(experiment, &client, "EOF")?;
    experiment.measure("fork-last-close-ms", ends::millis(experiment.env().now().since(began)));
    experiment.measure_flag("fork-last-close-eof", outcome == ReadOutcome::End);
    record_read(experiment, outcome);
    Ok(())
}

/// The parent shuts the connection down, while the child holds its copy.
pub(super) fn shut_down(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    let Shared { client, parent_socket, mut child, .. } = share(experiment, &listener, address)?;
    let began = experiment.env().now();
    ends::call("shutdown(SHUT_WR)", parent_socket.shutdown(Shutdown::Write))?;
    experiment.record_call("server", "shutdown(SHUT_WR)", "0", CallOutcome::Plain);
    let outcome = wait_for(experiment, &client, "EOF")?;
    experiment.measure("fork-shutdown-ms", ends::millis(experiment.env().now().since(began)));
    experiment.measure_flag("fork-shutdown-eof", outcome == ReadOutcome::End);
    record_read(experiment, outcome);
    let is_running = child.is_running();
    experiment.measure_flag("fork-shutdown-child-lives", is_running);
    experiment.record_call("child", format!("pid {}", child.pid()), say!("still holds its copy"), CallOutcome::Plain);
    child.end(experiment)
}

/// A client connects, the parent accepts, and a child holds a copy.
fn share(experiment: &mut Experiment<'_>, listener: &Socket, address: SocketAddr) -> Result<Shared, ExperimentError> {
    let client = ends::connect(address)?;
    ends::call("fcntl(O_NONBLOCK)", client.set_nonblocking(true))?;
    let port = ends::name(&client)?.port();
    experiment.record_call(
        "client",
        format!("connect(:{})", address.port()),
        format!("port {port}"),
        CallOutcome::Good,
    );
    let mut accepted = None;
    experiment.wait_until(say!("a child in the accept queue"), ends::TIMEOUT, |_| {
        accepted = listener.accept().ok();
        accepted.is_some()
    })?;
    let Some((parent_socket, _)) = accepted else { return Err(ExperimentError::Stopped) };
    experiment.record_call("server", "accept()", say!("a new socket"), CallOutcome::Plain);
    let copy = ends::call("dup()", parent_socket.try_clone())?;
    let child = ChildProcess::start(ChildRole::Copy, OwnedFd::from(copy))?;
    experiment.record_call("server", "fork()", format!("pid {}", child.pid()), CallOutcome::Plain);
    Ok(Shared { client, port, parent_socket, child })
}

/// The result of a client's read().
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadOutcome {
    /// Nothing yet (EAGAIN).
    Nothing,
    /// So many bytes.
    Bytes(usize),
    /// EOF.
    End,
    /// An error.
    Error(i32),
}

fn read(client: &Socket) -> ReadOutcome {
    let mut buffer = [MaybeUninit::uninit(); 64];
    match client.recv(&mut buffer) {
        Ok(0) => ReadOutcome::End,
        Ok(bytes) => ReadOutcome::Bytes(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => ReadOutcome::Nothing,
        Err(error) => ReadOutcome::Error(ends::number(&error)),
    }
}

/// Waits until the client's read() returns something.
fn wait_for(experiment: &Experiment<'_>, client: &Socket, what: &str) -> Result<ReadOutcome, ExperimentError> {
    let mut outcome = ReadOutcome::Nothing;
    experiment.wait_until(what, ends::TIMEOUT, |_| {
        outcome = read(client);
        outcome != ReadOutcome::Nothing
    })?;
    Ok(outcome)
}

fn record_read(experiment: &mut Experiment<'_>, read: ReadOutcome) {
    let (read, mood) = match read {
        ReadOutcome::Nothing => ("EAGAIN".to_owned(), CallOutcome::Silent),
        ReadOutcome::Bytes(bytes) => (format!("{bytes} B"), CallOutcome::Good),
        ReadOutcome::End => (format!("0 ({})", say!("end of file")), CallOutcome::Good),
        ReadOutcome::Error(errno) => (crate::text::errno::name(errno).into_owned(), CallOutcome::Refused),
    };
    experiment.record_call("client", "read()", read, mood);
}

const WORDS: &[u8] = b"still here\n";

/// How long nothing arrives after the parent's close().
const QUIET: Duration = Duration::from_millis(400);
