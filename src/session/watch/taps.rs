//! What passes on the wire, where it may be seen: the SYNs of all listeners, and the handshakes of the chosen one.

use std::net::SocketAddr;

use super::syn_counter::SynCounter;
use crate::kernel::tap::syn_tap::SynTap;
use crate::kernel::tap::{Tap, TapPlan};
use crate::model::event::{Event, Stamped};
use crate::model::message::Message;
use crate::say;
use crate::session::clock::{Clock, WallClock};

/// Both taps.
#[derive(Debug, Default)]
pub(super) struct Taps {
    wall: WallClock,
    all: Option<SynTap>,
    one: Option<Tap>,
}

impl Taps {
    /// Opens the tap for the SYNs of all listeners; with it, why there is none, and what would give one.
    pub(super) fn open() -> (Self, Option<Message>) {
        match SynTap::open() {
            Ok(all) => (Self { all: Some(all), ..Self::default() }, None),
            Err(error) => (Self::default(), Some(Message::of(|| say!("{error}: {hint}", error, hint = error.hint())))),
        }
    }

    /// From now on every handshake with this listener is seen; false where that is not allowed.
    pub(super) fn follow(&mut self, address: SocketAddr) -> bool {
        if self.all.is_none() {
            return false;
        }
        let specific = !address.ip().is_unspecified();
        let plan = TapPlan { listener: specific.then(|| address.ip()), ..TapPlan::everywhere(address.port()) };
        self.one = Tap::open(&plan).inspect_err(|error| tracing::warn!(%error, "no packet tap")).ok();
        self.one.is_some()
    }

    /// From now on no single segment is seen.
    pub(super) fn leave(&mut self) {
        self.one = None;
    }

    /// Takes what has passed.
    pub(super) fn drain(&mut self, clock: &Clock, door: &mut SynCounter, out: &mut Vec<Stamped>) {
        let now = clock.now();
        if let Some(tap) = &mut self.one {
            let offset = self.wall.offset(clock);
            tap.drain(|wall, segment| {
                // A stamp beyond the beginning of this look is the error of the offset.
                let at = WallClock::stamp(wall, offset).min(now);
                out.push(Stamped { at, event: Event::Segment(segment) });
            });
        }
        if let Some(all) = &mut self.all {
            all.drain(|_, knock| door.knock(&knock));
        }
    }

    /// How many packets did not fit into the rings since the last call.
    pub(super) fn lost(&mut self) -> u64 {
        let one = self.one.as_mut().map_or(0, Tap::dropped);
        one + self.all.as_mut().map_or(0, SynTap::dropped)
    }
}
