//! The gate: a command that runs while its server is watched (`qviz watch TARGET --fail-on overflow -- COMMAND`), and the verdict as
//! an annotation for GitHub. It is started once the watch sees, and ends with it at the latest, with all that it has started.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::exit::Failure;
use super::plan::{self, Form};
use crate::fold::gate::Verdict;
use crate::fold::world::World;
use crate::model::event::{Event, Stamped};
use crate::model::stamp::Stamp;
use crate::report::watch::CommandEnd;
use crate::say;
use crate::session;
use crate::text::sanitize;

/// The command of a watch, which waits for what it is meant for.
pub(super) struct GateCommand {
    words: Vec<OsString>,
    /// Its output must not get between the lines of JSON.
    stdout_is_data: bool,
    state: State,
}

enum State {
    /// Since when the watch has read everything once; the listener is not there yet.
    Waiting(Option<Stamp>),
    Running(Child),
    Ended(ExitStatus),
    /// No listener in time, or the command could not be started.
    Failed(Option<Failure>),
}

impl GateCommand {
    /// A command that is not started yet; `None` without words.
    pub(super) fn new(words: &[OsString], form: Form) -> Option<Self> {
        let stdout_is_data = matches!(form, Form::Json | Form::Jsonl);
        (!words.is_empty()).then(|| Self { words: words.to_vec(), stdout_is_data, state: State::Waiting(None) })
    }

    /// Starts the command once everything was read and a listener is there; notices its end.
    pub(super) fn observe(&mut self, world: &World, fact: &Stamped) {
        match &mut self.state {
            State::Waiting(since) => {
                if since.is_none() && matches!(fact.event, Event::Counters(_) | Event::Tick) {
                    *since = Some(fact.at);
                }
                let Some(since) = *since else { return };
                if world.listeners.live().next().is_some() || world.listeners.watching.as_ref().is_some_and(anything) {
                    self.start();
                } else if fact.at.since(since) >= PATIENCE {
                    self.state = State::Failed(None);
                }
            }
            State::Running(child) => {
                if let Ok(Some(status)) = child.try_wait() {
                    self.state = State::Ended(status);
                }
            }
            State::Ended(_) | State::Failed(_) => {}
        }
    }

    fn start(&mut self) {
        self.state = match self.spawn() {
            Ok(child) => State::Running(child),
            Err(error) => State::Failed(Some(Failure::new(
                say!("cannot start {command}: {error}", command = self.command_line(), error),
                say!("what stands behind -- is a program with its arguments: qviz watch :8080 -- ab -n 1000 URL"),
            ))),
        };
    }

    /// In a process group of its own, so that it can be ended with all that it has started. A terminal's keys stay qviz's.
    fn spawn(&self) -> io::Result<Child> {
        let Some((program, arguments)) = self.words.split_first() else { return Err(io::ErrorKind::NotFound.into()) };
        let mut command = Command::new(program);
        command.args(arguments).process_group(0);
        if rustix::termios::isatty(rustix::stdio::stdin()) {
            command.stdin(Stdio::null());
        }
        if self.stdout_is_data {
            command.stdout(io::stderr().as_fd().try_clone_to_owned()?);
        }
        command.spawn()
    }

    /// True when the watch has nothing to wait for any more.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.state, State::Ended(_) | State::Failed(_))
    }

    /// Ends it, and all that it has started, if it still runs: with SIGTERM, then with SIGKILL.
    pub(super) async fn end(&mut self) {
        let State::Running(child) = &mut self.state else { return };
        signal(child, Signal::TERM);
        for _ in 0..LOOKS {
            if let Ok(Some(status)) = child.try_wait() {
                self.state = State::Ended(status);
                return;
            }
            session::rest(GRACE / LOOKS).await;
        }
        signal(child, Signal::KILL);
        if let Ok(status) = child.wait() {
            self.state = State::Ended(status);
        }
    }

    /// How it ended; null where it was never started.
    pub(super) fn report(&self) -> CommandEnd {
        let exit = match &self.state {
            State::Ended(status) => Some(exit_status(*status)),
            _ => None,
        };
        CommandEnd { command: self.command_line(), exit }
    }

    /// Why it was not started, if it was not; `no_listener` is said where nothing listens.
    pub(super) fn failure(&mut self, no_listener: impl FnOnce() -> Failure) -> Option<Failure> {
        match &mut self.state {
            State::Failed(failure) => Some(failure.take().unwrap_or_else(no_listener)),
            State::Waiting(_) => Some(no_listener()),
            State::Running(_) | State::Ended(_) => None,
        }
    }

    fn command_line(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|word| plan::quote(&word.to_string_lossy())).collect();
        sanitize::line(&words.join(" "))
    }
}

/// However qviz is left, the command does not outlive it.
impl Drop for GateCommand {
    fn drop(&mut self) {
        if let State::Running(child) = &mut self.state {
            signal(child, Signal::KILL);
            let _it_is_reaped = child.wait();
        }
    }
}

/// Without a target the command may be what brings the first listener.
const fn anything(watching: &crate::model::watch::Watching) -> bool {
    watching.target.is_none()
}

fn signal(child: &Child, signal: Signal) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let _it_has_ended = group.map(|group| kill_process_group(group, signal));
}

/// As a shell says it: 128 and the number of the signal.
fn exit_status(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|number| 128 + number));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// The verdict as a line that GitHub shows beside the job (workflow commands).
pub(super) fn annotation(verdict: &Verdict) -> String {
    let kind = if verdict.failed { "error" } else { "notice" };
    let rule = verdict.rule.as_deref().unwrap_or("passed");
    format!("::{kind} title={}::{}\n", escaped(&format!("qviz {rule}"), true), escaped(&verdict.sentence, false))
}

/// What a workflow command takes for text: no line feeds, and in its properties neither `:` nor `,`.
fn escaped(text: &str, property: bool) -> String {
    let text = sanitize::line(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    if property { text.replace(':', "%3A").replace(',', "%2C") } else { text }
}

/// How long a listener may be late, so that a server can be started in the line before.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the command may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// How often is looked meanwhile.
const LOOKS: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_one_line_with_its_reason() {
        let verdict = Verdict {
            failed: true,
            rule: Some("full:80%".into()),
            first_at: None,
            dropped: 7,
            sentence: "80 % full\nof 6, or more".into(),
        };
        let line = annotation(&verdict);
        assert!(line.starts_with("::error title=qviz full%3A80%25::80 %25 full"), "{line}");
        assert_eq!(line.lines().count(), 1);
        let passed = Verdict { failed: false, rule: None, ..verdict };
        assert!(annotation(&passed).starts_with("::notice title=qviz passed::"));
    }

    #[test]
    fn a_status_is_the_code_or_128_and_the_signal() {
        assert_eq!([0, 7 << 8, 15].map(|raw| exit_status(ExitStatus::from_raw(raw))), [0, 7, 143]);
    }
}
