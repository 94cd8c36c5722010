//! The packet taps, where they are permitted: SYNs of all listeners, and handshakes of the chosen one.

use std::net::SocketAddr;

use super::syn_counter::SynCounter;
use crate::kernel::tap::knocking::SynTap;
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
    chosen: Option<Tap>,
}

impl Taps {
    /// Opens the tap for the SYNs of all listeners; if that fails, with the reason and the remedy.
    pub(super) fn open() -> (Self, Option<Message>) {
        match SynTap::open() {
            Ok(all) => (Self { all: Some(all), ..Self::default() }, None),
            Err(error) => (Self::default(), Some(Message::of(|| say!("{error}: {hint}", error, hint = error.hint())))),
        }
    }

    /// Taps every handshake with this listener from now on; false if that is not permitted.
    pub(super) fn follow(&mut self, address: SocketAddr) -> bool {
        if self.all.is_none() {
            return false;
        }
        let specific = !address.ip().is_unspecified();
        let plan = TapPlan { listener: specific.then(|| address.ip()), ..TapPlan::everywhere(address.port()) };
        self.chosen = Tap::open(&plan).inspect_err(|error| tracing::warn!(%error, "no packet tap")).ok();
        self.chosen.is_some()
    }

    /// Closes the tap of the chosen listener.
    pub(super) fn leave(&mut self) {
        self.chosen = None;
    }

    /// Takes the segments and SYNs since the last call.
    pub(super) fn drain(&mut self, clock: &Clock, syn_counter: &mut SynCounter, out: &mut Vec<Stamped>) {
        let now = clock.now();
        if let Some(tap) = &mut self.chosen {
            let offset = self.wall.offset(clock);
            tap.drain(|wall, segment| {
                // A stamp after the beginning of this call is an error of the offset.
                let at = WallClock::stamp(wall, offset).min(now);
                out.push(Stamped { at, event: Event::Segment(segment) });
            });
        }
        if let Some(all) = &mut self.all {
            all.drain(|_, packet| syn_counter.count(&packet));
        }
    }

    /// Packets dropped by full rings since the last call.
    pub(super) fn lost(&mut self) -> u64 {
        let chosen = self.chosen.as_mut().map_or(0, Tap::dropped);
        chosen + self.all.as_mut().map_or(0, SynTap::dropped)
    }
}
