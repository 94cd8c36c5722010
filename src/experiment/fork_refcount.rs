//! A connection's socket held by two processes: the parent's close() ends nothing, the last close does; in a trial of its own,
//! shutdown() ends it at once.

use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use socket2::Socket;

use super::child::{ChildProcess, ChildRole};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;

/// A connection whose server's end is held twice.
struct Shared {
    client: Socket,
    port: u16,
    parents: Socket,
    child: ChildProcess,
}

/// The parent closes its copy, the child uses its own, then ends.
pub(super) fn close(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    let Shared { client, port, parents, mut child } = share(bench, &listener, address)?;
    drop(parents);
    bench.record_call("server", "close()", "0", CallOutcome::Plain);
    let began = bench.env().now();
    bench.sleep(QUIET)?;
    let heard = read(&client);
    bench.measure("fork-close-quiet-ms", ends::millis(bench.env().now().since(began)));
    bench.measure_flag("fork-close-eof", heard == ReadOutcome::End);
    record_read(bench, heard);
    let state = ends::server_end(&bench.env().sockets(address.port()), port).map(|seen| seen.state);
    bench.record_call("kernel", say!("the server's end"), state.map_or("–", ends::state), CallOutcome::Plain);
    bench.measure_flag("fork-close-established", state == Some(ends::ESTABLISHED));
    child.write(WORDS)?;
    bench.record_call("child", format!("write({} B)", WORDS.len()), "0", CallOutcome::Good);
    let heard = wait_for(bench, &client, say!("the child's words"))?;
    bench.measure_flag("fork-child-heard", heard == ReadOutcome::Bytes(WORDS.len()));
    record_read(bench, heard);
    let began = bench.env().now();
    child.end(bench)?;
    bench.record_call("child", "exit(0)", "0", CallOutcome::Plain);
    let heard = wait_for(bench, &client, "EOF")?;
    bench.measure("fork-last-close-ms", ends::millis(bench.env().now().since(began)));
    bench.measure_flag("fork-last-close-eof", heard == ReadOutcome::End);
    record_read(bench, heard);
    Ok(())
}

/// The parent shuts the connection down, while the child holds its copy.
pub(super) fn shut_down(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    let Shared { client, parents, mut child, .. } = share(bench, &listener, address)?;
    let began = bench.env().now();
    ends::call("shutdown(SHUT_WR)", parents.shutdown(Shutdown::Write))?;
    bench.record_call("server", "shutdown(SHUT_WR)", "0", CallOutcome::Plain);
    let heard = wait_for(bench, &client, "EOF")?;
    bench.measure("fork-shutdown-ms", ends::millis(bench.env().now().since(began)));
    bench.measure_flag("fork-shutdown-eof", heard == ReadOutcome::End);
    record_read(bench, heard);
    let lives = child.is_running();
    bench.measure_flag("fork-shutdown-child-lives", lives);
    bench.record_call("child", format!("pid {}", child.pid()), say!("still holds its copy"), CallOutcome::Plain);
    child.end(bench)
}

/// A client connects, the parent accepts, and a child holds a copy.
fn share(bench: &mut Experiment<'_>, listener: &Socket, address: SocketAddr) -> Result<Shared, ExperimentError> {
    let client = ends::connect(address)?;
    ends::call("fcntl(O_NONBLOCK)", client.set_nonblocking(true))?;
    let port = ends::name(&client)?.port();
    bench.record_call("client", format!("connect(:{})", address.port()), format!("port {port}"), CallOutcome::Good);
    let mut accepted = None;
    bench.wait_until(say!("a child in the accept queue"), ends::TIMEOUT, |_| {
        accepted = listener.accept().ok();
        accepted.is_some()
    })?;
    let Some((parents, _)) = accepted else { return Err(ExperimentError::Stopped) };
    bench.record_call("server", "accept()", say!("a new socket"), CallOutcome::Plain);
    let copy = ends::call("dup()", parents.try_clone())?;
    let child = ChildProcess::start(ChildRole::Copy, OwnedFd::from(copy))?;
    bench.record_call("server", "fork()", format!("pid {}", child.pid()), CallOutcome::Plain);
    Ok(Shared { client, port, parents, child })
}

/// What a client hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadOutcome {
    /// Nothing yet (EAGAIN).
    Nothing,
    /// So many bytes.
    Bytes(usize),
    /// The end of all (EOF).
    End,
    /// An error.
    Error(i32),
}

fn read(client: &Socket) -> ReadOutcome {
    let mut room = [MaybeUninit::uninit(); 64];
    match client.recv(&mut room) {
        Ok(0) => ReadOutcome::End,
        Ok(bytes) => ReadOutcome::Bytes(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => ReadOutcome::Nothing,
        Err(error) => ReadOutcome::Error(ends::number(&error)),
    }
}

/// Waits until the client hears something: what it hears.
fn wait_for(bench: &Experiment<'_>, client: &Socket, what: &str) -> Result<ReadOutcome, ExperimentError> {
    let mut heard = ReadOutcome::Nothing;
    bench.wait_until(what, ends::TIMEOUT, |_| {
        heard = read(client);
        heard != ReadOutcome::Nothing
    })?;
    Ok(heard)
}

fn record_read(bench: &mut Experiment<'_>, heard: ReadOutcome) {
    let (outcome, mood) = match heard {
        ReadOutcome::Nothing => ("EAGAIN".to_owned(), CallOutcome::Silent),
        ReadOutcome::Bytes(bytes) => (format!("{bytes} B"), CallOutcome::Good),
        ReadOutcome::End => (format!("0 ({})", say!("end of file")), CallOutcome::Good),
        ReadOutcome::Error(errno) => (crate::text::errno::name(errno).into_owned(), CallOutcome::Refused),
    };
    bench.record_call("client", "read()", outcome, mood);
}

const WORDS: &[u8] = b"still here\n";

/// How long nothing comes after the parent's close().
const QUIET: Duration = Duration::from_millis(400);
