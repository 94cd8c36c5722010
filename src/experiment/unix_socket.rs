//! A unix stream socket's queue: no handshake, no SYN queue, no silent drops. Clients connect until one gets EAGAIN;
//! in a second experiment another blocks in connect() until accept() makes room.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};

use super::blocking_call::{self, is_asleep, next_message};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::say;

/// Clients connect until one is refused.
pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (_listener, address) = listen(experiment)?;
    fill(experiment, &address).map(drop)
}

/// Then one that blocks; then all are accepted.
pub(super) fn wait(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = listen(experiment)?;
    let clients = fill(experiment, &address)?;
    // Those that fit, the one that was refused, and this one.
    wait_in_connect(experiment, &listener, &address, clients.len() + 2)?;
    let mut open = Vec::new();
    ends::call("fcntl(O_NONBLOCK)", listener.set_nonblocking(true))?;
    while let Ok((accepted, _)) = listener.accept() {
        open.push(accepted);
    }
    experiment.record_call(
        "server",
        format!("{} × accept()", open.len()),
        say!("{count} new sockets", count = open.len()),
        CallOutcome::Good,
    );
    experiment.measure("unix-served", (open.len() + 1) as f64);
    Ok(())
}

fn listen(experiment: &mut Experiment<'_>) -> Result<(Socket, SockAddr), ExperimentError> {
    let listener = socket()?;
    // An abstract name, not a file: nothing has to be removed.
    let name = format!("\0qviz-trial-{}", std::process::id());
    let address = ends::call("sockaddr_un", SockAddr::unix(&name))?;
    ends::call("bind()", listener.bind(&address))?;
    ends::call(format!("listen({BACKLOG})"), listener.listen(BACKLOG))?;
    experiment.record_call("server", format!("listen({BACKLOG})"), "0", CallOutcome::Plain);
    experiment.measure("unix-backlog", f64::from(BACKLOG));
    Ok((listener, address))
}

/// Connects non-blocking clients until one is refused.
fn fill(experiment: &mut Experiment<'_>, address: &SockAddr) -> Result<Vec<Socket>, ExperimentError> {
    let mut clients = Vec::new();
    loop {
        let client = socket()?;
        ends::call("fcntl(O_NONBLOCK)", client.set_nonblocking(true))?;
        let outcome = client.connect(address);
        let mood = if outcome.is_ok() { CallOutcome::Good } else { CallOutcome::Refused };
        experiment.record_call("client", format!("connect() {}", clients.len() + 1), ends::answer(&outcome), mood);
        match outcome {
            Ok(()) if clients.len() < MOST => clients.push(client),
            Ok(()) => return Err(ExperimentError::TimedOut(say!("a full queue").to_owned())),
            Err(error) => {
                experiment.measure("unix-held", clients.len() as f64);
                experiment.measure("unix-errno", f64::from(ends::number(&error)));
                experiment.measure_flag("unix-eagain", ends::number(&error) == Errno::AGAIN.raw_os_error());
                return Ok(clients);
            }
        }
    }
}

/// One more client blocks in connect() until accept() is called.
fn wait_in_connect(
    experiment: &mut Experiment<'_>,
    listener: &Socket,
    address: &SockAddr,
    number: usize,
) -> Result<(), ExperimentError> {
    let client = socket()?;
    // It has to return in any case.
    ends::call("setsockopt(SO_SNDTIMEO)", client.set_write_timeout(Some(LONGEST)))?;
    std::thread::scope(|threads| {
        let (sender, messages) = channel();
        let waiting = &client;
        threads.spawn(move || blocking_call::report_call(&sender, || waiting.connect(address)));
        let blocks = sleeps(experiment, &messages, number)?;
        experiment.measure_flag("unix-blocks", blocks);
        let made_room = experiment.env().now();
        let (_served, _) = ends::call("accept()", listener.accept())?;
        experiment.record_call("server", "accept()", say!("a new socket"), CallOutcome::Good);
        if !blocks {
            return Ok(());
        }
        let answer = next_message(experiment, &messages, say!("connect() to return"))?;
        let woke = experiment.env().now();
        experiment.measure_flag("unix-woken", answer == "0");
        experiment.record_call("client", format!("connect() {number}"), answer, CallOutcome::Good);
        experiment.measure("unix-woke-ms", ends::millis(woke.since(made_room)));
        Ok(())
    })
}

/// True when that client sleeps in connect() until accept() is called.
fn sleeps(
    experiment: &mut Experiment<'_>,
    messages: &Receiver<String>,
    number: usize,
) -> Result<bool, ExperimentError> {
    let call = say!("connect() {number}, blocking", number);
    let thread = next_message(experiment, messages, say!("a second thread"))?;
    let mut answer = None;
    experiment.wait_until(say!("a thread asleep in connect()"), ends::TIMEOUT, |_| {
        answer = messages.try_recv().ok();
        answer.is_some() || is_asleep(&thread)
    })?;
    if answer.is_none() {
        experiment.record_call("client", call.clone(), say!("sleeps"), CallOutcome::Silent);
        experiment.sleep(IDLE_TIME)?;
        answer = messages.try_recv().ok();
    }
    let sleeps = answer.is_none();
    if let Some(answer) = answer {
        experiment.record_call("client", call, answer, CallOutcome::Plain);
    }
    Ok(sleeps)
}

fn socket() -> Result<Socket, ExperimentError> {
    ends::call("socket(AF_UNIX)", Socket::new(Domain::UNIX, Type::STREAM, None))
}

const BACKLOG: i32 = 5;

/// Upper limit of clients: far more than fit.
const MOST: usize = 64;

/// How long accept() is not called.
const IDLE_TIME: Duration = Duration::from_millis(400);

/// The timeout of connect(), for the case that accept() is never called; far longer than a slow machine needs to call it.
const LONGEST: Duration = Duration::from_secs(20);
