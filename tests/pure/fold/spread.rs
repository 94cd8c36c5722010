//! Tests of `fold::spread`.

use std::time::Duration;

use qviz::fold::spread::DurationHistogram;

#[test]
fn quantiles_are_within_one_percent() {
    let mut spread = DurationHistogram::default();
    assert_eq!(spread.quantile_ms(0.5), None);
    for millis in 1..=1000 {
        spread.record(Duration::from_millis(millis));
    }
    let near = |value: Option<f64>, wanted: f64| (value.unwrap() - wanted).abs() <= wanted * 0.011;
    assert!(near(spread.quantile_ms(0.5), 500.0));
    assert!(near(spread.quantile_ms(0.99), 990.0));
    assert!(near(spread.max_ms(), 1000.0));
    let at = Duration::from_millis;
    let counts =
        [(0, Some(100)), (100, Some(300)), (300, None)].map(|(from, to)| spread.count_between(at(from), to.map(at)));
    assert_eq!(counts.iter().sum::<u64>(), 1000, "each time is in one of them");
    assert!(counts[0].abs_diff(100) <= 1 && counts[1].abs_diff(200) <= 3, "{counts:?}");
}

#[test]
fn the_longest_time_is_exact_and_no_quantile_lies_beyond_it() {
    let mut spread = DurationHistogram::default();
    spread.record(Duration::from_micros(6_490_123));
    assert_eq!((spread.max_ms(), spread.quantile_ms(0.99)), (Some(6490.123), Some(6490.123)));
}
