//! A distribution of times: p50, p90, p99, max.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Times between one microsecond and an hour, kept with two significant digits.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread(Histogram<u32>);

impl Default for Spread {
    fn default() -> Self {
        let longest_us = 3_600_000_000;
        Self(
            Histogram::new_with_max(longest_us, 2).unwrap_or_else(|_| unreachable!("2 significant digits are allowed")),
        )
    }
}

impl Spread {
    /// Adds one time; longer than an hour counts as an hour.
    pub fn record(&mut self, span: Duration) {
        self.0.saturating_record(span.as_micros().max(1) as u64);
    }

    /// How many times were added.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time in milliseconds below which a `share` (0 to 1) of all lies; `None` when none was added.
    pub fn quantile_ms(&self, share: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(share) as f64 / 1000.0)
    }

    /// The longest time in milliseconds; `None` when none was added.
    pub fn max_ms(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.max() as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_one_percent() {
        let mut spread = Spread::default();
        assert_eq!(spread.quantile_ms(0.5), None);
        for millis in 1..=1000 {
            spread.record(Duration::from_millis(millis));
        }
        let near = |value: Option<f64>, wanted: f64| (value.unwrap() - wanted).abs() <= wanted * 0.011;
        assert!(near(spread.quantile_ms(0.5), 500.0));
        assert!(near(spread.quantile_ms(0.99), 990.0));
        assert!(near(spread.max_ms(), 1000.0));
    }
}
