//! Screens of a lesson in either language.

use qviz::model::lesson::Phase;
use qviz::text::lang::Lang;
use qviz::ui::state::UiState;

use super::takes::{Take, state};
use crate::lesson_story::LessonStory;
use crate::story::ms;

/// The lesson asks for a prediction.
fn question() -> LessonStory {
    let mut class = LessonStory::begin();
    class.step(0, Phase::Done);
    class.step(1, Phase::Asked);
    class
}

/// Eight clients are under way, and six of them were predicted.
fn doing() -> LessonStory {
    let mut class = question();
    class.choose(1);
    class.step(1, Phase::Doing);
    class.eight_come();
    class.story.run(ms(2200));
    class
}

fn answered() -> LessonStory {
    let mut class = doing();
    class.story.run(ms(3900));
    class.story.read_counters();
    class.keep("held", 6.0);
    class.step(1, Phase::Done);
    class.score(true);
    class.story.run(ms(4300));
    class
}

fn missed() -> LessonStory {
    let mut class = doing();
    class.story.run(ms(12_300));
    class.step(1, Phase::Missed);
    class
}

fn calls() -> LessonStory {
    let mut class = answered();
    class.trial_scene();
    class
}

fn over() -> LessonStory {
    let mut class = answered();
    class.over();
    class
}

/// Calls and names of numbers, as the class tells them.
const CALLS: &str = "socket AF_INET SOCK_STREAM bind getsockname SO_SNDTIMEO non-blocking EINPROGRESS EADDRINUSE: 0.0.0.0 has it \
    already, no answer in 250 ms; fd; in-use-errno late-ms port-0-chosen-port rows";

/// Every screen of it.
pub(crate) fn all(lang: Lang) -> Vec<Take> {
    let take = |name, class: LessonStory, projector| {
        let state = UiState { lesson: class.notebook, ..state(lang, projector) };
        Take::of(name, (class.story.world, class.story.now), state, &[])
    };
    vec![
        take("lesson_question", question(), false),
        take("lesson_doing", doing(), false),
        take("lesson_told", answered(), false),
        take("lesson_missed", missed(), false),
        Take { names: CALLS.into(), ..take("lesson_calls", calls(), false) },
        take("lesson_over", over(), false),
        take("projector_lesson_question", question(), true),
        take("projector_lesson_told", answered(), true),
    ]
}
