//! A distribution of times: p50, p90, p99, max.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Times between one microsecond and an hour, kept with two significant digits; the longest one is kept as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct DurationHistogram {
    times: Histogram<u32>,
    longest: Duration,
}

impl Default for DurationHistogram {
    fn default() -> Self {
        let longest_us = 3_600_000_000;
        let times =
            Histogram::new_with_max(longest_us, 2).unwrap_or_else(|_| unreachable!("2 significant digits are allowed"));
        Self { times, longest: Duration::ZERO }
    }
}

impl DurationHistogram {
    /// Adds one time; for the quantiles, longer than an hour counts as an hour.
    pub fn record(&mut self, span: Duration) {
        self.times.saturating_record(span.as_micros().max(1) as u64);
        self.longest = self.longest.max(span.max(Duration::from_micros(1)));
    }

    /// How many times were added.
    #[cfg(any(test, feature = "internals"))]
    pub fn count(&self) -> u64 {
        self.times.len()
    }

    /// The time in milliseconds below which a `share` (0 to 1) of all lies; `None` when none was added.
    pub fn quantile_ms(&self, share: f64) -> Option<f64> {
        (!self.times.is_empty()).then(|| {
            // A bucket of the histogram may reach beyond the longest time, which is exact.
            let time_ms = self.times.value_at_quantile(share) as f64 / 1000.0;
            time_ms.min(ms(self.longest))
        })
    }

    /// How many times are longer than `from` and at most `to`, within the histogram's two digits.
    pub fn count_between(&self, from: Duration, to: Option<Duration>) -> u64 {
        let us = |span: Duration| span.as_micros() as u64;
        let up_to = |span: Duration| self.times.count_between(0, us(span).min(self.times.high()));
        let all = to.map_or(self.times.len(), up_to);
        all.saturating_sub(if from.is_zero() { 0 } else { up_to(from) })
    }

    /// The longest time in milliseconds; `None` when none was added.
    pub fn max_ms(&self) -> Option<f64> {
        (!self.times.is_empty()).then(|| ms(self.longest))
    }
}

fn ms(span: Duration) -> f64 {
    span.as_micros() as f64 / 1000.0
}
