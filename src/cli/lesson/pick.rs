//! The list of lessons on the screen. The chosen one is played by this program begun anew, because a private network is entered by a process
//! of one thread; after it the list is there again, with what is done and what is next.

use std::io;
use std::process::ExitStatus;

use super::{lookup, progress};
use crate::cli::args::LessonArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::lab;
use crate::say;
use crate::text::lang;
use crate::ui::picker::Picker;
use crate::ui::run::{pick, play_beside};
use crate::ui::{ExitReason, UiPlan};

/// Lets the user choose lessons, one after the other, and plays them.
///
/// # Errors
/// A [`Failure`] where the list cannot be shown, or the program cannot be begun anew.
pub(super) fn run(args: &LessonArgs) -> Result<Exit, Failure> {
    lab::runtime()?.block_on(choose(&lab::ui_plan(&args.output)))
}

async fn choose(look: &UiPlan) -> Result<Exit, Failure> {
    let mut played = None;
    loop {
        let lessons = lookup::everything()?;
        let names: Vec<_> = lessons.iter().map(|lesson| lesson.name.clone()).collect();
        let open = |theme| Picker::new(lessons, (progress::read(), played), (lang::here(), theme));
        match pick(look, open).await.map_err(|error| Failure::new(error.to_string(), error.hint()))? {
            Ok(index) => {
                let status = play(&names[index]).await.map_err(|error| failure(&error, &names[index]))?;
                if let Some(exit) = cannot_go_on(status) {
                    return Ok(exit);
                }
                played = Some(index);
            }
            Err(ExitReason::Signal(number)) => return Ok(Exit::Signal(u8::try_from(number).unwrap_or(1))),
            Err(ExitReason::TerminalGone) => return Ok(Exit::Signal(1)),
            Err(ExitReason::Quit | ExitReason::Ended) => return Ok(Exit::Success),
        }
    }
}

/// Runs `qviz lesson NAME`, with the options given, to its end.
async fn play(name: &str) -> io::Result<ExitStatus> {
    let options = std::env::args_os().skip(1);
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.args(options).args(["--lang", lang::here().name(), name]);
    play_beside(command).await
}

/// What has to be seen, or ends everything: what a lesson that failed has said, or the signal that ended it.
fn cannot_go_on(status: ExitStatus) -> Option<Exit> {
    match status.code() {
        Some(0) => None,
        Some(code) => Some(Exit::Command(u8::try_from(code).unwrap_or(1))),
        None => Some(Exit::Error),
    }
}

fn failure(error: &io::Error, name: &str) -> Failure {
    Failure::new(say!("cannot begin the lesson: {error}", error), format!("qviz lesson {name}"))
}
