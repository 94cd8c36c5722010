//! `qviz replay`: a recording as a picture that can be paused, as the summary of its run, or as frames in files.

use std::path::Path;

use super::args::ReplayArgs;
use super::exit::{Exit, Failure};
use super::headless::{self, End, Outputs, Signals};
use super::lab;
use super::output::{self, Output, Written};
use super::plan::{self, Form};
use super::watch;
use crate::fold::world::World;
use crate::report::summary::Summary;
use crate::say;
use crate::session::recording::RecordingError;
use crate::session::recording::read::{Recording, RecordingEnd};
use crate::session::recording::replay;
use crate::session::signals::outlive_file_size_limit;
use crate::text::carried;
use crate::ui::{self, ExitReason, UiPlan};

mod frames;

/// Replays as the arguments ask for.
///
/// # Errors
/// A [`Failure`] with the next command.
pub(super) fn run(args: &ReplayArgs) -> Result<Exit, Failure> {
    let recording = open(&args.file).map_err(|error| lab::recording_failure(&error))?;
    let look = lab::ui_plan(&args.output);
    let runtime = lab::runtime()?;
    if args.frames.wanted() {
        let _within = runtime.enter();
        outlive_file_size_limit().map_err(|error| Failure::new(error.to_string(), say!("see: qviz doctor")))?;
        return frames::draw(args, &recording, &look);
    }
    let form = plan::form(&args.output, lab::plan_env())?;
    if form != Form::Picture
        && let Some(remark) = remark(args, &recording)
    {
        output::report(say!("note: {remark}", remark));
    }
    runtime.block_on(async {
        if form == Form::Picture {
            picture(&recording, &look).await
        } else {
            report(form, &recording, args.output.ascii).await
        }
    })
}

/// The recording in this file; where there is no such file, the one of this name that comes with the program.
fn open(file: &Path) -> Result<Recording, RecordingError> {
    let carried = |name: &str| carried::DEMOS.text(name).or_else(|| carried::RECORDINGS.text(name));
    match file.to_str().filter(|_| !file.exists()).and_then(carried) {
        Some(text) => Recording::carried(file, text),
        None => Recording::open(file),
    }
}

/// The whole interface but the live knobs. Afterwards comes the summary up to the moment at which it was left.
async fn picture(recording: &Recording, look: &UiPlan) -> Result<Exit, Failure> {
    let repeat = recording.header.repeat.clone();
    let (mut session, mut world) =
        (replay::paced(recording).map_err(|error| lab::recording_failure(&error))?, World::new());
    let reason = ui::run(&mut session, &mut world, look, &mut (), None)
        .await
        .map_err(|error| Failure::new(error.to_string(), error.hint()))?;
    let written = print(Form::Picture, &world, (repeat, look.ascii));
    let ended_by = match reason {
        ExitReason::Quit | ExitReason::Ended => None,
        ExitReason::Signal(number) => Some(u8::try_from(number).unwrap_or(lab::SIGHUP)),
        ExitReason::TerminalGone => Some(lab::SIGHUP),
    };
    if let Some(number) = ended_by {
        // Whoever closed the terminal takes no summary.
        drop(written);
        return Ok(Exit::Signal(number));
    }
    let (Written::Taken | Written::PipeClosed) = written?;
    Ok(Exit::Success)
}

/// The summary of the recorded run, bit for bit.
async fn report(form: Form, recording: &Recording, ascii: bool) -> Result<Exit, Failure> {
    let repeat = recording.header.repeat.clone();
    let (mut session, mut world) =
        (replay::whole(recording).map_err(|error| lab::recording_failure(&error))?, World::new());
    let mut signals = Signals::take()?;
    let mut lines = (form == Form::Jsonl).then(Output::stdout);
    let outputs = Outputs { lines: lines.as_mut(), observer: &mut () };
    let end = headless::follow(&mut session, &mut world, &mut signals, outputs).await?;
    drop(lines);
    let written = print(form, &world, (repeat, ascii));
    if let End::Signal(number) = end {
        drop(written);
        return Ok(Exit::Signal(number));
    }
    let (Written::Taken | Written::PipeClosed) = written?;
    Ok(Exit::Success)
}

/// What the recorded run printed at its end: a lab's summary, or what a watch has seen.
fn print(form: Form, world: &World, (repeat, ascii): (Option<String>, bool)) -> Result<Written, Failure> {
    if world.listeners.watching.is_some() {
        return watch::print(form, world, (false, ascii));
    }
    let mut summary = Summary::of(world);
    summary.repeat = repeat;
    lab::print(form, &summary, ascii)
}

/// What a person should know of a recording that does not end with its run.
fn remark(args: &ReplayArgs, recording: &Recording) -> Option<String> {
    let path = args.file.display();
    let end = recording.end();
    match recording.close {
        RecordingEnd::Ended => None,
        RecordingEnd::Open => Some(say!(
            "{file}: ends at {end}, before its run did; the numbers are those of that moment",
            file = path,
            end
        )),
        RecordingEnd::Torn { line } => Some(say!(
            "{file}:{line}: the last line was cut off and is left out; the numbers are those of {end}",
            file = path,
            line,
            end
        )),
    }
}
