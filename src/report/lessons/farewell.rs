//! What stays of a lesson that was played on the screen: the score, the sentence to remember, and where to go on.

use std::io::{self, Write};

use super::text::WIDTH;
use crate::model::lesson::Course;
use crate::report::clean;
use crate::report::wrap::wrapped;
use crate::say;
use crate::scenario::holes::filled;
use crate::scenario::lesson::Lesson;

/// Writes it; `next` is the lesson that follows best.
///
/// # Errors
/// The writer's own.
pub fn write(out: &mut dyn Write, lesson: &Lesson, course: &Course, next: Option<&Lesson>) -> io::Result<()> {
    let mut line = |text: &str| writeln!(out, "{}", wrapped(&clean::line(text), WIDTH, ""));
    line(&format!("{}: {}", lesson.title.here(), lesson.learn.here()))?;
    let (right, all) = course.score();
    match all {
        0 => {}
        1 if right == 1 => line(say!("your prediction was right"))?,
        _ => line(&say!("{right} of {all} predictions were right", right, all))?,
    }
    if course.over {
        let remember = filled(lesson.remember.here(), |name| course.kept.get(name).copied());
        line(&say!("To remember: {sentence}", sentence = remember))?;
    } else {
        let (scene, scenes) = (course.scene + 1, lesson.scenes.len());
        line(&say!(
            "left in scene {scene} of {scenes}; from its beginning: {command}",
            scene,
            scenes,
            command = command(lesson)
        ))?;
    }
    match next.filter(|_| course.over) {
        Some(next) => line(&say!("next: {command} ({title})", command = command(next), title = next.title.here())),
        None => Ok(()),
    }
}

fn command(lesson: &Lesson) -> String {
    format!("qviz lesson {}", lesson.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::shelf::lessons;

    fn said(course: &Course) -> String {
        let lessons = lessons().unwrap();
        let place = lessons.iter().position(|lesson| lesson.name == "n-plus-one").unwrap();
        let mut text = Vec::new();
        write(&mut text, &lessons[place], course, lessons.get(place + 1).map(|next| &**next)).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn the_sentence_to_remember_is_told_to_those_who_came_to_the_end() {
        let answers = [((0, 1), true), ((1, 0), false)].into();
        let over = said(&Course { over: true, answers, ..Course::default() });
        assert!(over.contains("To remember: A backlog of N holds N + 1"), "{over}");
        assert!(over.contains("1 of 2 predictions were right") && over.contains("next: qviz lesson "), "{over}");
        let left = said(&Course { scene: 1, ..Course::default() });
        assert!(left.contains("left in scene 2 of 2; from its beginning: qviz lesson n-plus-one"), "{left}");
        assert!(!left.contains("To remember") && !left.contains("predictions"), "{left}");
    }
}
