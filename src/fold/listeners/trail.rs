//! What became of one listener lately, second by second: enough for a sparkline and for rates. A listener of which nothing is
//! to be told costs nothing.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::stamp::Stamp;

/// The length of one beat.
pub const BEAT: Duration = Duration::from_secs(1);

/// How many beats are kept: one minute.
pub const BEATS: usize = 60;

/// What happened during one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beat {
    /// The accept queue's greatest depth.
    pub depth_max: u32,
    /// Its depth at the end.
    pub depth_last: u32,
    /// Packets dropped.
    pub drops: u32,
    /// First SYNs, where a tap sees them.
    pub syns: u32,
    /// SYNs sent again, where a tap sees them.
    pub again: u32,
    /// Half-open requests at the end.
    pub half_open_last: u32,
}

/// The beats of one listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail {
    beats: VecDeque<Beat>,
    /// Number of the first beat kept, counted from the session's beginning.
    first: u64,
}

impl Trail {
    /// The beat of `at`, opening the beats up to it; the depth is carried over.
    pub(super) fn beat_at(&mut self, at: Stamp) -> &mut Beat {
        let number = number(at);
        if self.beats.is_empty() || number >= self.end() + BEATS as u64 {
            let carried = self.carried();
            self.beats.clear();
            self.beats.push_back(carried);
            self.first = number;
        }
        while self.end() <= number {
            let carried = self.carried();
            self.beats.push_back(carried);
            if self.beats.len() > BEATS {
                self.beats.pop_front();
                self.first += 1;
            }
        }
        let index = (number.saturating_sub(self.first) as usize).min(self.beats.len() - 1);
        &mut self.beats[index]
    }

    /// The last `count` beats up to `now`, oldest first; those that `known` refuses are `None`.
    pub(super) fn last(&self, now: Stamp, count: usize, known: impl Fn(Stamp, Stamp) -> bool) -> Vec<Option<Beat>> {
        let last = number(now);
        let first = (last + 1).saturating_sub(count as u64);
        let begins = |number: u64| Stamp::ZERO + BEAT * u32::try_from(number).unwrap_or(u32::MAX);
        (first..=last)
            .map(|number| known(begins(number), begins(number + 1).min(now)).then(|| self.beat(number)))
            .collect()
    }

    /// The sum of the beats from that of `from` on.
    pub(super) fn sum(&self, now: Stamp, from: Stamp, what: impl Fn(&Beat) -> u32) -> u64 {
        (number(from)..=number(now)).map(|number| u64::from(what(&self.beat(number)))).sum()
    }

    /// The beat before that of `at`; `None` before anything was known.
    pub(super) fn before(&self, at: Stamp) -> Option<Beat> {
        let number = number(at).checked_sub(1)?;
        (number >= self.first && !self.beats.is_empty()).then(|| self.beat(number))
    }

    fn beat(&self, number: u64) -> Beat {
        match number.checked_sub(self.first) {
            Some(index) if !self.beats.is_empty() => {
                self.beats.get(index as usize).copied().unwrap_or_else(|| self.carried())
            }
            _ => Beat::default(),
        }
    }

    fn end(&self) -> u64 {
        self.first + self.beats.len() as u64
    }

    fn carried(&self) -> Beat {
        let Beat { depth_last, half_open_last, .. } = self.beats.back().copied().unwrap_or_default();
        Beat { depth_max: depth_last, depth_last, half_open_last, ..Beat::default() }
    }
}

/// How much time the beats from that of `from` on have taken.
pub(super) const fn covered(now: Stamp, from: Stamp) -> Duration {
    let begins = from.as_nanos() - from.as_nanos() % BEAT.as_nanos() as u64;
    Duration::from_nanos(now.as_nanos().saturating_sub(begins))
}

const fn number(at: Stamp) -> u64 {
    at.as_nanos() / BEAT.as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_are_carried_and_drops_are_not() {
        let mut trail = Trail::default();
        *trail.beat_at(Stamp::from_millis(1500)) =
            Beat { depth_max: 6, depth_last: 4, drops: 9, syns: 2, ..Beat::default() };
        let beats = trail.last(Stamp::from_millis(3200), 4, |_, _| true);
        let depths: Vec<_> = beats.iter().map(|beat| beat.map(|beat| (beat.depth_max, beat.drops))).collect();
        assert_eq!(depths, [Some((0, 0)), Some((6, 9)), Some((4, 0)), Some((4, 0))]);
        assert_eq!(trail.sum(Stamp::from_millis(3200), Stamp::from_millis(1000), |beat| beat.drops), 9);
    }

    #[test]
    fn an_hour_costs_no_more_than_a_minute() {
        let mut trail = Trail::default();
        for second in 0..3600 {
            trail.beat_at(Stamp::from_millis(1000 * second)).depth_last = 3;
        }
        trail.beat_at(Stamp::from_millis(90_000_000));
        assert!(trail.beats.len() <= BEATS);
    }
}
