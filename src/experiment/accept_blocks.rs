//! accept() on an empty queue: EAGAIN when it must not wait, sleep when it may, until somebody comes.

use std::net::{Shutdown, SocketAddr};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::io::Errno;

use super::blocking_call::{self, is_asleep, next_message, state_of};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::model::stamp::Stamp;
use crate::say;

pub(super) fn run(bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    bench.record_call("server", "listen(5), O_NONBLOCK", format!("port {}", address.port()), CallOutcome::Plain);
    let outcome = listener.accept();
    let errno = outcome.as_ref().err().map_or(0, ends::number);
    bench.record_call("server", "accept()", ends::answer(&outcome), CallOutcome::Refused);
    bench.measure("nonblocking-errno", f64::from(errno));
    bench.measure_flag("nonblocking-eagain", errno == Errno::AGAIN.raw_os_error());
    ends::call("fcntl(~O_NONBLOCK)", listener.set_nonblocking(false))?;
    ends::call("setsockopt(SO_RCVTIMEO)", listener.set_read_timeout(Some(ACCEPT_TIMEOUT)))?;
    std::thread::scope(|threads| {
        let (teller, told) = channel();
        let sleeper = &listener;
        let began = bench.env().now();
        threads.spawn(move || blocking_call::report_call(&teller, || sleeper.accept().map(drop)));
        let watched = observe(bench, began, address, &told);
        // Whoever still sleeps is woken (EINVAL).
        let _no_longer_listening = listener.shutdown(Shutdown::Both);
        watched
    })
}

/// Nobody comes for a while, then one client.
fn observe(
    bench: &mut Experiment<'_>,
    began: Stamp,
    address: SocketAddr,
    told: &Receiver<String>,
) -> Result<(), ExperimentError> {
    let thread = next_message(bench, told, say!("a second thread"))?;
    bench.wait_until(say!("a thread asleep in accept()"), ends::TIMEOUT, |_| is_asleep(&thread))?;
    bench.record_call("server", "accept()", say!("sleeps"), CallOutcome::Silent);
    bench.sleep(IDLE_TIME)?;
    let asleep = is_asleep(&thread) && told.try_recv().is_err();
    let state = state_of(&thread).map_or_else(|| "?".to_owned(), |state| state.to_string());
    let place = std::fs::read_to_string(format!("/proc/self/task/{thread}/wchan")).unwrap_or_default();
    bench.record_call(
        "kernel",
        format!("/proc/…/task/{thread}/stat, wchan"),
        format!("{state} {place}"),
        CallOutcome::Silent,
    );
    bench.measure_flag("blocking-sleeps", asleep);
    let called = bench.env().now();
    let client = ends::connect(address)?;
    bench.record_call("client", format!("connect(:{})", address.port()), "0", CallOutcome::Good);
    let answer = next_message(bench, told, say!("accept() to return"))?;
    let woke = bench.env().now();
    bench.measure_flag("blocking-woken", answer == "0");
    let told = if answer == "0" { say!("a new socket").to_owned() } else { answer };
    bench.record_call("server", "accept()", told, CallOutcome::Good);
    bench.measure("blocking-slept-ms", ends::millis(woke.since(began)));
    bench.measure("blocking-woke-ms", ends::millis(woke.since(called)));
    drop(client);
    Ok(())
}

/// How long nobody comes.
const IDLE_TIME: Duration = Duration::from_millis(400);

/// How long accept() sleeps at most (SO_RCVTIMEO): its thread must end whatever happens.
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(3);
