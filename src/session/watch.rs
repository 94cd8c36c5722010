//! An attached session: other people's listeners, watched from a thread of its own. It only reads: no connection is opened, nothing
//! is changed.
//!
//! The thread stands where the caller stands: who wants to watch another network namespace enters it first
//! (`kernel::elsewhere`). Start at [`start`].

use std::io;
use std::time::Duration;

use super::Session;
use super::clock::Clock;
use super::pump::{self, NotBegun};
use crate::kernel::census::CensusError;
use crate::model::watch::Target;
use crate::say;
use crate::text::errno::told;

mod choice;
mod counter_reports;
mod lists;
mod registry;
mod sampler;
mod setup;
mod syn_counter;
mod taps;
mod watcher;

/// What an attached session is made of.
#[derive(Clone, Debug, Default)]
pub struct AttachPlan {
    /// Which listeners are asked for; `None`: all. One that is meant by it is chosen, now or when it comes.
    pub target: Option<Target>,
    /// How long it lasts.
    pub length: Length,
    /// The words that named the network namespace, where it is not qviz's own.
    pub netns: Option<String>,
}

/// How long a watch lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// One careful look at everything.
    Once,
    /// So long.
    For(Duration),
    /// Until it is stopped.
    #[default]
    Endless,
}

/// Why an attached session could not start.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The kernel does not list its listeners.
    #[error(transparent)]
    Census(#[from] CensusError),
    /// The watching thread ended before it had begun: a defect of qviz.
    #[error("{}", say!("the watching thread ended before it had begun"))]
    Vanished,
    /// No thread.
    #[error("{}", say!("starting the watching thread: {source}", source = told(_0)))]
    Thread(io::Error),
}

impl AttachError {
    /// The next command that would help.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Census(error) => error.hint(),
            Self::Vanished => say!("this is a bug in qviz: please report it; see: qviz doctor"),
            Self::Thread(_) => say!("see the limits of this shell: ulimit -a"),
        }
    }
}

impl From<NotBegun> for AttachError {
    fn from(why: NotBegun) -> Self {
        match why {
            NotBegun::NoThread(error) => Self::Thread(error),
            NotBegun::Vanished => Self::Vanished,
        }
    }
}

/// Opens the eyes on all listeners and lets them look from a thread of their own.
///
/// # Errors
/// When the kernel does not list its listeners.
pub fn start(plan: AttachPlan) -> Result<Session, AttachError> {
    let length = if let Length::For(span) = plan.length { Some(span) } else { None };
    pump::start("watch", Clock::start(), length, |pump| setup::open(plan, pump))
}
