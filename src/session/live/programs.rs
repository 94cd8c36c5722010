//! What a live session does with the programs in its lab: it starts the load generator, and looks how they are.

use std::time::Duration;

use super::driver::LiveSession;
use super::load_program::LoadProgram;
use crate::model::event::Event;

impl LiveSession {
    /// Starts the load generator, if there is one; false where that fails.
    pub(super) fn start_load(&mut self) -> bool {
        let (Some(command), Some(netns)) = (self.load_command.take(), &self.netns) else { return true };
        match LoadProgram::start(&command, self.listener.address(), netns) {
            Ok(load) => {
                self.pump.push(Event::Program(Box::new(load.state().clone())));
                self.load = Some(load);
                true
            }
            Err(error) => {
                self.pump.refuse(|| error.to_string());
                false
            }
        }
    }

    /// Takes over how the programs are, if that is due.
    pub(super) fn look_at_programs(&mut self) {
        let now = self.pump.clock.now();
        if now.since(self.looked) < PROGRAM_PACE {
            return;
        }
        self.looked = now;
        let states =
            [self.server.look(), self.load.as_mut().and_then(|load| load.look().then(|| load.state().clone()))];
        for state in states.into_iter().flatten() {
            self.pump.push(Event::Program(Box::new(state)));
        }
    }
}

/// How often it is looked at programs that run in the lab.
const PROGRAM_PACE: Duration = Duration::from_millis(50);
