//! Tests of `ui::pace`.

use std::time::Duration;

use qviz::model::stamp::Stamp;
use qviz::ui::pace::{Motion, Pace, SHORTEST};

#[test]
fn the_first_frame_is_due_at_once_and_the_second_not_before_its_time() {
    let at = Stamp::from_millis;
    let mut pace = Pace::default();
    assert_eq!(pace.wait(at(3)), Duration::ZERO);
    pace.drew(at(3), Motion::Quiet);
    pace.facts();
    assert_eq!(pace.wait(at(3)), SHORTEST);
    assert_eq!(pace.wait(at(40)), Duration::ZERO);
}

#[test]
fn a_frame_that_could_not_be_sent_is_due_again_soon_but_not_at_once() {
    let at = Stamp::from_millis;
    let mut pace = Pace::default();
    pace.drew(at(0), Motion::Still);
    pace.held_up(at(1000));
    assert_eq!(pace.wait(at(1000)), SHORTEST);
}

#[test]
fn a_held_picture_ignores_facts_but_not_keys() {
    let at = Stamp::from_millis;
    let mut pace = Pace::default();
    pace.drew(at(0), Motion::Still);
    pace.facts();
    assert_eq!(pace.wait(at(0)), Duration::from_secs(1));
    pace.touched();
    assert_eq!(pace.wait(at(0)), SHORTEST);
}
