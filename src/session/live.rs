//! A live session: the lab and the eyes on it, in one thread of their own.
//!
//! Everything that makes or reads packets happens in that one thread, so that the facts come in the order in which the kernel
//! did things: a SYN is sent, its answer is read, the queue is looked at, `accept()` is called.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::io::Errno;

use super::Session;
use super::clock::Clock;
use super::pump::{self, NotBegun};
use crate::kernel::tap::TapError;
use crate::lab::knobs::KnobError;
use crate::lab::listener::ListenError;
use crate::lab::server::PollError;
use crate::lab::wire::transmit::TransmitError;
use crate::model::event::Stamped;
use crate::model::settings::{ClientKind, Knobs, Sysctls};
use crate::say;
use crate::scenario::Script;
use crate::text::errno::told;

mod actors;
mod driver;
mod ending;
mod experiments;
mod sampler;
mod setup;
mod site;
mod stamped_tap;
mod step;

pub use site::LabSite;

/// What a live session is made of.
#[derive(Debug)]
pub struct LivePlan {
    /// How everything stands at the beginning.
    pub knobs: Knobs,
    /// Which clients meet the listener.
    pub clients: ClientKind,
    /// Where the listener listens; `None` takes the place's default.
    pub address: Option<SocketAddr>,
    /// The seed of everything random.
    pub seed: u64,
    /// Stop after so many clients.
    pub count: Option<u64>,
    /// Stop after this time.
    pub duration: Option<Duration>,
    /// Wishes that come by themselves.
    pub script: Script,
    /// Where the lab stands.
    pub place: LabSite,
    /// The host's sysctls, read before a namespace was entered.
    pub host: Sysctls,
    /// What the private network's sysctls are set to before anything else; those without a value stay.
    pub sysctls: Sysctls,
    /// What this session takes over from those before it.
    pub past: Past,
}

/// What a session takes over from those before it in the same place.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// The clock that goes on; `None`: a new one.
    pub clock: Option<Clock>,
    /// What was told since: it comes before this session's own first fact.
    pub told: Vec<Stamped>,
}

/// Why a live session could not start.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The listener.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The packet tap, without which packet-level clients cannot live.
    #[error(transparent)]
    Tap(#[from] TapError),
    /// An epoll of the server or of the clients.
    #[error(transparent)]
    Poll(#[from] PollError),
    /// The clients' socket.
    #[error(transparent)]
    Transmit(#[from] TransmitError),
    /// A setting of the private network.
    #[error(transparent)]
    Knob(#[from] KnobError),
    /// Packet-level clients were asked for where there is no private network.
    #[error("{}", say!("wire clients need the private lab: on the host's loopback only real connect() clients are possible"))]
    WireNeedsLab,
    /// Packet-level clients cannot reach this address.
    #[error(
        "{}",
        say!("packet-level clients cannot reach {address}: the kernel takes this address from loopback alone", address = _0)
    )]
    WireNeedsLink(SocketAddr),
    /// The lab's thread ended before it had begun: a defect of qviz.
    #[error("{}", say!("the lab's thread ended before it had begun"))]
    Vanished,
    /// Something else that the system refused.
    #[error("{}", say!("{operation}: {source}", operation, source = told(source)))]
    System {
        /// What was tried.
        operation: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl LiveError {
    /// The next command, or the next option, that would help.
    pub fn hint(&self) -> Option<String> {
        if self.wants_descriptors() {
            return Some(say!("raise the limit of open files, then run the same again: ulimit -n 4096").into());
        }
        match self {
            Self::Listen(error) => Some(error.hint()),
            Self::Tap(error) => Some(error.hint().to_owned()),
            Self::Poll(error) => Some(error.hint()),
            Self::Transmit(error) => Some(error.hint().to_owned()),
            Self::Knob(error) => Some(error.hint()),
            Self::WireNeedsLab => Some(say!("qviz --client connect, or see: qviz doctor").into()),
            Self::WireNeedsLink(_) => Some(say!("--client connect, or --listen [2001:db8::1]:8080").into()),
            Self::Vanished | Self::System { .. } => Some(say!("see: qviz doctor").into()),
        }
    }

    /// True where the process, or the whole system, has no descriptor left.
    fn wants_descriptors(&self) -> bool {
        let causes = std::iter::successors(std::error::Error::source(self), |error| error.source());
        causes
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| matches!(Errno::from_io_error(cause), Some(Errno::MFILE | Errno::NFILE)))
    }
}

impl From<NotBegun> for LiveError {
    fn from(why: NotBegun) -> Self {
        match why {
            NotBegun::NoThread(source) => Self::System { operation: say!("starting the lab's thread"), source },
            NotBegun::Vanished => Self::Vanished,
        }
    }
}

/// Opens the listener, the clients and the eyes, and lets them run in a thread of their own.
///
/// # Errors
///
/// When the listener cannot listen, or packet-level clients are not possible here.
pub fn start(plan: LivePlan) -> Result<Session, LiveError> {
    let (clock, length) = (plan.past.clock.unwrap_or_else(Clock::start), plan.duration);
    pump::start("lab", clock, length, |pump| setup::open(plan, pump))
}
