//! A run without a picture: fold the facts, print their lines if wanted, end in time or by a signal.

use std::time::Duration;

use super::exit::Failure;
use super::output::{self, Output, Written};
use crate::fold::world::World;
use crate::model::command::Command;
use crate::model::event::{Event, Stamped};
use crate::report::jsonl;
use crate::say;
use crate::session::Session;
use crate::session::observer::{EventObserver, asked};
use crate::session::signals::{EndSignals, Ignored};

/// How a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Ended,
    /// By this signal.
    Signal(u8),
    /// The reader of stdout has closed the pipe.
    PipeClosed,
    /// The observer is done.
    Enough,
}

/// Where the facts go besides the world.
pub(super) struct Outputs<'a> {
    /// Each event is printed as it comes.
    pub(super) lines: Option<&'a mut Output>,
    /// Receives each fact.
    pub(super) observer: &'a mut dyn EventObserver,
}

impl Outputs<'_> {
    /// Applies facts to the world, then passes them to the observer and the lines.
    pub(super) fn take(&mut self, world: &mut World, facts: &[Stamped]) -> Result<Written, Failure> {
        for fact in facts {
            world.apply(fact.at, &fact.event);
            self.observer.observe(world, fact);
        }
        let Some(out) = &mut self.lines else { return Ok(Written::Taken) };
        out.put(|out| facts.iter().try_for_each(|fact| jsonl::write_event(out, fact)))
    }
}

/// The signals that end a run after its summary.
#[derive(Debug)]
pub(super) struct Signals {
    ends: EndSignals,
}

impl Signals {
    /// Takes the signals over, but those that the parent wanted ignored (nohup, a job in the background of a script). Call it
    /// inside of the runtime; signals that came before are not seen.
    ///
    /// # Errors
    /// A [`Failure`] where the kernel does not hand them over.
    pub(super) fn take() -> Result<Self, Failure> {
        let ends = EndSignals::take(Ignored::Respected)
            .map_err(|error| Failure::new(say!("cannot handle signals: {error}", error), say!("see: qviz doctor")))?;
        Ok(Self { ends })
    }

    /// The number of the next signal.
    pub(super) async fn next(&mut self) -> u8 {
        self.ends.next().await as u8
    }
}

/// Follows the session to its end.
///
/// # Errors
/// A [`Failure`] where stdout does not take the lines.
pub(super) async fn follow(
    session: &mut Session,
    world: &mut World,
    signals: &mut Signals,
    mut outputs: Outputs<'_>,
) -> Result<End, Failure> {
    loop {
        let facts = tokio::select! {
            biased;
            number = signals.next() => {
                tracing::info!(number, "a signal ends the run");
                session.send(Command::Stop);
                finish(session, world, signals, outputs).await?;
                return Ok(End::Signal(number));
            }
            facts = session.next() => facts,
            () = asked(outputs.observer) => {
                outputs.observer.answer(world);
                continue;
            }
        };
        let Some(facts) = facts else { return Ok(End::Ended) };
        let written = outputs.take(world, &facts)?;
        for fact in &facts {
            if let Event::Refused { message } = &fact.event {
                output::report(say!("note: {remark}", remark = message));
            }
        }
        let end = match written {
            Written::PipeClosed => End::PipeClosed,
            Written::Taken if outputs.observer.is_done() => End::Enough,
            Written::Taken => continue,
        };
        session.send(Command::Stop);
        let lines = outputs.lines.take().filter(|_| end == End::Enough);
        finish(session, world, signals, Outputs { lines, ..outputs }).await?;
        return Ok(end);
    }
}

/// Takes the last facts of a session that was asked to stop; a further signal, or its silence, ends the waiting.
///
/// # Errors
/// A [`Failure`] where stdout does not take the lines.
pub(super) async fn finish(
    session: &mut Session,
    world: &mut World,
    signals: &mut Signals,
    mut outputs: Outputs<'_>,
) -> Result<(), Failure> {
    loop {
        let facts = tokio::select! {
            biased;
            _ = signals.next() => return Ok(()),
            facts = tokio::time::timeout(END_TIMEOUT, session.next()) => facts,
        };
        let Ok(Some(facts)) = facts else { return Ok(()) };
        outputs.take(world, &facts)?;
    }
}

/// How long a session that was asked to stop may be silent: its thread may have to wait for a processor. Another signal ends the waiting at once.
const END_TIMEOUT: Duration = Duration::from_secs(10);
