//! A watch: the listeners of other programs, read from a thread of its own. It only reads: no connection is opened, nothing is
//! changed.
//!
//! The thread runs in the caller's network namespace: a caller that wants to watch another one enters it first
//! (`kernel::elsewhere`). Start at [`start`].

use std::io;
use std::time::Duration;

use super::Session;
use super::clock::Clock;
use super::pump::{self, NotBegun};
use crate::kernel::census::CensusError;
use crate::model::queue::SynRule;
use crate::model::watch::Target;
use crate::say;
use crate::text::errno::describe;

mod choice;
mod counter_reports;
mod flood_messages;
mod holders;
mod lists;
mod registry;
mod sampler;
mod served_counts;
mod setup;
mod syn_counter;
mod tap_load;
mod taps;
mod watcher;

/// The plan of a watch.
#[derive(Clone, Debug, Default)]
pub struct WatchSessionPlan {
    /// Which listeners are asked for; `None`: all. A listener that matches is chosen, now or when it appears.
    pub target: Option<Target>,
    /// When the watch ends.
    pub length: Length,
    /// The network namespace as it was named by the user, where it is not qviz's own.
    pub netns: Option<String>,
    /// When a SYN queue is full in this kernel, as measured.
    pub syn_rule: Option<SynRule>,
}

/// How long a watch lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// After one reading of everything.
    Once,
    /// After this time.
    For(Duration),
    /// Until it is stopped.
    #[default]
    Endless,
}

/// Why a watch could not start.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The kernel does not list its listeners.
    #[error(transparent)]
    Census(#[from] CensusError),
    /// The watching thread ended before it had begun: a defect of qviz.
    #[error("{}", say!("the watching thread ended before it had begun"))]
    Vanished,
    /// No thread.
    #[error("{}", say!("starting the watching thread: {source}", source = describe(_0)))]
    Thread(io::Error),
}

impl WatchError {
    /// The next command that would help.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Census(error) => error.hint(),
            Self::Vanished => say!("this is a bug in qviz: please report it; see: qviz doctor"),
            Self::Thread(_) => say!("see the limits of this shell: ulimit -a"),
        }
    }
}

impl From<NotBegun> for WatchError {
    fn from(why: NotBegun) -> Self {
        match why {
            NotBegun::NoThread(error) => Self::Thread(error),
            NotBegun::Vanished => Self::Vanished,
        }
    }
}

/// Opens all sources and reads them from a thread of its own.
///
/// # Errors
/// When the kernel does not list its listeners.
pub fn start(plan: WatchSessionPlan) -> Result<Session, WatchError> {
    let length = if let Length::For(span) = plan.length { Some(span) } else { None };
    pump::start("watch", Clock::start(), length, |pump| setup::open(plan, pump))
}
