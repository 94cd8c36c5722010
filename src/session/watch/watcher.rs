//! The loop of a watch: commands, taps, sources, then sleep until the next reading is due. Nothing is answered here, so nothing
//! is urgent: the tap's ring keeps what passes meanwhile, with the kernel's timestamps.

use std::net::SocketAddr;
use std::time::Duration;

use super::choice::{Choice, Selection};
use super::registry::{ListenerRegistry, Resolution};
use super::sampler::{Sampler, SamplingRate};
use super::syn_counter::SynCounter;
use super::taps::Taps;
use super::{Length, WatchSessionPlan};
use crate::fold::nearby::nearest;
use crate::kernel::proc;
use crate::model::command::Command;
use crate::model::event::{Began, Environment, Event, Listening, Loss, Stamped};
use crate::model::message::Message;
use crate::model::sample::QueueReading;
use crate::model::settings::{ClientKind, Sysctl};
use crate::model::stamp::Stamp;
use crate::model::watch::{ListenerId, ListenerReading};
use crate::say;
use crate::session::clock::Clock;
use crate::session::pump::{Pump, Work};

/// The longest sleep; a command ends it.
const LONGEST_REST: Duration = Duration::from_millis(100);

/// The longest sleep while many packets come.
const BUSY_REST: Duration = Duration::from_millis(20);

/// The shortest sleep.
const SHORTEST_REST: Duration = Duration::from_millis(1);

/// How long [`SamplingRate::Restless`] lasts after the last growth or drop.
const RESTLESS: Duration = Duration::from_secs(1);

/// A turn later than this is reported as a loss: something may have been missed.
const LATE: Duration = Duration::from_millis(100);

/// A tick is emitted after this time without any other fact.
const TICK: Duration = Duration::from_millis(100);

/// Interval of SYN counts.
const SYN_INTERVAL: Duration = Duration::from_millis(100);

/// An unchanged reading of the chosen queue is emitted again after this time.
const QUEUE_REPEAT: Duration = Duration::from_millis(250);

/// Everything that a watch owns.
pub(super) struct WatchSession {
    pub(super) pump: Pump,
    pub(super) plan: WatchSessionPlan,
    pub(super) sampler: Sampler,
    pub(super) registry: ListenerRegistry,
    pub(super) choice: Choice,
    pub(super) taps: Taps,
    pub(super) syn_counter: SynCounter,
    pub(super) last_reported: LastReported,
}

/// What was emitted last, and when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastReported {
    queue: Option<(Stamp, QueueReading)>,
    syns: Stamp,
    restless: Option<Stamp>,
    full: bool,
    /// Segments came since the queue was reported: the same depth then tells something new.
    segments: bool,
}

impl Work for WatchSession {
    fn pump(&mut self) -> &mut Pump {
        &mut self.pump
    }

    /// Reads every source once.
    fn begin(&mut self) -> bool {
        self.read_listeners();
        self.sampler.read_owners(&self.pump.clock, &mut self.pump.batch);
        self.sampler.read_counters(&self.pump.clock, &mut self.pump.batch);
        self.choose_if_clear();
        self.sampler.read_lists(&self.pump.clock, self.choice.chosen(), &mut self.pump.batch);
        self.sampler.read_holders(&self.pump.clock, self.choice.chosen(), &mut self.pump.batch);
        if self.plan.length == Length::Once && self.plan.target.is_some() {
            self.look_at_the_drain();
        }
        self.plan.length != Length::Once
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Choose(id) => self.choose(id),
            _ => self.pump.refuse(|| {
                say!("this listener is somebody else's and only watched: qviz without watch has one of its own")
            }),
        }
    }

    fn turn(&mut self) {
        self.drain();
        let rate = self.sampling_rate();
        if self.sampler.listeners_due(self.pump.clock.now(), rate) {
            self.read_listeners();
            self.choose_if_clear();
        }
        self.sampler.read_due(&self.pump.clock, (rate, self.choice.chosen()), &mut self.pump.batch);
        if self.pump.batch.iter().any(|fact| matches!(fact.event, Event::Listed(_))) {
            // A list is held against the depth before and right after it.
            self.read_listeners();
        }
        self.drain();
        self.emit_syn_counts();
        self.adapt_taps();
        let now = self.pump.clock.now();
        if self.pump.batch.is_empty() && now.since(self.pump.sent) >= TICK {
            self.pump.push(Event::Tick);
        }
    }

    fn rest(&mut self) {
        let now = self.pump.clock.now();
        let longest = if self.taps.is_busy() { BUSY_REST } else { LONGEST_REST };
        let wake = [self.sampler.next(self.sampling_rate()), self.pump.end_by_time(), Some(now + longest)];
        let span = wake.into_iter().flatten().min().unwrap_or(now).since(now).max(SHORTEST_REST);
        self.pump.rest(span);
        if self.pump.clock.now().since(now + span) > LATE {
            self.pump.push(Event::Loss(Loss::LateTicks(1)));
        }
    }

    /// The final readings: counters and listeners must describe the same moment, and a listener counts as gone after two
    /// readings.
    fn end(&mut self) {
        if self.plan.length == Length::Once {
            return;
        }
        for _ in 0..LAST_LOOKS {
            Clock::pause(QUIET);
            self.drain();
            self.read_listeners();
            self.choose_if_clear();
            self.sampler.read_counters(&self.pump.clock, &mut self.pump.batch);
        }
        self.sampler.read_lists(&self.pump.clock, self.choice.chosen(), &mut self.pump.batch);
        self.drain();
        self.last_reported.syns = Stamp::ZERO;
        self.emit_syn_counts();
    }
}

