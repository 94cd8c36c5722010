//! The loop of an attached session: wishes, taps, eyes; then rest until the next look is due. Nobody is answered here, so nothing has
//! to be noticed at once: the tap's ring keeps what passes meanwhile, with the kernel's own times.

use std::net::SocketAddr;
use std::time::Duration;

use super::choice::{Choice, Selection};
use super::registry::{ListenerRegistry, Resolution};
use super::sampler::{Sampler, SamplingRate};
use super::syn_counter::SynCounter;
use super::taps::Taps;
use super::{AttachPlan, Length};
use crate::fold::nearby::nearest;
use crate::kernel::proc;
use crate::model::command::Command;
use crate::model::event::{Began, Environment, Event, Listening, Loss, Stamped};
use crate::model::message::Message;
use crate::model::sample::QueueReading;
use crate::model::settings::{ClientKind, Sysctl};
use crate::model::stamp::Stamp;
use crate::model::watch::ListenerId;
use crate::say;
use crate::session::clock::Clock;
use crate::session::pump::{Pump, Work};

/// The longest rest: how late a wish may be noticed.
const PATIENCE: Duration = Duration::from_millis(20);

/// The shortest rest.
const BREATH: Duration = Duration::from_millis(1);

/// How long care lasts after the last growth or drop.
const RESTLESS: Duration = Duration::from_secs(1);

/// A turn that comes so much later than it was due is told: something may have been missed.
const LATE: Duration = Duration::from_millis(100);

/// How often the passing of time is told where nothing else is.
const TICK: Duration = Duration::from_millis(100);

/// How often SYNs are told.
const KNOCKS: Duration = Duration::from_millis(100);

/// A reading of the chosen queue is told again unchanged after this time.
const RETELL: Duration = Duration::from_millis(250);

/// Everything that an attached session owns.
pub(super) struct WatchSession {
    pub(super) pump: Pump,
    pub(super) plan: AttachPlan,
    pub(super) eyes: Sampler,
    pub(super) register: ListenerRegistry,
    pub(super) choice: Choice,
    pub(super) taps: Taps,
    pub(super) door: SynCounter,
    pub(super) told: LastReported,
}

/// What was told last, and when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastReported {
    queue: Option<(Stamp, QueueReading)>,
    knocks: Stamp,
    restless: Option<Stamp>,
    full: bool,
}

impl Work for WatchSession {
    fn pump(&mut self) -> &mut Pump {
        &mut self.pump
    }

    /// Everything once, whatever is due.
    fn begin(&mut self) -> bool {
        self.look_at_all();
        self.eyes.look_at_owners(&self.pump.clock, &mut self.pump.batch);
        self.eyes.count(&self.pump.clock, &mut self.pump.batch);
        self.choose_if_clear();
        self.eyes.list(&self.pump.clock, self.choice.chosen(), &mut self.pump.batch);
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
        let care = self.care();
        if self.eyes.roll_is_due(self.pump.clock.now(), care) {
            self.look_at_all();
            self.choose_if_clear();
        }
        self.eyes.look_behind(&self.pump.clock, (care, self.choice.chosen()), &mut self.pump.batch);
        self.drain();
        self.tell_knocks();
        let now = self.pump.clock.now();
        if self.pump.batch.is_empty() && now.since(self.pump.sent) >= TICK {
            self.pump.push(Event::Tick);
        }
    }

    fn rest(&mut self) {
        let now = self.pump.clock.now();
        let wake = [self.eyes.next(self.care()), self.pump.end_by_time(), Some(now + PATIENCE)];
        let span = wake.into_iter().flatten().min().unwrap_or(now).since(now).max(BREATH);
        Clock::pause(span);
        if self.pump.clock.now().since(now + span) > LATE {
            self.pump.push(Event::Loss(Loss::LateTicks(1)));
        }
    }

    /// The last looks: counters and listeners must speak of the same moment, and two looks lack a listener that is gone.
    fn end(&mut self) {
        for _ in 0..LAST_LOOKS {
            Clock::pause(QUIET);
            self.drain();
            self.look_at_all();
            self.choose_if_clear();
            self.eyes.count(&self.pump.clock, &mut self.pump.batch);
        }
        self.eyes.list(&self.pump.clock, self.choice.chosen(), &mut self.pump.batch);
        self.drain();
        self.told.knocks = Stamp::ZERO;
        self.tell_knocks();
    }
}

impl WatchSession {
    fn care(&self) -> SamplingRate {
        let now = self.pump.clock.now();
        if self.told.restless.is_some_and(|at| now.since(at) < RESTLESS) {
            SamplingRate::Restless
        } else if self.told.full {
            SamplingRate::Full
        } else if self.choice.chosen().is_some() {
            SamplingRate::Close
        } else {
            SamplingRate::Calm
        }
    }

