//! The clients' time in a live session: held, slowed, or advanced by one step. The server shares the clients' time; the kernel's
//! timers do not.

use std::os::fd::{AsFd, BorrowedFd};

use super::actors::Actors;
use super::driver::LiveSession;
use crate::kernel::own_socket;
use crate::model::client_clock::{StepCommand, StepOutcome};
use crate::model::command::Command;
use crate::model::event::{Event, Stamped};
use crate::model::stamp::Stamp;
use crate::say;

impl LiveSession {
    /// Runs the server in the clients' time; its facts are stamped in the session's.
    pub(super) fn serve(&mut self) {
        let (now, first) = (self.pump.clock.now(), self.pump.batch.len());
        self.server.turn(self.actors.tempo().at(now), self.listener.as_fd(), &inspect, &mut self.pump.batch);
        self.restamp(now, first);
    }

    /// When the server is due next, in the session's time.
    pub(super) fn server_deadline(&self) -> Option<Stamp> {
        let tempo = self.actors.tempo();
        self.server.next_deadline().map(|due| tempo.moment(due))
    }

    /// Carries out a command about the clients' time.
    pub(super) fn turn_time(&mut self, now: Stamp, command: Command) {
        if command == Command::AcceptOne {
            return self.accept_one(now);
        }
        if matches!(self.actors, Actors::Connect(_)) {
            return self.pump.refuse(|| {
                say!(
                    "connect() clients keep the kernel's time, which nobody can hold: step mode and slow motion need qviz --client wire"
                )
            });
        }
        let before = self.actors.tempo();
        if command == Command::Step(StepCommand::Next) && before.held {
            return self.run_step(now);
        }
        self.actors.command(now, &command);
        self.server.command(self.actors.tempo().at(now), &command);
        let after = self.actors.tempo();
        if (before.held, before.pace.to_bits()) != (after.held, after.pace.to_bits()) {
            self.pump.push(Event::Tempo(after));
        }
    }

    /// Carries out the first step that is due for a client or the server, and takes the kernel's answers.
    fn run_step(&mut self, now: Stamp) {
        let due = self.actors.next_step();
        let (tempo, first) = (self.actors.tempo(), self.pump.batch.len());
        let until = due.map(|due| due.max(tempo.clients));
        let served = self.server.step((tempo.clients, until), self.listener.as_fd(), &inspect, &mut self.pump.batch);
        self.restamp(now, first);
        if let Some(came_to) = served.map(|(at, ..)| at).or(until) {
            self.actors.advance(now, came_to);
            // Precedes the step: moments in the step's facts are in this time.
            self.push_at(now, Event::Tempo(self.actors.tempo()));
        }
        let served = served.map(|(_, peer, outcome)| (peer, outcome));
        match served.or_else(|| self.actors.step(now, &mut self.pump.batch)) {
            Some((peer, outcome)) => self.push_at(now, Event::Stepped { peer, outcome }),
            None => self.pump.refuse(nothing_due),
        }
        self.exchange();
    }

    fn accept_one(&mut self, now: Stamp) {
        let (tempo, first) = (self.actors.tempo(), self.pump.batch.len());
        let taken = self.server.force_accept(tempo.at(now), self.listener.as_fd(), &inspect, &mut self.pump.batch);
        self.restamp(now, first);
        match taken {
            Some(peer) if tempo.held => self.push_at(now, Event::Stepped { peer, outcome: StepOutcome::Accepted }),
            Some(_) => {}
            None => self.pump.refuse(|| say!("accept() found the accept queue empty")),
        }
    }

    fn push_at(&mut self, at: Stamp, event: Event) {
        self.pump.batch.push(Stamped { at, event });
    }

    /// Stamps the facts since `first`, made in the clients' time, with `now`.
    fn restamp(&mut self, now: Stamp, first: usize) {
        for fact in &mut self.pump.batch[first..] {
            fact.at = now;
        }
    }
}

fn inspect(fd: BorrowedFd<'_>) -> (Option<u32>, Option<u64>) {
    (own_socket::queue_wait_ms(fd), own_socket::cookie(fd))
}

/// Why no step can be carried out.
fn nothing_due() -> &'static str {
    say!("nothing is due: no segment is under way and no connection waits. Key b brings clients, up brings arrivals")
}
