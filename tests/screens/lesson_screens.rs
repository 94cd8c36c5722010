//! A lesson on the screen: what a student sees at each moment of it, at three sizes, in Unicode and ASCII, in both languages.

use std::time::Duration;

use qviz::model::lesson::Phase;
use qviz::scenario::lesson::Text;
use qviz::scenario::library::lessons;
use qviz::text::lang::{Lang, within};
use qviz::ui::hit_map::Target;
use qviz::ui::keymap::Action;
use qviz::ui::panel::Panel;
use qviz::ui::state::{Msg, UiState, update};
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;
use ratatui::text::Span;

#[path = "lesson_screens/rooms.rs"]
mod rooms;

use crate::lesson_story::LessonStory;
use crate::picture::{self, assert_sound, lines};
use crate::story::ms;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

fn state(class: &LessonStory, size: (u16, u16), ascii: bool) -> UiState {
    UiState {
        theme: Theme::named("dark", Depth::True, ascii).unwrap(),
        lang: qviz::text::lang::here(),
        live: true,
        size: Size::new(size.0, size.1),
        lesson: class.notebook.clone(),
        ..UiState::default()
    }
}

fn picture_of(class: &LessonStory, mut state: UiState) -> Buffer {
    update(&mut state, Msg::Pulse(class.story.now), &class.story.world);
    view::picture(state.size, &class.story.world, &state, class.story.now)
}

fn drawn(class: &LessonStory, state: UiState) -> String {
    lines(&picture_of(class, state))
}

fn shoot(name: &str, class: &LessonStory) {
    picture::shoot(&format!("lesson_{name}"), |size, ascii| picture_of(class, state(class, size, ascii)));
    for size in picture::SIZES {
        within(Lang::Chinese, || assert_sound(name, size, &picture_of(class, state(class, size, false))));
    }
}

/// The lesson has said its first sentence: nobody has come yet.
fn narration() -> LessonStory {
    let mut class = LessonStory::begin();
    class.step(0, Phase::Done);
    class
}

fn question() -> LessonStory {
    let mut class = narration();
    class.step(1, Phase::Asked);
    class
}

/// Eight clients are under way.
fn doing(choice: usize) -> LessonStory {
    let mut class = question();
    class.choose(choice);
    class.step(1, Phase::Doing);
    class.eight_come();
    class.story.run(ms(2200));
    class
}

fn answered(choice: usize) -> LessonStory {
    let mut class = doing(choice);
    class.story.run(ms(3900));
    class.story.read_counters();
    class.keep("held", 6.0);
    class.step(1, Phase::Done);
    class.score(choice == 1);
    class.story.run(ms(4300));
    class
}

fn missed() -> LessonStory {
    let mut class = doing(1);
    class.story.run(ms(12_300));
    class.step(1, Phase::Missed);
    class
}

fn over() -> LessonStory {
    let mut class = answered(1);
    class.over();
    class
}

#[test]
fn the_narration_stands_beside_the_stage() {
    shoot("narration", &narration());
}

#[test]
fn a_question_shows_its_choices_and_their_keys() {
    shoot("question", &question());
}

#[test]
fn while_it_happens_it_is_said_where_to_look_and_for_how_long_already() {
    shoot("doing", &doing(1));
}

#[test]
fn held_time_says_how_to_go_on() {
    let mut class = doing(0);
    class.hold();
    shoot("held", &class);
}

#[test]
fn a_right_prediction_is_said_to_be_right() {
    shoot("right", &answered(1));
}

#[test]
fn a_wrong_prediction_meets_the_kernels_answer() {
    shoot("wrong", &answered(0));
}

#[test]
fn what_does_not_come_is_said_kindly() {
    shoot("missed", &missed());
}

#[test]
fn calls_take_the_place_of_queues_that_nobody_comes_to() {
    let mut class = answered(1);
    class.trial_scene();
    shoot("transcript", &class);
}

#[test]
fn the_last_page_has_the_sentence_to_remember_the_score_and_what_became_of_the_claim() {
    shoot("end", &over());
}

