//! The way between real clients and the listener: delay, jitter and loss, held and slowed with the clients' time. Pure.
//!
//! A frame enters at one end ([`Line::take`]) and leaves at the other when its time has come ([`Line::tick`]). Where it has no
//! delay the caller passes it on at once, without a copy. Times inside are the clients' ([`ClientClock`]).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use foldhash::fast::FixedState;

use super::interference::{Fate, Interference};
use super::machine::SynSchedule;
use crate::lab::detail_ration::DetailRation;
use crate::lab::seeded_rng::SeededRng;
use crate::model::client_clock::{ClientClock, StepCommand, StepOutcome};
use crate::model::command::Command;
use crate::model::event::{ClientEvent, Event, Stamped};
use crate::model::peer::Peer;
use crate::model::segment::{Kind, Segment, Toward};
use crate::model::settings::{Knobs, Sysctl, Sysctls};
use crate::model::stamp::Stamp;

/// The way, and all frames on it.
#[derive(Debug)]
pub struct Line {
    seed: u64,
    knobs: Knobs,
    sysctls: Sysctls,
    clock: ClientClock,
    ration: DetailRation,
    clients: HashMap<Peer, LineClient, FixedState>,
    /// How many clients have been seen: each has random choices of its own.
    seen: u64,
    frames: Vec<Option<Carried>>,
    free: Vec<u32>,
    /// Arrivals in the clients' time; of equal ones, the order of entering.
    timers: BinaryHeap<Reverse<(Stamp, u64, u32)>>,
    entered: u64,
    wishes: Interference,
}

/// A frame on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// All its bytes.
    pub frame: Box<[u8]>,
    /// What it is, if it is a segment between a client and the listener.
    pub segment: Option<Segment>,
    /// Which way it goes.
    pub toward: Toward,
}

/// Whether a frame goes on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// The caller passes it on.
    Now,
    /// It is on its way, held, or lost.
    NotNow,
}

/// One real client's own way.
#[derive(Clone, Debug)]
struct LineClient {
    id: u32,
    rng: SeededRng,
    rtt: Duration,
    syns: u8,
    detailed: bool,
}

impl Line {
    /// An empty line with these knobs (`rtt`, `jitter`, `loss`) and the clients' sysctls.
    pub fn new(seed: u64, knobs: Knobs, sysctls: Sysctls, detail_per_s: u32) -> Self {
        Self {
            seed,
            knobs,
            sysctls,
            clock: ClientClock::default(),
            ration: DetailRation::new(detail_per_s),
            clients: HashMap::default(),
            seen: 0,
            frames: Vec::new(),
            free: Vec::new(),
            timers: BinaryHeap::new(),
            entered: 0,
            wishes: Interference::default(),
        }
    }

    /// A client with this number and address has started, or is about to.
    pub fn learn(&mut self, now: Stamp, id: u32, peer: Peer) {
        let mut rng = SeededRng::for_client(self.seed, self.seen);
        self.seen += 1;
        let rtt = rng.uniform_around(self.knobs.rtt, self.knobs.jitter);
        let detailed = self.ration.allows(self.clock.at(now));
        self.clients.insert(peer, LineClient { id, rng, rtt, syns: 0, detailed });
    }

    /// This client has ended: what it still sends travels like anybody's.
    pub fn forget(&mut self, peer: &Peer) {
        self.clients.remove(peer);
    }

    /// True when this client is known.
    pub fn knows(&self, peer: &Peer) -> bool {
        self.clients.contains_key(peer)
    }

    /// A frame enters the line at `now`.
    pub fn take(
        &mut self,
        now: Stamp,
        (frame, segment): (&[u8], Option<Segment>),
        toward: Toward,
        facts: &mut Vec<Stamped>,
    ) -> Passage {
        let at = self.clock.at(now);
        let delay = segment.map_or(self.knobs.rtt / 2, |segment| self.delay_of(&segment, toward));
        if let Some(segment) = segment {
            self.report_departure((now, at), &segment, delay, facts);
            if self.is_lost(&segment) {
                facts.push(self.fact(now, &segment, toward, lost));
                return Passage::NotNow;
            }
        }
        if delay.is_zero() && !self.clock.held && self.arrives(now, (segment.as_ref(), toward), None, facts) {
            return Passage::Now;
        }
        if delay.is_zero() && !self.clock.held {
            // Held or lost by hand; a held one is kept whole.
            if let Some(segment) = segment.filter(|segment| self.is_holding(&segment.peer)) {
                let slot = self.store(Carried { frame: frame.into(), segment: Some(segment), toward });
                self.wishes.keep(segment.peer, slot);
            }
            return Passage::NotNow;
        }
        let slot = self.store(Carried { frame: frame.into(), segment, toward });
        self.entered += 1;
        self.timers.push(Reverse((at + delay, self.entered, slot)));
        Passage::NotNow
    }

