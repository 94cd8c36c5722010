//! Where a replay stands: position, speed, pause. Pure; the present moment is passed in.

use std::time::Duration;

use crate::model::stamp::Stamp;

/// The speeds, in tenths of the recorded one.
pub const SPEEDS: [u32; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/// A wish of the person at the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Play {
    /// Stand still, or go on; at the end: begin again.
    Pause,
    /// The next higher speed.
    Faster,
    /// The next lower speed.
    Slower,
    /// So far back.
    Back(Duration),
    /// So far ahead.
    Ahead(Duration),
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// One more thing happens, then stand still.
    Step,
}

/// What a person sees of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Playing {
    /// The moment of the recording that is shown.
    pub position: Stamp,
    /// The recording's last moment.
    pub end: Stamp,
    /// The speed, in tenths of the recorded one.
    pub tenths: u32,
    /// True while it stands still.
    pub paused: bool,
}

impl Playing {
    /// True when nothing is left to be shown.
    pub fn is_over(&self) -> bool {
        self.position >= self.end
    }
}

/// Position, speed, pause.
#[derive(Clone, Copy, Debug)]
pub struct Transport {
    /// When the position was `position` for the last time it was set.
    since: Stamp,
    position: Stamp,
    end: Stamp,
    speed: usize,
    paused: bool,
}

impl Transport {
    /// Plays from the beginning, at the recorded speed.
    pub fn new(now: Stamp, end: Stamp) -> Self {
        let speed = SPEEDS.iter().position(|tenths| *tenths == 10).unwrap_or_default();
        Self { since: now, position: Stamp::ZERO, end, speed, paused: false }
    }

    /// What is shown at this moment.
    pub fn playing(&self, now: Stamp) -> Playing {
        Playing { position: self.position(now), end: self.end, tenths: SPEEDS[self.speed], paused: self.paused }
    }

    /// The moment of the recording that is shown now.
    pub fn position(&self, now: Stamp) -> Stamp {
        if self.paused {
            return self.position;
        }
        let passed = u128::from(now.as_nanos().saturating_sub(self.since.as_nanos()));
        let played = passed * u128::from(SPEEDS[self.speed]) / 10;
        let position = u128::from(self.position.as_nanos()) + played;
        Stamp::from_nanos(u64::try_from(position).unwrap_or(u64::MAX)).min(self.end)
    }

    /// How long until the recording stands at `moment`; `None` while it stands still.
    pub fn wait(&self, now: Stamp, moment: Stamp) -> Option<Duration> {
        let ahead = u128::from(moment.since(self.position(now)).as_nanos() as u64);
        let real = (ahead * 10).div_ceil(u128::from(SPEEDS[self.speed]));
        (!self.paused).then(|| Duration::from_nanos(u64::try_from(real).unwrap_or(u64::MAX)))
    }

    /// True while it stands still.
    pub const fn is_paused(&self) -> bool {
        self.paused
    }

    /// The recording ends earlier than was thought.
    pub fn end_at(&mut self, end: Stamp) {
        self.end = self.end.min(end);
        self.position = self.position.min(self.end);
    }

    /// The recording's last moment.
    pub const fn end(&self) -> Stamp {
        self.end
    }

    /// Stands still, or goes on.
    pub fn pause(&mut self, now: Stamp) {
        self.settle(now);
        self.paused = !self.paused;
    }

    /// A speed further up or down the ladder.
    pub fn change_speed(&mut self, now: Stamp, up: bool) {
        self.settle(now);
        self.speed = if up { (self.speed + 1).min(SPEEDS.len() - 1) } else { self.speed.saturating_sub(1) };
    }

    /// To another moment, not beyond the end.
    pub fn seek(&mut self, now: Stamp, moment: Stamp) {
        self.since = now;
        self.position = moment.min(self.end);
    }

    /// To another moment, and stand still there.
    pub fn hold(&mut self, now: Stamp, moment: Stamp) {
        self.seek(now, moment);
        self.paused = true;
    }

    fn settle(&mut self, now: Stamp) {
        self.position = self.position(now);
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Stamp = Stamp::from_millis(60_000);

    fn ms(millis: u64) -> Stamp {
        Stamp::from_millis(millis)
    }

    #[test]
    fn time_passes_as_recorded_and_stops_at_the_end() {
        let transport = Transport::new(ms(5), END);
        assert_eq!(transport.position(ms(5)), ms(0));
        assert_eq!(transport.position(ms(1005)), ms(1000));
        assert_eq!(transport.position(ms(100_000)), END);
    }

    #[test]
    fn speed_counts_from_where_it_was_changed() {
        let mut transport = Transport::new(ms(0), END);
        transport.change_speed(ms(1000), true);
        assert_eq!(transport.position(ms(2000)), ms(3000));
        transport.change_speed(ms(2000), false);
        transport.change_speed(ms(2000), false);
        assert_eq!(transport.position(ms(4000)), ms(4000));
        assert_eq!(transport.wait(ms(4000), ms(4500)), Some(Duration::from_secs(1)));
    }

    #[test]
    fn the_ladder_ends_at_a_tenth_and_at_a_hundred() {
        let mut transport = Transport::new(ms(0), END);
        for _ in 0..20 {
            transport.change_speed(ms(0), false);
        }
        assert_eq!(transport.playing(ms(0)).tenths, 1);
        for _ in 0..20 {
            transport.change_speed(ms(0), true);
        }
        assert_eq!(transport.playing(ms(0)).tenths, 1000);
    }

    #[test]
    fn a_pause_holds_the_position_and_goes_on_from_there() {
        let mut transport = Transport::new(ms(0), END);
        transport.pause(ms(700));
        assert_eq!((transport.position(ms(9000)), transport.wait(ms(9000), END)), (ms(700), None));
        transport.pause(ms(9000));
        assert_eq!(transport.position(ms(9100)), ms(800));
    }

    #[test]
    fn a_wait_is_never_too_short() {
        let mut transport = Transport::new(ms(0), END);
        for _ in 0..6 {
            transport.change_speed(ms(0), true);
            let moment = Stamp::from_nanos(1_000_003);
            let wait = transport.wait(ms(0), moment).unwrap();
            assert!(transport.position(ms(0) + wait) >= moment);
        }
    }
}
