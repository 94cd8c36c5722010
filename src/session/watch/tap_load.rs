//! How much the taps take: all, until so much comes that nobody can follow it. A packet socket costs every packet of the machine a little
//! even where its filter takes none, so then there is none: SYNs are counted in short samples alone, and segments of the chosen listener
//! are not taken at all. Pure.

use std::time::Duration;

use crate::model::stamp::Stamp;
use crate::model::watch::TapReach;

/// SYNs per second, of all listeners, up to which all are counted.
const MOST_SYNS: f64 = 5_000.0;

/// Segments per second of the chosen listener up to which all are taken: those of about 2,000 connections.
const MOST_SEGMENTS: f64 = 15_000.0;

/// First SYNs per second of the chosen listener below which its segments are taken again.
const FEW_SYNS: f64 = 1_000.0;

/// The interval of judging.
const SECOND: Duration = Duration::from_secs(1);

/// Judgements in a row above a bound after which less is taken: a burst is followed to its end.
const ABOVE: u8 = 2;

/// Judgements in a row below a bound after which all is taken again.
const BELOW: u8 = 3;

/// What came since the last judgement, and how much is taken.
#[derive(Debug)]
pub(super) struct TapLoad {
    since: Stamp,
    syns: u32,
    syns_of_chosen: u32,
    segments: u32,
    sampled: Hysteresis,
    unfollowed: Hysteresis,
}

/// Judgements in a row that speak against the present state.
#[derive(Debug, Default)]
struct Hysteresis {
    narrow: bool,
    against: u8,
}

impl Hysteresis {
    /// Takes a judgement; true if the state changed.
    const fn judge(&mut self, too_much: bool, little: bool) -> bool {
        let (against, enough) = if self.narrow { (little, BELOW) } else { (too_much, ABOVE) };
        self.against = if against { self.against + 1 } else { 0 };
        if self.against < enough {
            return false;
        }
        (self.narrow, self.against) = (!self.narrow, 0);
        true
    }
}

impl TapLoad {
    /// Everything is taken from now on.
    pub(super) fn new(now: Stamp) -> Self {
        let (sampled, unfollowed) = (Hysteresis::default(), Hysteresis::default());
        Self { since: now, syns: 0, syns_of_chosen: 0, segments: 0, sampled, unfollowed }
    }

    /// Another listener is chosen.
    pub(super) fn choose(&mut self) {
        self.unfollowed = Hysteresis::default();
    }

    /// A SYN was counted; `chosen`: a first one for the chosen listener.
    pub(super) const fn count_syn(&mut self, chosen: bool) {
        self.syns = self.syns.saturating_add(1);
        self.syns_of_chosen = self.syns_of_chosen.saturating_add(chosen as u32);
    }

    /// Segments of the chosen listener were taken.
    pub(super) fn count_segments(&mut self, count: usize) {
        self.segments = self.segments.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Judges what was counted since the last judgement, once a second while all SYNs are counted; true if the reach changed.
    pub(super) fn judge_second(&mut self, now: Stamp) -> bool {
        let span = now.since(self.since);
        span >= SECOND && !self.sampled.narrow && self.judge(now, span)
    }

    /// Judges a sample that lasted `span`; true if the reach changed.
    pub(super) fn judge(&mut self, now: Stamp, span: Duration) -> bool {
        let per_s = |count: u32, span: Duration| f64::from(count) / span.as_secs_f64().max(1e-3);
        let (syns, chosen) = (per_s(self.syns, span), per_s(self.syns_of_chosen, span));
        let segments = per_s(self.segments, now.since(self.since));
        (self.since, self.syns, self.syns_of_chosen, self.segments) = (now, 0, 0, 0);
        let sampled = self.sampled.judge(syns > MOST_SYNS, syns < MOST_SYNS / 2.0);
        self.unfollowed.judge(segments > MOST_SEGMENTS, chosen < FEW_SYNS) || sampled
    }

    /// What is taken now.
    pub(super) const fn reach(&self) -> TapReach {
        TapReach { sampled: self.sampled.narrow, follows: !self.unfollowed.narrow }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load() -> (TapLoad, impl FnMut(&mut TapLoad, u32, usize) -> (bool, bool)) {
        let mut second = 0;
        let after = move |load: &mut TapLoad, syns: u32, segments: usize| {
            (0..syns).for_each(|_| load.count_syn(true));
            load.count_segments(segments);
            second += 1;
            let now = Stamp::from_millis(1000 * second);
            if load.reach().sampled {
                load.judge(now, Duration::from_millis(200));
            } else {
                load.judge_second(now);
            }
            (load.reach().sampled, load.reach().follows)
        };
        (TapLoad::new(Stamp::ZERO), after)
    }

    #[test]
    fn a_burst_of_one_second_is_taken_whole_and_a_load_is_not() {
        let (mut burst, mut after) = load();
        assert_eq!((after(&mut burst, 30_000, 90_000), after(&mut burst, 10, 30)), ((false, true), (false, true)));
        let (mut long, mut after) = load();
        assert_eq!((after(&mut long, 9_000, 90_000), after(&mut long, 9_000, 90_000)), ((false, true), (true, false)));
        let (mut one, mut after) = load();
        after(&mut one, 3_000, 21_000);
        assert_eq!(after(&mut one, 3_000, 21_000), (false, false), "each bound for itself");
    }

    #[test]
    fn a_sample_is_judged_by_its_own_length() {
        let (mut load, mut after) = load();
        (0..2).for_each(|_| _ = after(&mut load, 9_000, 90_000));
        for _ in 0..8 {
            assert_eq!(after(&mut load, 1_800, 0), (true, false), "1,800 in a fifth of a second");
        }
        assert_eq!([0; 3].map(|_| after(&mut load, 2, 0)), [(true, false), (true, false), (false, true)]);
    }

    #[test]
    fn a_part_of_a_second_is_not_judged() {
        let mut load = TapLoad::new(Stamp::ZERO);
        (0..90_000).for_each(|_| load.count_syn(false));
        assert!(!load.judge_second(Stamp::from_millis(999)));
    }
}
