//! What passes on the wire, where it may be seen: the SYNs of all listeners, and every segment of the chosen one.

use std::net::SocketAddr;

use super::knocks::Door;
use crate::kernel::tap::Tap;
use crate::model::event::{Event, Stamped};
use crate::session::clock::{Clock, WallClock};

/// Both taps.
#[derive(Debug, Default)]
pub(super) struct Taps {
    wall: WallClock,
    one: Option<Tap>,
}

impl Taps {
    /// Opens the tap for the SYNs of all listeners; with it, why there is none, and what would give one.
    pub(super) fn open() -> (Self, Option<String>) {
        (Self::default(), Some("not yet".into()))
    }

    /// From now on every segment of this listener is seen; false where that is not allowed.
    pub(super) fn follow(&mut self, _address: SocketAddr) -> bool {
        false
    }

    /// From now on no single segment is seen.
    pub(super) fn leave(&mut self) {
        self.one = None;
    }

    /// Takes what has passed.
    pub(super) fn drain(&mut self, clock: &Clock, _door: &mut Door, out: &mut Vec<Stamped>) {
        let now = clock.now();
        let offset = self.wall.offset(clock);
        if let Some(tap) = &mut self.one {
            tap.drain(|wall, segment| {
                // A stamp beyond the beginning of this look is the error of the offset.
                let at = WallClock::stamp(wall, offset).min(now);
                out.push(Stamped { at, event: Event::Segment(segment) });
            });
        }
    }

    /// How many segments did not fit into the rings since the last call.
    pub(super) fn lost(&mut self) -> u64 {
        self.one.as_mut().map_or(0, Tap::dropped)
    }
}
