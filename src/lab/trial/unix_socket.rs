//! A unix stream socket's queue: no handshake, no SYN queue, no silence. Clients come until one is told EAGAIN; another waits in
//! connect() until accept() makes room.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};

use super::{Bench, TrialError, ends};
use crate::model::trial::Mood;
use crate::say;

pub(super) fn run(bench: &mut Bench<'_>) -> Result<(), TrialError> {
    let listener = socket()?;
    // A name in the network namespace, not in the file system: nothing is left to be removed.
    let name = format!("\0qviz-trial-{}", std::process::id());
    let address = ends::call("sockaddr_un", SockAddr::unix(&name))?;
    ends::call("bind()", listener.bind(&address))?;
    ends::call(format!("listen({BACKLOG})"), listener.listen(BACKLOG))?;
    bench.line("server", format!("listen({BACKLOG})"), "0", Mood::Plain);
    bench.measured("unix-backlog", f64::from(BACKLOG));
    let clients = fill(bench, &address)?;
    wait_in_connect(bench, &listener, &address)?;
    let (mut served, mut open) = (1_u32, Vec::new());
    ends::call("fcntl(O_NONBLOCK)", listener.set_nonblocking(true))?;
    while let Ok((accepted, _)) = listener.accept() {
        served += 1;
        open.push(accepted);
    }
    bench.line("server", "accept() …", format!("{served}"), Mood::Good);
    bench.measured("unix-served", f64::from(served));
    drop(clients);
    Ok(())
}

/// Lets clients that do not wait come until one is refused.
fn fill(bench: &mut Bench<'_>, address: &SockAddr) -> Result<Vec<Socket>, TrialError> {
    let mut clients = Vec::new();
    loop {
        let client = socket()?;
        ends::call("fcntl(O_NONBLOCK)", client.set_nonblocking(true))?;
        let outcome = client.connect(address);
        let mood = if outcome.is_ok() { Mood::Good } else { Mood::Refused };
        bench.line("client", format!("connect() {}", clients.len() + 1), ends::answer(&outcome), mood);
        match outcome {
            Ok(()) if clients.len() < MOST => clients.push(client),
            Ok(()) => return Err(TrialError::InVain(say!("a full queue").to_owned())),
            Err(error) => {
                bench.measured("unix-held", clients.len() as f64);
                bench.measured("unix-errno", f64::from(ends::number(&error)));
                bench.yes("unix-eagain", ends::number(&error) == Errno::AGAIN.raw_os_error());
                return Ok(clients);
            }
        }
    }
}

/// One more client comes and waits; accept() lets it in.
fn wait_in_connect(bench: &mut Bench<'_>, listener: &Socket, address: &SockAddr) -> Result<(), TrialError> {
    let client = socket()?;
    // It has to return whatever happens.
    ends::call("setsockopt(SO_SNDTIMEO)", client.set_write_timeout(Some(LONGEST)))?;
    std::thread::scope(|threads| {
        let (teller, told) = channel();
        let waiting = &client;
        bench.line("client", "connect()", "…", Mood::Silent);
        threads.spawn(move || tell_connect(waiting, address, &teller));
        bench.pause(NOBODY)?;
        let blocked = told.try_recv().is_err();
        bench.yes("unix-blocks", blocked);
        let made_room = bench.here().now();
        let (_served, _) = ends::call("accept()", listener.accept())?;
        bench.line("server", "accept()", "0", Mood::Good);
        let answer = heard(bench, &told)?;
        let woke = bench.here().now();
        bench.yes("unix-woken", answer == "0");
        bench.line("client", "connect()", answer, Mood::Good);
        bench.measured("unix-woke-ms", ends::millis(woke.since(made_room)));
        Ok(())
    })
}

fn tell_connect(client: &Socket, address: &SockAddr, teller: &Sender<String>) {
    let _the_trial_is_over = teller.send(ends::answer(&client.connect(address)));
}

fn heard(bench: &Bench<'_>, told: &Receiver<String>) -> Result<String, TrialError> {
    let mut word = None;
    bench.until(say!("connect() to return"), ends::PATIENCE, |_| {
        word = told.try_recv().ok();
        word.is_some()
    })?;
    Ok(word.unwrap_or_default())
}

fn socket() -> Result<Socket, TrialError> {
    ends::call("socket(AF_UNIX)", Socket::new(Domain::UNIX, Type::STREAM, None))
}

const BACKLOG: i32 = 5;

/// Clients that come at most: far more than fit.
const MOST: usize = 64;

/// How long nobody calls accept().
const NOBODY: Duration = Duration::from_millis(400);

/// How long connect() waits at most.
const LONGEST: Duration = Duration::from_secs(2);
