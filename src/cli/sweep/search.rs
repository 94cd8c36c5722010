//! The smallest backlog that loses nobody, in as few runs as can be: from a first guess outwards in doubling steps, then by halving.
//! Pure.

use std::collections::BTreeMap;

/// A search between two backlogs.
#[derive(Clone, Debug)]
pub(super) struct Search {
    low: i64,
    high: i64,
    guess: i64,
    /// What was tried, and whether anybody was lost.
    tried: BTreeMap<i64, bool>,
    step: i64,
}

impl Search {
    /// Searches from `low` to `high`, both included, and tries `guess` first.
    pub(super) fn new(low: i32, high: i32, guess: i64) -> Self {
        let (low, high) = (i64::from(low), i64::from(high));
        Self { low, high, guess: guess.clamp(low, high), tried: BTreeMap::new(), step: 1 }
    }

    /// The backlog to try next; `None` when the answer is known.
    pub(super) fn next(&mut self) -> Option<i32> {
        let (losing, winning) = self.bounds();
        if winning - losing <= 1 {
            return None;
        }
        let next = if self.tried.is_empty() {
            self.guess
        } else if winning > self.high || losing < self.low {
            let step = self.step;
            self.step = self.step.saturating_mul(2);
            if winning > self.high { losing + step } else { winning - step }
        } else {
            i64::midpoint(losing, winning)
        };
        i32::try_from(next.clamp(losing + 1, winning - 1)).ok()
    }

    /// Takes a result. A second result for the same backlog counts when somebody was lost.
    pub(super) fn answer(&mut self, backlog: i32, lost: bool) {
        *self.tried.entry(backlog.into()).or_insert(false) |= lost;
    }

    /// The smallest backlog that lost nobody while all larger ones that were tried did not either.
    pub(super) fn found(&self) -> Option<i32> {
        let (_, winning) = self.bounds();
        i32::try_from(winning).ok().filter(|_| winning <= self.high)
    }

    /// The largest backlog that lost somebody, and the smallest above it that lost nobody; one outside of the range where there is none.
    fn bounds(&self) -> (i64, i64) {
        let losing = self.tried.iter().rev().find(|(_, lost)| **lost).map_or(self.low - 1, |(backlog, _)| *backlog);
        let winning = self.tried.range(losing + 1..).next().map_or(self.high + 1, |(backlog, _)| *backlog);
        (losing, winning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer and the runs that it took, where backlogs from `truth` on lose nobody.
    fn search(low: i32, high: i32, guess: i64, truth: i32) -> (Option<i32>, usize) {
        let mut search = Search::new(low, high, guess);
        while let Some(backlog) = search.next() {
            assert!((low..=high).contains(&backlog) && !search.tried.contains_key(&i64::from(backlog)));
            search.answer(backlog, backlog < truth);
        }
        (search.found(), search.tried.len())
    }

    #[test]
    fn the_smallest_is_found_from_any_guess_and_a_good_guess_is_cheap() {
        for truth in 1..=600 {
            for guess in [-5, 1, 87, 512, 9999] {
                let (found, runs) = search(1, 512, guess, truth);
                assert_eq!(found, (truth <= 512).then_some(truth), "{guess}");
                assert!(runs <= 19, "{truth} {guess}: {runs}");
            }
        }
        assert!(search(1, 4096, 87, 85).1 <= 5);
        assert_eq!(search(7, 7, 0, 7), (Some(7), 1));
        assert_eq!(search(0, i32::MAX, 40, i32::MAX).0, Some(i32::MAX));
    }

    #[test]
    fn a_second_run_that_loses_somebody_moves_the_answer_up() {
        let mut search = Search::new(1, 100, 10);
        while let Some(backlog) = search.next() {
            search.answer(backlog, backlog < 10);
        }
        assert_eq!(search.found(), Some(10));
        search.answer(10, true);
        while let Some(backlog) = search.next() {
            search.answer(backlog, backlog < 12);
        }
        assert_eq!(search.found(), Some(12));
    }
}
