//! Tests of the arrival patterns.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn turning_the_rate_keeps_the_share_of_the_gap_that_has_passed() {
    for pattern in [Arrivals::Steady, Arrivals::Poisson] {
        let mut schedule = Schedule::new(pattern, 1.0, 5);
        schedule.due(Stamp::ZERO);
        let next = schedule.next().unwrap();
        let half = Stamp::from_nanos(next.as_nanos() / 2);
        schedule.set(half, pattern, 2.0);
        assert_eq!(schedule.due(half), 0);
        let left = schedule.next().unwrap().since(half).as_nanos() as i128;
        assert!((left - i128::from(next.as_nanos() / 4)).abs() < 10, "{pattern:?}");
    }
}

#[test]
fn turning_the_size_of_a_burst_does_not_start_one() {
    let mut schedule = Schedule::new(Arrivals::Burst { size: 3, period: SECOND }, 0.0, 1);
    assert_eq!(schedule.due(Stamp::ZERO), 3);
    schedule.set(Stamp::from_millis(500), Arrivals::Burst { size: 9, period: SECOND }, 0.0);
    assert_eq!(schedule.due(Stamp::from_millis(999)), 0);
    assert_eq!(schedule.due(Stamp::from_millis(1000)), 9);
}

#[test]
fn another_pattern_begins_at_once_and_nothing_due_is_lost() {
    let mut schedule = Schedule::new(Arrivals::Steady, 10.0, 1);
    assert_eq!(schedule.due(Stamp::ZERO), 1);
    schedule.set(Stamp::from_millis(250), Arrivals::Burst { size: 5, period: SECOND }, 10.0);
    assert_eq!(schedule.due(Stamp::from_millis(250)), 7);
}

#[test]
fn turning_on_a_silent_schedule_starts_a_client_now() {
    let mut schedule = Schedule::new(Arrivals::Steady, 0.0, 1);
    schedule.due(Stamp::ZERO);
    schedule.set(Stamp::from_millis(700), Arrivals::Steady, 1.0);
    assert_eq!(schedule.next(), Some(Stamp::from_millis(700)));
}
