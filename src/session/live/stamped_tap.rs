//! A small packet tap for one port of an experiment.

use crate::experiment::{PortTap, Wire};
use crate::kernel::tap::{Tap, TapError, TapPlan};
use crate::model::segment::Segment;
use crate::model::stamp::Stamp;
use crate::session::clock::{Clock, WallClock};

/// A tap with the clock that stamps its segments.
pub(super) struct StampedTap {
    tap: Tap,
    clock: Clock,
    wall: WallClock,
}

impl StampedTap {
    /// Opens a tap for one port at an interface.
    pub(super) fn open(clock: Clock, wire: Wire, interface: u32, port: u16) -> Result<Self, TapError> {
        let loopback = wire == Wire::Loopback;
        let plan = TapPlan { loopback, ring_bytes: RING_BYTES, ..TapPlan::new(interface, port) };
        Ok(Self { tap: Tap::open(&plan)?, clock, wall: WallClock::default() })
    }
}

impl PortTap for StampedTap {
    fn heard(&mut self) -> Vec<(Stamp, Segment)> {
        let (now, offset) = (self.clock.now(), self.wall.offset(&self.clock));
        let mut segments = Vec::new();
        // A stamp after this moment is an error of the offset.
        self.tap.drain(|wall, segment| segments.push((WallClock::stamp(wall, offset).min(now), segment)));
        segments
    }
}

/// Size of the ring in bytes: 256 segments, more than an experiment causes between two reads.
const RING_BYTES: u32 = 64 << 10;
