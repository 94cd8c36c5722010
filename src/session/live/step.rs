//! The clients' time in a live session: held, slowed, or advanced by one step. The server shares the clients' time; the kernels'
//! timers do not.

use super::driver::{LiveSession, Road};
use crate::model::client_clock::{StepCommand, StepOutcome};
use crate::model::command::Command;
use crate::model::event::{Event, Stamped};
use crate::model::peer::Peer;
use crate::model::stamp::Stamp;
use crate::say;

impl LiveSession {
    /// Carries out a command about the clients' time.
    pub(super) fn turn_time(&mut self, now: Stamp, command: Command) {
        if command == Command::AcceptOne {
            return self.accept_one(now);
        }
        if matches!(self.road, Road::Side { .. }) {
            return self.pump.refuse(|| {
                say!("on the host segments do not pass through qviz: step mode and slow motion need the lab (qviz --net lab)")
            });
        }
        let before = self.tempo();
        if command == Command::Step(StepCommand::Next) && before.held {
            return self.run_step(now);
        }
        self.command_sides(now, &command);
        let after = self.tempo();
        if (before.held, before.pace.to_bits()) != (after.held, after.pace.to_bits()) {
            self.pump.push(Event::Tempo(after));
            if self.actors.are_real() {
                self.pump.refuse(|| say!("the wire is held or slowed; the timers of both kernels run on"));
            }
        }
    }

    /// Carries out the first step that is due for a client or the server, and takes the kernel's answers.
    fn run_step(&mut self, now: Stamp) {
        let due = match &mut self.road {
            Road::Wire(wire) => [self.actors.next_step(), wire.line().next_event()].into_iter().flatten().min(),
            Road::Side { .. } => None,
        };
        let tempo = self.tempo();
        let until = due.map(|due| due.max(tempo.clients));
        let batch = &mut self.pump.batch;
        let served = self.server.step(until, batch);
        if let Some(came_to) = served.map(|(at, ..)| at).or(until) {
            self.advance(now, came_to);
            // Precedes the step: moments in the step's facts are in this time.
            let tempo = self.tempo();
            self.push_at(now, Event::Tempo(tempo));
        }
        let served = served.map(|(_, peer, outcome)| (peer, outcome));
        match served.or_else(|| self.step_client(now)) {
            Some((peer, outcome)) => self.push_at(now, Event::Stepped { peer, outcome }),
            None => self.pump.refuse(nothing_due),
        }
        self.move_segments();
    }

    /// One step of a packet-level client, or of a real one's frame.
    fn step_client(&mut self, now: Stamp) -> Option<(Peer, StepOutcome)> {
        let Road::Wire(wire) = &mut self.road else { return None };
        let happened = if self.actors.are_real() {
            wire.step(now, &mut self.actors, &mut self.pump.batch)
        } else {
            self.actors.step(now, &mut self.pump.batch)
        };
        wire.deliver_made(&mut self.actors, &mut self.pump.batch);
        happened
    }

    fn advance(&mut self, now: Stamp, clients: Stamp) {
        self.actors.advance(now, clients);
        if let Road::Wire(wire) = &mut self.road {
            wire.line().advance(now, clients);
        }
        let tempo = self.tempo();
        self.server.set_tempo(tempo);
    }

    fn accept_one(&mut self, now: Stamp) {
        let (held, batch) = (self.tempo().held, &mut self.pump.batch);
        match self.server.accept_one(batch) {
            Some(peer) if held => self.push_at(now, Event::Stepped { peer, outcome: StepOutcome::Accepted }),
            Some(_) => {}
            None => self.pump.refuse(|| say!("accept() found the accept queue empty")),
        }
    }

    fn push_at(&mut self, at: Stamp, event: Event) {
        self.pump.batch.push(Stamped { at, event });
    }
}

/// Why no step can be carried out.
fn nothing_due() -> &'static str {
    say!("nothing is due: no segment is under way and no connection waits. Key b brings clients, up brings arrivals")
}
