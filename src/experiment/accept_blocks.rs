//! accept() on an empty queue: EAGAIN when it must not wait, sleep when it may, until somebody comes.

use std::net::{Shutdown, SocketAddr};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::io::Errno;

use super::asleep::{self, heard, is_asleep, state_of};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::model::stamp::Stamp;
use crate::say;

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    bench.line("server", "listen(5), O_NONBLOCK", format!("port {}", address.port()), CallOutcome::Plain);
    let outcome = listener.accept();
    let errno = outcome.as_ref().err().map_or(0, ends::number);
    bench.line("server", "accept()", ends::answer(&outcome), CallOutcome::Refused);
    bench.measured("nonblocking-errno", f64::from(errno));
    bench.yes("nonblocking-eagain", errno == Errno::AGAIN.raw_os_error());
    ends::call("fcntl(~O_NONBLOCK)", listener.set_nonblocking(false))?;
    ends::call("setsockopt(SO_RCVTIMEO)", listener.set_read_timeout(Some(LONGEST)))?;
    std::thread::scope(|threads| {
        let (teller, told) = channel();
        let sleeper = &listener;
        let began = bench.here().now();
        threads.spawn(move || asleep::call(&teller, || sleeper.accept().map(drop)));
        let watched = watch(bench, began, address, &told);
        // Whoever still sleeps is woken (EINVAL).
        let _no_longer_listening = listener.shutdown(Shutdown::Both);
        watched
    })
}

/// Nobody comes for a while, then one client.
fn watch(
    bench: &mut Experiment<'_>,
    began: Stamp,
    address: SocketAddr,
    told: &Receiver<String>,
) -> Result<(), ExperimentError> {
    let thread = heard(bench, told, say!("a second thread"))?;
    bench.until(say!("a thread asleep in accept()"), ends::PATIENCE, |_| is_asleep(&thread))?;
    bench.line("server", "accept()", say!("sleeps"), CallOutcome::Silent);
    bench.pause(NOBODY)?;
    let asleep = is_asleep(&thread) && told.try_recv().is_err();
    let state = state_of(&thread).map_or_else(|| "?".to_owned(), |state| state.to_string());
    let place = std::fs::read_to_string(format!("/proc/self/task/{thread}/wchan")).unwrap_or_default();
    bench.line("kernel", format!("/proc/…/task/{thread}/stat, wchan"), format!("{state} {place}"), CallOutcome::Silent);
    bench.yes("blocking-sleeps", asleep);
    let called = bench.here().now();
    let client = ends::connect(address)?;
    bench.line("client", format!("connect(:{})", address.port()), "0", CallOutcome::Good);
    let answer = heard(bench, told, say!("accept() to return"))?;
    let woke = bench.here().now();
    bench.yes("blocking-woken", answer == "0");
    let told = if answer == "0" { say!("a new socket").to_owned() } else { answer };
    bench.line("server", "accept()", told, CallOutcome::Good);
    bench.measured("blocking-slept-ms", ends::millis(woke.since(began)));
    bench.measured("blocking-woke-ms", ends::millis(woke.since(called)));
    drop(client);
    Ok(())
}

/// How long nobody comes.
const NOBODY: Duration = Duration::from_millis(400);

/// How long accept() sleeps at most (SO_RCVTIMEO): its thread must end whatever happens.
const LONGEST: Duration = Duration::from_secs(3);
