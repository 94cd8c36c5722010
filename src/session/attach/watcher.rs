//! The loop of an attached session: wishes, taps, eyes; then rest until the next look is due. Nobody is answered here, so nothing has
//! to be noticed at once: the tap's ring keeps what passes meanwhile, with the kernel's own times.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::choice::{Choice, Turn};
use super::eyes::{Care, Eyes};
use super::knocks::Door;
use super::register::{Meant, Register};
use super::taps::Taps;
use super::{AttachPlan, Length};
use crate::fold::nearby::nearest;
use crate::kernel::proc;
use crate::model::command::Command;
use crate::model::event::{Began, Event, Listening, Loss, Rung, Stamped};
use crate::model::message::Message;
use crate::model::sample::QueueReading;
use crate::model::settings::{ClientKind, Sysctl};
use crate::model::stamp::Stamp;
use crate::model::watch::ListenerId;
use crate::say;
use crate::session::clock::Clock;

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

/// Facts that may gather while the fold is behind, before the watch waits for it.
const GATHERED: usize = 65_536;

/// Everything that an attached session owns.
pub(super) struct Watcher {
    pub(super) clock: Clock,
    pub(super) plan: AttachPlan,
    pub(super) eyes: Eyes,
    pub(super) register: Register,
    pub(super) choice: Choice,
    pub(super) taps: Taps,
    pub(super) door: Door,
    pub(super) told: Told,
    pub(super) facts: Sender<Vec<Stamped>>,
    pub(super) wishes: Receiver<Command>,
    pub(super) batch: Vec<Stamped>,
    pub(super) opened: Stamp,
}

/// What was told last, and when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    queue: Option<(Stamp, QueueReading)>,
    knocks: Stamp,
    any: Stamp,
    restless: Option<Stamp>,
    full: bool,
}

impl Watcher {
    /// Runs until the session's end, then says so.
    pub(super) fn run(mut self) {
        self.first_look();
        self.tell();
        if self.plan.length != Length::Once {
            while self.turn() {
                self.rest();
            }
        }
        self.finish();
    }

    /// Everything once, whatever is due.
    fn first_look(&mut self) {
        self.look_at_all();
        self.eyes.look_at_owners(&self.clock, &mut self.batch);
        self.eyes.count(&self.clock, &mut self.batch);
        self.choose_if_clear();
        self.eyes.list(&self.clock, self.choice.chosen(), &mut self.batch);
    }

    fn turn(&mut self) -> bool {
        if !self.hear_wishes() {
            return false;
        }
        self.drain();
        let care = self.care();
        if self.eyes.roll_is_due(self.clock.now(), care) {
            self.look_at_all();
            self.choose_if_clear();
        }
        self.eyes.look_behind(&self.clock, (care, self.choice.chosen()), &mut self.batch);
        self.drain();
        self.tell_knocks();
        let now = self.clock.now();
        if self.batch.is_empty() && now.since(self.told.any) >= TICK {
            self.push(Event::Tick);
        }
        self.tell();
        !self.is_over()
    }

    fn care(&self) -> Care {
        let now = self.clock.now();
        if self.told.restless.is_some_and(|at| now.since(at) < RESTLESS) {
            Care::Restless
        } else if self.told.full {
            Care::Full
        } else if self.choice.chosen().is_some() {
            Care::Close
        } else {
            Care::Calm
        }
    }

