//! accept() on an empty queue: EAGAIN for a non-blocking listener; a blocking one sleeps until a client connects.

use std::net::{Shutdown, SocketAddr};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::io::Errno;

use super::blocking_call::{self, is_asleep, next_message, state_of};
use super::{Experiment, ExperimentError, ends};
use crate::model::experiment::CallOutcome;
use crate::model::stamp::Stamp;
use crate::say;

pub(super) fn run(experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    let (listener, address) = ends::listen(5)?;
    experiment.record_call("server", "listen(5), O_NONBLOCK", format!("port {}", address.port()), CallOutcome::Plain);
    let outcome = listener.accept();
    let errno = outcome.as_ref().err().map_or(0, ends::number);
    experiment.record_call("server", "accept()", ends::answer(&outcome), CallOutcome::Refused);
    experiment.measure("nonblocking-errno", f64::from(errno));
    experiment.measure_flag("nonblocking-eagain", errno == Errno::AGAIN.raw_os_error());
    ends::call("fcntl(~O_NONBLOCK)", listener.set_nonblocking(false))?;
    ends::call("setsockopt(SO_RCVTIMEO)", listener.set_read_timeout(Some(ACCEPT_TIMEOUT)))?;
    std::thread::scope(|threads| {
        let (sender, messages) = channel();
        let sleeper = &listener;
        let began = experiment.env().now();
        threads.spawn(move || blocking_call::report_call(&sender, || sleeper.accept().map(drop)));
        let watched = observe(experiment, began, address, &messages);
        // Wakes a thread that still sleeps (EINVAL).
        let _no_longer_listening = listener.shutdown(Shutdown::Both);
        watched
    })
}

/// No client for a while, then one.
fn observe(
    experiment: &mut Experiment<'_>,
    began: Stamp,
    address: SocketAddr,
    messages: &Receiver<String>,
) -> Result<(), ExperimentError> {
    let thread = next_message(experiment, messages, say!("a second thread"))?;
    experiment.wait_until(say!("a thread asleep in accept()"), ends::TIMEOUT, |_| is_asleep(&thread))?;
    experiment.record_call("server", "accept()", say!("sleeps"), CallOutcome::Silent);
    experiment.sleep(IDLE_TIME)?;
    let asleep = is_asleep(&thread) && messages.try_recv().is_err();
    let state = state_of(&thread).map_or_else(|| "?".to_owned(), |state| state.to_string());
    let wchan = std::fs::read_to_string(format!("/proc/self/task/{thread}/wchan")).unwrap_or_default();
    experiment.record_call(
        "kernel",
        format!("/proc/…/task/{thread}/stat, wchan"),
        format!("{state} {wchan}"),
        CallOutcome::Silent,
    );
    experiment.measure_flag("blocking-sleeps", asleep);
    let called = experiment.env().now();
    let client = ends::connect(address)?;
    experiment.record_call("client", format!("connect(:{})", address.port()), "0", CallOutcome::Good);
    let answer = next_message(experiment, messages, say!("accept() to return"))?;
    let woke = experiment.env().now();
    experiment.measure_flag("blocking-woken", answer == "0");
    let messages = if answer == "0" { say!("a new socket").to_owned() } else { answer };
    experiment.record_call("server", "accept()", messages, CallOutcome::Good);
    experiment.measure("blocking-slept-ms", ends::millis(woke.since(began)));
    experiment.measure("blocking-woke-ms", ends::millis(woke.since(called)));
    drop(client);
    Ok(())
}

/// How long no client connects.
const IDLE_TIME: Duration = Duration::from_millis(400);

/// The timeout of accept() (SO_RCVTIMEO): its thread must end in any case.
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(3);