impl WatchSession {
    /// One look at a queue tells its depth; whether it drains takes a second.
    fn look_at_the_drain(&mut self) {
        let waits = |reading: &ListenerReading| reading.queue.depth.unwrap_or(0) > 0;
        let target = self.plan.target.as_ref();
        if !target.is_some_and(|target| self.registry.taken(target).any(waits)) {
            return;
        }
        for _ in 0..DRAIN_LOOKS {
            Clock::pause(DRAIN_PAUSE);
            self.drain();
            self.read_listeners();
        }
        self.sampler.read_lists(&self.pump.clock, self.choice.chosen(), &mut self.pump.batch);
        self.sampler.read_counters(&self.pump.clock, &mut self.pump.batch);
        self.pump.push(Event::Tick);
    }

    fn sampling_rate(&self) -> SamplingRate {
        let now = self.pump.clock.now();
        if self.last_reported.restless.is_some_and(|at| now.since(at) < RESTLESS) {
            SamplingRate::Restless
        } else if self.last_reported.full {
            SamplingRate::Full
        } else if self.choice.chosen().is_some() {
            SamplingRate::Close
        } else {
            SamplingRate::Calm
        }
    }

    fn read_listeners(&mut self) {
        let Some(at) = self.sampler.read_listeners(&self.pump.clock) else { return };
        let change = self.registry.take(&self.sampler.readings, self.sampler.complete);
        if let Some(target) = self.plan.target.as_ref().filter(|target| target.needs_owner()) {
            self.registry.learn_owners(self.sampler.socket_owners());
            self.sampler.asked_for = self.registry.taken(target).map(|reading| reading.id).collect();
        }
        self.sampler.owner_unknown |= change.arrived;
        if change.arrived || !change.snapshot.gone.is_empty() {
            self.syn_counter.learn(self.registry.iter());
            self.sampler.forget(&change.snapshot.gone);
        }
        self.last_reported.full = change.full;
        if change.restless {
            self.last_reported.restless = Some(at);
        }
        let limit_before = self.last_reported.queue.and_then(|(_, queue)| queue.limit);
        if !change.is_empty() {
            self.pump.batch.push(Stamped { at, event: Event::Snapshot(Box::new(change.snapshot)) });
        }
        let Some(queue) = self.chosen_queue() else { return };
        if limit_before.is_some() && queue.limit != limit_before {
            let listening = self.listening(queue);
            self.pump.batch.push(Stamped { at, event: Event::Listening(listening) });
        }
        self.emit_queue(at, queue);
    }

    /// The chosen listener's queue as last read; `None` for unix sockets.
    fn chosen_queue(&self) -> Option<QueueReading> {
        let reading = self.registry.reading(self.choice.chosen()?)?;
        reading.address.port().map(|_| reading.queue)
    }

    fn emit_queue(&mut self, at: Stamp, queue: QueueReading) {
        let known = self
            .last_reported
            .queue
            .is_some_and(|(emitted, before)| before == queue && at.since(emitted) < QUEUE_REPEAT);
        if !known || std::mem::take(&mut self.last_reported.segments) {
            self.last_reported.queue = Some((at, queue));
            self.pump.batch.push(Stamped { at, event: Event::Queue(queue) });
        }
    }

    /// Chooses the listener that was requested once it appears; reports a request that cannot be resolved.
    fn choose_if_clear(&mut self) {
        match self.choice.update(&self.registry) {
            Selection::Unchanged => {}
            Selection::Chosen(id) => self.begin(id),
            Selection::Unclear(resolution) => {
                self.taps.leave();
                if self.plan.length != Length::Once || resolution != Resolution::NoListener {
                    let message = Message::of(|| self.unclear(&resolution));
                    self.pump.push(Event::Refused { message });
                }
            }
        }
    }

