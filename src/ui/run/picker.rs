//! The loop of the list of lessons, and the wait for the one that is played.

use std::io;
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};

use super::{ExitReason, MAX_WAIT, SignalAction, Signals, theme_of};
use crate::say;
use crate::session::rest;
use crate::text::lang;
use crate::ui::keys::{Input, Keys};
use crate::ui::picker::{Picked, Picker};
use crate::ui::terminal::{self, Screen};
use crate::ui::view::picker as view;
use crate::ui::{UiError, UiPlan};

/// Lets the user choose from the lessons: which one, or why the list was left. The language is that of the screen afterwards.
///
/// # Errors
/// When the terminal cannot be used, or the theme has no such name.
pub async fn pick(
    plan: &UiPlan,
    open: impl FnOnce(super::Theme) -> Picker,
) -> Result<Result<usize, ExitReason>, UiError> {
    let mut picker = open(theme_of(plan)?);
    let failed = |source| UiError::Terminal { doing: say!("hear signals of"), source };
    let mut signals = Signals::listen().map_err(failed)?;
    let mut screen = Screen::enter(false)?;
    let mut keys = Keys::listen().map_err(|source| UiError::Terminal { doing: say!("read keys from"), source })?;
    loop {
        if terminal::panicked() {
            return Err(UiError::Panicked);
        }
        if screen.is_gone() || screen.draw(|buf| view::paint(buf, &picker)).is_err() {
            return Ok(Err(ExitReason::TerminalGone));
        }
        tokio::select! {
            biased;
            action = signals.next() => match action {
                SignalAction::End(number) => return Ok(Err(ExitReason::Signal(number))),
                SignalAction::Suspend => {
                    screen.leave();
                    terminal::stop_here().map_err(|source| UiError::Terminal { doing: say!("stop beside"), source })?;
                }
                SignalAction::Continue if screen.take_again().is_err() => return Ok(Err(ExitReason::TerminalGone)),
                SignalAction::Continue => {}
                SignalAction::Resize => screen.redraw(),
            },
            input = keys.next() => match input {
                Some(Input::Key(key)) => match picker.press(&key) {
                    Picked::Lesson(index) => {
                        lang::speak(picker.lang);
                        return Ok(Ok(index));
                    }
                    Picked::Nothing => return Ok(Err(ExitReason::Quit)),
                    Picked::Open => {}
                },
                Some(Input::Mouse(_)) => {}
                None => return Ok(Err(ExitReason::TerminalGone)),
            },
            () = rest(MAX_WAIT) => {}
        }
    }
}

/// Runs a program that has the terminal to its end. A signal that would end this one goes to it.
///
/// # Errors
/// When it cannot be begun, or signals cannot be heard.
pub async fn play_beside(command: Command) -> io::Result<ExitStatus> {
    let mut signals = Signals::listen()?;
    let mut child = tokio::process::Command::from(command).spawn()?;
    loop {
        tokio::select! {
            biased;
            status = child.wait() => return status,
            action = signals.next() => {
                let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
                if let (SignalAction::End(number), Some(pid)) = (action, pid)
                    && let Some(signal) = Signal::from_named_raw(number)
                {
                    kill_process(pid, signal)?;
                }
            }
        }
    }
}
