//! How an accept queue moves: when something was accepted, how fast it drains, and for which part of the last seconds it was full.

use std::collections::VecDeque;
use std::time::Duration;

use super::RATE_SPAN;
use crate::fold::rhythm;
use crate::model::stamp::Stamp;

/// The movement of one accept queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    /// Since when connections wait and nothing was accepted.
    idle_since: Option<Stamp>,
    /// The longest time without an `accept()` that one ended while connections waited.
    longest_gap: Option<Duration>,
    last_empty: Option<Stamp>,
    left: u64,
    /// True after the first reading: how it was before that is not known.
    begun: bool,
    /// The latest readings: when, how many left, how many came; bounded by time.
    moves: VecDeque<(Stamp, u32, u32)>,
    /// The latest times at capacity, bounded by time.
    full: VecDeque<(Stamp, Stamp)>,
}

/// How fast an accept queue drains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drain {
    /// Connections that left it per second.
    pub accepts_per_s: f64,
    /// False where it is a lower bound: others came in between two readings.
    pub exact: bool,
}

/// The longest time between two `accept()` calls that is taken for normal where no longer one was seen.
pub const NORMAL_GAP: Duration = Duration::from_secs(3);

/// A program's rhythm: so many times its longest gap without an `accept()` is none of it.
const GAPS: u32 = 3;

/// How many readings are kept at most.
const MOST_MOVES: usize = 1024;

impl Flow {
    /// The depth was read.
    pub(super) fn read(&mut self, at: Stamp, before: u32, depth: u32) {
        let (left, came) = (before.saturating_sub(depth), depth.saturating_sub(before));
        if left > 0 {
            self.accepted(at);
            self.left += u64::from(left);
        }
        let was_empty = std::mem::replace(&mut self.begun, true) && before == 0;
        if depth == 0 || was_empty {
            self.last_empty = Some(at);
        }
        if before == 0 {
            self.idle_since = Some(at);
        }
        self.idle_since = self.idle_since.filter(|_| depth > 0);
        if left > 0 || came > 0 {
            self.moves.push_back((at, left, came));
        }
        let old = |moved: &(Stamp, u32, u32)| at.since(moved.0) > rhythm::LONGEST;
        while self.moves.front().is_some_and(old) || self.moves.len() > MOST_MOVES {
            self.moves.pop_front();
        }
    }

    /// Something was accepted between the last reading and this one.
    pub(super) fn accepted(&mut self, at: Stamp) {
        if let Some(since) = self.idle_since.replace(at) {
            self.longest_gap = self.longest_gap.max(Some(at.since(since)));
        }
    }

    /// It was full up to now.
    pub(super) fn was_full(&mut self, began: Stamp, ended: Stamp) {
        self.full.push_back((began, ended));
        while self.full.front().is_some_and(|(_, end)| ended.since(*end) > RATE_SPAN) || self.full.len() > MOST_MOVES {
            self.full.pop_front();
        }
    }

    /// Nothing was read from `began` to `ended`.
    pub(super) fn mark_gap(&mut self, ended: Stamp) {
        self.idle_since = self.idle_since.map(|_| ended);
        self.moves.clear();
    }

    /// For how long connections wait and nothing was accepted.
    pub(super) fn unaccepted(&self, now: Stamp) -> Option<Duration> {
        self.idle_since.map(|since| now.since(since))
    }

    /// True when nothing was accepted for longer than this program's own rhythm.
    pub(super) fn is_out_of_rhythm(&self, now: Stamp) -> bool {
        let normal = self.longest_gap.map_or(NORMAL_GAP, |gap| NORMAL_GAP.max(gap * GAPS));
        self.unaccepted(now).is_some_and(|idle| idle >= normal)
    }

    /// Whether it empties in between: true when it was empty within [`RATE_SPAN`], or within two of its program's longest gaps between accepts; false
    /// when it was not, though accepts were seen; `None`: not watched for as long, or none was seen.
    pub(super) fn empties(&self, now: Stamp, since: Stamp) -> Option<bool> {
        let span = self.longest_gap.map_or(RATE_SPAN, |gap| RATE_SPAN.max(gap * 2).min(rhythm::LONGEST));
        if self.last_empty.is_some_and(|empty| now.since(empty) <= span) {
            return Some(true);
        }
        (now.since(since) >= span && self.left > 0).then_some(false)
    }