    /// Why no listener is chosen, and what to do.
    fn unclear(&self, resolution: &Resolution) -> String {
        let wished = self.choice.requested();
        let listed = |addresses: &mut dyn Iterator<Item = String>| addresses.take(4).collect::<Vec<_>>().join(", ");
        if let Resolution::Several(addresses) = resolution {
            let all = listed(&mut addresses.iter().map(ToString::to_string));
            let first = addresses.first().map(ToString::to_string).unwrap_or_default();
            let count = addresses.len();
            return say!(
                "{wished} is listened on at {count} addresses: {all}. Who waits is shown for one: qviz watch {first}",
                wished,
                count,
                all,
                first
            );
        }
        let near = self.plan.target.as_ref().map(|target| nearest(target, self.registry.iter())).unwrap_or_default();
        let near = listed(&mut near.into_iter().map(ToString::to_string));
        let near = if near.is_empty() { String::new() } else { say!(" (nearest: {near})", near) };
        say!("nothing listens on {wished}{near}: waiting for it", wished, near)
    }

    /// Starts to report everything about this listener.
    fn begin(&mut self, id: ListenerId) {
        self.last_reported.queue = None;
        self.taps.leave();
        self.pump.push(Event::Chosen(Some(id)));
        let (Some(address), Some(queue)) = (Sampler::address(&self.registry, id), self.chosen_queue()) else { return };
        let tap = self.taps.follow(address);
        self.begin_world(address, queue, tap);
    }

    /// A picture of the chosen listener begins anew; `tap`: its segments are taken.
    fn begin_world(&mut self, address: SocketAddr, queue: QueueReading, tap: bool) {
        let began = self.began(address, tap);
        self.pump.push(Event::Began(Box::new(began)));
        let listening = self.listening(queue);
        self.pump.push(Event::Listening(listening));
        self.emit_queue(self.pump.clock.now(), queue);
        self.sampler.read_counters(&self.pump.clock, &mut self.pump.batch);
    }

    fn began(&self, address: SocketAddr, tap: bool) -> Began {
        Began {
            kernel: proc::kernel_release(),
            environment: Environment::Host,
            fallback: None,
            pid: std::process::id(),
            seed: 0,
            clients: ClientKind::Connect,
            address,
            tap,
            private_counters: false,
            host: self.sampler.sysctls().clone(),
            sysctls: self.sampler.sysctls().clone(),
            syn_rule: self.plan.syn_rule,
            watched: true,
        }
    }

    /// The `listen()` call as far as its limit shows it.
    fn listening(&self, queue: QueueReading) -> Listening {
        let somaxconn = self.sampler.sysctls().value(Sysctl::Somaxconn).and_then(|value| u32::try_from(value).ok());
        let backlog = queue.limit.and_then(|limit| i32::try_from(limit).ok()).unwrap_or(i32::MAX);
        Listening { backlog, somaxconn, limit: queue.limit }
    }

    /// Takes fewer packets where too many come. What was concluded from segments of the chosen listener ends there.
    fn adapt_taps(&mut self) {
        let followed = self.taps.follows();
        self.taps.adapt(&self.pump.clock, &mut self.syn_counter, &mut self.pump.batch);
        let address = self.choice.chosen().and_then(|id| Sampler::address(&self.registry, id));
        if let (true, Some(address), Some(queue)) = (followed != self.taps.follows(), address, self.chosen_queue()) {
            self.begin_world(address, queue, self.taps.follows());
        }
    }

    fn drain(&mut self) {
        let before = self.pump.batch.len();
        self.taps.drain(&self.pump.clock, &mut self.syn_counter, &mut self.pump.batch);
        self.last_reported.segments |= self.pump.batch.len() > before;
    }

    fn emit_syn_counts(&mut self) {
        let now = self.pump.clock.now();
        if now.since(self.last_reported.syns) < SYN_INTERVAL {
            return;
        }
        self.last_reported.syns = now;
        if self.taps.counts_all() {
            let counts = self.syn_counter.take();
            if !counts.is_empty() {
                self.pump.push(Event::SynsSeen(counts));
            }
        }
        let lost = self.taps.lost();
        if lost > 0 {
            self.pump.push(Event::Loss(Loss::TapDropped(lost)));
        }
    }

    fn choose(&mut self, id: Option<ListenerId>) {
        if !self.choice.choose(&self.registry, id) {
            return self.pump.refuse(|| say!("that listener is gone"));
        }
        if let Some(id) = id {
            self.begin(id);
            self.sampler.read_lists(&self.pump.clock, Some(id), &mut self.pump.batch);
        } else {
            self.taps.leave();
            self.last_reported.queue = None;
            self.pump.push(Event::Chosen(None));
        }
    }
}

/// Readings of a single look at a queue in which connections wait, one second in all.
const DRAIN_LOOKS: u32 = 21;

/// The time between two of them.
const DRAIN_PAUSE: Duration = Duration::from_millis(50);

/// Time for packets that passed the tap to reach the counters.
const QUIET: Duration = Duration::from_millis(10);

/// A drop is separated from noise once both counters are unchanged in one further reading.
const LAST_LOOKS: usize = 3;
