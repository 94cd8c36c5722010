//! Many packet-level clients: their timers, the segments they send and their events. Pure.
//!
//! Each client has its own synthetic network to the listener: half a round-trip time each way, and loss. A segment
//! counts as sent by the crowd when it reaches the listener's end, where the kernel receives it and the tap captures
//! it. Start at [`Crowd::tick`] and [`Crowd::receive`]; delivery of segments is in [`delivery`], the start of clients
//! in [`start`], single-stepping in [`step`]. They use the crowd's time ([`clock`]); outside the crowd is session time, and both are equal
//! until client time is held or slowed, or the machine is too slow.

mod addresses;
mod client_slots;
mod clock;
mod delivery;
mod losses;
mod start;
mod step;
mod timer_queue;

use std::net::SocketAddr;
use std::time::Duration;

use self::addresses::Addresses;
pub(in crate::lab) use self::addresses::address_of_turn;
use self::client_slots::ClientSlots;
use self::clock::CrowdClock;
use self::delivery::InFlight;
use self::losses::Losses;
use self::timer_queue::{Due, TimerQueue};
use super::arrivals::Schedule;
use super::wire::Destination;
use super::wire::interference::Interference;
use super::wire::machine::{ClientBehaviour, Rules, SynSchedule};
use crate::model::client_clock::StepCommand;
use crate::model::command::Command;
use crate::model::event::Stamped;
use crate::model::segment::{Segment, Toward};
use crate::model::settings::{Arrivals, Knobs, Sysctl, Sysctls};
use crate::model::stamp::Stamp;

/// The parameters of a crowd.
#[derive(Clone, Debug)]
pub struct CrowdPlan {
    /// Where the clients connect to; for `[::]` clients alternate between the families.
    pub listener: SocketAddr,
    /// Seed of all random choices.
    pub seed: u64,
    /// Rate, pattern, share of half-open clients, loss, round-trip time and jitter; the other knobs are ignored.
    pub knobs: Knobs,
    /// `tcp_syn_retries` and `tcp_syn_linear_timeouts` decide when a SYN is sent again.
    pub sysctls: Sysctls,
    /// Number of clients that start; `None`: no limit.
    pub count: Option<u64>,
    /// How many of the clients' addresses have had their turn in earlier runs.
    pub turns: u64,
    /// For this many clients per second departures and retries are emitted; those of the others are counted
    /// ([`crate::model::event::Loss::DetailSkipped`]). All other events are emitted for every client.
    pub detail_per_s: u32,
}

/// The output of a crowd.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    /// Events. Within one call the stamps never decrease; they may lie before the `now` of that call if it came late.
    pub facts: Vec<Stamped>,
    /// Segments that have reached the listener's end and have to be sent now, in this order.
    pub send: Vec<Segment>,
}

/// The clients of a run.
#[derive(Debug)]
pub struct Crowd {
    seed: u64,
    knobs: Knobs,
    sysctls: Sysctls,
    rules: Rules,
    schedule: Schedule,
    /// How many clients may still start; `None`: any number.
    allowed: Option<u64>,
    /// Clients that are due but have not started.
    waiting: u64,
    started: u64,
    stopped: bool,
    clock: CrowdClock,
    /// The latest time of the crowd at which it did something.
    latest: Stamp,
    addresses: Addresses,
    clients: ClientSlots,
    timers: TimerQueue,
    in_flight: InFlight,
    losses: Losses,
    wishes: Interference,
}

impl Crowd {
    /// A crowd without clients. Its arrivals begin with the first [`Crowd::tick`].
    pub fn new(plan: CrowdPlan) -> Self {
        let destination = Destination::from(plan.listener);
        let rules = Rules { schedule: SynSchedule::of(&plan.sysctls), behaviour: ClientBehaviour::default() };
        Self {
            seed: plan.seed,
            schedule: Schedule::new(plan.knobs.arrivals, plan.knobs.rate, plan.seed),
            knobs: plan.knobs,
            sysctls: plan.sysctls,
            rules,
            allowed: plan.count,
            waiting: 0,
            started: 0,
            stopped: false,
            clock: CrowdClock::default(),
            latest: Stamp::ZERO,
            addresses: Addresses::new(&destination, plan.turns),
            clients: ClientSlots::default(),
            timers: TimerQueue::default(),
            in_flight: InFlight::default(),
            losses: Losses::new(plan.detail_per_s),
            wishes: Interference::default(),
        }
    }

    /// The same crowd with another [`ClientBehaviour`].
    #[must_use]
    #[cfg(any(test, feature = "internals"))]
    pub fn with_behaviour(mut self, behaviour: ClientBehaviour) -> Self {
        self.rules.behaviour = behaviour;
        self
    }

    /// Processes everything that is due at `now`: timers and arrivals of segments in the order of their stamps, then
    /// starts clients. The work of one call is bounded; [`Crowd::next_deadline`] lies in the past while some is left.
    /// While client time is held nothing happens.
    pub fn tick(&mut self, now: Stamp, out: &mut Outbox) {
        if self.clock.is_held() {
            return;
        }
        let first = out.facts.len();
        self.run_due(self.clock.at(now), out);
        self.to_session_time(&mut out.facts[first..]);
    }

