//! Trials: experiments on real sockets and processes beside the listener, one file each. Each is carried out step by step in the private
//! network, tells every call and what came of it, and measures what its lesson needs. Start at [`run`].
//!
//! A trial opens only sockets and processes of its own, closes and reaps all of them before it returns, waits on conditions with
//! deadlines, and sends nothing anywhere but to addresses of the private network that it stands in (loopback on the host rung).

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::lab::knobs::KnobError;
use crate::lab::namespace::NetnsToken;
use crate::model::experiment::{CallOutcome, CallRecord, ExperimentFact, ExperimentId};
use crate::model::message::Message;
use crate::model::segment::Segment;
use crate::model::stamp::Stamp;
use crate::say;
use crate::text::errno::describe;
use crate::text::lang::in_keys;

mod accept_blocks;
mod accept_fifo;
mod asleep;
mod attempts;
mod backoff;
mod bind_four;
mod bind_in_use;
pub mod child;
mod connect_errnos;
mod defer_accept;
mod ends;
mod failed_socket;
mod far;
mod fork_leak;
mod fork_refcount;
mod inherits;
mod knob;
mod listen_limits;
mod listen_types;
mod move_to_tail;
mod nonblocking_connect;
mod retry_schedule;
mod reuseport;
mod states;
mod three_resets;
mod unbound_listen;
mod unix_socket;
mod unreachable;

/// What a trial may use of the world outside of this room: clock, eyes, and ears for what it tells.
pub trait Env {
    /// The present moment.
    fn now(&self) -> Stamp;
    /// Waits.
    fn rest(&self, span: Duration);
    /// True when nobody wants the trial's end any more: it gives up soon.
    fn is_stopped(&self) -> bool;
    /// Takes one fact.
    fn tell(&mut self, fact: ExperimentFact);
    /// Depth and limit of a listening socket's accept queue (TCP_INFO); `None` where it cannot be read.
    fn queue(&self, listener: BorrowedFd<'_>) -> Option<(u32, u32)>;
    /// SYNs that a connecting socket has sent again, and its state by the number in `include/net/tcp_states.h`.
    fn connecting(&self, socket: BorrowedFd<'_>) -> Option<(u32, u8)>;
    /// The socket's cookie.
    fn cookie(&self, socket: BorrowedFd<'_>) -> Option<u64>;
    /// Every TCP socket of this network namespace with this local port, LISTEN and SYN_RCVD included, as sock_diag lists it.
    fn sockets(&self, port: u16) -> Vec<ListedSocket>;
    /// The change of a counter of this namespace since the session began, by its name in `nstat`.
    fn counter(&self, name: &str) -> Option<u64>;
    /// Hears every segment from and to this port from now on; `None` without the right to it.
    fn ear(&self, on: Wire, port: u16) -> Option<Box<dyn PortTap>>;
}

/// What segments of a trial travel by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Loopback.
    Loopback,
    /// The pair of the private network.
    Pair,
}

/// Hears the segments of one port as they pass on the wire.
pub trait PortTap {
    /// Those that passed since it was asked last, in their order. Toward the listener is toward the port.
    fn heard(&mut self) -> Vec<(Stamp, Segment)>;
}

/// A socket as sock_diag lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedSocket {
    /// Its state by the number in `include/net/tcp_states.h`: 1 ESTABLISHED, 2 SYN_SENT, 3 SYN_RECV, 10 LISTEN ...
    pub state: u8,
    /// The other end's port; 0 for a listener.
    pub peer_port: u16,
    /// Its cookie.
    pub cookie: u64,
    /// True when no descriptor holds it: a child that waits for accept().
    pub orphan: bool,
}

/// The place at which a trial is carried out.
pub struct Experiment<'a> {
    surroundings: &'a mut dyn Env,
    /// The right to packets and sysctls; `None` on the host.
    pass: Option<NetnsToken>,
}

