//! Many packet-level clients at once: whose timer is next, what is sent, what became of whom. Pure.
//!
//! Between each client and the listener lies a synthetic network of its own: half a round-trip time each way, and
//! losses. A segment counts as sent by the crowd when it reaches the listener's end, where the kernel gets it and the
//! tap sees it. Start at [`Crowd::tick`] and [`Crowd::receive`]; the segments' way is in [`journey`], the clients'
//! beginning in [`birth`], one thing at a time in [`step`]. All these speak the clients' time ([`ClientClock`]); outside of
//! the crowd there is the session's, and both are the same until somebody holds or slows the clients.

mod addresses;
mod client_slots;
mod delivery;
mod losses;
mod seeded_rng;
mod start;
mod step;
mod timer_queue;

use std::net::SocketAddr;
use std::time::Duration;

use self::addresses::Addresses;
use self::client_slots::ClientSlots;
use self::delivery::InFlight;
use self::losses::Losses;
use self::timer_queue::{Due, TimerQueue};
use super::arrivals::Schedule;
use super::wire::Destination;
use super::wire::machine::{ClientBehaviour, Rules, SynSchedule};
use crate::model::client_clock::{ClientClock, StepCommand};
use crate::model::command::Command;
use crate::model::event::Stamped;
use crate::model::segment::{Segment, Toward};
use crate::model::settings::{Knobs, Sysctl, Sysctls};
use crate::model::stamp::Stamp;

/// What a crowd is made of.
#[derive(Clone, Debug)]
pub struct CrowdPlan {
    /// Where the clients connect to; `[::]` is met by clients of both families in turn.
    pub listener: SocketAddr,
    /// Seed of everything that is left to chance.
    pub seed: u64,
    /// Rate, pattern, share of half-open clients, loss, round-trip time and jitter; the rest is not the crowd's.
    pub knobs: Knobs,
    /// `tcp_syn_retries` and `tcp_syn_linear_timeouts` decide when a SYN is sent again.
    pub sysctls: Sysctls,
    /// So many clients start, then no more; `None`: without end.
    pub count: Option<u64>,
    /// So many clients per second have their departures and retries told; those of the others are counted
    /// ([`crate::model::event::Loss::DetailSkipped`]). Everything else is told of all.
    pub detail_per_s: u32,
}

/// What comes out of a crowd.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    /// What happened. Within one call the stamps never fall; they may lie before the `now` of that call, where a call
    /// came late.
    pub facts: Vec<Stamped>,
    /// What has reached the listener's end and has to be put on the wire now, in this order.
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
    /// Clients that are due and have not started.
    waiting: u64,
    started: u64,
    stopped: bool,
    clock: ClientClock,
    /// The latest moment of the clients' time that the crowd has seen.
    latest: Stamp,
    addresses: Addresses,
    clients: ClientSlots,
    timers: TimerQueue,
    in_flight: InFlight,
    losses: Losses,
}

impl Crowd {
    /// A crowd in which nobody has started. Its arrivals begin with the first [`Crowd::tick`].
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
            clock: ClientClock::default(),
            latest: Stamp::ZERO,
            addresses: Addresses::new(&destination),
            clients: ClientSlots::default(),
            timers: TimerQueue::default(),
            in_flight: InFlight::default(),
            losses: Losses::new(plan.detail_per_s),
        }
    }

    /// The same crowd whose clients think and close in another manner.
    #[must_use]
    pub fn with_behaviour(mut self, manner: ClientBehaviour) -> Self {
        self.rules.behaviour = manner;
        self
    }

    /// Lets everything happen that is due at `now`: deadlines and landings in the order of their moments, then
    /// arrivals. The work of one call is bounded; [`Crowd::next_deadline`] lies in the past while some is left. While the
    /// clients' time stands still nothing happens.
    pub fn tick(&mut self, now: Stamp, out: &mut Outbox) {
        if self.clock.held {
            return;
        }
        let first = out.facts.len();
        self.run_due(self.clock.at(now), out);
        self.to_session_time(&mut out.facts[first..]);
    }

    fn run_due(&mut self, now: Stamp, out: &mut Outbox) {
        self.latest = self.latest.max(now);
        for _ in 0..EVENTS_PER_TICK {
            match self.timers.pop_due(now) {
                Some((at, Due::Deadline(place))) => self.deadline_passed(at, place, out),
                Some((at, Due::Arrival(flight))) => self.arrive(at, flight, out),
                None => break,
            }
        }
        self.start_due(now, out);
        self.losses.emit(now, &mut out.facts);
        let residents = &self.clients;
        self.timers.tidy(2 * residents.live() + STALE_TIMERS, |at, place| residents.has_deadline(place, at));
    }

    /// Takes a segment that the tap saw at `at` on its way to a client, and moves it on. Others are ignored.
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

    /// When [`Crowd::tick`] has something to do; `None`: not before a segment or a wish comes.
    pub fn next_deadline(&self) -> Option<Stamp> {
        if self.clock.held {
            return None;
        }
        let arrival = if self.accepts_arrivals() { self.schedule.next() } else { None };
        let backlog = (self.waiting > 0).then_some(self.latest);
        let first = [self.timers.next(), arrival, backlog, self.losses.due()].into_iter().flatten().min();
        first.map(|first| self.clock.moment(first))
    }

    /// Carries out what concerns clients; other wishes change nothing.
    pub fn command(&mut self, now: Stamp, command: &Command) {
        match *command {
            Command::Step(StepCommand::Hold | StepCommand::Next) => self.clock.hold(now),
            Command::Step(StepCommand::Go) => self.clock.go(now),
            Command::Pace(pace) => self.clock.set_pace(now, pace),
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

    /// No more clients start; those who live go on. What was left out is told by the next call.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.losses.arrivals_skipped(std::mem::take(&mut self.waiting));
        self.losses.emit_now();
    }

    /// How many clients have begun and not ended.
    pub fn live(&self) -> usize {
        self.clients.live()
    }

    /// How many clients have begun.
    pub const fn started(&self) -> u64 {
        self.started
    }

    const fn accepts_arrivals(&self) -> bool {
        !self.stopped && !matches!(self.allowed, Some(0))
    }
}

/// The most clients that live at once.
pub const MAX_LIVE: usize = addresses::HOSTS as usize;
/// Deadlines and landings in one call.
const EVENTS_PER_TICK: usize = 1024;
/// Clients that start in one call.
const STARTS_PER_TICK: u64 = 256;
/// Agenda entries beyond those of the living before stale ones are swept out.
const STALE_TIMERS: usize = 65_536;
/// Sums of what was left out are told this often.
const LOSS_INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
