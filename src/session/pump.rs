//! The thread of a live session or a watch: commands come in, the work takes a turn, facts go out, until it is stopped, its time
//! is over, or the receiver is closed. Start at [`start`].

use std::fmt::Display;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Sender};

use super::clock::Clock;
use super::{Session, Source};
use crate::model::command::Command;
use crate::model::event::{Event, Stamped};
use crate::model::message::Message;
use crate::model::stamp::Stamp;

/// Facts that may accumulate while the fold is behind, before the session blocks.
const GATHERED: usize = 65_536;

/// Batches in the channel to the fold.
const QUEUED_BATCHES: usize = 128;

/// The work of such a session.
pub(super) trait Work {
    /// Its pump.
    fn pump(&mut self) -> &mut Pump;

    /// The first readings; false when no turn follows.
    fn begin(&mut self) -> bool;

    /// Scripted commands that are due.
    fn due(&mut self) -> Vec<Command> {
        Vec::new()
    }

    /// Carries out a command other than [`Command::Stop`].
    fn carry_out(&mut self, command: Command);

    /// Does and reads what is due.
    fn turn(&mut self);

    /// Waits for the next turn.
    fn rest(&mut self);

    /// True when there is nothing more to do, whatever time is left.
    fn is_done(&self) -> bool {
        false
    }

    /// The final readings.
    fn end(&mut self);
}

/// Clock, unsent facts, commands, and the end by time.
#[derive(Debug)]
pub(super) struct Pump {
    pub(super) clock: Clock,
    /// Facts that are not sent yet.
    pub(super) batch: Vec<Stamped>,
    /// When facts were last sent.
    pub(super) sent: Stamp,
    /// From when on `length` counts.
    pub(super) opened: Stamp,
    /// How long the session lasts; `None`: until it is stopped.
    length: Option<Duration>,
    facts: Sender<Vec<Stamped>>,
    commands: Receiver<Command>,
    /// A command that ended a rest.
    next: Option<Command>,
}

/// Why the thread has not begun.
#[derive(Debug)]
pub(super) enum NotBegun {
    /// The thread could not be created.
    NoThread(io::Error),
    /// The thread ended early: a defect of qviz.
    Vanished,
}

/// Runs what `open` returns in a thread of this name.
pub(super) fn start<W: Work, E: From<NotBegun> + Send + 'static>(
    name: &str,
    clock: Clock,
    length: Option<Duration>,
    open: impl FnOnce(Pump) -> Result<W, E> + Send + 'static,
) -> Result<Session, E> {
    let (command_sender, commands) = std::sync::mpsc::channel();
    let (sender, facts) = mpsc::channel(QUEUED_BATCHES);
    let (opened, outcome) = std::sync::mpsc::sync_channel(1);
    let now = clock.now();
    let pump = Pump { clock, batch: Vec::new(), sent: now, opened: now, length, facts: sender, commands, next: None };
    let thread = move || match open(pump) {
        Ok(work) => {
            let _the_starter_waits = opened.send(Ok(()));
            run(work);
        }
        Err(error) => _ = opened.send(Err(error)),
    };
    std::thread::Builder::new().name(name.into()).spawn(thread).map_err(NotBegun::NoThread)?;
    outcome.recv().map_err(|_| NotBegun::Vanished)??;
    Ok(Session::new(Source::Live { facts, commands: command_sender }, clock))
}

fn run(mut work: impl Work) {
    let goes_on = work.begin();
    work.pump().send();
    while goes_on && run_commands(&mut work) {
        work.turn();
        work.pump().send();
        if work.pump().is_over() || work.is_done() {
            break;
        }
        work.rest();
    }
    work.end();
    let pump = work.pump();
    pump.push(Event::Ended);
    order(&mut pump.batch);
    let (last, facts) = (std::mem::take(&mut pump.batch), pump.facts.clone());
    // Whoever learns of the end may begin anew in the same place: sockets, processes and threads are gone by then.
    drop(work);
    let _receiver_closed = facts.blocking_send(last);
}

/// Carries out the commands that are due; false when the session is to stop.
fn run_commands(work: &mut impl Work) -> bool {
    for command in work.due() {
        work.carry_out(command);
    }
    while let Some(command) = work.pump().command() {
        if command == Command::Stop {
            return false;
        }
        work.carry_out(command);
    }
    true
}

impl Pump {
    /// Adds a fact stamped now.
    pub(super) fn push(&mut self, event: Event) {
        self.batch.push(Stamped { at: self.clock.now(), event });
    }

    /// Reports that a command cannot be carried out, and why.
    pub(super) fn refuse<T: Display>(&mut self, why: impl FnOnce() -> T) {
        self.push(Event::Refused { message: Message::of(why) });
    }

    /// Sends the facts, sorted by stamp.
    pub(super) fn send(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        self.sent = self.clock.now();
        order(&mut self.batch);
        let next = Vec::with_capacity(self.batch.len());
        let batch = std::mem::replace(&mut self.batch, next);
        match self.facts.try_send(batch) {
            Ok(()) => {}
            Err(TrySendError::Full(batch)) if batch.len() < GATHERED => self.batch = batch,
            Err(TrySendError::Full(batch) | TrySendError::Closed(batch)) => {
                let _receiver_closed = self.facts.blocking_send(batch);
            }
        }
    }

    /// When the session ends by time.
    pub(super) fn end_by_time(&self) -> Option<Stamp> {
        self.length.map(|length| self.opened + length)
    }

    fn is_over(&self) -> bool {
        self.end_by_time().is_some_and(|end| self.clock.now() >= end) || self.facts.is_closed()
    }

    /// Sleeps for this time, or until a command comes.
    pub(super) fn rest(&mut self, span: Duration) {
        self.next = match self.commands.recv_timeout(span) {
            Ok(command) => Some(command),
            Err(RecvTimeoutError::Disconnected) => Some(Command::Stop),
            Err(RecvTimeoutError::Timeout) => None,
        };
    }

    /// The next command.
    fn command(&mut self) -> Option<Command> {
        if let Some(command) = self.next.take() {
            return Some(command);
        }
        match self.commands.try_recv() {
            Ok(command) => Some(command),
            Err(TryRecvError::Disconnected) => Some(Command::Stop),
            Err(TryRecvError::Empty) => None,
        }
    }
}

/// Sorts by stamp; facts before the start of a new world stay before it.
fn order(batch: &mut [Stamped]) {
    for part in batch.split_mut(|fact| matches!(fact.event, Event::Began(_) | Event::Watching(_))) {
        part.sort_by_key(|fact| fact.at);
    }
}
