//! The steps that keys take: small while single queue entries can be counted, larger above.

use std::time::Duration;

/// Rates from 0.5 to 100,000 per second on which the keys land.
const RATES: [f64; 34] = [
    0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0, 100.0, 150.0, 200.0, 300.0, 400.0, 600.0,
    800.0, 1000.0, 1500.0, 2000.0, 3000.0, 5000.0, 7000.0, 10_000.0, 15_000.0, 20_000.0, 30_000.0, 50_000.0, 70_000.0,
    85_000.0, 100_000.0,
];

/// Round-trip times through which a key goes.
const ROUND_TRIPS_MS: [u64; 6] = [20, 100, 200, 400, 800, 1600];

/// Slower and slower motion through which a key goes.
const PACES: [f64; 4] = [1.0, 0.5, 0.25, 0.1];

/// The next larger rate; `None` above the largest.
pub fn rate_above(per_s: f64) -> Option<f64> {
    RATES.into_iter().find(|step| *step > per_s * 1.001)
}

/// The next smaller rate; `None` below the smallest.
pub fn rate_below(per_s: f64) -> Option<f64> {
    RATES.into_iter().rev().find(|step| *step < per_s * 0.999)
}

/// The next larger count: by one up to 20, by about a tenth of itself above.
pub const fn count_above(value: u32) -> u32 {
    let step = step(value);
    (value / step + 1).saturating_mul(step)
}

/// The next smaller count, 0 at the end.
pub const fn count_below(value: u32) -> u32 {
    let Some(before) = value.checked_sub(1) else { return 0 };
    let step = step(before);
    before / step * step
}

const fn step(value: u32) -> u32 {
    match value {
        0..20 => 1,
        20..50 => 5,
        50..200 => 10,
        200..500 => 50,
        500..2_000 => 100,
        2_000..10_000 => 1_000,
        _ => 5_000,
    }
}

/// The next round-trip time, the smallest again after the largest.
pub fn round_trip_after(rtt: Duration) -> Duration {
    let millis = rtt.as_millis();
    let next = ROUND_TRIPS_MS.into_iter().find(|step| u128::from(*step) > millis);
    Duration::from_millis(next.unwrap_or(ROUND_TRIPS_MS[0]))
}

/// The next slower motion, the usual pace again after the slowest.
pub fn pace_after(pace: f64) -> f64 {
    PACES.into_iter().find(|step| *step < pace * 0.999).unwrap_or(PACES[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_and_down_meet_again() {
        for value in [0, 1, 5, 19, 20, 25, 45, 50, 100, 110, 190, 200, 450, 500, 1900, 2000, 9000, 10_000, 15_000] {
            assert_eq!(count_below(count_above(value)), value, "from {value}");
        }
        for pair in RATES.windows(2) {
            assert_eq!(rate_above(pair[0]), Some(pair[1]));
            assert_eq!(rate_below(pair[1]), Some(pair[0]));
        }
    }

    #[test]
    fn small_backlogs_step_by_one_and_large_ones_by_more() {
        assert_eq!(count_above(5), 6);
        assert_eq!(count_above(100), 110);
        assert_eq!(count_above(4096), 5000);
        assert_eq!(count_below(0), 0);
    }

    #[test]
    fn rates_end_on_both_sides() {
        assert_eq!(rate_above(100_000.0), None);
        assert_eq!(rate_below(0.5), None);
        assert_eq!(rate_above(0.0), Some(0.5));
        assert_eq!(rate_below(10.0), Some(8.0));
    }

    #[test]
    fn slow_motion_ends_at_the_usual_pace() {
        let paces: Vec<f64> = std::iter::successors(Some(1.0), |pace| Some(pace_after(*pace))).take(5).collect();
        assert_eq!(paces, [1.0, 0.5, 0.25, 0.1, 1.0]);
    }

    #[test]
    fn round_trips_go_round() {
        assert_eq!(round_trip_after(Duration::from_millis(200)), Duration::from_millis(400));
        assert_eq!(round_trip_after(Duration::from_secs(9)), Duration::from_millis(20));
    }
}
