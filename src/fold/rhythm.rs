//! How often something happens, measured over whole periods of its own rhythm rather than over a window that cuts them. Pure.
//!
//! Four workers that are free once a second take four connections at once: three seconds hold two of these moments, or three. From the beginning of one
//! moment to that of another each period is whole.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::stamp::Stamp;

/// What happened lately: when, and how often; bounded by time and number.
#[derive(Clone, Debug, Default)]
pub struct Rhythm {
    moments: VecDeque<(Stamp, u32)>,
}

/// A rate, and from when on it was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) per_s: f64,
    pub(super) from: Stamp,
}

impl Rhythm {
    /// `count` of them happened.
    pub(super) fn note(&mut self, at: Stamp, count: u32) {
        match self.moments.back_mut() {
            Some((last, sum)) if at.since(*last) < GRAIN => *sum = sum.saturating_add(count),
            _ => self.moments.push_back((at, count)),
        }
        while self.moments.front().is_some_and(|(first, _)| at.since(*first) > LONGEST) {
            self.moments.pop_front();
        }
    }

    /// How many happen per second; `since`: when the observation began. `None` while that is too short ago.
    pub(super) fn per_s(&self, now: Stamp, since: Stamp) -> Option<f64> {
        let span = now.since(since).min(RATE_SPAN);
        if span < SHORTEST {
            return None;
        }
        let measured = measure(self.moments.iter().copied(), now, since).map(|measured| measured.per_s);
        let recent = self.moments.iter().rev().take_while(|(at, _)| now.since(*at) < span);
        let by_span = || f64::from(recent.map(|(_, count)| *count).sum::<u32>()) / span.as_secs_f64();
        Some(measured.unwrap_or_else(by_span))
    }
}

/// Moments that follow each other closely.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    began: Stamp,
    ended: Stamp,
    count: u32,
}

impl Cluster {
    fn length(&self) -> Duration {
        self.ended.since(self.began)
    }
}

/// The rate over whole periods of the last [`RATE_SPAN`], or, where these are too few, of the last [`LONGEST`]. `None` where no rhythm is to be seen, and
/// where it has ended.
pub(super) fn measure(moments: impl Iterator<Item = (Stamp, u32)>, now: Stamp, since: Stamp) -> Option<Measured> {
    let kept: Vec<_> = moments.filter(|(at, _)| *at >= since && now.since(*at) < LONGEST).collect();
    let within = |span: Duration| {
        let from = kept.iter().position(|(at, _)| now.since(*at) < span).unwrap_or(kept.len());
        clusters(&kept[from..])
    };
    // The fewer there are the more each end counts.
    for (span, enough) in [(RATE_SPAN, MANY), (RATE_SPAN * 3, ENOUGH)] {
        let lately = within(span);
        let dense = lately.first().is_some_and(|cluster| cluster.length() >= SHORTEST);
        if (lately.len() >= enough || dense)
            && let Some(measured) = over(&lately, now)
        {
            return Some(measured);
        }
    }
    over(&clusters(&kept), now)
}

/// The rate from the beginning of the first to that of the last; that of one that goes on from its beginning to its end.
fn over(clusters: &[Cluster], now: Stamp) -> Option<Measured> {
    let (first, last) = (clusters.first()?, clusters.last()?);
    let (span, idle) = (last.began.since(first.began), now.since(last.ended));
    if clusters.len() == 1 {
        let goes_on = last.length() >= SHORTEST && idle < SHORTEST;
        return goes_on
            .then(|| Measured { per_s: f64::from(first.count) / last.length().as_secs_f64(), from: first.began });
    }
    let longest = clusters.windows(2).map(|pair| pair[1].began.since(pair[0].began)).max()?;
    let goes_on = idle <= longest * 2 && span * 2 >= now.since(first.began) && span >= SHORTEST;
    let count: u32 = clusters[..clusters.len() - 1].iter().map(|cluster| cluster.count).sum();
    goes_on.then(|| Measured { per_s: f64::from(count) / span.as_secs_f64(), from: first.began })
}

fn clusters(moments: &[(Stamp, u32)]) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> = Vec::new();
    for (at, count) in moments.iter().copied() {
        match clusters.last_mut() {
            Some(last) if at.since(last.ended) <= AT_ONCE => {
                last.ended = at;
                last.count = last.count.saturating_add(count);
            }
            _ => clusters.push(Cluster { began: at, ended: at, count }),
        }
    }
    clusters
}

/// Rates are over this span, where no longer rhythm is seen.
pub const RATE_SPAN: Duration = Duration::from_secs(3);

/// A rate is measured over this time at least.
pub(super) const SHORTEST: Duration = Duration::from_millis(900);

/// Of so many moments a rate can be made.
const ENOUGH: usize = 3;

/// So many moments need no longer span than [`RATE_SPAN`].
const MANY: usize = 10;

/// What happens within this time is one moment: several workers that were free together.
const AT_ONCE: Duration = Duration::from_millis(50);

/// The longest rhythm that is measured.
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// Moments that are nearer are kept as one.
const GRAIN: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Stamp {
        Stamp::from_millis(millis)
    }

    fn every(period_ms: u64, count: u32, until_ms: u64) -> Rhythm {
        let mut rhythm = Rhythm::default();
        (1..=until_ms / period_ms).for_each(|turn| rhythm.note(at(turn * period_ms), count));
        rhythm
    }

    #[test]
    fn the_rate_of_a_rhythm_is_the_same_whenever_it_is_asked_for() {
        for (period, count) in [(1000, 4), (250, 1), (1400, 7), (3500, 31), (10, 1), (333, 2)] {
            let truth = f64::from(count) * 1000.0 / period as f64;
            let until: u64 = 20_000 - 20_000 % period;
            for later in (0..period.min(2000)).step_by(37) {
                let rate = every(period, count, until).per_s(at(until + later), at(0)).unwrap();
                let near = if period < 50 && later > 50 { 1.0 } else { 0.03 };
                assert!((rate - truth).abs() <= truth * near, "{period} {count}: {rate} after {later}");
            }
        }
    }

    #[test]
    fn what_has_ended_has_no_rate_after_the_span() {
        let rhythm = every(500, 2, 5000);
        assert_eq!(rhythm.per_s(at(9000), at(0)), Some(0.0));
        assert_eq!(Rhythm::default().per_s(at(9000), at(0)), Some(0.0));
        assert_eq!(rhythm.per_s(at(9000), at(8500)), None, "too short to tell");
    }

    #[test]
    fn one_moment_is_no_rhythm() {
        let mut rhythm = Rhythm::default();
        rhythm.note(at(2000), 3);
        assert_eq!(rhythm.per_s(at(3000), at(0)), Some(1.0), "so many in three seconds");
        assert_eq!(measure([(at(2000), 3)].into_iter(), at(3000), at(0)), None);
    }
}
