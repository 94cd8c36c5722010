//! The list of lessons on the screen. The chosen one is played by this program begun anew: a private network is entered by a process
//! of one thread.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::{lookup, progress};
use crate::cli::args::LessonArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::lab;
use crate::say;
use crate::text::lang;
use crate::ui::ExitReason;
use crate::ui::picker::Picker;
use crate::ui::run::pick;

/// Lets the user choose a lesson, and begins it.
///
/// # Errors
/// A [`Failure`] where the list cannot be shown, or the program cannot be begun anew.
pub(super) fn run(args: &LessonArgs) -> Result<Exit, Failure> {
    let lessons = lookup::everything()?;
    let names: Vec<_> = lessons.iter().map(|lesson| lesson.name.clone()).collect();
    let look = lab::ui_plan(&args.output);
    let open = |theme| Picker::new(lessons, progress::read(), (lang::here(), theme));
    let chosen =
        lab::runtime()?.block_on(pick(&look, open)).map_err(|error| Failure::new(error.to_string(), error.hint()))?;
    match chosen {
        Ok(index) => Err(begin(&names[index])),
        Err(ExitReason::Signal(number)) => Ok(Exit::Signal(u8::try_from(number).unwrap_or(1))),
        Err(ExitReason::TerminalGone) => Ok(Exit::Signal(1)),
        Err(ExitReason::Quit | ExitReason::Ended) => Ok(Exit::Success),
    }
}

/// Becomes `qviz lesson NAME`, with the options given; returns where that is not possible.
fn begin(name: &str) -> Failure {
    let error = std::env::current_exe().map_or_else(
        |error| error,
        |program| {
            let options = std::env::args_os().skip(1);
            Command::new(program).args(options).args(["--lang", lang::here().name(), name]).exec()
        },
    );
    failure(&error, name)
}

fn failure(error: &io::Error, name: &str) -> Failure {
    Failure::new(say!("cannot begin the lesson: {error}", error), format!("qviz lesson {name}"))
}