    /// Before [`Crowd::tick`] and [`Crowd::receive`], where time is real: what was due long ago could not be carried out in time. The crowd's time stands still
    /// until it is, so that no client waits for what has not been sent.
    pub fn keep_pace(&mut self, now: Stamp) {
        let Some(first) = self.timers.next().filter(|_| !self.clock.is_held()) else { return };
        let lost = self.clock.pause_for(now, first, self.latest);
        if !lost.is_zero() {
            self.losses.stood_still(lost);
            // Bursts and waves, and clients that are counted, only come later.
            let by_rate = matches!(self.knobs.arrivals, Arrivals::Steady | Arrivals::Poisson);
            if by_rate && self.allowed.is_none() && !self.stopped {
                self.losses.arrivals_late(self.knobs.rate * lost.as_secs_f64());
            }
        }
    }

    fn run_due(&mut self, now: Stamp, out: &mut Outbox) {
        self.latest = self.latest.max(now);
        let sent = out.send.len();
        for _ in 0..EVENTS_PER_TICK {
            if out.send.len() - sent >= SENDS_PER_TICK {
                break;
            }
            match self.timers.pop_due(now) {
                Some((at, Due::Deadline(index))) => self.deadline_passed(at, index, out),
                Some((at, Due::Arrival(segment))) => self.arrive(at, segment, out),
                None => break,
            }
        }
        self.start_due(now, out);
        self.losses.emit(now, &mut out.facts);
        let clients = &self.clients;
        self.timers.tidy(2 * clients.live() + STALE_TIMERS, |at, index| clients.has_deadline(index, at));
    }

    /// Receives a segment to a client that the tap captured at `at`, and delivers it. Other segments are ignored.
    pub fn receive(&mut self, at: Stamp, segment: &Segment, out: &mut Outbox) {
        if segment.toward == Toward::Client {
            let (clients, first) = (self.clock.at(at), out.facts.len());
            self.latest = self.latest.max(clients);
            self.send_inbound(clients, segment, out);
            for fact in &mut out.facts[first..] {
                fact.at = at;
            }
        }
    }

    /// When [`Crowd::tick`] has something to do; `None`: not before a segment or a command comes.
    pub fn next_deadline(&self) -> Option<Stamp> {
        if self.clock.is_held() {
            return None;
        }
        let arrival = if self.accepts_arrivals() { self.schedule.next() } else { None };
        let backlog = (self.waiting > 0).then_some(self.latest);
        let first = [self.timers.next(), arrival, backlog, self.losses.due()].into_iter().flatten().min();
        first.map(|first| self.clock.moment(first))
    }

    /// Applies commands that concern clients; ignores the others.
    pub fn command(&mut self, now: Stamp, command: &Command) {
        match *command {
            Command::Step(StepCommand::Hold | StepCommand::Next) => self.clock.shared.hold(now),
            Command::Step(StepCommand::Go) => self.clock.shared.go(now),
            Command::Pace(pace) => self.clock.shared.set_pace(now, pace),
            _ => self.apply_setting(self.clock.at(now), command),
        }
    }

    fn apply_setting(&mut self, now: Stamp, command: &Command) {
        self.latest = self.latest.max(now);
        command.turn(&mut self.knobs);
        match *command {
            Command::Rate(rate) => self.schedule.set_rate(now, rate),
            Command::Arrivals(arrivals) => self.schedule.set_pattern(now, arrivals),
            Command::Burst(size) => self.schedule.burst(size),
            Command::Sysctl(sysctl @ (Sysctl::SynRetries | Sysctl::SynLinearTimeouts), value) => {
                self.sysctls.set(sysctl, value);
                self.rules.schedule = SynSchedule::of(&self.sysctls);
            }
            Command::Stop => self.stop(),
            _ => {}
        }
    }

    /// Stops starting clients; those started go on. The next call emits what was skipped.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.losses.arrivals_skipped(std::mem::take(&mut self.waiting));
        self.losses.emit_now();
    }

    /// Number of clients that have started and not ended.
    pub fn live(&self) -> usize {
        self.clients.live()
    }

    /// Number of clients that have started.
    pub const fn started(&self) -> u64 {
        self.started
    }

    const fn accepts_arrivals(&self) -> bool {
        !self.stopped && !matches!(self.allowed, Some(0))
    }
}

/// Upper limit of concurrent clients.
pub const MAX_LIVE: usize = addresses::HOSTS as usize;
/// Timers and segment arrivals processed in one call.
const EVENTS_PER_TICK: usize = 1024;
/// Segments sent in one call, after which no further timer is processed: their answers are taken before.
const SENDS_PER_TICK: usize = 64;
/// Clients that start in one call.
const STARTS_PER_TICK: u64 = 256;
/// Stale timer entries tolerated before they are removed.
const STALE_TIMERS: usize = 65_536;
/// Interval between two reports of skipped arrivals and details.
const LOSS_INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
