//! Tests of `fold::course`.

use qviz::fold::course::LessonProgress;
use qviz::model::lesson::{LessonFact, Phase};
use qviz::model::stamp::Stamp;

#[test]
fn a_prediction_counts_once_it_met_the_measurement() {
    let (mut course, at) = (LessonProgress::default(), Stamp::ZERO);
    course.apply(at, &LessonFact::Step { step: 0, phase: Phase::Asked });
    course.apply(at, &LessonFact::Chose { choice: 2 });
    course.apply(at, &LessonFact::Step { step: 0, phase: Phase::Doing });
    assert_eq!((course.choice, course.score()), (Some((2, None)), (0, 0)));
    course.apply(at, &LessonFact::Scored { right: Some(true) });
    assert_eq!((course.choice, course.score()), (Some((2, Some(true))), (1, 1)));
    course.apply(at, &LessonFact::Step { step: 1, phase: Phase::Doing });
    assert_eq!(course.choice, None);
}

#[test]
fn the_last_answer_to_a_question_counts_once() {
    let (mut course, at) = (LessonProgress::default(), Stamp::ZERO);
    let mut answer = |scene, step, right| {
        course.apply(at, &LessonFact::Scene(scene));
        course.apply(at, &LessonFact::Step { step, phase: Phase::Asked });
        course.apply(at, &LessonFact::Chose { choice: 0 });
        course.apply(at, &LessonFact::Scored { right });
        course.score()
    };
    assert_eq!(answer(0, 1, Some(false)), (0, 1));
    assert_eq!(answer(0, 1, Some(true)), (1, 1), "the scene was repeated");
    assert_eq!(answer(0, 2, Some(false)), (1, 2), "another question of the scene");
    assert_eq!(answer(1, 1, Some(true)), (2, 3), "the same step of another scene");
    assert_eq!(answer(0, 1, None), (1, 2), "what could not be told is no answer");
}

#[test]
fn what_is_kept_outlives_its_scene() {
    let (mut course, at) = (LessonProgress::default(), Stamp::ZERO);
    course.apply(at, &LessonFact::Kept { name: "slow".into(), value: 2.5 });
    course.apply(at, &LessonFact::Scene(1));
    assert_eq!((course.scene, course.step, course.kept["slow"]), (1, None, 2.5));
}