    /// How fast it drains, over whole periods of its program's rhythm. `None` where nothing was seen to leave it, or only once.
    pub(super) fn drain(&self, now: Stamp, since: Stamp) -> Option<Drain> {
        let accepts = self.moves.iter().filter(|(_, left, _)| *left > 0).map(|(at, left, _)| (*at, *left));
        let measured = rhythm::measure(accepts, now, since)?;
        let came = self.moves.iter().any(|(at, _, came)| *at >= measured.from && *came > 0);
        Some(Drain { accepts_per_s: measured.per_s, exact: !came })
    }

    /// Connections that have left it since the watch began, at least.
    pub(super) const fn left(&self) -> u64 {
        self.left
    }

    /// The time at capacity within the last [`RATE_SPAN`], or since `since`, and that span; `full_since`: it is full since then.
    pub(super) fn full_of(&self, now: Stamp, since: Stamp, full_since: Option<Stamp>) -> (Duration, Duration) {
        let from = now.saturating_sub(RATE_SPAN).max(since);
        let present = full_since.map(|began| (began, now));
        let within = |(began, ended): (Stamp, Stamp)| ended.since(began.max(from));
        (self.full.iter().copied().chain(present).map(within).sum(), now.since(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Stamp {
        Stamp::from_millis(millis)
    }

    /// A queue of 200 that a program leaves alone for a second at a time.
    fn workers(gap_ms: u64, taken: u32) -> Flow {
        let mut flow = Flow::default();
        flow.read(at(0), 0, 200);
        let mut depth = 200;
        for turn in 1..=5 {
            flow.read(at(turn * gap_ms), depth, depth - taken);
            depth -= taken;
        }
        flow
    }

    #[test]
    fn a_program_is_out_of_its_rhythm_after_three_of_its_longest_gaps_and_not_before_three_seconds() {
        let flow = workers(1000, 3);
        assert!(!flow.is_out_of_rhythm(at(7_900)) && flow.is_out_of_rhythm(at(8_000)));
        let slow = workers(4000, 1);
        assert!(!slow.is_out_of_rhythm(at(31_900)) && slow.is_out_of_rhythm(at(32_000)));
        let mut empty = workers(1000, 40);
        empty.read(at(6000), 0, 0);
        assert!(!empty.is_out_of_rhythm(at(60_000)), "nobody waits");
    }

    /// Three workers of five seconds each, as PHP-FPM's with silent clients: three at once, then none for five seconds.
    #[test]
    fn workers_that_are_free_together_have_the_rate_of_their_rhythm() {
        let mut flow = workers(5000, 3);
        let rate = flow.drain(at(26_000), at(0)).unwrap().accepts_per_s;
        assert!((rate - 0.6).abs() < 0.01, "{rate}");
        flow = Flow::default();
        flow.read(at(0), 0, 63);
        flow.read(at(2000), 63, 60);
        assert_eq!(flow.drain(at(3000), at(0)), None, "once is no rhythm");
    }

    #[test]
    fn a_drain_is_exact_only_while_nobody_comes() {
        let mut flow = workers(1000, 3);
        assert_eq!(flow.drain(at(5000), at(0)), Some(Drain { accepts_per_s: 3.0, exact: true }));
        flow.read(at(5100), 185, 190);
        assert!(!flow.drain(at(5200), at(0)).unwrap().exact);
        assert_eq!(flow.drain(at(60_000), at(0)), None, "nothing has left it lately");
        assert_eq!(flow.drain(at(5200), at(5100)), None, "too short to tell");
    }

    #[test]
    fn a_queue_that_each_accept_makes_less_than_full_for_a_moment_is_full_nearly_all_the_time() {
        let mut flow = Flow::default();
        for turn in 0..40 {
            flow.was_full(at(turn * 100), at(turn * 100 + 95));
        }
        let (full, span) = flow.full_of(at(4000), at(0), None);
        assert_eq!((full, span), (Duration::from_millis(2850), RATE_SPAN));
        assert_eq!(flow.full_of(at(4000), at(3500), Some(at(3999))).1, Duration::from_millis(500));
    }
}
