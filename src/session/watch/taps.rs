//! The packet taps, where they are permitted: SYNs of all listeners, and handshakes of the chosen one.

use std::net::SocketAddr;
use std::time::Duration;

use super::syn_counter::SynCounter;
use super::tap_load::TapLoad;
use crate::kernel::tap::syn_tap::SynTap;
use crate::kernel::tap::{Tap, TapPlan};
use crate::model::event::{Event, Stamped};
use crate::model::message::Message;
use crate::model::stamp::Stamp;
use crate::say;
use crate::session::clock::{Clock, WallClock};

/// Packets in one turn from which on the next rest is short: an eighth of the smaller ring.
const BUSY: usize = 1024;

/// The length of a sample.
const SAMPLE: Duration = Duration::from_millis(200);

/// The time between two samples.
const BETWEEN: Duration = Duration::from_secs(2);

/// Both taps.
#[derive(Debug)]
pub(super) struct Taps {
    wall: WallClock,
    all: Option<SynTap>,
    chosen: Option<Tap>,
    /// The chosen listener, whose segments are taken unless too many come.
    followed: Option<SocketAddr>,
    load: TapLoad,
    counting: Counting,
    /// Packets taken by the last [`drain`](Self::drain).
    came: usize,
}

/// Which SYNs are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counting {
    All,
    /// None; the last sample ended then.
    NoneSince(Stamp),
    /// Those of a sample that began then.
    SampleSince(Stamp),
}

impl Taps {
    /// Opens the tap for the SYNs of all listeners; if that fails, with the reason and the remedy.
    pub(super) fn open(clock: &Clock) -> (Self, Option<Message>) {
        let (all, refused) = match SynTap::open() {
            Ok(all) => (Some(all), None),
            Err(error) => (None, Some(Message::of(|| say!("{error}: {hint}", error, hint = error.hint())))),
        };
        let (wall, load) = (WallClock::default(), TapLoad::new(clock.now()));
        (Self { wall, all, chosen: None, followed: None, load, counting: Counting::All, came: 0 }, refused)
    }

    /// Taps every handshake with this listener from now on; false if that is not permitted.
    pub(super) fn follow(&mut self, address: SocketAddr) -> bool {
        if self.all.is_none() {
            return false;
        }
        self.followed = Some(address);
        self.load.choose();
        self.open_chosen(address);
        self.follows()
    }

    fn open_chosen(&mut self, address: SocketAddr) {
        let specific = !address.ip().is_unspecified();
        let plan = TapPlan { listener: specific.then(|| address.ip()), ..TapPlan::everywhere(address.port()) };
        self.chosen = Tap::open(&plan).inspect_err(|error| tracing::warn!(%error, "no packet tap")).ok();
    }

    /// Closes the tap of the chosen listener.
    pub(super) fn leave(&mut self) {
        (self.chosen, self.followed) = (None, None);
    }

    /// True when the segments of the chosen listener are taken.
    pub(super) const fn follows(&self) -> bool {
        self.chosen.is_some()
    }

    /// True when so much came lately that a ring might overflow in a long rest.
    pub(super) const fn is_busy(&self) -> bool {
        self.came > BUSY
    }

    /// Takes the segments and SYNs since the last call.
    pub(super) fn drain(&mut self, clock: &Clock, syn_counter: &mut SynCounter, out: &mut Vec<Stamped>) {
        let now = clock.now();
        let offset = self.wall.offset(clock);
        // A stamp after the beginning of this call is an error of the offset.
        let stamp = |wall| WallClock::stamp(wall, offset).min(now);
        self.came = 0;
        if let Some(tap) = &mut self.chosen {
            self.came =
                tap.drain(|wall, segment| out.push(Stamped { at: stamp(wall), event: Event::Segment(segment) }));
            self.load.count_segments(self.came);
        }
        if let Some(all) = &mut self.all {
            let (load, followed, counting) = (&mut self.load, self.followed, self.counting);
            self.came += all.drain(|wall, packet| {
                if counting.takes(stamp(wall)) {
                    load.count_syn(!packet.retransmit && followed.is_some_and(|to| to.port() == packet.local.port()));
                    syn_counter.count(&packet);
                }
            });
        }
    }

    /// Takes less from now on where too much comes, or all again, and begins and ends samples. Called after [`drain`](Self::drain).
    pub(super) fn adapt(&mut self, clock: &Clock, syn_counter: &mut SynCounter, out: &mut Vec<Stamped>) {
        let now = clock.now();
        if self.all.is_none() {
            return;
        }
        let changed = match self.counting {
            Counting::All => self.load.judge_second(now),
            Counting::NoneSince(since) => {
                if now.since(since) >= BETWEEN {
                    self.set_counting(true);
                    self.counting = Counting::SampleSince(clock.now());
                }
                false
            }
            Counting::SampleSince(since) if now.since(since) < SAMPLE => false,
            Counting::SampleSince(_) => {
                let (counts, span_ms) = (syn_counter.take(), SAMPLE.as_millis() as u32);
                out.push(Stamped { at: now, event: Event::SynsSampled { span_ms, counts } });
                self.counting = Counting::NoneSince(now);
                let changed = self.load.judge(now, SAMPLE);
                self.set_counting(!self.load.reach().sampled);
                changed
            }
        };
        if !changed {
            return;
        }
        let reach = self.load.reach();
        match self.counting {
            Counting::All if reach.sampled => {
                self.set_counting(false);
                out.push(Stamped { at: now, event: Event::SynsSeen(syn_counter.take()) });
                // The first sample begins at once: what comes is not unknown for long.
                self.counting = Counting::NoneSince(now.saturating_sub(BETWEEN));
            }
            Counting::NoneSince(_) if !reach.sampled => self.counting = Counting::All,
            _ => {}
        }
        match self.followed {
            Some(address) if reach.follows && self.chosen.is_none() => self.open_chosen(address),
            _ if !reach.follows => self.chosen = None,
            _ => {}
        }
        out.push(Stamped { at: now, event: Event::TapReach(reach) });
    }

    /// True while every SYN is counted.
    pub(super) fn counts_all(&self) -> bool {
        self.counting == Counting::All
    }

    fn set_counting(&self, on: bool) {
        let set = self.all.as_ref().map(|all| if on { all.resume() } else { all.pause() });
        if let Some(Err(error)) = set {
            tracing::warn!(%error, "the tap goes on as before");
        }
    }

    /// Packets dropped by full rings since the last call.
    pub(super) fn lost(&mut self) -> u64 {
        let chosen = self.chosen.as_mut().map_or(0, Tap::dropped);
        chosen + self.all.as_mut().map_or(0, SynTap::dropped)
    }
}

impl Counting {
    /// True when a SYN of this moment is counted.
    fn takes(self, at: Stamp) -> bool {
        match self {
            Self::All => true,
            Self::NoneSince(_) => false,
            Self::SampleSince(since) => since <= at && at < since + SAMPLE,
        }
    }
}