    /// The frames that reach their end up to `now`, at most [`FRAMES_PER_TICK`]: each may have to be waited for.
    pub fn tick(&mut self, now: Stamp, facts: &mut Vec<Stamped>, arrived: &mut Vec<Carried>) {
        while arrived.len() < FRAMES_PER_TICK
            && !self.clock.held
            && let Some(&Reverse((due, _, slot))) = self.timers.peek()
            && due <= self.clock.at(now)
        {
            self.timers.pop();
            self.let_arrive(now, slot, facts, arrived);
        }
    }

    /// When [`Line::tick`] has something to do.
    pub fn next_deadline(&self) -> Option<Stamp> {
        self.next_event().filter(|_| !self.clock.held).map(|due| self.clock.moment(due))
    }

    /// When the next frame arrives, in the clients' time.
    pub fn next_event(&self) -> Option<Stamp> {
        self.timers.peek().map(|Reverse((due, ..))| *due)
    }

    /// Lets exactly one frame arrive, the next one, however far it is; the clients' time moves there.
    pub fn step(
        &mut self,
        now: Stamp,
        facts: &mut Vec<Stamped>,
        arrived: &mut Vec<Carried>,
    ) -> Option<(Peer, StepOutcome)> {
        let Reverse((due, _, slot)) = self.timers.pop()?;
        self.clock.advance(now, due);
        let carried = self.frames.get(slot as usize)?.as_ref()?;
        let outcome = carried.segment.map(|segment| {
            let kind = segment.kind();
            let outbound = carried.toward == Toward::Listener;
            (segment.peer, if outbound { StepOutcome::Reached(kind) } else { StepOutcome::CameBack(kind) })
        });
        self.let_arrive(now, slot, facts, arrived);
        outcome
    }

    /// Applies commands that concern the way; ignores the others. Frames that are let go arrive at once.
    pub fn command(&mut self, now: Stamp, command: &Command, facts: &mut Vec<Stamped>, arrived: &mut Vec<Carried>) {
        command.turn(&mut self.knobs);
        match *command {
            Command::Step(StepCommand::Hold | StepCommand::Next) => self.clock.hold(now),
            Command::Step(StepCommand::Go) => self.clock.go(now),
            Command::Pace(pace) => self.clock.set_pace(now, pace),
            Command::Sysctl(sysctl @ (Sysctl::SynRetries | Sysctl::SynLinearTimeouts), value) => {
                self.sysctls.set(sysctl, value);
            }
            Command::Lose(peer) => self.lose(now, peer, facts),
            Command::Hold(peer) => {
                for slot in self.wishes.turn_hold(peer) {
                    arrived.extend(self.remove(slot));
                }
            }
            _ => {}
        }
    }

    /// The clients' clock.
    pub const fn clock(&self) -> ClientClock {
        self.clock
    }

    /// Sets the clients' time.
    pub fn advance(&mut self, now: Stamp, clients: Stamp) {
        self.clock.advance(now, clients);
    }

    /// Loses the first segment of this client that is held or under way, else the next one.
    fn lose(&mut self, now: Stamp, peer: Peer, facts: &mut Vec<Stamped>) {
        let first_held = self.wishes.take_first_held(&peer);
        let Some(slot) = first_held.or_else(|| self.first_under_way(&peer)) else {
            return self.wishes.lose_next(peer);
        };
        if let Some(Carried { segment: Some(segment), toward, .. }) = self.remove(slot) {
            facts.push(self.fact(now, &segment, toward, lost));
        }
        self.timers.retain(|Reverse((.., other))| *other != slot);
    }

    /// The slot of this client's segment that arrives first.
    fn first_under_way(&self, peer: &Peer) -> Option<u32> {
        let is_of_peer = |slot: u32| {
            let segment = self.carried(slot).and_then(|carried| carried.segment);
            segment.is_some_and(|segment| segment.peer == *peer)
        };
        let entries = self.timers.iter().map(|Reverse(entry)| *entry);
        entries.filter(|(.., slot)| is_of_peer(*slot)).min().map(|(.., slot)| slot)
    }

