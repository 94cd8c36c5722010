//! Time since the session began: the only notion of time above `session/clock`.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

/// Nanoseconds since the session began (monotonic). One that is read from a recording lies at most [`Stamp::LATEST`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(#[serde(deserialize_with = "readable")] u64);

impl Stamp {
    /// The moment at which the session began.
    pub const ZERO: Self = Self(0);

    /// The latest moment that a recording may hold: ten years. Far below what the numbers could hold, so that no sum of a moment and
    /// a time overflows.
    pub const LATEST: Self = Self(10 * 366 * 86_400 * 1_000_000_000);

    /// A stamp `nanos` nanoseconds after the session began.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A stamp `millis` milliseconds after the session began.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// Nanoseconds since the session began.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the session began.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The time from `earlier` to `self`; zero where `earlier` is the later one.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The stamp `span` before this one, or the session's beginning.
    #[must_use]
    pub const fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }
}

impl Add<Duration> for Stamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }
}

impl Sub for Stamp {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}s", self.as_secs_f64())
    }
}

/// The nanoseconds of a span, at most as many as a stamp can hold.
const fn nanos(span: Duration) -> u64 {
    let nanos = span.as_nanos();
    if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 }
}

fn readable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let nanos = u64::deserialize(deserializer)?;
    if nanos > Stamp::LATEST.0 {
        return Err(D::Error::invalid_value(Unexpected::Unsigned(nanos), &"a moment within ten years"));
    }
    Ok(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_span_is_cut_off_and_no_moment_beyond_ten_years_is_read() {
        assert_eq!((Stamp::ZERO + Duration::MAX).as_nanos(), u64::MAX);
        assert_eq!(Stamp::LATEST.saturating_sub(Duration::MAX), Stamp::ZERO);
        assert_eq!(serde_json::from_str::<Stamp>("316224000000000000").unwrap(), Stamp::LATEST);
        for late in ["316224000000000001", "18446744073709551615"] {
            let said = serde_json::from_str::<Stamp>(late).unwrap_err().to_string();
            assert!(said.contains("ten years"), "{said}");
        }
    }

    #[test]
    fn a_difference_never_underflows() {
        let early = Stamp::from_millis(1);
        let late = Stamp::from_millis(3);
        assert_eq!(late - early, Duration::from_millis(2));
        assert_eq!(early - late, Duration::ZERO);
    }
}
