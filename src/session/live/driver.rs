//! The loop of a live session: commands, wire or tap, the facts of the two sides, sources, then wait for whichever is next.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::actors::Actors;
use super::capture::Capture;
use super::ending::{self, FinalReadings, Next};
use super::load_program::LoadProgram;
use super::sampler::Sampler;
use super::server::Server;
use super::site::LabSite;
use super::wire::Wire;
use crate::kernel::tap::{IdleTap, Tap, TapError};
use crate::lab::listener::Listener;
use crate::lab::namespace::NetnsToken;
use crate::model::client_clock::ClientClock;
use crate::model::command::Command;
use crate::model::event::{Event, Listening, Loss, Stamped};
use crate::model::settings::{Knobs, Sysctl};
use crate::model::stamp::Stamp;
use crate::say;
use crate::scenario::Script;
use crate::session::clock::{Clock, WallClock};
use crate::session::live::experiments::ExperimentRunner;
use crate::session::pump::{Pump, Work};

/// The longest wait: how late a command may be noticed.
const LONGEST_WAIT: Duration = Duration::from_millis(10);

/// How long the host's tap has to be quiet before the final counters are trusted: a packet that passed the tap may not be counted yet.
const QUIET: Duration = Duration::from_millis(4);

/// A dump that lacks a request counts only when the next one lacks it too.
const DUMPS: usize = 3;

/// Everything that a live session owns.
pub(super) struct LiveSession {
    pub(super) pump: Pump,
    pub(super) wall: WallClock,
    pub(super) listener: Arc<Listener>,
    pub(super) server: Server,
    /// The command of a load generator that is not started yet.
    pub(super) load_command: Option<String>,
    /// The load generator.
    pub(super) load: Option<LoadProgram>,
    /// The session ends with the load generator.
    pub(super) ends_with_load: bool,
    /// When the programs were looked at last.
    pub(super) looked: Stamp,
    pub(super) actors: Actors,
    pub(super) road: Road,
    pub(super) sampler: Sampler,
    pub(super) experiments: ExperimentRunner,
    pub(super) netns: Option<NetnsToken>,
    pub(super) knobs: Knobs,
    /// The session ends after this many clients.
    pub(super) count: Option<u64>,
    pub(super) script: Script,
    pub(super) late: u64,
    pub(super) moved: Stamp,
    /// Keeps the namespace until the session is dropped.
    pub(super) _site: LabSite,
}

/// How segments come to the listener.
pub(super) enum Road {
    /// Through qviz, in the lab.
    Wire(Box<Wire>),
    /// By themselves, on the host: they are only seen, where that is allowed.
    Side {
        /// The tap before it captures: allocating its ring takes longer than all the rest of the setup.
        idle: Option<IdleTap>,
        /// The tap.
        tap: Option<Tap>,
    },
}

impl Work for LiveSession {
    fn pump(&mut self) -> &mut Pump {
        &mut self.pump
    }

    fn begin(&mut self) -> bool {
        self.pump.send();
        match self.start_reading() {
            Ok(()) => self.start_load(),
            Err(error) => {
                self.pump.refuse(|| say!("{error}. {hint}", error, hint = error.hint()));
                false
            }
        }
    }

    fn due(&mut self) -> Vec<Command> {
        self.script.due(self.pump.clock.now()).iter().map(|(_, command)| *command).collect()
    }

    fn carry_out(&mut self, command: Command) {
        let now = self.pump.clock.now();
        if self.server.refuses(&command) {
            return self
                .pump
                .refuse(|| say!("accept() is the server's own here: it decides when, and with how many workers"));
        }
        match command {
            Command::Listen(backlog) => self.listen_again(backlog),
            Command::Sysctl(sysctl, value) => self.write_sysctl(sysctl, value),
            Command::RunExperiment(experiment) => return self.experiments.ask(experiment, &mut self.pump.batch),
            Command::Step(_) | Command::Pace(_) | Command::AcceptOne => return self.turn_time(now, command),
            _ => {}
        }
        self.command_sides(now, &command);
        let before = self.knobs.clone();
        command.turn(&mut self.knobs);
        if before != self.knobs {
            self.pump.push(Event::Knobs(Box::new(self.knobs.clone())));
        }
    }

    fn turn(&mut self) {
        self.move_segments();
        self.experiments.turn(&mut self.pump.batch);
        self.read_sources();
        self.look_at_programs();
    }

