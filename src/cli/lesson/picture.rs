//! One lesson on the screen: played by the user, or by itself.

use std::sync::Arc;

use super::scene_runner::SceneRunner;
use super::{lookup, progress};
use crate::cli::args::LessonArgs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::headless::End;
use crate::cli::help::columns;
use crate::cli::lab;
use crate::cli::output::{self, Written};
use crate::cli::plan;
use crate::fold::world::World;
use crate::report::lessons::farewell;
use crate::say;
use crate::scenario::lesson::Lesson;
use crate::scenario::player::PlayMode;
use crate::session::live::Past;
use crate::session::recording::Header;
use crate::ui::{LessonLoop, UiPlan};

/// Plays a lesson on the screen, and prints its summary.
///
/// # Errors
/// A [`Failure`] where there is no private network, a scene cannot be opened, or the screen cannot be shown.
pub(super) fn run(lesson: &Arc<Lesson>, args: &LessonArgs) -> Result<Exit, Failure> {
    lab::enough_descriptors()?;
    let mut recorder = lab::recorder(args.record.as_deref())?;
    let mut scenes = SceneRunner::enter(lesson).map_err(|refusal| {
        Failure::new(say!("a lesson needs a private network: {refusal}", refusal), refusal.hint())
    })?;
    if let Some(obstacle) = scenes.obstacle() {
        return Err(Failure::new(
            say!("this lesson turns a setting that is out of reach: {obstacle}", obstacle),
            obstacle.hint(),
        ));
    }
    let look = UiPlan { class: args.class, ..lab::ui_plan(&args.output) };
    let mode = if args.auto { PlayMode::Auto } else { PlayMode::Hand };
    let open = move |scene: usize, past: Past| {
        let with_hint =
            |why: String, hint: Option<String>| hint.map_or_else(|| why.clone(), |hint| format!("{why} ({hint})"));
        let mut session = scenes.open(scene, past).map_err(|error| with_hint(error.to_string(), Some(error.hint())))?;
        if let Some(recorder) = recorder.take() {
            session.record(recorder, &Header::new(Some(plan::command(&lab::arguments()))));
        }
        Ok(session)
    };
    lab::runtime()?.block_on(play(lesson, (&look, mode), LessonLoop::new(Arc::clone(lesson), mode, Box::new(open))))
}

async fn play(
    lesson: &Arc<Lesson>,
    (look, mode): (&UiPlan, PlayMode),
    mut lesson_loop: LessonLoop<'_>,
) -> Result<Exit, Failure> {
    let mut session = lesson_loop.begin().map_err(|error| Failure::new(error.to_string(), error.hint()))?;
    let mut world = World::new();
    let end = lab::picture(&mut session, &mut world, look, &mut (), Some(lesson_loop)).await?;
    keep_progress(lesson, mode, &world);
    let written = farewell(lesson, &world);
    if let End::Signal(number) = end {
        drop(written);
        return Ok(Exit::Signal(number));
    }
    let (Written::Taken | Written::PipeClosed) = written?;
    session.recording_failure().map(lab::recording_failure).map_or(Ok(Exit::Success), Err)
}

/// A lesson that was played to its end by hand is done; a challenge, when its goals were reached and its questions answered right.
fn keep_progress(lesson: &Lesson, mode: PlayMode, world: &World) {
    let Some(progress) = world.lesson.as_deref().filter(|progress| progress.over && mode == PlayMode::Hand) else {
        return;
    };
    let (right, all) = progress.score();
    let reached = progress.judged.values().all(|judged| judged.holds == Some(true)) && right == all;
    if lesson.challenge && !reached {
        return;
    }
    if let Err(error) = progress::keep(&lesson.name, progress.score()) {
        tracing::warn!(%error, "the lesson that was done could not be kept");
    }
}

fn farewell(lesson: &Lesson, world: &World) -> Result<Written, Failure> {
    let lessons = lookup::everything()?;
    let place = lessons.iter().position(|known| known.name == lesson.name && known.source == lesson.source);
    let next = place.and_then(|place| lessons.get(place + 1)).map(|next| &**next);
    output::after_picture(|out| farewell::write(out, lesson, world, next, columns()))
}
