//! A live session: the lab and the sources that observe it.
//!
//! One thread is the wire: it delivers every segment to the listener, reads what became of it, and reads all other sources. The
//! server accepts in a thread of its own, and real clients connect in another, in their own namespace. Their facts are stamped where
//! they arise, and joined with the wire's under a lock.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
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
use crate::session::live::capture::CaptureError;
use crate::session::live::program::{NoListener, ProgramsPlan};
use crate::text::errno::describe;

mod actors;
pub mod capture;
mod driver;
mod ending;
mod experiments;
mod load;
mod load_program;
pub mod program;
mod programs;
mod sampler;
mod server;
mod setup;
mod sides;
mod site;
mod stamped_tap;
mod step;
mod wire;
mod worker;

pub use site::LabSite;

/// The plan of a live session.
#[derive(Debug)]
pub struct LivePlan {
    /// The settings at the beginning.
    pub knobs: Knobs,
    /// Which kind of clients connect.
    pub clients: ClientKind,
    /// The listener's address; `None`: the default of the site.
    pub address: Option<SocketAddr>,
    /// The seed of everything random.
    pub seed: u64,
    /// Stop after this many clients.
    pub count: Option<u64>,
    /// Stop after this time.
    pub duration: Option<Duration>,
    /// Commands at fixed moments.
    pub script: Script,
    /// The private network namespace or the host.
    pub site: LabSite,
    /// The host's sysctls, read before a namespace was entered.
    pub host: Sysctls,
    /// The sysctls of the private network are set to these first; those without a value are left alone.
    pub sysctls: Sysctls,
    /// Where all frames at the listener's end are written, with what became of them.
    pub capture: Option<PathBuf>,
    /// A program as the server; `None`: qviz's own.
    pub programs: Option<ProgramsPlan>,
    /// What is taken over from earlier sessions at the same site.
    pub past: Past,
}

/// What a session takes over from earlier ones at the same site.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// The clock that continues; `None`: a new one.
    pub clock: Option<Clock>,
    /// Facts emitted between the sessions: they come before this session's first fact.
    pub pending: Vec<Stamped>,
    /// How many packet-level clients have come to the same port: the kernel may still know their addresses.
    pub clients: u64,
}

/// Why a live session could not start.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The listener.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The packet tap, which packet-level clients need.
    #[error(transparent)]
    Tap(#[from] TapError),
    /// An epoll of the server or of the clients.
    #[error(transparent)]
    Poll(#[from] PollError),
    /// The clients' socket.
    #[error(transparent)]
    Transmit(#[from] TransmitError),
    /// A sysctl of the private network.
    #[error(transparent)]
    Knob(#[from] KnobError),
    /// The capture's file.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// A capture was asked for where there is no private network.
    #[error("{}", say!("--pcap needs the lab: on the host segments do not pass through qviz"))]
    CaptureNeedsLab,
    /// The program that is to be the server has no listener.
    #[error(transparent)]
    NoListener(#[from] NoListener),
    /// A program was to be the server where there is no private network.
    #[error("{}", say!("a server of your own needs the private network: on the host it would meet other programs"))]
    ProgramNeedsLab,
    /// Packet-level clients were asked for where there is no private network.
    #[error("{}", say!("wire clients need the private lab: on the host's loopback only real connect() clients are possible"))]
    WireNeedsLab,
    /// Clients beyond the wire cannot reach this address.
    #[error(
        "{}",
        say!("the lab's clients cannot reach {address}: the kernel takes this address from loopback alone", address = _0)
    )]
    WireNeedsLink(SocketAddr),
    /// The lab's thread ended before it had begun: a defect of qviz.
    #[error("{}", say!("the lab's thread ended before it had begun"))]
    Vanished,
    /// Something else that the system refused.
    #[error("{}", say!("{operation}: {source}", operation, source = describe(source)))]
    System {
        /// What was tried.
        operation: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl LiveError {
    /// The next command, or the next option, that would help.
    pub fn hint(&self) -> String {
        if self.wants_descriptors() {
            return say!("raise the limit of open files, then run the same again: ulimit -n 4096").into();
        }
        match self {
            Self::Listen(error) => error.hint(),
            Self::Tap(error) => error.hint().to_owned(),
            Self::Poll(error) => error.hint(),
            Self::Transmit(error) => error.hint().to_owned(),
            Self::Knob(error) => error.hint(),
            Self::Capture(error) => error.hint().to_owned(),
            Self::NoListener(error) => error.hint().to_owned(),
            Self::CaptureNeedsLab | Self::ProgramNeedsLab => say!("see what is missing: qviz doctor").into(),
            Self::WireNeedsLab => say!("qviz --client connect, or see: qviz doctor").into(),
            Self::WireNeedsLink(_) => "--listen [2001:db8::1]:8080".to_owned(),
            Self::Vanished | Self::System { .. } => say!("see: qviz doctor").into(),
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

/// Opens the listener, the clients and the sources, and runs them in a thread of their own.
///
/// # Errors
///
/// When the listener cannot listen, or packet-level clients are not possible here.
pub fn start(plan: LivePlan) -> Result<Session, LiveError> {
    let (clock, length) = (plan.past.clock.unwrap_or_else(Clock::start), plan.duration);
    pump::start("lab", clock, length, |pump| setup::open(plan, pump))
}
