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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::facts::Facts;
    use crate::scenario::library::lessons;
    use crate::text::lang::{Lang, within};

    fn said(course: &LessonProgress) -> String {
        said_within(course, 96)
    }

    fn said_within(course: &LessonProgress, columns: usize) -> String {
        let lessons = lessons().unwrap();
        let place = lessons.iter().position(|lesson| lesson.name == "n-plus-one").unwrap();
        let mut world = World::new();
        let facts = Facts { world: &world, kept: &course.kept };
        let judged = lessons[place].claims.iter().map(|claim| (claim.id.clone(), claim.judge(facts))).collect();
        world.lesson = Some(Box::new(LessonProgress { judged, ..course.clone() }));
        let mut text = Vec::new();
        write(&mut text, &lessons[place], &world, lessons.get(place + 1).map(|next| &**next), columns).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn the_sentence_to_remember_is_shown_to_those_who_came_to_the_end() {
        let answers = [((0, 1), true), ((1, 0), false)].into();
        let over = said(&LessonProgress { over: true, answers, ..LessonProgress::default() });
        assert!(over.contains("To remember: A backlog of N holds N + 1"), "{over}");
        assert!(over.contains("1 of 2 predictions were right") && over.contains("next: qviz lesson "), "{over}");
        let left = said(&LessonProgress { scene: 1, ..LessonProgress::default() });
        assert!(left.contains("left in scene 2 of 2; from its beginning: qviz lesson n-plus-one"), "{left}");
        assert!(!left.contains("To remember") && !left.contains("predictions"), "{left}");
        assert!(!left.contains("Claim:"), "nothing is decided yet: {left}");
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_is_wide() {
        let over = said_within(&LessonProgress { over: true, ..LessonProgress::default() }, 40);
        assert!(over.lines().count() > 8 && over.lines().all(|line| line.chars().count() <= 40), "{over}");
    }

    #[test]
    fn what_became_of_each_statement_is_said_in_words() {
        let kept =
            |held: f64| [("held", held), ("limit", 5.0), ("half", 6.0)].map(|(name, value)| (name.into(), value));
        let course = |held| LessonProgress { over: true, kept: kept(held).into(), ..LessonProgress::default() };
        let over = said(&course(6.0));
        assert!(
            over.contains("  Claim: Systems read the backlog as n, n + 1, n + 3 ...\n      holds here: "),
            "{over}"
        );
        assert!(over.contains("(Berkeley).\n      does not hold here: There is no factor of 1.5: 6 fit"), "{over}");
        assert!(said(&course(8.0)).contains("(Berkeley).\n      holds here: 8 fit"), "it is decided by what was kept");
        let chinese = within(Lang::Chinese, || said(&course(6.0)));
        assert!(chinese.contains("\n      在这里不成立：") && !chinese.contains(": "), "{chinese}");
    }
}