    fn look_at_all(&mut self) {
        let Some(at) = self.eyes.look_at_all(&self.clock) else { return };
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
            self.batch.push(Stamped { at, event: Event::Roll(Box::new(news.roll)) });
        }
        let Some(queue) = self.chosen_queue() else { return };
        if limit_before.is_some() && queue.limit != limit_before {
            let listening = self.listening(queue);
            self.batch.push(Stamped { at, event: Event::Listening(listening) });
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
            self.batch.push(Stamped { at, event: Event::Queue(queue) });
        }
    }

    /// Chooses whom the target means, as soon as it is there; says where that is not clear.
    fn choose_if_clear(&mut self) {
        match self.choice.turn(&self.register) {
            Turn::Stays => {}
            Turn::Chosen(id) => self.begin(id),
            Turn::Unclear(meant) => {
                self.taps.leave();
                if self.plan.length != Length::Once || meant != Meant::Nobody {
                    let message = Message::of(|| self.unclear(&meant));
                    self.push(Event::Refused { message });
                }
            }
        }
    }

    /// Why nobody is chosen, and what to do.
    fn unclear(&self, meant: &Meant) -> String {
        let wished = self.choice.wished();
        let listed = |addresses: &mut dyn Iterator<Item = String>| addresses.take(4).collect::<Vec<_>>().join(", ");
        if let Meant::Several(addresses) = meant {
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
        self.push(Event::Chosen(Some(id)));
        let (Some(address), Some(queue)) = (Eyes::address(&self.register, id), self.chosen_queue()) else { return };
        let tap = self.taps.follow(address);
        let began = self.began(address, tap);
        self.push(Event::Began(Box::new(began)));
        let listening = self.listening(queue);
        self.push(Event::Listening(listening));
        self.tell_queue(self.clock.now(), queue);
        self.eyes.count(&self.clock, &mut self.batch);
    }

    fn began(&self, address: SocketAddr, tap: bool) -> Began {
        Began {
            kernel: proc::kernel_release(),
            rung: Rung::Host,
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
        self.taps.drain(&self.clock, &mut self.door, &mut self.batch);
    }

    fn tell_knocks(&mut self) {
        let now = self.clock.now();
        if now.since(self.told.knocks) < KNOCKS {
            return;
        }
        self.told.knocks = now;
        let knocks = self.door.take();
        if !knocks.is_empty() {
            self.push(Event::Knocked(knocks));
        }
        let lost = self.taps.lost();
        if lost > 0 {
            self.push(Event::Loss(Loss::TapDropped(lost)));
        }
    }

    /// Carries out wishes; false when the session shall stop.
    fn hear_wishes(&mut self) -> bool {
        loop {
            match self.wishes.try_recv() {
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return false,
                Ok(Command::Choose(id)) => self.choose(id),
                Ok(_) => {
                    self.refuse(|| {
                        say!("this listener is somebody else's and only watched: qviz without watch has one of its own")
                    });
                }
                Err(TryRecvError::Empty) => return true,
            }
        }
    }

    fn choose(&mut self, id: Option<ListenerId>) {
        if !self.choice.choose(&self.register, id) {
            return self.refuse(|| say!("that listener is gone"));
        }
        if let Some(id) = id {
            self.begin(id);
            self.eyes.list(&self.clock, Some(id), &mut self.batch);
        } else {
            self.taps.leave();
            self.told.queue = None;
            self.push(Event::Chosen(None));
        }
    }

    /// Hands the facts up, in the order of their stamps.
    fn tell(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        self.told.any = self.clock.now();
        order(&mut self.batch);
        let next = Vec::with_capacity(self.batch.len());
        let batch = std::mem::replace(&mut self.batch, next);
        match self.facts.try_send(batch) {
            Ok(()) => {}
            Err(TrySendError::Full(batch)) if batch.len() < GATHERED => self.batch = batch,
            Err(TrySendError::Full(batch) | TrySendError::Closed(batch)) => {
                let _nobody_listens = self.facts.blocking_send(batch);
            }
        }
    }

    fn rest(&mut self) {
        let now = self.clock.now();
        let wake = [self.eyes.next(self.care()), self.end_by_time(), Some(now + PATIENCE)];
        let span = wake.into_iter().flatten().min().unwrap_or(now).since(now).max(BREATH);
        Clock::pause(span);
        if self.clock.now().since(now + span) > LATE {
            self.push(Event::Loss(Loss::LateTicks(1)));
        }
    }

    fn end_by_time(&self) -> Option<Stamp> {
        match self.plan.length {
            Length::For(span) => Some(self.opened + span),
            Length::Once | Length::Endless => None,
        }
    }

    fn is_over(&self) -> bool {
        self.end_by_time().is_some_and(|end| self.clock.now() >= end) || self.facts.is_closed()
    }

    /// The last looks: counters and listeners must speak of the same moment, and two looks lack a listener that is gone.
    fn finish(mut self) {
        for _ in 0..LAST_LOOKS {
            Clock::pause(QUIET);
            self.drain();
            self.look_at_all();
            self.choose_if_clear();
            self.eyes.count(&self.clock, &mut self.batch);
        }
        self.eyes.list(&self.clock, self.choice.chosen(), &mut self.batch);
        self.drain();
        self.told.knocks = Stamp::ZERO;
        self.tell_knocks();
        self.push(Event::Ended);
        order(&mut self.batch);
        let _nobody_listens = self.facts.blocking_send(std::mem::take(&mut self.batch));
    }

    /// A wish cannot be carried out.
    pub(super) fn refuse<T: std::fmt::Display>(&mut self, why: impl FnOnce() -> T) {
        self.push(Event::Refused { message: Message::of(why) });
    }

    pub(super) fn push(&mut self, event: Event) {
        self.batch.push(Stamped { at: self.clock.now(), event });
    }
}

/// The order of their stamps; what stands before a new world stays before it.
fn order(batch: &mut [Stamped]) {
    for part in batch.split_mut(|fact| matches!(fact.event, Event::Began(_) | Event::Watching(_))) {
        part.sort_by_key(|fact| fact.at);
    }
}

/// What has passed the tap may still wait for its processor.
const QUIET: Duration = Duration::from_millis(10);

/// A drop is told from noise when both have stood still for one reading of the counters.
const LAST_LOOKS: usize = 3;
