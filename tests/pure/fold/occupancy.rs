//! Tests of `fold::occupancy`.

use std::time::Duration;

use proptest::prelude::*;
use qviz::fold::occupancy::{Fullness, Occupancy};
use qviz::model::stamp::Stamp;

/// How often the mark changes within a minute, looked at every 50 ms, in a queue that is full for `on` of every `period`
/// milliseconds.
fn changes_in_a_minute(on: u64, period: u64) -> usize {
    let (mut queue, mut seen) = (Occupancy::default(), Vec::new());
    queue.set_capacity(Stamp::ZERO, Some(6));
    for millis in (0..60_000).step_by(50) {
        let depth = if millis % period < on { 6 } else { 2 };
        queue.set(Stamp::from_millis(millis), depth);
        let fullness = queue.fullness(Stamp::from_millis(millis));
        assert!(depth < 6 || fullness == Fullness::Full);
        seen.push(fullness.is_marked());
    }
    seen.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

#[test]
fn a_queue_that_was_full_stays_marked_for_a_moment_and_no_longer() {
    let at = Stamp::from_millis;
    let mut queue = Occupancy::default();
    queue.set_capacity(at(0), Some(2));
    assert_eq!(queue.fullness(at(0)), Fullness::Free);
    queue.set(at(100), 2);
    assert_eq!(queue.fullness(at(9_000)), Fullness::Full);
    queue.leave(at(10_000));
    assert_eq!(queue.fullness(at(10_400)), Fullness::WasFull(Duration::from_millis(400)));
    assert!(queue.fullness(at(11_499)).is_marked());
    assert_eq!(queue.fullness(at(11_500)), Fullness::Free);
}

#[test]
fn the_mark_of_a_full_queue_changes_at_most_twelve_times_a_minute_whatever_the_queue_does() {
    for (on, period) in [(50, 100), (100, 2_000), (900, 3_000), (50, 1_700), (4_000, 8_000), (2_000, 12_000)] {
        let changes = changes_in_a_minute(on, period);
        assert!((1..=12).contains(&changes) || period < 1_600, "{on} of {period} ms: {changes}");
    }
    assert_eq!(changes_in_a_minute(5_500, 12_000), 9, "waves with rest between them are seen as they are");
}

#[test]
fn time_at_capacity_and_mean_are_exact() {
    let at = Stamp::from_millis;
    let mut queue = Occupancy::default();
    queue.set_capacity(at(0), Some(2));
    queue.enter(at(100));
    queue.enter(at(200));
    queue.leave(at(500));
    assert_eq!(queue.full(at(1000)), Duration::from_millis(300));
    assert!((queue.mean(at(1000)) - 1.2).abs() < 1e-9);
    assert_eq!((queue.depth(), queue.max()), (1, 2));
}

#[test]
fn the_highest_depth_keeps_the_moment_at_which_it_was_first_reached() {
    let at = Stamp::from_millis;
    let mut queue = Occupancy::default();
    for (millis, depth) in [(100, 3), (200, 7), (300, 2), (400, 7)] {
        queue.set(at(millis), depth);
    }
    assert_eq!((queue.max(), queue.highest()), (7, at(200)));
}

#[test]
fn who_comes_before_the_leaving_that_made_room_is_reported_takes_that_place() {
    let at = Stamp::from_millis;
    let mut queue = Occupancy::default();
    queue.set_capacity(at(0), Some(2));
    (1..=3).for_each(|millis| queue.enter_room(at(millis)));
    assert_eq!((queue.depth(), queue.max()), (2, 2));
    queue.leave(at(4));
    assert_eq!(queue.depth(), 2);
    queue.leave(at(5));
    assert_eq!(queue.depth(), 1);
}

#[test]
fn shrinking_the_capacity_makes_a_queue_full() {
    let at = Stamp::from_millis;
    let mut queue = Occupancy::default();
    queue.set_capacity(at(0), Some(10));
    queue.set(at(0), 5);
    queue.set_capacity(at(100), Some(3));
    assert!(queue.is_full());
    assert_eq!(queue.full(at(250)), Duration::from_millis(150));
}

#[test]
fn a_seventh_entry_of_six_is_kept_as_read_and_one_from_before_the_capacity_shrank_is_none() {
    let at = Stamp::from_millis;
    let mut queue = Occupancy::default();
    queue.set_capacity(at(0), Some(6));
    queue.set(at(10), 6);
    queue.set(at(20), 7);
    assert_eq!((queue.max(), queue.above_capacity()), (7, Some((7, 6))));
    let mut shrunk = Occupancy::default();
    shrunk.set_capacity(at(0), Some(11));
    shrunk.set(at(10), 4);
    shrunk.set_capacity(at(20), Some(6));
    shrunk.set(at(20), 9);
    shrunk.set(at(30), 8);
    shrunk.set(at(40), 10);
    assert_eq!((shrunk.max(), shrunk.above_capacity()), (10, None), "two readings at different moments of listen()");
}

proptest! {
    /// Events in any order: who comes and who leaves is reported by different observers, each with a delay of its own.
    #[test]
    fn in_whatever_order_entries_come_and_leave_only_a_reading_exceeds_the_capacity(
        steps in prop::collection::vec((0..4_u8, 0..12_u32), 1..200)
    ) {
        let (mut queue, mut most_read, mut widest) = (Occupancy::default(), 0, 6);
        queue.set_capacity(Stamp::ZERO, Some(6));
        for (step, (what, number)) in steps.into_iter().enumerate() {
            let now = Stamp::from_millis(step as u64 + 1);
            match what {
                0 => queue.enter_room(now),
                1 => queue.leave(now),
                2 => {
                    most_read = most_read.max(number);
                    queue.set(now, number);
                }
                _ => {
                    widest = widest.max(number);
                    queue.set_capacity(now, Some(number));
                }
            }
            prop_assert!(queue.max() <= most_read.max(widest));
            prop_assert!(queue.above_capacity().is_none_or(|(depth, capacity)| depth <= most_read && depth > capacity));
        }
    }
}
