//! The server of a live session: qviz's own, in a thread, or a program.

use super::program::ServerProgram;
use super::sampler::Sampler;
use super::sides::ServerSide;
use super::wire::Passed;
use super::worker::Worker;
use crate::model::client_clock::{ClientClock, StepOutcome};
use crate::model::command::Command;
use crate::model::event::Stamped;
use crate::model::peer::Peer;
use crate::model::program::ProgramState;
use crate::model::stamp::Stamp;
use crate::session::clock::Clock;

/// Who calls `accept()`.
pub(super) enum Server {
    /// qviz, as its knobs say.
    Own(Worker<ServerSide>),
    /// Somebody else's program, as it likes.
    Program(Box<ServerProgram>),
}

impl Server {
    /// True where a command that is about `accept()` and workers cannot be carried out.
    pub(super) const fn refuses(&self, command: &Command) -> bool {
        matches!(self, Self::Program(_))
            && matches!(
                command,
                Command::AcceptRate(_) | Command::Workers(_) | Command::Service(_) | Command::AcceptOne
            )
    }

    /// How its program is, where that has changed.
    pub(super) fn look(&mut self) -> Option<ProgramState> {
        let Self::Program(program) = self else { return None };
        program.look().then(|| program.state().clone())
    }

    /// True when a program is the server and nothing of it is left.
    pub(super) const fn is_gone(&self) -> bool {
        matches!(self, Self::Program(program) if program.is_gone())
    }

    /// Ends its program; what is known of that at last.
    pub(super) fn end(&mut self) -> Option<ProgramState> {
        let Self::Program(program) = self else { return None };
        program.end();
        Some(program.state().clone())
    }

    /// Takes the server's facts, and has the queue read before anything else is accepted.
    pub(super) fn read_queue(
        &mut self,
        passed: Vec<(Stamp, Passed)>,
        (sampler, clock): (&mut Sampler, &Clock),
        out: &mut Vec<Stamped>,
        read: impl FnOnce(&mut Sampler, &Clock, &mut Vec<Stamped>),
    ) {
        match self {
            Self::Own(worker) => worker.with(|state| {
                state.take_facts(out);
                read(sampler, clock, out);
            }),
            Self::Program(program) => {
                program.follow(passed, out);
                let mut readings = Vec::new();
                read(sampler, clock, &mut readings);
                if let Some((at, depth)) = sampler.take_depth() {
                    program.take_depth(at, depth, out);
                }
                out.append(&mut readings);
            }
        }
    }

    /// Has the server carry a command out at this moment of the clients' time.
    pub(super) fn command(&self, now: Stamp, tempo: ClientClock, command: &Command) {
        if let Self::Own(worker) = self {
            worker.change(|state| {
                state.side.tempo = tempo;
                state.side.server.command(tempo.at(now), command);
            });
        }
    }

    /// Sets the clients' clock.
    pub(super) fn set_tempo(&self, tempo: ClientClock) {
        if let Self::Own(worker) = self {
            worker.with(|state| state.side.tempo = tempo);
        }
    }

    /// Carries out the next action of the server that is due until then, in the clients' time.
    pub(super) fn step(&self, until: Option<Stamp>, out: &mut Vec<Stamped>) -> Option<(Stamp, Peer, StepOutcome)> {
        let Self::Own(worker) = self else { return None };
        worker.with(|state| {
            state.take_facts(out);
            state.side.step(until, out)
        })
    }

    /// Calls `accept()` once.
    pub(super) fn accept_one(&self, out: &mut Vec<Stamped>) -> Option<Peer> {
        let Self::Own(worker) = self else { return None };
        worker.change(|state| {
            state.take_facts(out);
            state.side.accept_one(out)
        })
    }

    /// Connections that are being served; of a program's it is not waited for.
    pub(super) fn live(&self) -> usize {
        match self {
            Self::Own(worker) => worker.with(|state| state.side.server.live()),
            Self::Program(_) => 0,
        }
    }
}
