//! The text after a lesson on the screen: the score, the sentence to remember, the claims, and the next lesson.

use std::io::{self, Write};

use crate::fold::course::LessonProgress;
use crate::fold::world::World;
use crate::say;
use crate::scenario::holes::filled;
use crate::scenario::lesson::{Claim, Lesson};
use crate::scenario::outcome::Judgement;
use crate::text::sanitize;
use crate::text::wrap::wrapped;

/// Writes it for the last `world` of the lesson, wrapped at `columns`; `next` is the recommended lesson.
///
/// # Errors
/// The writer's own.
pub fn write(
    out: &mut dyn Write,
    lesson: &Lesson,
    world: &World,
    next: Option<&Lesson>,
    columns: usize,
) -> io::Result<()> {
    let left_at_once = LessonProgress::default();
    let course = world.lesson.as_deref().unwrap_or(&left_at_once);
    let mut line = |text: &str| writeln!(out, "{}", wrapped(&sanitize::line(text), columns, ""));
    line(&say!("{title}: {learn}", title = lesson.title.here(), learn = lesson.learn.here()))?;
    let (right, all) = course.score();
    match all {
        0 => {}
        1 if right == 1 => line(say!("your prediction was right"))?,
        _ => line(&say!("{right} of {all} predictions were right", right, all))?,
    }
    if course.over {
        let remember = filled(lesson.remember.here(), |name| course.kept.get(name).copied());
        line(&say!("To remember: {sentence}", sentence = remember))?;
        for claim in &lesson.claims {
            self::claim(out, claim, (course, lesson.challenge), columns)?;
        }
    } else {
        let (scene, scenes) = (course.scene + 1, lesson.scenes.len());
        line(&say!(
            "left in scene {scene} of {scenes}; from its beginning: {command}",
            scene,
            scenes,
            command = command(lesson)
        ))?;
    }
    let Some(next) = next.filter(|_| course.over) else { return Ok(()) };
    let next = say!("next: {command} ({title})", command = command(next), title = next.title.here());
    writeln!(out, "{}", wrapped(&sanitize::line(&next), columns, ""))
}

/// A claim, and below it the verdict with what was measured.
fn claim(
    out: &mut dyn Write,
    claim: &Claim,
    (course, is_goal): (&LessonProgress, bool),
    columns: usize,
) -> io::Result<()> {
    let Judgement { verdict, sentence, .. } = claim.judgement(course.judged.get(&claim.id));
    let verdict = if is_goal { verdict.words_of_goal() } else { verdict.words() };
    let line = say!("{verdict}: {sentence}", verdict, sentence);
    let statement = claim.statement.here();
    let statement =
        if is_goal { say!("Goal: {goal}", goal = statement) } else { say!("Claim: {claim}", claim = statement) };
    writeln!(out, "{}", wrapped(&sanitize::line(&statement), columns, "  "))?;
    writeln!(out, "{}", wrapped(&sanitize::line(&line), columns, "      "))
}

fn command(lesson: &Lesson) -> String {
    format!("qviz lesson {}", lesson.name)
}
