//! A run without a picture: fold the facts, print their lines if wanted, end in time or by a signal.

use std::task::Poll;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Failure;
use super::output::{self, Output, Written};
use crate::fold::world::World;
use crate::model::command::Command;
use crate::model::event::{Event, Stamped};
use crate::report::jsonl;
use crate::say;
use crate::session::Session;

/// How a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Ended,
    /// By this signal.
    Signal(u8),
    /// Nobody reads stdout any more.
    NobodyReads,
    /// The audience has heard enough.
    Enough,
}

/// Somebody who is told each fact after the world has taken it.
pub(super) trait EventObserver {
    /// One more fact.
    fn hear(&mut self, world: &World, fact: &Stamped);

    /// True when the run may end.
    fn has_heard_enough(&self) -> bool;
}

/// Nobody.
impl EventObserver for () {
    fn hear(&mut self, _: &World, _: &Stamped) {}

    fn has_heard_enough(&self) -> bool {
        false
    }
}

/// Where the facts go besides the world.
pub(super) struct Outputs<'a> {
    /// Each event is printed as it comes.
    pub(super) lines: Option<&'a mut Output>,
    /// Told of each fact.
    pub(super) audience: &'a mut dyn EventObserver,
}

impl Outputs<'_> {
    /// Facts have come: the world takes them, then everybody else.
    pub(super) fn take(&mut self, world: &mut World, facts: &[Stamped]) -> Result<Written, Failure> {
        for fact in facts {
            world.apply(fact.at, &fact.event);
            self.audience.hear(world, fact);
        }
        let Some(out) = &mut self.lines else { return Ok(Written::Taken) };
        out.put(|out| facts.iter().try_for_each(|fact| jsonl::write_event(out, fact)))
    }
}

/// The signals that end a run after its summary.
#[derive(Debug)]
pub(super) struct Signals {
    taken: Vec<(u8, Signal)>,
}

impl Signals {
    /// Takes the signals over, but those that the parent wanted ignored (nohup, a job in the background of a script). Call it
    /// inside of the runtime; signals that came before are not seen.
    ///
    /// # Errors
    /// A [`Failure`] where the kernel does not hand them over.
    pub(super) fn take() -> Result<Self, Failure> {
        let ignored = ignored();
        let mut taken = Vec::new();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()] {
            let number = kind.as_raw_value();
            if ignored & (1 << (number - 1)) != 0 {
                continue;
            }
            let stream = signal(kind).map_err(|error| {
                Failure::new(say!("cannot handle signals: {error}", error), say!("see: qviz doctor"))
            })?;
            taken.push((number as u8, stream));
        }
        Ok(Self { taken })
    }

    /// The number of the next signal.
    pub(super) async fn next(&mut self) -> u8 {
        std::future::poll_fn(|context| {
            let came = self
                .taken
                .iter_mut()
                .find_map(|(number, stream)| stream.poll_recv(context).is_ready().then_some(*number));
            came.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// The signals that this process ignores, one bit each (`SigIgn` of /proc/self/status); none where /proc is hidden.
fn ignored() -> u64 {
    let status = procfs::process::Process::myself().and_then(|process| process.status());
    status.map_or(0, |status| status.sigign)
}

/// Follows the session to its end.
///
/// # Errors
/// A [`Failure`] where stdout does not take the lines.
pub(super) async fn follow(
    session: &mut Session,
    world: &mut World,
    signals: &mut Signals,
    mut ears: Outputs<'_>,
) -> Result<End, Failure> {
    loop {
        let facts = tokio::select! {
            biased;
            number = signals.next() => {
                tracing::info!(number, "a signal ends the run");
                session.send(Command::Stop);
                finish(session, world, signals, ears).await?;
                return Ok(End::Signal(number));
            }
            facts = session.next() => facts,
        };
        let Some(facts) = facts else { return Ok(End::Ended) };
        let written = ears.take(world, &facts)?;
        for fact in &facts {
            if let Event::Refused { message } = &fact.event {
                output::tell(say!("note: {remark}", remark = message));
            }
        }
        let end = match written {
            Written::NobodyReads => End::NobodyReads,
            Written::Taken if ears.audience.has_heard_enough() => End::Enough,
            Written::Taken => continue,
        };
        session.send(Command::Stop);
        let lines = ears.lines.take().filter(|_| end == End::Enough);
        finish(session, world, signals, Outputs { lines, ..ears }).await?;
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
    mut ears: Outputs<'_>,
) -> Result<(), Failure> {
    loop {
        let facts = tokio::select! {
            biased;
            _ = signals.next() => return Ok(()),
            facts = tokio::time::timeout(PATIENCE, session.next()) => facts,
        };
        let Ok(Some(facts)) = facts else { return Ok(()) };
        ears.take(world, &facts)?;
    }
}

/// How long a session that was asked to stop may be silent.
const PATIENCE: Duration = Duration::from_secs(2);
