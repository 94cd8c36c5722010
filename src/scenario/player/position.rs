//! Where a player stands within a step, and how long each phase lasts.

use std::time::Duration;

use super::PlayMode;
use crate::fold::world::World;
use crate::model::stamp::Stamp;
use crate::scenario::lesson::{Step, Text};

/// Where the player stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Position {
    /// The scene's session is wished for, since this moment; `None`: since before there was a clock.
    Opening { since: Option<Stamp> },
    /// The question waits for a prediction, or until it was read.
    Asked { until: Option<Stamp> },
    /// The commands were given.
    Doing(Work),
    /// It has come, and what the kernel counts is read once more: after this moment of the world, or not at all.
    Counting { since: Stamp, until: Stamp },
    /// It is said, until it was read.
    Told { until: Option<Stamp> },
    /// It is said that it did not come.
    Missed { until: Option<Stamp> },
    /// Nothing follows.
    Over,
}

/// A step whose commands were given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Work {
    began: Stamp,
    /// The time of this work, as far as it counts: a person who holds the clients' time holds this too.
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
    pub(super) fn pass(&mut self, now: Stamp, manner: PlayMode, world: &World) {
        let passed = now.since(self.seen);
        self.seen = self.seen.max(now);
        self.spent += match manner {
            PlayMode::Hand if world.tempo.held => Duration::ZERO,
            PlayMode::Hand => passed.mul_f64(world.tempo.pace.clamp(0.0, 1.0)),
            PlayMode::Auto | PlayMode::Check => passed,
        };
    }

    /// True when what is seen comes after the commands: the lab has heard them, and has told what it saw then.
    pub(super) fn is_settled(&self, now: Stamp, world: &World) -> bool {
        let told = world.now.since(self.began) >= HEARD || now.since(self.began) >= SILENCE;
        (!self.acts || told) && self.spent >= self.least
    }

    /// True when it takes longer than it may.
    pub(super) fn is_overdue(&self) -> bool {
        self.most.is_some_and(|most| self.spent >= most)
    }

    pub(super) fn wake(&self, now: Stamp) -> Option<Stamp> {
        let left = |span: Duration| span.checked_sub(self.spent).map(|left| self.seen + left);
        let heard = self.acts.then_some(self.began + SILENCE);
        [left(self.least), self.most.and_then(left), heard].into_iter().flatten().filter(|at| *at > now).min()
    }
}

/// How long it takes to read this: a Chinese character as long as three letters.
pub(super) fn reading_time<'a>(texts: impl IntoIterator<Item = &'a Text>) -> Duration {
    let letter = |letter: char| if letter >= FIRST_WIDE { PER_CHARACTER } else { PER_LETTER };
    let span: Duration = texts.into_iter().flat_map(|text| text.here().chars()).map(letter).sum();
    span.max(SHORTEST)
}

/// The lab looks for wishes at least each 10 ms; what it tells with a later stamp than this, it has seen after them.
const HEARD: Duration = Duration::from_millis(50);
/// A lab that tells nothing for so long has nothing to tell.
const SILENCE: Duration = Duration::from_secs(1);

const PER_LETTER: Duration = Duration::from_millis(60);
const PER_CHARACTER: Duration = Duration::from_millis(180);
const SHORTEST: Duration = Duration::from_secs(3);
/// Where the scripts of the Far East begin (CJK radicals).
const FIRST_WIDE: char = '\u{2e80}';