#[test]
fn a_projector_shows_it_too() {
    for (name, class) in [("question", question()), ("told", answered(0))] {
        picture::shoot(&format!("lesson_projector_{name}"), |size, ascii| {
            picture_of(&class, UiState { projector: true, ..state(&class, size, ascii) })
        });
    }
}

#[test]
fn a_recording_says_the_same_and_offers_no_key_that_would_play_it() {
    for class in [narration(), question(), answered(0), over()] {
        let mut watched = class.notebook.clone();
        watched.played = false;
        let state = UiState { lesson: watched, ..state(&class, (120, 36), false) };
        let text = drawn(&class, state);
        let open = !class.story.world.lesson.as_ref().is_some_and(|course| course.over || !course.answers.is_empty());
        assert!(text.contains("LESSON") && text.contains("LESSON · N + 1") != open, "{text}");
        assert!(!text.contains("space goes on") && !text.contains("backspace repeats"), "{text}");
    }
}

#[test]
fn numbers_stay_as_they_were_when_it_was_said() {
    let mut class = answered(1);
    class.story.accepts(4, ms(4400), Duration::from_millis(50));
    class.story.run(ms(5200));
    assert!(class.story.world.accept_queue.depth() < 6);
    let text = drawn(&class, state(&class, (120, 36), false));
    assert!(text.contains("6 in the queue of 8"), "{text}");
}

#[test]
fn a_click_on_a_choice_predicts_and_one_on_a_key_presses_it() {
    let clicks = |class: &LessonStory, size| {
        let mut state = state(class, size, false);
        update(&mut state, Msg::Pulse(class.story.now), &class.story.world);
        let (_, frame) = view::picture_and_info(state.size, &class.story.world, &state, class.story.now);
        let keys = frame.hit_map.clicks().filter_map(|(area, target)| match target {
            Target::Key(action) => Some((area.as_position(), action)),
            _ => None,
        });
        keys.filter(|(at, action)| frame.hit_map.click(*at) == Some(Target::Key(*action)))
            .map(|(_, action)| action)
            .collect::<Vec<_>>()
    };
    for size in SIZES {
        let asked = clicks(&question(), size);
        for choice in 0..3 {
            assert!(asked.contains(&Action::Predict(choice)), "{size:?}: {asked:?}");
        }
        let told = clicks(&answered(1), size);
        assert!(told.contains(&Action::GoOn) && told.contains(&Action::Repeat), "{size:?}: {told:?}");
        assert!(!told.iter().any(|action| matches!(action, Action::Predict(_))), "it is told already: {told:?}");
    }
}

#[test]
fn tab_turns_between_calls_and_queues_where_there_are_both() {
    let mut class = answered(1);
    class.trial_scene();
    let mut state = state(&class, (120, 36), false);
    assert!(drawn(&class, state.clone()).contains("CALLS"));
    update(&mut state, Msg::Press(Action::Panel, class.story.now), &class.story.world);
    let text = drawn(&class, state.clone());
    assert!(text.contains("ACCEPT QUEUE") && !text.contains("CALLS"), "{text}");
    update(&mut state, Msg::Press(Action::Panel, class.story.now), &class.story.world);
    assert!(drawn(&class, state).contains("CALLS"));
}

#[test]
fn who_goes_through_the_connections_is_told_when_the_lesson_has_something_to_say() {
    let class = answered(1);
    let mut state = state(&class, (120, 36), false);
    update(&mut state, Msg::Press(Action::Open, class.story.now), &class.story.world);
    let text = drawn(&class, state);
    assert!(text.contains("CONNECTIONS") && text.contains("esc: the lesson goes on · 6 in the queue of 8"), "{text}");
    let waiting = doing(1);
    let mut state = self::state(&waiting, (120, 36), false);
    update(&mut state, Msg::Press(Action::Open, waiting.story.now), &waiting.story.world);
    let text = drawn(&waiting, state);
    assert!(text.contains("CONNECTIONS") && !text.contains("the lesson goes on"), "{text}");
}

