//! accept() on an empty queue: EAGAIN when it must not wait, sleep when it may, until somebody comes.

use std::net::{Shutdown, SocketAddr};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rustix::io::Errno;
use socket2::Socket;

use super::{Bench, TrialError, ends};
use crate::model::stamp::Stamp;
use crate::model::trial::Mood;
use crate::say;

pub(super) fn run(bench: &mut Bench<'_>) -> Result<(), TrialError> {
    let (listener, address) = ends::listen(5)?;
    bench.line("server", "listen(5), O_NONBLOCK", format!("port {}", address.port()), Mood::Plain);
    let outcome = listener.accept();
    let errno = outcome.as_ref().err().map_or(0, ends::number);
    bench.line("server", "accept()", ends::answer(&outcome), Mood::Refused);
    bench.measured("nonblocking-errno", f64::from(errno));
    bench.yes("nonblocking-eagain", errno == Errno::AGAIN.raw_os_error());
    ends::call("fcntl(~O_NONBLOCK)", listener.set_nonblocking(false))?;
    ends::call("setsockopt(SO_RCVTIMEO)", listener.set_read_timeout(Some(LONGEST)))?;
    std::thread::scope(|threads| {
        let (teller, told) = channel();
        let sleeper = &listener;
        bench.line("server", "accept()", "…", Mood::Silent);
        let began = bench.here().now();
        threads.spawn(move || sleep_in_accept(sleeper, &teller));
        let watched = watch(bench, began, address, &told);
        // Whoever still sleeps is woken (EINVAL).
        let _no_longer_listening = listener.shutdown(Shutdown::Both);
        watched
    })
}

/// Nobody comes for a while, then one client.
fn watch(bench: &mut Bench<'_>, began: Stamp, address: SocketAddr, told: &Receiver<String>) -> Result<(), TrialError> {
    let thread = heard(bench, told, say!("a second thread"))?;
    bench.until(say!("a thread asleep in accept()"), ends::PATIENCE, |_| state_of(&thread) == Some('S'))?;
    bench.pause(NOBODY)?;
    let asleep = state_of(&thread) == Some('S') && told.try_recv().is_err();
    let state = state_of(&thread).map_or_else(|| "?".to_owned(), |state| state.to_string());
    let place = std::fs::read_to_string(format!("/proc/self/task/{thread}/wchan")).unwrap_or_default();
    bench.line("kernel", format!("/proc/…/task/{thread}/stat, wchan"), format!("{state} {place}"), Mood::Silent);
    bench.yes("blocking-sleeps", asleep);
    let called = bench.here().now();
    let client = ends::connect(address)?;
    bench.line("client", format!("connect(:{})", address.port()), "0", Mood::Good);
    let answer = heard(bench, told, say!("accept() to return"))?;
    let woke = bench.here().now();
    bench.yes("blocking-woken", answer == "0");
    bench.line("server", "accept()", answer, Mood::Good);
    bench.measured("blocking-slept-ms", ends::millis(woke.since(began)));
    bench.measured("blocking-woke-ms", ends::millis(woke.since(called)));
    drop(client);
    Ok(())
}

/// Tells its thread's number, then what accept() returned.
fn sleep_in_accept(listener: &Socket, teller: &Sender<String>) {
    let _the_trial_is_over = teller.send(rustix::thread::gettid().as_raw_pid().to_string());
    let outcome = listener.accept().map(drop);
    let _the_trial_is_over = teller.send(ends::answer(&outcome));
}

/// Waits for the next word of the other thread.
fn heard(bench: &Bench<'_>, told: &Receiver<String>, what: &str) -> Result<String, TrialError> {
    let mut word = None;
    bench.until(what, ends::PATIENCE, |_| {
        word = told.try_recv().ok();
        word.is_some()
    })?;
    Ok(word.unwrap_or_default())
}

/// The state of one of our threads, as `ps` shows it: `S` sleeps, `R` runs.
fn state_of(thread: &str) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// How long nobody comes.
const NOBODY: Duration = Duration::from_millis(400);

/// How long accept() sleeps at most (SO_RCVTIMEO): its thread must end whatever happens.
const LONGEST: Duration = Duration::from_secs(3);
