//! When the next client starts: steady, Poisson, bursts, waves; seeded and pure.
//!
//! Start at [`Schedule::due`]. Steady arrivals, bursts and waves are counted by arithmetic, so that a late call costs
//! no more than an early one; Poisson arrivals are drawn one by one from a portable generator, the same on every
//! machine.

use std::time::Duration;

use rand::SeedableRng;
use rand_distr::{Distribution, Exp1};
use rand_pcg::Pcg64Mcg;

use crate::model::settings::Arrivals;
use crate::model::stamp::Stamp;

/// The arrivals of a run. Its time begins at the first call of [`Schedule::due`].
#[derive(Clone, Debug)]
pub struct Schedule {
    pattern: Arrivals,
    rate: f64,
    rng: Pcg64Mcg,
    phase: Option<Phase>,
    extra: u32,
    latest: Stamp,
}

/// The progress of a pattern.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The pattern's arrivals are counted from `origin`; the first `given` of them have been returned.
    Counted { origin: Stamp, given: u64 },
    /// The stamp of the next arrival has been drawn.
    Drawn { next: Stamp },
}

impl Schedule {
    /// Arrivals in this pattern; `rate` in clients per second (steady and Poisson; 0, negative or not a number: none;
    /// at most one per nanosecond). The same seed gives the same arrivals.
    pub fn new(pattern: Arrivals, rate: f64, seed: u64) -> Self {
        let rng = Pcg64Mcg::seed_from_u64(seed);
        Self {
            pattern: clamped_pattern(pattern),
            rate: clamped_rate(rate),
            rng,
            phase: None,
            extra: 0,
            latest: Stamp::ZERO,
        }
    }

    /// How many clients have to start up to `now`. Each is counted once; a count too large for 32 bits is clamped.
    pub fn due(&mut self, now: Stamp) -> u32 {
        self.latest = self.latest.max(now);
        let phase = match self.phase {
            Some(phase) => phase,
            None => self.begin(now),
        };
        let (phase, count) = match phase {
            Phase::Counted { origin, given } => {
                let reached = self.count_until(now.since(origin), now >= origin).max(given);
                (Phase::Counted { origin, given: reached }, reached - given)
            }
            Phase::Drawn { next } => {
                let (next, count) = self.draw_up_to(now, next);
                (Phase::Drawn { next }, count)
            }
        };
        self.phase = Some(phase);
        let count = u32::try_from(count).unwrap_or(u32::MAX).saturating_add(self.extra);
        self.extra = 0;
        count
    }

    /// When the next client starts; `None` when none will. Before the first call of [`Schedule::due`] that is at once.
    pub fn next(&self) -> Option<Stamp> {
        if self.extra > 0 {
            return Some(self.latest);
        }
        if self.is_silent() {
            return None;
        }
        match self.phase {
            None => Some(self.latest),
            Some(Phase::Counted { origin, given }) => Some(origin + self.offset(given)),
            Some(Phase::Drawn { next }) => Some(next),
        }
    }

    /// Sets the rate from `now` on, in clients per second.
    pub fn set_rate(&mut self, now: Stamp, rate: f64) {
        self.set(now, self.pattern, rate);
    }

    /// Sets the pattern from `now` on.
    pub fn set_pattern(&mut self, now: Stamp, pattern: Arrivals) {
        self.set(now, pattern, self.rate);
    }

    /// Another pattern or rate from `now` on. What was due before stays due. A changed rate stretches or shrinks the
    /// time that was left to the next client, a changed period the part of it that has passed; another kind of pattern
    /// begins at once.
    fn set(&mut self, now: Stamp, pattern: Arrivals, rate: f64) {
        let (pattern, rate) = (clamped_pattern(pattern), clamped_rate(rate));
        if (pattern, rate) == (self.pattern, self.rate) {
            return;
        }
        if self.phase.is_some() {
            self.extra = self.due(now);
        }
        let left = self.next_of_pattern().map(|next| next.since(now).as_secs_f64() * self.rate);
        let passed = self.elapsed_fraction(now);
        let same_kind = std::mem::discriminant(&pattern) == std::mem::discriminant(&self.pattern);
        let was_silent = self.is_silent();
        (self.pattern, self.rate) = (pattern, rate);
        if self.phase.is_none() {
            return;
        }
        self.phase = Some(match (pattern, left) {
            (Arrivals::Steady, Some(left)) if same_kind && !was_silent && !self.is_silent() => {
                Phase::Counted { origin: now + Duration::from_secs_f64(left / rate), given: 0 }
            }
            (Arrivals::Poisson, Some(left)) if same_kind && !was_silent && !self.is_silent() => {
                Phase::Drawn { next: now + Duration::from_secs_f64(left / rate) }
            }
            (Arrivals::Burst { period, .. } | Arrivals::Wave { period, .. }, _) if same_kind && !was_silent => {
                let origin = now.saturating_sub(period.mul_f64(passed));
                Phase::Counted { origin, given: self.count_until(now.since(origin), true) }
            }
            _ => self.begin(now),
        });
    }

    /// Adds `size` clients that are due at once.
    pub fn burst(&mut self, size: u32) {
        self.extra = self.extra.saturating_add(size);
    }

