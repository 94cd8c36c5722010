//! Position, speed and pause of a replay. Pure; the present moment is passed in.

use std::time::Duration;

use crate::model::stamp::Stamp;

/// The speeds, in tenths of the recorded speed.
pub const SPEEDS: [u32; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/// A command to a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlayCommand {
    /// Pause, or resume; at the end: start again.
    Pause,
    /// The next higher speed.
    Faster,
    /// The next lower speed.
    Slower,
    /// Seek backwards by this time.
    Back(Duration),
    /// Seek forwards by this time.
    Ahead(Duration),
    /// Seek to the beginning.
    Home,
    /// Seek to the end.
    End,
    /// Deliver one more event, then pause.
    Step,
}

/// The visible state of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaybackState {
    /// The moment shown.
    pub position: Stamp,
    /// The recording's latest stamp.
    pub end: Stamp,
    /// The speed, in tenths of the recorded speed.
    pub tenths: u32,
    /// True while paused.
    pub paused: bool,
}

impl PlaybackState {
    /// True at the end.
    pub fn is_over(&self) -> bool {
        self.position >= self.end
    }
}

/// Position, speed, pause.
#[derive(Clone, Copy, Debug)]
pub struct Transport {
    /// The moment at which `position` was set.
    since: Stamp,
    position: Stamp,
    end: Stamp,
    speed: usize,
    paused: bool,
}

impl Transport {
    /// Starts at the beginning, at recorded speed.
    pub fn new(now: Stamp, end: Stamp) -> Self {
        let speed = SPEEDS.iter().position(|tenths| *tenths == 10).unwrap_or_default();
        Self { since: now, position: Stamp::ZERO, end, speed, paused: false }
    }

    /// The visible state at this moment.
    pub fn playing(&self, now: Stamp) -> PlaybackState {
        PlaybackState { position: self.position(now), end: self.end, tenths: SPEEDS[self.speed], paused: self.paused }
    }

    /// The moment of the recording shown now.
    pub fn position(&self, now: Stamp) -> Stamp {
        if self.paused {
            return self.position;
        }
        let passed = u128::from(now.as_nanos().saturating_sub(self.since.as_nanos()));
        let played = passed * u128::from(SPEEDS[self.speed]) / 10;
        let position = u128::from(self.position.as_nanos()) + played;
        Stamp::from_nanos(u64::try_from(position).unwrap_or(u64::MAX)).min(self.end)
    }

    /// The time until the replay reaches `moment`; `None` while paused.
    pub fn wait(&self, now: Stamp, moment: Stamp) -> Option<Duration> {
        let ahead = u128::from(moment.since(self.position(now)).as_nanos() as u64);
        let real = (ahead * 10).div_ceil(u128::from(SPEEDS[self.speed]));
        (!self.paused).then(|| Duration::from_nanos(u64::try_from(real).unwrap_or(u64::MAX)))
    }

    /// True while paused.
    pub const fn is_paused(&self) -> bool {
        self.paused
    }

    /// Moves the end to an earlier moment.
    pub fn end_at(&mut self, end: Stamp) {
        self.end = self.end.min(end);
        self.position = self.position.min(self.end);
    }

    /// The recording's latest stamp.
    pub const fn end(&self) -> Stamp {
        self.end
    }

    /// Pauses, or resumes.
    pub fn pause(&mut self, now: Stamp) {
        self.settle(now);
        self.paused = !self.paused;
    }

    /// The next higher or lower speed.
    pub fn change_speed(&mut self, now: Stamp, up: bool) {
        self.settle(now);
        self.speed = if up { (self.speed + 1).min(SPEEDS.len() - 1) } else { self.speed.saturating_sub(1) };
    }

    /// Seeks to a moment, at most the end.
    pub fn seek(&mut self, now: Stamp, moment: Stamp) {
        self.since = now;
        self.position = moment.min(self.end);
    }

    /// Seeks to a moment and pauses.
    pub fn hold(&mut self, now: Stamp, moment: Stamp) {
        self.seek(now, moment);
        self.paused = true;
    }

    fn settle(&mut self, now: Stamp) {
        self.position = self.position(now);
        self.since = now;
    }
}