/// Why a trial could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// A call that it needs was refused.
    #[error("{}", say!("{operation}: {source}", operation = call, source = describe(source)))]
    Call {
        /// Which one.
        call: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// What it waited for did not come in time.
    #[error("{}", say!("waited in vain for {what}", what = .0))]
    InVain(String),
    /// It needs the private network.
    #[error("{}", say!("it needs the private network"))]
    NeedsLab,
    /// A sysctl that it turns was not written.
    #[error(transparent)]
    Knob(#[from] KnobError),
    /// Nobody wants it any more.
    #[error("{}", say!("it was stopped"))]
    Stopped,
}

impl<'a> Experiment<'a> {
    /// A place for trials.
    pub fn new(surroundings: &'a mut dyn Env, pass: Option<NetnsToken>) -> Self {
        Self { surroundings, pass }
    }
}

impl Experiment<'_> {
    /// Clock and eyes.
    pub(in crate::experiment) fn here(&self) -> &dyn Env {
        self.surroundings
    }

    /// The right to packets and sysctls.
    ///
    /// # Errors
    /// On the host there is none.
    pub(in crate::experiment) fn pass(&self) -> Result<&NetnsToken, ExperimentError> {
        self.pass.as_ref().ok_or(ExperimentError::NeedsLab)
    }

    /// Tells of a call and what came of it.
    pub(in crate::experiment) fn line(
        &mut self,
        who: &str,
        call: impl Into<String>,
        outcome: impl Into<String>,
        mood: CallOutcome,
    ) {
        let (call, outcome) = (Message::marked(&call.into()), Message::marked(&outcome.into()));
        let line = CallRecord { who: who.to_owned(), call, outcome, mood };
        self.surroundings.tell(ExperimentFact::Line(line));
    }

    /// Tells a number.
    pub(in crate::experiment) fn measured(&mut self, name: &str, value: f64) {
        self.surroundings.tell(ExperimentFact::Measured { name: name.to_owned(), value });
    }

    /// Tells whether something is so.
    pub(in crate::experiment) fn yes(&mut self, name: &str, is_so: bool) {
        self.measured(name, f64::from(u8::from(is_so)));
    }

    /// Waits.
    ///
    /// # Errors
    /// The trial was stopped.
    pub(in crate::experiment) fn pause(&self, span: Duration) -> Result<(), ExperimentError> {
        self.surroundings.rest(span);
        if self.surroundings.is_stopped() { Err(ExperimentError::Stopped) } else { Ok(()) }
    }

    /// Waits until something is so.
    ///
    /// # Errors
    /// It did not come within that span, or the trial was stopped.
    pub(in crate::experiment) fn until(
        &self,
        what: &str,
        within: Duration,
        mut is_so: impl FnMut(&dyn Env) -> bool,
    ) -> Result<Stamp, ExperimentError> {
        let began = self.surroundings.now();
        loop {
            if is_so(self.surroundings) {
                return Ok(self.surroundings.now());
            }
            if self.surroundings.is_stopped() {
                return Err(ExperimentError::Stopped);
            }
            if self.surroundings.now().since(began) > within {
                return Err(ExperimentError::InVain(what.to_owned()));
            }
            self.surroundings.rest(LOOK);
        }
    }
}

/// Carries out a trial and tells how it went.
pub fn run(trial: ExperimentId, bench: &mut Experiment<'_>) {
    bench.surroundings.tell(ExperimentFact::Began(trial));
    // What a trial says is a fact, and in no language.
    let failed = in_keys(|| carry_out(trial, bench).err().map(|error| Message::marked(&error.to_string())));
    bench.surroundings.tell(ExperimentFact::Ended { trial, failed });
}

fn carry_out(trial: ExperimentId, bench: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    match trial {
        ExperimentId::AcceptBlocks => accept_blocks::run(bench),
        ExperimentId::AcceptFifo => accept_fifo::run(bench),
        ExperimentId::Backoff => backoff::run(bench),
        ExperimentId::BindFour => bind_four::run(bench),
        ExperimentId::BindInUse => bind_in_use::run(bench),
        ExperimentId::ConnectErrnos => connect_errnos::run(bench),
        ExperimentId::DeferAccept => defer_accept::run(bench),
        ExperimentId::DeferAcceptSilent => defer_accept::stay_silent(bench),
        ExperimentId::FailedSocket => failed_socket::run(bench),
        ExperimentId::ForkLeak => fork_leak::run(bench),
        ExperimentId::ForkRefcount => fork_refcount::close(bench),
        ExperimentId::ForkShutdown => fork_refcount::shut_down(bench),
        ExperimentId::Inherits => inherits::run(bench),
        ExperimentId::ListenLimits => listen_limits::run(bench),
        ExperimentId::ListenTypes => listen_types::run(bench),
        ExperimentId::MoveToTail => move_to_tail::run(bench),
        ExperimentId::NonblockingConnect => nonblocking_connect::run(bench),
        ExperimentId::RetrySchedule => retry_schedule::run(bench),
        ExperimentId::Reuseport => reuseport::overflow(bench),
        ExperimentId::ReuseportClose => reuseport::close(bench),
        ExperimentId::States => states::run(bench),
        ExperimentId::ThreeResets => three_resets::run(bench),
        ExperimentId::UnboundListen => unbound_listen::run(bench),
        ExperimentId::UnixSocket => unix_socket::run(bench),
        ExperimentId::UnixSocketWait => unix_socket::wait(bench),
        ExperimentId::Unreachable => unreachable::run(bench),
    }
}

/// How often is looked whether something has come.
const LOOK: Duration = Duration::from_millis(2);
