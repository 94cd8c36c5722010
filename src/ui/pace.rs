//! When the next frame is due: never above the frame rate, never when nothing changed. Pure.

use std::time::Duration;

use crate::model::stamp::Stamp;

/// The least time between two frames: at most 30 a second.
pub const SHORTEST: Duration = Duration::from_millis(34);

/// The rhythm in which something glides.
const GLIDE: Duration = Duration::from_millis(50);

/// The rhythm of countdowns and ages.
const COUNT: Duration = Duration::from_millis(100);

/// The rhythm in which the clock and the timeline move on when all is quiet.
const QUIET: Duration = Duration::from_millis(500);

/// What moves on the screen by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Something glides.
    Gliding,
    /// A number runs.
    Counting,
    /// Nothing but the clock.
    Quiet,
    /// Nothing at all: a held picture.
    Still,
}

/// The frames' rhythm.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    drawn: Option<Stamp>,
    changed: bool,
    motion: Motion,
}

impl Default for Pace {
    fn default() -> Self {
        Self { drawn: None, changed: true, motion: Motion::Quiet }
    }
}

impl Pace {
    /// A frame was drawn at `now` and showed this motion.
    pub const fn drew(&mut self, now: Stamp, motion: Motion) {
        self.drawn = Some(now);
        self.changed = false;
        self.motion = motion;
    }

    /// A frame was due at `now` and could not be sent: it is due again soon.
    pub const fn held_up(&mut self, now: Stamp) {
        self.drawn = Some(now);
        self.changed = true;
    }

    /// Facts came: what is shown may have changed. A held picture shows none of them.
    pub const fn facts(&mut self) {
        self.changed |= !matches!(self.motion, Motion::Still);
    }

    /// A key was pressed or the size has changed.
    pub const fn touched(&mut self) {
        self.changed = true;
    }

    /// How long to wait for the next frame from `now`; zero when it is due.
    pub fn wait(&self, now: Stamp) -> Duration {
        let Some(drawn) = self.drawn else { return Duration::ZERO };
        let rhythm = match self.motion {
            _ if self.changed => SHORTEST,
            Motion::Gliding => GLIDE,
            Motion::Counting => COUNT,
            Motion::Quiet => QUIET,
            Motion::Still => Duration::from_secs(1),
        };
        (drawn + rhythm).since(now)
    }
}
