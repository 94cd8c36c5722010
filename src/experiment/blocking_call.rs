//! A call that may sleep, made in a thread of its own: what that thread says, and whether it sleeps.

use std::sync::mpsc::{Receiver, Sender};

use super::{Experiment, ExperimentError, ends};

/// Makes the call; says the number of its thread before it, and behind it what it answered.
pub(super) fn report_call(teller: &Sender<String>, sleeper: impl FnOnce() -> std::io::Result<()>) {
    let _the_trial_is_over = teller.send(rustix::thread::gettid().as_raw_pid().to_string());
    let _the_trial_is_over = teller.send(ends::answer(&sleeper()));
}

/// Waits for the next word of the other thread.
pub(super) fn next_message(
    bench: &Experiment<'_>,
    told: &Receiver<String>,
    what: &str,
) -> Result<String, ExperimentError> {
    let mut word = None;
    bench.wait_until(what, ends::TIMEOUT, |_| {
        word = told.try_recv().ok();
        word.is_some()
    })?;
    Ok(word.unwrap_or_default())
}

/// True while one of our threads, by its number, sleeps in the kernel.
pub(super) fn is_asleep(thread: &str) -> bool {
    state_of(thread) == Some('S')
}

/// The state of one of our threads, as `ps` shows it: `S` sleeps, `R` runs.
pub(super) fn state_of(thread: &str) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
