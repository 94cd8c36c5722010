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
    bench.line("server", "close()", "0", CallOutcome::Plain);
    let began = bench.here().now();
    bench.pause(QUIET)?;
    let heard = read(&client);
    bench.measured("fork-close-quiet-ms", ends::millis(bench.here().now().since(began)));
    bench.yes("fork-close-eof", heard == ClientOutcome::End);
    tell_heard(bench, heard);
    let state = ends::server_end(&bench.here().sockets(address.port()), port).map(|seen| seen.state);
    bench.line("kernel", say!("the server's end"), state.map_or("–", ends::state), CallOutcome::Plain);
    bench.yes("fork-close-established", state == Some(ends::ESTABLISHED));
    child.say(WORDS)?;
    bench.line("child", format!("write({} B)", WORDS.len()), "0", CallOutcome::Good);
    let heard = wait_for(bench, &client, say!("the child's words"))?;
    bench.yes("fork-child-heard", heard == ClientOutcome::Bytes(WORDS.len()));
    tell_heard(bench, heard);
    let began = bench.here().now();
    child.end(bench)?;
    bench.line("child", "exit(0)", "0", CallOutcome::Plain);
    let heard = wait_for(bench, &client, "EOF")?;
    bench.measured("fork-last-close-ms", ends::millis(bench.here().now().since(began)));
    bench.yes("fork-last-close-eof", heard == ClientOutcome::End);
    tell_heard(bench, heard);
    Ok(())
}

/// The parent shuts the connection down, while the child holds its copy.
pub(super) fn shut_down(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    let Shared { client, parents, mut child, .. } = share(bench, &listener, address)?;
    let began = bench.here().now();
    ends::call("shutdown(SHUT_WR)", parents.shutdown(Shutdown::Write))?;
    bench.line("server", "shutdown(SHUT_WR)", "0", CallOutcome::Plain);
    let heard = wait_for(bench, &client, "EOF")?;
    bench.measured("fork-shutdown-ms", ends::millis(bench.here().now().since(began)));
    bench.yes("fork-shutdown-eof", heard == ClientOutcome::End);
    tell_heard(bench, heard);
    let lives = child.lives();
    bench.yes("fork-shutdown-child-lives", lives);
    bench.line("child", format!("pid {}", child.pid()), say!("still holds its copy"), CallOutcome::Plain);
    child.end(bench)
}

/// A client connects, the parent accepts, and a child holds a copy.
fn share(bench: &mut Experiment<'_>, listener: &Socket, address: SocketAddr) -> Result<Shared, ExperimentError> {
    let client = ends::connect(address)?;
    ends::call("fcntl(O_NONBLOCK)", client.set_nonblocking(true))?;
    let port = ends::name(&client)?.port();
    bench.line("client", format!("connect(:{})", address.port()), format!("port {port}"), CallOutcome::Good);
    let mut accepted = None;
    bench.until(say!("a child in the accept queue"), ends::PATIENCE, |_| {
        accepted = listener.accept().ok();
        accepted.is_some()
    })?;
    let Some((parents, _)) = accepted else { return Err(ExperimentError::Stopped) };
    bench.line("server", "accept()", say!("a new socket"), CallOutcome::Plain);
    let copy = ends::call("dup()", parents.try_clone())?;
    let child = ChildProcess::with(ChildRole::Copy, OwnedFd::from(copy))?;
    bench.line("server", "fork()", format!("pid {}", child.pid()), CallOutcome::Plain);
    Ok(Shared { client, port, parents, child })
}

/// What a client hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientOutcome {
    /// Nothing yet (EAGAIN).
    Nothing,
    /// So many bytes.
    Bytes(usize),
    /// The end of all (EOF).
    End,
    /// An error.
    Error(i32),
}

fn read(client: &Socket) -> ClientOutcome {
    let mut room = [MaybeUninit::uninit(); 64];
    match client.recv(&mut room) {
        Ok(0) => ClientOutcome::End,
        Ok(bytes) => ClientOutcome::Bytes(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => ClientOutcome::Nothing,
        Err(error) => ClientOutcome::Error(ends::number(&error)),
    }
}

/// Waits until the client hears something: what it hears.
fn wait_for(bench: &Experiment<'_>, client: &Socket, what: &str) -> Result<ClientOutcome, ExperimentError> {
    let mut heard = ClientOutcome::Nothing;
    bench.until(what, ends::PATIENCE, |_| {
        heard = read(client);
        heard != ClientOutcome::Nothing
    })?;
    Ok(heard)
}

fn tell_heard(bench: &mut Experiment<'_>, heard: ClientOutcome) {
    let (outcome, mood) = match heard {
        ClientOutcome::Nothing => ("EAGAIN".to_owned(), CallOutcome::Silent),
        ClientOutcome::Bytes(bytes) => (format!("{bytes} B"), CallOutcome::Good),
        ClientOutcome::End => (format!("0 ({})", say!("end of file")), CallOutcome::Good),
        ClientOutcome::Error(errno) => (crate::text::errno::name(errno).into_owned(), CallOutcome::Refused),
    };
    bench.line("client", "read()", outcome, mood);
}

const WORDS: &[u8] = b"still here\n";

/// How long nothing comes after the parent's close().
const QUIET: Duration = Duration::from_millis(400);
