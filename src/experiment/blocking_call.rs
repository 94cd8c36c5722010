//! A blocking call in a thread of its own: its messages, and whether the thread sleeps.

use std::sync::mpsc::{Receiver, Sender};

use super::{Experiment, ExperimentError, ends};

/// Sends the thread's id, makes the call, and sends its result.
pub(super) fn report_call(sender: &Sender<String>, blocking: impl FnOnce() -> std::io::Result<()>) {
    let _receiver_dropped = sender.send(rustix::thread::gettid().as_raw_pid().to_string());
    let _receiver_dropped = sender.send(ends::answer(&blocking()));
}

/// Waits for the next message of the other thread.
pub(super) fn next_message(
    experiment: &Experiment<'_>,
    messages: &Receiver<String>,
    what: &str,
) -> Result<String, ExperimentError> {
    let mut message = None;
    experiment.wait_until(what, ends::TIMEOUT, |_| {
        message = messages.try_recv().ok();
        message.is_some()
    })?;
    Ok(message.unwrap_or_default())
}

/// True while one of our threads, by its id, sleeps in the kernel.
pub(super) fn is_asleep(thread: &str) -> bool {
    state_of(thread) == Some('S')
}

/// The state of one of our threads, as `ps` shows it: `S` sleeps, `R` runs.
pub(super) fn state_of(thread: &str) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
