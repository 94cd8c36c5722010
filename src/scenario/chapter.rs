//! The chapters of the lessons, and how long a lesson takes.

use std::time::Duration;

use super::lesson::{Lesson, Step};
use super::player::reading_time;
use crate::say;

/// The chapter of a lesson, in the current language; a lesson of one's own is in the one to which its place in the list belongs.
pub fn chapter(lesson: &Lesson) -> &'static str {
    match lesson.order {
        _ if lesson.challenge => say!("Challenges"),
        0..45 => say!("The two queues"),
        45..90 => say!("When a queue is full"),
        90..140 => say!("Half-open clients and cookies"),
        140..170 => say!("The right backlog"),
        _ => say!("Servers and sockets"),
    }
}

/// How many minutes a lesson takes, at least one: reading its texts, and what its steps wait for.
pub fn minutes(lesson: &Lesson) -> u64 {
    let steps = lesson.scenes.iter().flat_map(|scene| &scene.steps);
    let opening = SCENE * u32::try_from(lesson.scenes.len()).unwrap_or(u32::MAX);
    let whole: Duration = steps.map(step_time).sum::<Duration>() + opening;
    whole.as_secs().div_ceil(60).max(1)
}

fn step_time(step: &Step) -> Duration {
    let asked = step.ask.iter().map(|ask| {
        let texts = ask.choices.iter().map(|choice| &choice.text).chain([&ask.text]);
        reading_time(texts) + DECISION
    });
    let waited = if step.until.is_some() { step.after.max(step.within.min(USUAL_WAIT)) } else { step.after };
    asked.sum::<Duration>() + waited + step.say.iter().map(|said| reading_time([said])).sum::<Duration>()
}

/// What a condition usually waits for; most come long before their time is over.
const USUAL_WAIT: Duration = Duration::from_secs(5);
/// Making up one's mind.
const DECISION: Duration = Duration::from_secs(8);
/// A scene begins.
const SCENE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::library::lessons;

    #[test]
    fn chapters_follow_each_other_and_a_lesson_takes_some_minutes() {
        let lessons = lessons().unwrap();
        let mut chapters: Vec<_> = lessons.iter().map(|lesson| chapter(lesson)).collect();
        chapters.dedup();
        assert_eq!(chapters.len(), 5, "none comes twice: {chapters:?}");
        assert!(lessons.iter().all(|lesson| (1..=8).contains(&minutes(lesson))));
        assert!(lessons.iter().any(|lesson| minutes(lesson) > 2));
    }
}