    fn rest(&mut self) {
        let now = self.pump.clock.now();
        let ends = self.pump.end_by_time();
        let wire = if let Road::Wire(wire) = &self.road { wire.next_deadline() } else { None };
        let deadlines = [self.actors.next_deadline(), wire, self.script.next(), ends];
        let due = deadlines.into_iter().flatten().min().unwrap_or(now + LONGEST_WAIT).min(now + LONGEST_WAIT);
        let span = due.since(now);
        if !span.is_zero() && !self.actors.has_answers() {
            self.sleep(span);
        }
        if self.pump.clock.now().since(due) > Duration::from_millis(1) {
            self.late += 1;
        }
    }

    fn is_done(&self) -> bool {
        if self.server.is_gone() || (self.ends_with_load && self.load.as_ref().is_some_and(LoadProgram::is_gone)) {
            return true;
        }
        self.pump.end_by_time().is_none()
            && self.count.is_some_and(|count| self.actors.started() >= count)
            && self.actors.live() == 0
            && self.server.live() == 0
    }

    /// The final readings: they must cover the same segments.
    fn end(&mut self) {
        self.experiments.stop(&mut self.pump.batch);
        if let Some(load) = &mut self.load {
            load.end();
            let state = load.state().clone();
            self.pump.push(Event::Program(Box::new(state)));
        }
        self.actors.command(self.pump.clock.now(), &Command::Stop);
        self.move_segments();
        match &self.road {
            // Nothing reaches the listener any more but what was delivered.
            Road::Wire(_) => (0..DUMPS).for_each(|_| self.read_all()),
            Road::Side { .. } => self.end_beside(),
        }
        let [seen, carried] = match &mut self.road {
            Road::Wire(wire) => wire.dropped(),
            Road::Side { tap, .. } => [tap.as_mut().map_or(0, Tap::dropped), 0],
        };
        for (lost, loss) in [(seen, Loss::TapDropped as fn(u64) -> Loss), (carried, Loss::WireDropped)] {
            if lost > 0 {
                self.pump.push(Event::Loss(loss(lost)));
            }
        }
        if let Road::Wire(wire) = &mut self.road
            && let Some(error) = wire.capture().and_then(Capture::finish)
        {
            self.pump.refuse(|| say!("{error}. {hint}", error, hint = error.hint()));
        }
        if self.late > 0 {
            self.pump.push(Event::Loss(Loss::LateTicks(self.late)));
        }
        if let Some(state) = self.server.end() {
            self.pump.push(Event::Program(Box::new(state)));
        }
    }
}

impl LiveSession {
    /// Starts the capture. No client has started before this.
    fn start_reading(&mut self) -> Result<(), TapError> {
        match &mut self.road {
            Road::Wire(wire) => wire.start()?,
            Road::Side { idle, tap } => *tap = idle.take().map(IdleTap::start).transpose()?,
        }
        self.pump.opened = self.pump.clock.now();
        self.read_all();
        Ok(())
    }

    /// Has both sides and the way carry out what concerns them.
    pub(super) fn command_sides(&mut self, now: Stamp, command: &Command) {
        self.actors.command(now, command);
        if let Road::Wire(wire) = &mut self.road {
            wire.command(now, command, &mut self.actors, &mut self.pump.batch);
        }
        let tempo = self.tempo();
        self.server.command(now, tempo, command);
    }

    /// The clients' clock.
    pub(super) fn tempo(&mut self) -> ClientClock {
        let made = self.actors.tempo();
        match &mut self.road {
            Road::Wire(wire) => made.unwrap_or_else(|| wire.line().clock()),
            Road::Side { .. } => ClientClock::default(),
        }
    }

    /// Delivers what is due, and takes what has come.
    pub(super) fn move_segments(&mut self) {
        let Self { road, actors, pump, .. } = self;
        let before = pump.batch.len();
        match road {
            Road::Wire(wire) => {
                wire.turn(actors, &mut pump.batch);
                actors.introduce(wire.line(), &mut pump.batch);
            }
            Road::Side { .. } => {
                actors.take_facts(&mut pump.batch);
                self.drain();
            }
        }
        if self.pump.batch.len() > before {
            self.moved = self.pump.clock.now();
        }
    }

    /// Reads the sources that are due, and takes the server's facts.
    fn read_sources(&mut self) {
        let now = self.pump.clock.now();
        let busy = now.since(self.moved) < Duration::from_secs(1);
        let first = self.pump.batch.len();
        // No accept() falls between the facts and the reading.
        self.read_queue(Sampler::read_queue_if_due);
        let Self { sampler, pump, .. } = self;
        sampler.read_due(&pump.clock, busy, &mut pump.batch);
        self.pass_lists_on();
        self.capture_accepts(first);
    }

    /// Lets the capture know who was accepted, by the facts since `first`.
    fn capture_accepts(&mut self, first: usize) {
        if let Road::Wire(wire) = &mut self.road
            && let Some(capture) = wire.capture()
        {
            capture.take(&self.pump.batch[first..]);
        }
    }

