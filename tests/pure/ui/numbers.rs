//! Tests of `ui::numbers`.

use std::time::Duration;

use qviz::ui::numbers::{UNKNOWN, count, countdown, rate, span4};

#[test]
fn a_count_never_needs_more_than_five_characters() {
    for value in [0, 9, 99_999, 100_000, 999_999, 1_234_567, 123_456_789, u64::from(u32::MAX)] {
        assert!(count(value).len() <= 5, "{value} is {}", count(value));
    }
}

#[test]
fn a_span_in_a_cell_is_always_four_wide() {
    for millis in [0, 99, 740, 9_999, 10_000, 99_999, 100_000, 3_600_000, 86_400_000] {
        assert_eq!(span4(Duration::from_millis(millis)).len(), 4, "{millis}");
    }
}

#[test]
fn a_countdown_ends_at_zero_only_when_the_moment_has_come() {
    assert_eq!(countdown(Duration::ZERO), "0.0 s");
    assert_eq!(countdown(Duration::from_millis(1)), "0.1 s");
    assert_eq!(countdown(Duration::from_millis(1300)), "1.3 s");
}

#[test]
fn rates_read_as_people_write_them() {
    for (per_s, text) in [(0.5, "0.5/s"), (12.0, "12/s"), (1500.0, "1.5k/s"), (2e6, "2M/s"), (f64::NAN, UNKNOWN)] {
        assert_eq!(rate(per_s), text);
    }
}
