//! Tests of `report::lessons::farewell`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use qviz::fold::course::LessonProgress;
use qviz::fold::world::World;
use qviz::report::lessons::farewell::write;
use qviz::scenario::facts::Facts;
use qviz::scenario::library::lessons;
use qviz::text::lang::{Lang, within};

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
    let kept = |held: f64| [("held", held), ("limit", 5.0), ("half", 6.0)].map(|(name, value)| (name.into(), value));
    let course = |held| LessonProgress { over: true, kept: kept(held).into(), ..LessonProgress::default() };
    let over = said(&course(6.0));
    assert!(over.contains("  Claim: Systems read the backlog as n, n + 1, n + 3 ...\n      holds here: "), "{over}");
    assert!(over.contains("(Berkeley).\n      does not hold here: There is no factor of 1.5: 6 fit"), "{over}");
    assert!(said(&course(8.0)).contains("(Berkeley).\n      holds here: 8 fit"), "it is decided by what was kept");
    let chinese = within(Lang::Chinese, || said(&course(6.0)));
    assert!(chinese.contains("\n      在这里不成立：") && !chinese.contains(": "), "{chinese}");
}