    fn read_queue(&mut self, read: impl FnOnce(&mut Sampler, &Clock, &mut Vec<Stamped>)) {
        let Self { sampler, server, pump, road, .. } = self;
        let passed = if let Road::Wire(wire) = road { wire.take_passed() } else { Vec::new() };
        server.read_queue(passed, (sampler, &pump.clock), &mut pump.batch, read);
    }

    /// Reads every source once.
    fn read_all(&mut self) {
        let first = self.pump.batch.len();
        self.read_queue(Sampler::read_queue_anew);
        let Self { sampler, pump, .. } = self;
        sampler.read_all(&pump.clock, &mut pump.batch);
        self.pass_lists_on();
        self.capture_accepts(first);
    }

    fn pass_lists_on(&mut self) {
        if let Some((at, waiting)) = self.sampler.take_waiting()
            && let Server::Program(program) = &mut self.server
        {
            program.take_list(at, &waiting, &mut self.pump.batch);
        }
        if let Some((at, requests)) = self.sampler.take_requests()
            && let Road::Wire(wire) = &mut self.road
        {
            wire.requests_listed(at, &requests);
        }
    }

    /// Counters and tap must cover the same segments: a packet that passed the tap may not be counted yet.
    fn end_beside(&mut self) {
        let mut readings = FinalReadings::default();
        loop {
            Clock::pause(QUIET);
            let before = self.drain();
            let read_at = self.pump.clock.now();
            self.read_all();
            match readings.after(before + self.drain() > 0) {
                Next::Look => {}
                Next::Over => break,
                Next::Cut => {
                    ending::cut(&mut self.pump.batch, read_at);
                    break;
                }
            }
        }
    }

    /// Takes the segments of the host's tap; how many.
    fn drain(&mut self) -> usize {
        let Road::Side { tap: Some(tap), .. } = &mut self.road else { return 0 };
        let now = self.pump.clock.now();
        let offset = self.wall.offset(&self.pump.clock);
        let batch = &mut self.pump.batch;
        tap.drain(|wall, segment| {
            // A stamp after the beginning of this call is an error of the offset, or less than the call itself lasts.
            let at = WallClock::stamp(wall, offset).min(now);
            batch.push(Stamped { at, event: Event::Segment(segment) });
        })
    }

    /// Sleeps for `span`, or until a segment has come.
    fn sleep(&self, span: Duration) {
        let readable = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut fds: Vec<_> = match &self.road {
            Road::Wire(wire) => wire.rings().map(|ring| readable(ring.as_fd())).collect(),
            Road::Side { tap, .. } => tap.iter().map(|tap| readable(tap.as_fd())).collect(),
        };
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(span.subsec_nanos()) };
        let _interrupted = poll(&mut fds, Some(&timeout));
    }

    fn listen_again(&mut self, backlog: i32) {
        match self.listener.relisten(backlog) {
            Ok(()) => {
                if let Road::Wire(wire) = &mut self.road {
                    wire.limit_changed();
                }
                let listening = self.listening(backlog);
                self.pump.push(Event::Listening(listening));
            }
            Err(error) => self.pump.refuse(|| say!("{error}. {hint}", error, hint = error.hint())),
        }
    }

    pub(super) fn listening(&self, backlog: i32) -> Listening {
        let mut sysctls = crate::kernel::proc::read_sysctls();
        if let Some(netns) = &self.netns {
            netns.complete(&mut sysctls);
        }
        let somaxconn = sysctls.value(Sysctl::Somaxconn);
        Listening {
            backlog,
            somaxconn: somaxconn.and_then(|value| u32::try_from(value).ok()),
            limit: self.sampler.own.read().limit,
        }
    }

    fn write_sysctl(&mut self, sysctl: Sysctl, value: i64) {
        let Some(netns) = &self.netns else {
            let name = sysctl.name();
            self.pump
                .refuse(|| say!("{name} belongs to the host here and is never changed: run qviz in the lab", name));
            return;
        };
        if matches!(sysctl, Sysctl::SynRetries | Sysctl::SynLinearTimeouts)
            && let Err(error) = netns.write_for_clients(sysctl, value)
        {
            tracing::warn!(%error, "a sysctl of the clients' side was not written");
        }
        match netns.write(sysctl, value) {
            Ok(value) => {
                if let Road::Wire(wire) = &mut self.road {
                    wire.set_sysctls(&crate::kernel::proc::read_sysctls());
                }
                self.pump.push(Event::Sysctl { name: sysctl, value });
            }
            Err(error) => self.pump.refuse(|| say!("{error}. {hint}", error, hint = error.hint())),
        }
    }
}