    fn let_arrive(&mut self, now: Stamp, slot: u32, facts: &mut Vec<Stamped>, arrived: &mut Vec<Carried>) {
        let Some((segment, toward)) = self.carried(slot).map(|carried| (carried.segment, carried.toward)) else {
            return;
        };
        if self.arrives(now, (segment.as_ref(), toward), Some(slot), facts) {
            arrived.extend(self.remove(slot));
        } else if segment.is_some_and(|segment| !self.is_holding(&segment.peer)) {
            self.remove(slot);
        }
    }

    /// False when the segment is held (in its slot, if it has one already) or lost by hand.
    fn arrives(
        &mut self,
        now: Stamp,
        (segment, toward): (Option<&Segment>, Toward),
        slot: Option<u32>,
        facts: &mut Vec<Stamped>,
    ) -> bool {
        let Some(segment) = segment else { return true };
        match self.wishes.fate(&segment.peer) {
            Fate::Arrives => return true,
            Fate::IsLost => {
                facts.push(self.fact(now, segment, toward, lost));
            }
            Fate::IsHeld => {
                facts.push(self.fact(now, segment, toward, |kind, outbound| ClientEvent::Held { kind, outbound }));
                if let Some(slot) = slot {
                    self.wishes.keep(segment.peer, slot);
                }
            }
        }
        false
    }

    fn is_holding(&self, peer: &Peer) -> bool {
        self.wishes.is_holding(peer)
    }

    fn delay_of(&mut self, segment: &Segment, toward: Toward) -> Duration {
        let rtt = self.clients.get(&segment.peer).map_or(self.knobs.rtt, |client| client.rtt);
        if toward == Toward::Listener { rtt / 2 } else { rtt.saturating_sub(rtt / 2) }
    }

    fn is_lost(&mut self, segment: &Segment) -> bool {
        let share = self.knobs.loss;
        self.clients.get_mut(&segment.peer).is_some_and(|client| client.rng.happens(share))
    }

    /// A segment leaves its client: what, and when the client's kernel will send its SYN again.
    fn report_departure(
        &mut self,
        (now, at): (Stamp, Stamp),
        segment: &Segment,
        delay: Duration,
        facts: &mut Vec<Stamped>,
    ) {
        if segment.toward == Toward::Client {
            return;
        }
        let schedule = SynSchedule::of(&self.sysctls);
        let Some(client) = self.clients.get_mut(&segment.peer) else { return };
        let kind = segment.kind();
        client.syns = client.syns.saturating_add(u8::from(kind == Kind::Syn));
        if !client.detailed {
            return;
        }
        let mut emit =
            |event| facts.push(Stamped { at: now, event: Event::Client { id: client.id, peer: segment.peer, event } });
        let attempt = if kind == Kind::Syn { client.syns } else { 1 };
        emit(ClientEvent::Departed { kind, attempt, arrives: at + delay });
        if kind == Kind::Syn {
            let gives_up = client.syns > schedule.retries();
            emit(ClientEvent::WillRetry { at: schedule.next_after(client.syns, at), gives_up });
        }
    }

    /// What befell a segment, for its client.
    fn fact(&self, now: Stamp, segment: &Segment, toward: Toward, event: fn(Kind, bool) -> ClientEvent) -> Stamped {
        let id = self.clients.get(&segment.peer).map_or(0, |client| client.id);
        let event = event(segment.kind(), toward == Toward::Listener);
        Stamped { at: now, event: Event::Client { id, peer: segment.peer, event } }
    }

    fn carried(&self, slot: u32) -> Option<&Carried> {
        self.frames.get(slot as usize)?.as_ref()
    }

    fn store(&mut self, carried: Carried) -> u32 {
        if let Some(slot) = self.free.pop()
            && let Some(free) = self.frames.get_mut(slot as usize)
        {
            *free = Some(carried);
            return slot;
        }
        self.frames.push(Some(carried));
        self.frames.len() as u32 - 1
    }

    fn remove(&mut self, slot: u32) -> Option<Carried> {
        let carried = self.frames.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(carried)
    }
}

/// The most frames of one [`Line::tick`].
const FRAMES_PER_TICK: usize = 64;

const fn lost(kind: Kind, outbound: bool) -> ClientEvent {
    ClientEvent::Lost { kind, outbound }
}

#[cfg(test)]
mod tests;
