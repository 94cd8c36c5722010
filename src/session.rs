//! THE STREAM: merges every source into one line of stamped events; the only clock.
//!
//! Live, attach and replay are constructors of the same [`Session`]; nothing above it knows which one it has.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::model::command::Command;
use crate::model::event::Stamped;
use crate::session::clock::Clock;

pub mod clock;
pub mod live;

/// A running session: facts come up, commands go down.
#[derive(Debug)]
pub struct Session {
    facts: mpsc::Receiver<Vec<Stamped>>,
    wishes: Option<std::sync::mpsc::Sender<Command>>,
    clock: Clock,
}

impl Session {
    /// The next facts in the order of their stamps; `None` when the session is over (after [`Event::Ended`](crate::model::event::Event::Ended)).
    pub async fn next(&mut self) -> Option<Vec<Stamped>> {
        self.facts.recv().await
    }

    /// Sends a wish to the lab. A recording, and a lab that has ended, do not listen.
    pub fn wish(&self, command: Command) {
        if let Some(wishes) = &self.wishes {
            let _lab_has_ended = wishes.send(command);
        }
    }

    /// True when wishes can be carried out: a lab, not a recording.
    pub const fn listens(&self) -> bool {
        self.wishes.is_some()
    }

    /// The session's clock.
    pub const fn clock(&self) -> Clock {
        self.clock
    }
}

/// Redraw pacing and similar waits of a runtime: the only place that sleeps on it.
pub async fn rest(span: Duration) {
    #[expect(clippy::disallowed_methods, reason = "waiting belongs to the session")]
    tokio::time::sleep(span).await;
}
