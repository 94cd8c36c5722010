//! A unix stream socket's queue: no handshake, no SYN queue, no silence. Clients come until one is told EAGAIN; in a trial of its own
//! another waits in connect() until accept() makes room.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};

use super::blocking_call::{self, is_asleep, next_message};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;

/// Clients come until one is refused.
pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (_listener, address) = listen(bench)?;
    fill(bench, &address).map(drop)
}

/// Behind them comes one that waits; then everybody is served.
pub(super) fn wait(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = listen(bench)?;
    let clients = fill(bench, &address)?;
    // Those that fit, the one that was refused, and this one.
    wait_in_connect(bench, &listener, &address, clients.len() + 2)?;
    let mut open = Vec::new();
    ends::call("fcntl(O_NONBLOCK)", listener.set_nonblocking(true))?;
    while let Ok((accepted, _)) = listener.accept() {
        open.push(accepted);
    }
    bench.record_call(
        "server",
        format!("{} × accept()", open.len()),
        say!("{count} new sockets", count = open.len()),
        CallOutcome::Good,
    );
    bench.measure("unix-served", (open.len() + 1) as f64);
    Ok(())
}

fn listen(bench: &mut Experiment<'_>) -> Result<(Socket, SockAddr), ExperimentError> {
    let listener = socket()?;
    // A name in the network namespace, not in the file system: nothing is left to be removed.
    let name = format!("\0qviz-trial-{}", std::process::id());
    let address = ends::call("sockaddr_un", SockAddr::unix(&name))?;
    ends::call("bind()", listener.bind(&address))?;
    ends::call(format!("listen({BACKLOG})"), listener.listen(BACKLOG))?;
    bench.record_call("server", format!("listen({BACKLOG})"), "0", CallOutcome::Plain);
    bench.measure("unix-backlog", f64::from(BACKLOG));
    Ok((listener, address))
}

/// Lets clients that do not wait come until one is refused.
fn fill(bench: &mut Experiment<'_>, address: &SockAddr) -> Result<Vec<Socket>, ExperimentError> {
    let mut clients = Vec::new();
    loop {
        let client = socket()?;
        ends::call("fcntl(O_NONBLOCK)", client.set_nonblocking(true))?;
        let outcome = client.connect(address);
        let mood = if outcome.is_ok() { CallOutcome::Good } else { CallOutcome::Refused };
        bench.record_call("client", format!("connect() {}", clients.len() + 1), ends::answer(&outcome), mood);
        match outcome {
            Ok(()) if clients.len() < MOST => clients.push(client),
            Ok(()) => return Err(ExperimentError::TimedOut(say!("a full queue").to_owned())),
            Err(error) => {
                bench.measure("unix-held", clients.len() as f64);
                bench.measure("unix-errno", f64::from(ends::number(&error)));
                bench.measure_flag("unix-eagain", ends::number(&error) == Errno::AGAIN.raw_os_error());
                return Ok(clients);
            }
        }
    }
}

/// One more client comes and waits; accept() lets it in.
fn wait_in_connect(
    bench: &mut Experiment<'_>,
    listener: &Socket,
    address: &SockAddr,
    number: usize,
) -> Result<(), ExperimentError> {
    let client = socket()?;
    // It has to return whatever happens.
    ends::call("setsockopt(SO_SNDTIMEO)", client.set_write_timeout(Some(LONGEST)))?;
    std::thread::scope(|threads| {
        let (teller, told) = channel();
        let waiting = &client;
        threads.spawn(move || blocking_call::report_call(&teller, || waiting.connect(address)));
        let blocks = sleeps(bench, &told, number)?;
        bench.measure_flag("unix-blocks", blocks);
        let made_room = bench.env().now();
        let (_served, _) = ends::call("accept()", listener.accept())?;
        bench.record_call("server", "accept()", say!("a new socket"), CallOutcome::Good);
        if !blocks {
            return Ok(());
        }
        let answer = next_message(bench, &told, say!("connect() to return"))?;
        let woke = bench.env().now();
        bench.measure_flag("unix-woken", answer == "0");
        bench.record_call("client", format!("connect() {number}"), answer, CallOutcome::Good);
        bench.measure("unix-woke-ms", ends::millis(woke.since(made_room)));
        Ok(())
    })
}

/// True when that client sleeps in connect() for as long as nobody calls accept().
fn sleeps(bench: &mut Experiment<'_>, told: &Receiver<String>, number: usize) -> Result<bool, ExperimentError> {
    let call = say!("connect() {number}, blocking", number);
    let thread = next_message(bench, told, say!("a second thread"))?;
    let mut answer = None;
    bench.wait_until(say!("a thread asleep in connect()"), ends::TIMEOUT, |_| {
        answer = told.try_recv().ok();
        answer.is_some() || is_asleep(&thread)
    })?;
    if answer.is_none() {
        bench.record_call("client", call.clone(), say!("sleeps"), CallOutcome::Silent);
        bench.sleep(IDLE_TIME)?;
        answer = told.try_recv().ok();
    }
    let sleeps = answer.is_none();
    if let Some(answer) = answer {
        bench.record_call("client", call, answer, CallOutcome::Plain);
    }
    Ok(sleeps)
}

fn socket() -> Result<Socket, ExperimentError> {
    ends::call("socket(AF_UNIX)", Socket::new(Domain::UNIX, Type::STREAM, None))
}

const BACKLOG: i32 = 5;

/// Clients that come at most: far more than fit.
const MOST: usize = 64;

/// How long nobody calls accept().
const IDLE_TIME: Duration = Duration::from_millis(400);

/// How long connect() waits at most.
const LONGEST: Duration = Duration::from_secs(2);
