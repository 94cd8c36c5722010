//! The position of a player within a step, and the length of each phase.

use std::time::Duration;

use super::PlayMode;
use crate::fold::world::World;
use crate::model::stamp::Stamp;
use crate::scenario::lesson::{Step, Text};

/// The position of the player.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Position {
    /// The scene's session was requested at this moment; `None`: before there was a clock.
    Opening { since: Option<Stamp> },
    /// The question waits for a choice, or for its reading time.
    Asked { until: Option<Stamp> },
    /// The commands were sent.
    Doing(Work),
    /// The condition was met, and the counters are read once more: after this moment of the world, or until the timeout.
    Counting { since: Stamp, until: Stamp },
    /// The text is shown, until it was read.
    Done { until: Option<Stamp> },
    /// The missed condition is shown.
    Missed { until: Option<Stamp> },
    /// Nothing follows.
    Over,
}

/// A step whose commands were sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Work {
    began: Stamp,
    /// The time spent; it is held with the clients' time.
    spent: Duration,
    seen: Stamp,
    acts: bool,
    least: Duration,
    most: Option<Duration>,
}

impl Work {
    pub(super) fn new(step: &Step, now: Stamp) -> Self {
        Self {
            began: now,
            spent: Duration::ZERO,
            seen: now,
            acts: !step.commands.is_empty(),
            least: step.after,
            most: step.until.is_some().then_some(step.within.max(step.after)),
        }
    }

    /// Time has passed.
    pub(super) fn pass(&mut self, now: Stamp, mode: PlayMode, world: &World) {
        let passed = now.since(self.seen);
        self.seen = self.seen.max(now);
        self.spent += match mode {
            PlayMode::Hand if world.tempo.held => Duration::ZERO,
            PlayMode::Hand => passed.mul_f64(world.tempo.pace.clamp(0.0, 1.0)),
            PlayMode::Auto | PlayMode::Check => passed,
        };
    }

    /// True when the world is newer than the commands: the lab has received them and reported since.
    pub(super) fn is_settled(&self, now: Stamp, world: &World) -> bool {
        let reported = world.now.since(self.began) >= SETTLE_TIME || now.since(self.began) >= SILENCE;
        (!self.acts || reported) && self.spent >= self.least
    }

    /// True after the timeout.
    pub(super) fn is_overdue(&self) -> bool {
        self.most.is_some_and(|most| self.spent >= most)
    }

    pub(super) fn wake(&self, now: Stamp) -> Option<Stamp> {
        let left = |span: Duration| span.checked_sub(self.spent).map(|left| self.seen + left);
        let silent_at = self.acts.then_some(self.began + SILENCE);
        [left(self.least), self.most.and_then(left), silent_at].into_iter().flatten().filter(|at| *at > now).min()
    }
}

/// The reading time: a Chinese character counts as three letters.
pub(in crate::scenario) fn reading_time<'a>(texts: impl IntoIterator<Item = &'a Text>) -> Duration {
    let letter = |letter: char| if letter >= FIRST_WIDE { PER_CHARACTER } else { PER_LETTER };
    let span: Duration = texts.into_iter().flat_map(|text| text.here().chars()).map(letter).sum();
    span.max(SHORTEST)
}

/// The lab takes commands at least every 10 ms; facts stamped later than this come after them.
const SETTLE_TIME: Duration = Duration::from_millis(50);
/// A lab without facts for this long has none to report.
const SILENCE: Duration = Duration::from_secs(1);

const PER_LETTER: Duration = Duration::from_millis(60);
const PER_CHARACTER: Duration = Duration::from_millis(180);
const SHORTEST: Duration = Duration::from_secs(3);
/// The first CJK character (CJK radicals).
const FIRST_WIDE: char = '\u{2e80}';
