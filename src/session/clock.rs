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

    /// Blocks the thread.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn pause(span: Duration) {
        std::thread::sleep(span);
    }
}

/// The processor time that this process has used, all threads together (CLOCK_PROCESS_CPUTIME_ID).
pub fn busy() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(used).unwrap_or_default()
}

/// The processor time that this thread has used (CLOCK_THREAD_CPUTIME_ID): unlike a span of the clock, it does not grow while others have
/// the processor.
pub fn thread_busy() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(used).unwrap_or_default()
}

/// The processor time that this thread has used since `before`.
pub fn busy_since(before: Duration) -> Duration {
    thread_busy().saturating_sub(before)
}

/// How long the kernel has been running, as it stamps its log, time asleep not counted (CLOCK_MONOTONIC).
pub fn since_boot() -> Duration {
    let running = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(running).unwrap_or_default()
}

/// How far the wall clock is ahead of a session's clock; measured repeatedly because the wall clock may jump.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock {
    measured: Option<(Stamp, i128)>,
}

impl WallClock {
    /// Nanoseconds to subtract from a kernel timestamp (CLOCK_REALTIME) to get a stamp.
    pub fn offset(&mut self, clock: &Clock) -> i128 {
        if let Some((at, offset)) = self.measured
            && clock.now().since(at) < AGAIN
        {
            return offset;
        }
        let offset = measure(clock);
        self.measured = Some((clock.now(), offset));
        offset
    }

    /// The stamp of a kernel timestamp.
    pub fn stamp(wall_nanos: u64, offset: i128) -> Stamp {
        Stamp::from_nanos(u64::try_from(i128::from(wall_nanos) - offset).unwrap_or(0))
    }
}

/// The closest of a few pairs of readings: the thread may be preempted between the two clocks.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn measure(clock: &Clock) -> i128 {
    let mut best = (Duration::MAX, 0);
    for _ in 0..4 {
        let before = clock.now();
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let after = clock.now();
        let middle = u64::midpoint(before.as_nanos(), after.as_nanos());
        if after.since(before) < best.0 {
            best = (after.since(before), wall.as_nanos() as i128 - i128::from(middle));
        }
    }
    best.1
}

/// How long one measurement of the offset is valid.
const AGAIN: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "compares with the wall clock")]
    fn a_kernel_timestamp_of_now_is_now() {
        let clock = Clock::start();
        let mut wall = WallClock::default();
        let offset = wall.offset(&clock);
        let before = clock.now();
        let kernel = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
        let after = clock.now();
        let stamp = WallClock::stamp(kernel, offset);
        let slack = Duration::from_millis(1);
        assert!(stamp + slack >= before && stamp <= after + slack, "{before} {stamp} {after}");
    }
}