    fn look_at_all(&mut self) {
        let Some(at) = self.eyes.look_at_all(&self.pump.clock) else { return };
        let news = self.register.take(&self.eyes.look, self.eyes.whole);
        self.eyes.curious |= news.arrived;
        if news.arrived || !news.roll.gone.is_empty() {
            self.door.learn(self.register.iter());
            self.eyes.forget(&news.roll.gone);
        }
        self.told.full = news.full;
        if news.restless {
            self.told.restless = Some(at);
        }
        let limit_before = self.told.queue.and_then(|(_, queue)| queue.limit);
        if !news.is_empty() {
            self.pump.batch.push(Stamped { at, event: Event::Snapshot(Box::new(news.roll)) });
        }
        let Some(queue) = self.chosen_queue() else { return };
        if limit_before.is_some() && queue.limit != limit_before {
            let listening = self.listening(queue);
            self.pump.batch.push(Stamped { at, event: Event::Listening(listening) });
        }
        self.tell_queue(at, queue);
    }

    /// The chosen listener's queue as last read; unix sockets have no stage.
    fn chosen_queue(&self) -> Option<QueueReading> {
        let reading = self.register.reading(self.choice.chosen()?)?;
        reading.address.port().map(|_| reading.queue)
    }

    fn tell_queue(&mut self, at: Stamp, queue: QueueReading) {
        let known = self.told.queue.is_some_and(|(told, before)| before == queue && at.since(told) < RETELL);
        if !known {
            self.told.queue = Some((at, queue));
            self.pump.batch.push(Stamped { at, event: Event::Queue(queue) });
        }
    }

    /// Chooses whom the target means, as soon as it is there; says where that is not clear.
    fn choose_if_clear(&mut self) {
        match self.choice.turn(&self.register) {
            Selection::Stays => {}
            Selection::Chosen(id) => self.begin(id),
            Selection::Unclear(meant) => {
                self.taps.leave();
                if self.plan.length != Length::Once || meant != Resolution::Nobody {
                    let message = Message::of(|| self.unclear(&meant));
                    self.pump.push(Event::Refused { message });
                }
            }
        }
    }

    /// Why nobody is chosen, and what to do.
    fn unclear(&self, meant: &Resolution) -> String {
        let wished = self.choice.wished();
        let listed = |addresses: &mut dyn Iterator<Item = String>| addresses.take(4).collect::<Vec<_>>().join(", ");
        if let Resolution::Several(addresses) = meant {
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
        let near = self.plan.target.as_ref().map(|target| nearest(target, self.register.iter())).unwrap_or_default();
        let near = listed(&mut near.into_iter().map(ToString::to_string));
        let near = if near.is_empty() { String::new() } else { say!(" (nearest: {near})", near) };
        say!("nobody listens on {wished}{near}: waiting for it", wished, near)
    }

    /// From now on everything about this listener is told.
    fn begin(&mut self, id: ListenerId) {
        self.told.queue = None;
        self.taps.leave();
        self.pump.push(Event::Chosen(Some(id)));
        let (Some(address), Some(queue)) = (Sampler::address(&self.register, id), self.chosen_queue()) else { return };
        let tap = self.taps.follow(address);
        let began = self.began(address, tap);
        self.pump.push(Event::Began(Box::new(began)));
        let listening = self.listening(queue);
        self.pump.push(Event::Listening(listening));
        self.tell_queue(self.pump.clock.now(), queue);
        self.eyes.count(&self.pump.clock, &mut self.pump.batch);
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
            host: self.eyes.sysctls().clone(),
            sysctls: self.eyes.sysctls().clone(),
            watched: true,
        }
    }

    /// What is known of its `listen()` call: the limit that came of it.
    fn listening(&self, queue: QueueReading) -> Listening {
        let somaxconn = self.eyes.sysctls().value(Sysctl::Somaxconn).and_then(|value| u32::try_from(value).ok());
        let backlog = queue.limit.and_then(|limit| i32::try_from(limit).ok()).unwrap_or(i32::MAX);
        Listening { backlog, somaxconn, limit: queue.limit }
    }

    fn drain(&mut self) {
        self.taps.drain(&self.pump.clock, &mut self.door, &mut self.pump.batch);
    }

    fn tell_knocks(&mut self) {
        let now = self.pump.clock.now();
        if now.since(self.told.knocks) < KNOCKS {
            return;
        }
        self.told.knocks = now;
        let knocks = self.door.take();
        if !knocks.is_empty() {
            self.pump.push(Event::SynsSeen(knocks));
        }
        let lost = self.taps.lost();
        if lost > 0 {
            self.pump.push(Event::Loss(Loss::TapDropped(lost)));
        }
    }

    fn choose(&mut self, id: Option<ListenerId>) {
        if !self.choice.choose(&self.register, id) {
            return self.pump.refuse(|| say!("that listener is gone"));
        }
        if let Some(id) = id {
            self.begin(id);
            self.eyes.list(&self.pump.clock, Some(id), &mut self.pump.batch);
        } else {
            self.taps.leave();
            self.told.queue = None;
            self.pump.push(Event::Chosen(None));
        }
    }
}

/// What has passed the tap may still wait for its processor.
const QUIET: Duration = Duration::from_millis(10);

/// A drop is told from noise when both have stood still for one reading of the counters.
const LAST_LOOKS: usize = 3;
