//! The rate limiter of `accept()`. Pure: time is an argument.
//!
//! Accepts come at even intervals: an empty queue earns no credit for later. Only the lateness of the loop is made up
//! for, at most [`SLACK`].

use std::time::Duration;

use crate::model::settings::AcceptRate;
use crate::model::stamp::Stamp;

/// How much lateness is made up for. Below 500 accepts per second it is less than one accept, so that the rhythm stays even; at
/// higher rates it bridges the loop's ticks, and the average keeps to the rate.
pub const SLACK: Duration = Duration::from_millis(2);

/// The longest and the shortest time between two accepts of a rate that is not zero, in nanoseconds.
const INTERVAL_NS: (f64, f64) = (1.0, 1e18);

/// Allows one `accept()` at a time, at the given rate.
#[derive(Clone, Debug)]
pub struct Valve {
    pace: Pace,
    /// The stamp of the last accept.
    last: Option<Stamp>,
    /// From this stamp on the next accept is allowed (used by [`Pace::Every`]).
    open_at: Stamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Never,
    Every(Duration),
    Always,
}

impl Valve {
    /// A valve of this rate. Its first accept is allowed at once, the second one interval later. A rate that is zero, negative or
    /// not a number is a closed valve.
    pub fn new(rate: AcceptRate) -> Self {
        Self { pace: Pace::of(rate), last: None, open_at: Stamp::ZERO }
    }

    /// Changes the rate. The next accept is due one new interval after the last one, or now if that is over already.
    pub fn set(&mut self, now: Stamp, rate: AcceptRate) {
        self.pace = Pace::of(rate);
        if let Pace::Every(interval) = self.pace {
            self.open_at = self.last.map_or(now, |last| last + interval).max(now);
        }
    }

    /// True when one `accept()` may be called now.
    pub fn may_accept(&self, now: Stamp) -> bool {
        match self.pace {
            Pace::Never => false,
            Pace::Every(_) => now >= self.open_at,
            Pace::Always => true,
        }
    }

    /// Records that a connection was accepted.
    pub fn accepted(&mut self, now: Stamp) {
        self.last = Some(now);
        if let Pace::Every(interval) = self.pace {
            self.open_at = self.open_at.max(now.saturating_sub(SLACK)) + interval;
        }
    }

    /// The stamp from which the next accept is allowed; `None` while the valve is closed.
    pub const fn next(&self) -> Option<Stamp> {
        match self.pace {
            Pace::Never => None,
            Pace::Every(_) => Some(self.open_at),
            Pace::Always => Some(Stamp::ZERO),
        }
    }
}

impl Pace {
    fn of(rate: AcceptRate) -> Self {
        match rate {
            AcceptRate::PerSecond(rate) if rate > 0.0 => {
                let interval_ns = (1e9 / rate).ceil().clamp(INTERVAL_NS.0, INTERVAL_NS.1);
                Self::Every(Duration::from_nanos(interval_ns as u64))
            }
            AcceptRate::Paused | AcceptRate::PerSecond(_) => Self::Never,
            AcceptRate::Max => Self::Always,
        }
    }
}