    fn begin(&mut self, now: Stamp) -> Phase {
        match self.pattern {
            Arrivals::Poisson if self.rate > 0.0 => Phase::Drawn { next: now + self.draw_interval() },
            _ => Phase::Counted { origin: now, given: 0 },
        }
    }

    fn is_silent(&self) -> bool {
        match self.pattern {
            Arrivals::Steady | Arrivals::Poisson => self.rate <= 0.0,
            Arrivals::Burst { size, .. } | Arrivals::Wave { size, .. } => size == 0,
        }
    }

    fn next_of_pattern(&self) -> Option<Stamp> {
        match self.phase? {
            _ if self.is_silent() => None,
            Phase::Counted { origin, given } => Some(origin + self.offset(given)),
            Phase::Drawn { next } => Some(next),
        }
    }

    /// The elapsed fraction of the current period, 0 to 1.
    fn elapsed_fraction(&self, now: Stamp) -> f64 {
        match (self.pattern, self.phase) {
            (Arrivals::Burst { period, .. } | Arrivals::Wave { period, .. }, Some(Phase::Counted { origin, .. })) => {
                (now.since(origin).as_nanos() % period.as_nanos()) as f64 / period.as_nanos() as f64
            }
            _ => 0.0,
        }
    }

    /// The distance of arrival `index` (from 0) from the pattern's origin.
    fn offset(&self, index: u64) -> Duration {
        match self.pattern {
            Arrivals::Steady | Arrivals::Poisson => Duration::from_nanos((index as f64 * (1e9 / self.rate)) as u64),
            Arrivals::Burst { size, period } => times(period, index / u64::from(size)),
            Arrivals::Wave { size, period } => {
                let size = u64::from(size);
                let within = u128::from(index % size) * wave_span(period) / u128::from(size);
                times(period, index / size) + Duration::from_nanos(within as u64)
            }
        }
    }

    /// The number of arrivals up to `elapsed` after the origin; 0 before it.
    fn count_until(&self, elapsed: Duration, begun: bool) -> u64 {
        if self.is_silent() || !begun {
            return 0;
        }
        let elapsed_ns = elapsed.as_nanos();
        let count = match self.pattern {
            Arrivals::Steady | Arrivals::Poisson => return self.count_until_steady(elapsed),
            Arrivals::Burst { size, period } => (elapsed_ns / period.as_nanos() + 1) * u128::from(size),
            Arrivals::Wave { size, period } => {
                let size = u128::from(size);
                let into = elapsed_ns % period.as_nanos();
                let of_this_wave = (((into + 1) * size - 1) / wave_span(period) + 1).min(size);
                elapsed_ns / period.as_nanos() * size + of_this_wave
            }
        };
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    fn count_until_steady(&self, elapsed: Duration) -> u64 {
        let mut count = (elapsed.as_nanos() as f64 * self.rate / 1e9) as u64 + 1;
        while count > 0 && self.offset(count - 1) > elapsed {
            count -= 1;
        }
        while self.offset(count) <= elapsed {
            count += 1;
        }
        count
    }

    /// Poisson arrivals from `next` up to `now`: the first one after `now`, and how many there were.
    fn draw_up_to(&mut self, now: Stamp, mut next: Stamp) -> (Stamp, u64) {
        let mut count = 0;
        while next <= now {
            if count == DRAWS_PER_CALL {
                // Far behind: the rest is counted at the mean rate, to bound the time of one call.
                let rest = (now.since(next).as_secs_f64() * self.rate) as u64;
                return (now + self.draw_interval(), count + rest);
            }
            count += 1;
            next = next + self.draw_interval();
        }
        (next, count)
    }

    /// Time to the next Poisson arrival, at least one nanosecond.
    fn draw_interval(&mut self) -> Duration {
        let drawn: f64 = Exp1.sample(&mut self.rng);
        Duration::from_nanos(((drawn * 1e9 / self.rate) as u64).max(1))
    }
}

/// The time over which a wave's clients are spread, in nanoseconds: the first third of its period.
fn wave_span(period: Duration) -> u128 {
    (period.as_nanos() / 3).max(1)
}

fn times(period: Duration, count: u64) -> Duration {
    Duration::from_nanos(u64::try_from(period.as_nanos() * u128::from(count)).unwrap_or(u64::MAX))
}

fn clamped_rate(rate: f64) -> f64 {
    if rate > 0.0 { rate.clamp(MIN_RATE, MAX_RATE) } else { 0.0 }
}

fn clamped_pattern(pattern: Arrivals) -> Arrivals {
    match pattern {
        Arrivals::Burst { size, period } => Arrivals::Burst { size, period: period.clamp(MIN_PERIOD, MAX_PERIOD) },
        Arrivals::Wave { size, period } => Arrivals::Wave { size, period: period.clamp(MIN_PERIOD, MAX_PERIOD) },
        other => other,
    }
}

/// Clients per second: one in eleven days.
const MIN_RATE: f64 = 1e-6;
/// Clients per second: one per nanosecond.
const MAX_RATE: f64 = 1e9;
/// A shorter period is taken as this one.
const MIN_PERIOD: Duration = Duration::from_millis(1);
/// A longer period is taken as this one (about eleven days).
const MAX_PERIOD: Duration = Duration::from_secs(1_000_000);
/// Poisson arrivals drawn one by one in one call.
const DRAWS_PER_CALL: u64 = 65_536;
