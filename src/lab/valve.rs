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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The stamps of all accepts when the queue is never empty and the loop ticks at `ticks`.
    fn accepts(valve: &mut Valve, ticks: impl IntoIterator<Item = Stamp>) -> Vec<Stamp> {
        let mut taken = Vec::new();
        for now in ticks {
            while taken.len() < 100_000 && valve.may_accept(now) {
                valve.accepted(now);
                taken.push(now);
            }
        }
        taken
    }

    fn every(step_us: u64, until_ms: u64) -> impl Iterator<Item = Stamp> {
        (0..until_ms * 1_000).step_by(step_us as usize).map(|us| Stamp::from_nanos(us * 1_000))
    }

    #[test]
    fn a_paused_valve_allows_no_accept_and_has_no_next_moment() {
        for rate in [AcceptRate::Paused, AcceptRate::PerSecond(0.0), AcceptRate::PerSecond(f64::NAN)] {
            let mut valve = Valve::new(rate);
            assert_eq!(accepts(&mut valve, every(100, 1_000)), []);
            assert_eq!(valve.next(), None);
        }
    }

    #[test]
    fn an_open_valve_allows_every_accept() {
        let mut valve = Valve::new(AcceptRate::Max);
        assert!((0..10_000).all(|_| {
            valve.accepted(Stamp::ZERO);
            valve.may_accept(Stamp::ZERO)
        }));
    }

    #[test]
    fn a_slow_valve_keeps_an_even_rhythm() {
        let mut valve = Valve::new(AcceptRate::PerSecond(4.0));
        let taken = accepts(&mut valve, every(100, 2_000));
        assert_eq!(taken.len(), 8);
        assert!(taken.windows(2).all(|pair| pair[1] - pair[0] == Duration::from_millis(250)));
    }

    #[test]
    fn an_empty_queue_saves_nothing_up() {
        let mut valve = Valve::new(AcceptRate::PerSecond(10.0));
        let late = Stamp::from_millis(60_000);
        assert_eq!(accepts(&mut valve, [late]), [late], "one, although 600 accepts would have been allowed meanwhile");
        assert_eq!(valve.next(), Some(late + Duration::from_millis(98)));
    }

    #[test]
    fn coarse_ticks_do_not_cost_a_high_rate_anything() {
        let mut valve = Valve::new(AcceptRate::PerSecond(50_000.0));
        let taken = accepts(&mut valve, every(1_000, 1_000)).len();
        assert!((49_900..=50_200).contains(&taken), "{taken}");
    }

    #[test]
    fn playing_with_the_rate_gives_no_extra_accept() {
        let mut valve = Valve::new(AcceptRate::PerSecond(1.0));
        valve.accepted(Stamp::ZERO);
        for ms in (0..900).step_by(10) {
            let now = Stamp::from_millis(ms);
            valve.set(now, AcceptRate::Paused);
            valve.set(now, AcceptRate::PerSecond(1.0));
            assert!(!valve.may_accept(now));
        }
        valve.set(Stamp::from_millis(900), AcceptRate::PerSecond(2.0));
        assert!(valve.may_accept(Stamp::from_millis(900)), "half a second has passed since the last one");
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_rate_allows(
            rate in 0.1..200_000.0_f64,
            gaps_us in proptest::collection::vec(1_u64..50_000, 1..300),
        ) {
            let mut valve = Valve::new(AcceptRate::PerSecond(rate));
            let mut at_us = 0;
            let ticks = gaps_us.into_iter().map(|gap| { at_us += gap; Stamp::from_nanos(at_us * 1_000) });
            let taken = accepts(&mut valve, ticks);
            for first in (0..taken.len()).step_by(1 + taken.len() / 50) {
                for last in (first..taken.len()).step_by(1 + taken.len() / 50) {
                    let window = taken[last] - taken[first] + SLACK;
                    let allowed = rate * window.as_secs_f64() + 1.0 + 1e-6;
                    prop_assert!((last - first + 1) as f64 <= allowed, "{} in {window:?}", last - first + 1);
                }
            }
        }
    }
}
