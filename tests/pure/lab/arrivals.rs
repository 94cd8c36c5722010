//! Tests of the arrival patterns.

use std::time::Duration;

use proptest::prelude::*;
use qviz::lab::arrivals::Schedule;
use qviz::model::settings::Arrivals;
use qviz::model::stamp::Stamp;

const SECOND: Duration = Duration::from_secs(1);

/// Every arrival's stamp up to `end`, calling `due` exactly when the schedule says so.
fn stamps(schedule: &mut Schedule, end: Stamp) -> Vec<u64> {
    let mut all = Vec::new();
    while let Some(at) = schedule.next().filter(|at| *at <= end) {
        for _ in 0..schedule.due(at) {
            all.push(at.as_nanos());
        }
    }
    all
}

fn millis(list: &[u64]) -> Vec<u64> {
    list.iter().map(|nanos| nanos / 1_000_000).collect()
}

#[test]
fn steady_clients_come_at_equal_distances_from_the_first_call_on() {
    let mut schedule = Schedule::new(Arrivals::Steady, 4.0, 1);
    assert_eq!(schedule.due(Stamp::from_millis(100)), 1);
    assert_eq!(millis(&stamps(&mut schedule, Stamp::from_millis(1100))), [350, 600, 850, 1100]);
}

#[test]
fn the_same_seed_gives_the_same_poisson_stamps_on_every_machine() {
    let mut schedule = Schedule::new(Arrivals::Poisson, 1000.0, 7);
    let first: Vec<u64> = stamps(&mut schedule, Stamp::from_millis(1000)).into_iter().take(5).collect();
    assert_eq!(first, POISSON_SEED_7);
    let mut other = Schedule::new(Arrivals::Poisson, 1000.0, 8);
    assert_ne!(stamps(&mut other, Stamp::from_millis(1000))[..5], POISSON_SEED_7);
}

#[test]
fn poisson_arrivals_keep_their_rate_and_spread() {
    let mut schedule = Schedule::new(Arrivals::Poisson, 1000.0, 3);
    let all = stamps(&mut schedule, Stamp::from_millis(100_000));
    assert!((99_000..101_000).contains(&all.len()), "{}", all.len());
    let gaps: Vec<f64> = all.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    assert!((0.95..1.05).contains(&(variance.sqrt() / mean)), "an exponential's deviation is its mean");
}

#[test]
fn a_burst_comes_at_once_and_then_every_period_whatever_the_rate() {
    let mut schedule = Schedule::new(Arrivals::Burst { size: 3, period: SECOND }, 0.0, 1);
    assert_eq!(schedule.next(), Some(Stamp::ZERO));
    assert_eq!(millis(&stamps(&mut schedule, Stamp::from_millis(2000))), [0, 0, 0, 1000, 1000, 1000, 2000, 2000, 2000]);
}

#[test]
fn a_wave_fills_the_first_third_of_its_period() {
    let mut schedule = Schedule::new(Arrivals::Wave { size: 4, period: Duration::from_millis(1200) }, 0.0, 1);
    assert_eq!(millis(&stamps(&mut schedule, Stamp::from_millis(1500))), [0, 100, 200, 300, 1200, 1300, 1400, 1500]);
}

#[test]
fn rate_zero_and_nonsense_mean_no_clients() {
    for rate in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
        let mut schedule = Schedule::new(Arrivals::Poisson, rate, 1);
        assert_eq!(schedule.next(), None);
        assert_eq!(schedule.due(Stamp::from_millis(5000)), 0);
        schedule.burst(2);
        assert_eq!(schedule.due(Stamp::from_millis(5001)), 2);
        assert_eq!(schedule.due(Stamp::from_millis(9000)), 0);
    }
}

#[test]
fn an_absurd_rate_is_counted_in_one_call() {
    for pattern in [Arrivals::Steady, Arrivals::Poisson] {
        let mut schedule = Schedule::new(pattern, 1e6, 1);
        schedule.due(Stamp::ZERO);
        let hour = schedule.due(Stamp::from_millis(3_600_000));
        assert!((3_590_000_000..3_610_000_000).contains(&hour), "{pattern:?} {hour}");
    }
}

proptest! {
    #[test]
    fn how_often_one_asks_changes_nothing(
        kind in 0..4usize, size in 1..50u32, period_ms in 1..500u64, rate in 0.5..5000.0f64,
        steps in prop::collection::vec(0..300u64, 1..30),
    ) {
        let period = Duration::from_millis(period_ms);
        let (burst, wave) = (Arrivals::Burst { size, period }, Arrivals::Wave { size, period });
        let pattern = [Arrivals::Steady, Arrivals::Poisson, burst, wave][kind];
        let mut often = Schedule::new(pattern, rate, 9);
        let mut once = often.clone();
        once.due(Stamp::ZERO);
        let mut total = u64::from(often.due(Stamp::ZERO));
        let mut now = 0;
        for step in steps {
            now += step;
            total += u64::from(often.due(Stamp::from_millis(now)));
            if let Some(next) = often.next() {
                prop_assert!(next > Stamp::from_millis(now));
            }
        }
        let mut whole = Schedule::new(pattern, rate, 9);
        let first = u64::from(whole.due(Stamp::ZERO));
        prop_assert_eq!(total, first + u64::from(once.due(Stamp::from_millis(now))));
    }
}

const POISSON_SEED_7: [u64; 5] = [1_035_323, 2_475_400, 2_793_543, 7_292_936, 7_441_504];

#[test]
fn turning_the_rate_keeps_the_share_of_the_gap_that_has_passed() {
    for pattern in [Arrivals::Steady, Arrivals::Poisson] {
        let mut schedule = Schedule::new(pattern, 1.0, 5);
        schedule.due(Stamp::ZERO);
        let next = schedule.next().unwrap();
        let half = Stamp::from_nanos(next.as_nanos() / 2);
        schedule.set_rate(half, 2.0);
        assert_eq!(schedule.due(half), 0);
        let left = schedule.next().unwrap().since(half).as_nanos() as i128;
        assert!((left - i128::from(next.as_nanos() / 4)).abs() < 10, "{pattern:?}");
    }
}

#[test]
fn turning_the_size_of_a_burst_does_not_start_one() {
    let mut schedule = Schedule::new(Arrivals::Burst { size: 3, period: SECOND }, 0.0, 1);
    assert_eq!(schedule.due(Stamp::ZERO), 3);
    schedule.set_pattern(Stamp::from_millis(500), Arrivals::Burst { size: 9, period: SECOND });
    assert_eq!(schedule.due(Stamp::from_millis(999)), 0);
    assert_eq!(schedule.due(Stamp::from_millis(1000)), 9);
}

#[test]
fn another_pattern_begins_at_once_and_nothing_due_is_lost() {
    let mut schedule = Schedule::new(Arrivals::Steady, 10.0, 1);
    assert_eq!(schedule.due(Stamp::ZERO), 1);
    schedule.set_pattern(Stamp::from_millis(250), Arrivals::Burst { size: 5, period: SECOND });
    assert_eq!(schedule.due(Stamp::from_millis(250)), 7);
}

#[test]
fn turning_on_a_silent_schedule_starts_a_client_now() {
    let mut schedule = Schedule::new(Arrivals::Steady, 0.0, 1);
    schedule.due(Stamp::ZERO);
    schedule.set_rate(Stamp::from_millis(700), 1.0);
    assert_eq!(schedule.next(), Some(Stamp::from_millis(700)));
}
