//! The loop of a live session: commands, clients, tap, server, sources, then wait for whichever is next.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::actors::Actors;
use super::ending::{self, FinalReadings, Next};
use super::sampler::Sampler;
use super::site::LabSite;
use crate::kernel::tap::{IdleTap, Tap, TapError};
use crate::lab::listener::Listener;
use crate::lab::namespace::NetnsToken;
use crate::lab::server::Server;
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

/// The most rounds of answers exchanged within one turn.
const ROUNDS: usize = 4;

/// How long the tap has to be quiet before the final counters are trusted: a packet that passed the tap may not be counted yet.
const QUIET: Duration = Duration::from_millis(4);

/// Everything that a live session owns.
pub(super) struct LiveSession {
    pub(super) pump: Pump,
    pub(super) wall: WallClock,
    pub(super) listener: Arc<Listener>,
    pub(super) server: Server,
    pub(super) actors: Actors,
    /// The tap before it captures: allocating its ring takes longer than all the rest of the setup.
    pub(super) blind: Option<IdleTap>,
    pub(super) tap: Option<Tap>,
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

impl Work for LiveSession {
    fn pump(&mut self) -> &mut Pump {
        &mut self.pump
    }

    fn begin(&mut self) -> bool {
        self.pump.send();
        match self.start_reading() {
            Ok(()) => true,
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
        match command {
            Command::Listen(backlog) => self.listen_again(backlog),
            Command::Sysctl(sysctl, value) => self.write_sysctl(sysctl, value),
            Command::RunExperiment(experiment) => return self.experiments.ask(experiment, &mut self.pump.batch),
            Command::Step(_) | Command::Pace(_) | Command::AcceptOne => return self.turn_time(now, command),
            _ => {}
        }
        self.actors.command(now, &command);
        self.server.command(self.actors.tempo().at(now), &command);
        let before = self.knobs.clone();
        command.turn(&mut self.knobs);
        if before != self.knobs {
            self.pump.push(Event::Knobs(Box::new(self.knobs.clone())));
        }
    }

    fn turn(&mut self) {
        self.actors.turn(self.pump.clock.now(), &mut self.pump.batch);
        self.exchange();
        self.serve();
        self.experiments.turn(&mut self.pump.batch);
        let now = self.pump.clock.now();
        let busy = now.since(self.moved) < Duration::from_secs(1);
        self.sampler.read_due(&self.pump.clock, busy, &mut self.pump.batch);
        self.exchange();
    }

    fn rest(&mut self) {
        let now = self.pump.clock.now();
        let ends = self.pump.end_by_time();
        let deadlines = [self.actors.next_deadline(), self.server_deadline(), self.script.next(), ends];
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
        self.pump.end_by_time().is_none()
            && self.count.is_some_and(|count| self.actors.started() >= count)
            && self.actors.live() == 0
            && self.server.live() == 0
    }

    /// The final readings: counters and tap must cover the same segments.
    fn end(&mut self) {
        self.experiments.stop(&mut self.pump.batch);
        self.actors.command(self.pump.clock.now(), &Command::Stop);
        self.actors.turn(self.pump.clock.now(), &mut self.pump.batch);
        let mut readings = FinalReadings::default();
        loop {
            Clock::pause(QUIET);
            let before = self.drain();
            let read_at = self.pump.clock.now();
            self.sampler.read_all(&self.pump.clock, &mut self.pump.batch);
            match readings.after(before + self.drain() > 0) {
                Next::Look => {}
                Next::Over => break,
                Next::Cut => {
                    ending::cut(&mut self.pump.batch, read_at);
                    break;
                }
            }
        }
        if let Some(lost) = self.tap.as_mut().map(Tap::dropped).filter(|lost| *lost > 0) {
            self.pump.push(Event::Loss(Loss::TapDropped(lost)));
        }
        if self.late > 0 {
            self.pump.push(Event::Loss(Loss::LateTicks(self.late)));
        }
    }
}

impl LiveSession {
    /// Starts the capture. No client has started before this.
    fn start_reading(&mut self) -> Result<(), TapError> {
        self.tap = self.blind.take().map(IdleTap::start).transpose()?;
        self.pump.opened = self.pump.clock.now();
        self.sampler.read_all(&self.pump.clock, &mut self.pump.batch);
        Ok(())
    }

    /// Takes segments from the tap and sends the clients' answers until there are none; the tap is drained last.
    pub(super) fn exchange(&mut self) {
        for _ in 0..ROUNDS {
            self.drain();
            if self.actors.flush(&mut self.pump.batch) == 0 {
                return;
            }
        }
        self.drain();
    }

    /// Takes the segments of the tap; how many.
    fn drain(&mut self) -> usize {
        let Some(tap) = &mut self.tap else { return 0 };
        let now = self.pump.clock.now();
        let offset = self.wall.offset(&self.pump.clock);
        let (actors, batch) = (&mut self.actors, &mut self.pump.batch);
        let mut seen = 0;
        tap.drain(|wall, segment| {
            // A stamp after the beginning of this call is an error of the offset, or less than the call itself lasts.
            let at = WallClock::stamp(wall, offset).min(now);
            batch.push(Stamped { at, event: Event::Segment(segment) });
            actors.receive(at, &segment);
            seen += 1;
        });
        if seen > 0 {
            self.moved = now;
        }
        seen
    }

    /// Sleeps for `span`, or until a descriptor is readable.
    fn sleep(&self, span: Duration) {
        let mut fds = Vec::with_capacity(4);
        let readable = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        if let Some(tap) = &self.tap {
            fds.push(readable(tap.as_fd()));
        }
        if self.server.wants_listener() {
            fds.push(readable(self.listener.as_fd()));
        }
        fds.push(readable(self.server.fd()));
        if let Some(fd) = self.actors.fd() {
            fds.push(readable(fd));
        }
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(span.subsec_nanos()) };
        let _interrupted = poll(&mut fds, Some(&timeout));
    }

    fn listen_again(&mut self, backlog: i32) {
        match self.listener.relisten(backlog) {
            Ok(()) => {
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
        match netns.write(sysctl, value) {
            Ok(value) => self.pump.push(Event::Sysctl { name: sysctl, value }),
            Err(error) => self.pump.refuse(|| say!("{error}. {hint}", error, hint = error.hint())),
        }
    }
}
