//! Frames of a recording as text, SVG or terminal recording.

use std::io::{self, Write};
use std::time::Duration;

use ratatui::layout::Size;

use crate::cli::args::ReplayArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::lab;
use crate::cli::output::{self, Output};
use crate::model::stamp::Stamp;
use crate::say;
use crate::session::recording::read::Recording;
use crate::text::sanitize;
use crate::ui::UiPlan;
use crate::ui::export::asciicast::Asciicast;
use crate::ui::export::motion::Motion;
use crate::ui::export::svg::{self, Background};
use crate::ui::export::{self, Film};
use crate::ui::state::Origin;

/// Draws the frames that the arguments ask for.
///
/// # Errors
/// A [`Failure`] where a file cannot be written.
pub(super) fn draw(args: &ReplayArgs, recording: &Recording, look: &UiPlan) -> Result<Exit, Failure> {
    let (width, height) = args.frames.size.unwrap_or(SIZE);
    let name = sanitize::line(&args.file.file_name().unwrap_or_default().to_string_lossy());
    let film = || {
        let facts = recording.facts().map_err(|error| lab::recording_failure(&error))?;
        let origin = Origin { name: name.clone(), end: recording.end() };
        Film::new(facts, origin, Size::new(width, height), look)
            .map_err(|error| Failure::new(error.to_string(), error.hint()))
    };
    if let Some(path) = &args.frames.cast {
        let mut film = film()?;
        output::to_file(path, |out| write_film(out, &mut film, recording, (width, height)))?;
    }
    let background = if look.theme == "light" { Background::Light } else { Background::Dark };
    if let Some(path) = &args.frames.motion {
        let (mut film, mut motion) = (film()?, Motion::new(background, (width, height), STEP));
        let end = recording.end();
        let gap = STEP.max(end.since(Stamp::ZERO) / MOST_STEPS);
        let mut at = Stamp::ZERO + gap;
        while at <= end {
            motion.frame(&film.at(at));
            at = at + gap;
        }
        let title = say!("qviz: both listen queues in motion");
        output::to_file(path, |out| out.write_all(motion.write(title).as_bytes()))?;
    }
    if !args.frames.text && args.frames.svg.is_none() {
        return Ok(Exit::Success);
    }
    let at = moment(args, recording);
    let picture = film()?.at(at);
    if args.frames.text {
        Output::stdout().put(|out| out.write_all(export::text(&picture).as_bytes()))?;
    }
    if let Some(path) = &args.frames.svg {
        let title = say!("qviz: both listen queues at {at}", at);
        output::to_file(path, |out| out.write_all(svg::write(&picture, background, &title).as_bytes()))?;
    }
    Ok(Exit::Success)
}

/// The moment to draw; one behind the end is the end.
fn moment(args: &ReplayArgs, recording: &Recording) -> Stamp {
    let end = recording.end();
    let Some(at) = args.frames.at.map(|at| Stamp::ZERO + at) else { return end };
    if at > end {
        let remark = say!("{file} ends at {end}: that moment is drawn", file = args.file.display(), end);
        output::report(say!("note: {remark}", remark));
    }
    at.min(end)
}

fn write_film(out: &mut dyn Write, film: &mut Film, recording: &Recording, size: (u16, u16)) -> io::Result<()> {
    let title = recording.header.repeat.as_deref().unwrap_or("qviz");
    let mut cast = Asciicast::begin(out, size, title)?;
    let end = recording.end();
    let gap = FRAME.max(end.since(Stamp::ZERO) / MOST_FRAMES);
    let mut at = Stamp::ZERO;
    while at < end {
        cast.frame(at.since(Stamp::ZERO), film.at(at))?;
        at = at + gap;
    }
    cast.frame(end.since(Stamp::ZERO), film.at(end))?;
    cast.end(end.since(Stamp::ZERO) + LAST)
}

/// Columns and rows where none are given: the size of the whole picture in the README.
const SIZE: (u16, u16) = (120, 36);

/// Twenty frames a second, as long as those are not too many.
const FRAME: Duration = Duration::from_millis(50);

/// Four frames a second of a motion, and at most so many.
const STEP: Duration = Duration::from_millis(250);
const MOST_STEPS: u32 = 240;

/// The most frames of a film: one hour's. A longer recording has fewer per second.
const MOST_FRAMES: u32 = 72_000;

/// How long the last frame stays.
const LAST: Duration = Duration::from_secs(2);
