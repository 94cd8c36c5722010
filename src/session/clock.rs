//! The only clock: monotonic time since the session began, and the translation of kernel timestamps.

use std::time::{Duration, Instant, SystemTime};

use crate::model::stamp::Stamp;

/// Monotonic time since the session began.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// Begins a session now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// The present moment.
    pub fn now(&self) -> Stamp {
        Stamp::from_nanos(self.origin.elapsed().as_nanos() as u64)
    }

    /// The distance from the session's beginning to the wall clock's epoch, as it is at this moment: what has to be subtracted
    /// from a kernel timestamp (CLOCK_REALTIME nanoseconds) to get a stamp. Read it again and again: the wall clock may jump.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn wall_offset(&self) -> i128 {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        wall.as_nanos() as i128 - i128::from(self.now().as_nanos())
    }

    /// Waits without doing anything.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn pause(span: Duration) {
        std::thread::sleep(span);
    }
}

/// The stamp of a kernel timestamp, given the [`Clock::wall_offset`] of about the same moment.
pub fn stamp_of_wall(wall_nanos: u64, offset: i128) -> Stamp {
    Stamp::from_nanos(u64::try_from(i128::from(wall_nanos) - offset).unwrap_or(0))
}