#[test]
fn tab_goes_through_the_panels_beside_what_is_said() {
    let class = answered(1);
    let mut state = state(&class, (120, 36), false);
    for (panel, title) in [
        (Panel::Notes, "WHAT HAPPENED"),
        (Panel::Ledger, "LEDGER"),
        (Panel::Counters, "KERNEL COUNTERS"),
        (Panel::Settings, "SETTINGS"),
    ] {
        assert_eq!(state.panel, panel);
        assert!(drawn(&class, state.clone()).contains(title), "{title}");
        update(&mut state, Msg::Press(Action::Panel, class.story.now), &class.story.world);
    }
    assert_eq!(state.panel, Panel::Notes);
}

#[test]
fn no_size_is_too_small_for_a_lesson() {
    let mut calls = answered(1);
    calls.trial_scene();
    let classes = [narration(), question(), doing(1), answered(0), missed(), over(), calls];
    let sizes = (1..=31).step_by(3).flat_map(|width| (1..=20).step_by(2).map(move |height| (width, height)));
    let larger = (59..=230).step_by(19).flat_map(|width| (15..=70).step_by(9).map(move |height| (width, height)));
    for (index, (size, projector)) in sizes.chain(larger).flat_map(|size| [(size, false), (size, true)]).enumerate() {
        for (class, lang) in classes.iter().zip(Lang::ALL.into_iter().cycle().skip(index / 2)) {
            let state = UiState { projector, ..state(class, size, index % 3 == 0) };
            let text = within(lang, || drawn(class, state));
            let widest = text.lines().map(|line| Span::raw(line).width()).max().unwrap_or(0);
            assert!(widest <= usize::from(size.0), "{size:?}: {widest}\n{text}");
        }
    }
}

#[test]
fn what_is_said_is_whole_at_every_size_that_shows_the_picture() {
    for (width, height) in [(60, 16), (80, 24), (100, 30), (120, 36), (169, 40), (200, 60)] {
        for (class, wanted) in [
            (narration(), vec!["The program never calls accept()", "wait."]),
            (question(), vec!["How many of them fit?", "1 5", "2 6", "3 8, all of them"]),
            (answered(0), vec!["you said “5”; the kernel says “6”", "6 in the queue of 8", "more than its backlog."]),
            (over(), vec!["A backlog of N holds N + 1.", "your prediction was right"]),
        ] {
            let text = drawn(&class, state(&class, (width, height), false));
            let said = said(&text);
            for words in wanted {
                assert!(said.contains(&bare(words)), "{width}×{height}: {words}\n{text}");
            }
        }
    }
}

/// Every sentence of every lesson, wherever it is told.
#[test]
fn every_lesson_that_is_brought_along_has_room_for_what_it_says() {
    for (lesson, lang, size) in lessons().unwrap().iter().flat_map(|lesson| {
        Lang::ALL.into_iter().flat_map(move |lang| SIZES.map(move |size| (lesson.clone(), lang, size)))
    }) {
        let mut class = LessonStory::of(&lesson.name, &lesson.source);
        for (index, scene) in lesson.scenes.iter().enumerate() {
            class.scene(index);
            for (step, told) in scene.steps.iter().enumerate() {
                let at = |class: &mut LessonStory, phase, text: &Text| {
                    class.step(step, phase);
                    let text = text.in_language(lang);
                    let drawn = within(lang, || drawn(class, state(class, size, false)));
                    let said = said(&drawn);
                    for part in text.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest)) {
                        assert!(
                            said.contains(&bare(part)),
                            "{}, scene {index}, step {step}: {part}\n{drawn}",
                            lesson.name
                        );
                    }
                };
                if let Some(ask) = &told.ask {
                    at(&mut class, Phase::Asked, &ask.text);
                    ask.choices.iter().for_each(|choice| at(&mut class, Phase::Asked, &choice.text));
                    class.choose(0);
                }
                told.say.iter().for_each(|say| at(&mut class, Phase::Done, say));
            }
        }
        class.over();
        let drawn = within(lang, || drawn(&class, state(&class, size, false)));
        assert!(said(&drawn).contains(&bare(lesson.remember.in_language(lang))), "{}\n{drawn}", lesson.name);
    }
}

fn bare(text: &str) -> String {
    text.replace(' ', "")
}

/// What stands in the box of the lesson. Lines are broken where they end; frames and other boxes stand between them.
fn said(drawn: &str) -> String {
    drawn.lines().filter_map(|line| line.split_once('║')?.1.split('║').next()).map(bare).collect()
}
