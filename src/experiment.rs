//! Experiments on real sockets and processes beside the listener, one file each. Each runs step by step in the
//! private network, records every call with its result, and measures what its lesson needs. Start at [`run`].
//!
//! An experiment opens only its own sockets and processes, closes and reaps all of them before it returns, waits on
//! conditions with deadlines, and sends only to addresses of its private network (on the host: loopback).

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
mod backoff;
mod bind_four;
mod bind_in_use;
mod blocking_call;
pub mod child;
mod connect_attempt;
mod connect_errnos;
mod defer_accept;
mod ends;
mod failed_socket;
mod fork_leak;
mod fork_refcount;
mod inherits;
mod listen_limits;
mod listen_types;
mod move_to_tail;
mod nonblocking_connect;
mod remote_host;
mod retry_schedule;
mod reuseport;
mod states;
mod sysctl;
mod three_resets;
mod unbound_listen;
mod unix_socket;
mod unreachable;

/// What an experiment needs from outside this room: the clock, readings of the kernel, a tap and a sink for facts.
pub trait Env {
    /// The current stamp.
    fn now(&self) -> Stamp;
    /// Sleeps for `span`.
    fn sleep(&self, span: Duration);
    /// True when the experiment should stop early.
    fn is_stopped(&self) -> bool;
    /// Emits one fact.
    fn emit(&mut self, fact: ExperimentFact);
    /// Depth and limit of a listening socket's accept queue (TCP_INFO); `None` where it cannot be read.
    fn queue(&self, listener: BorrowedFd<'_>) -> Option<(u32, u32)>;
    /// A connecting socket's SYN retransmissions, and its state by the number in `include/net/tcp_states.h`.
    fn connect_progress(&self, socket: BorrowedFd<'_>) -> Option<(u32, u8)>;
    /// The socket's cookie.
    fn cookie(&self, socket: BorrowedFd<'_>) -> Option<u64>;
    /// Every TCP socket of this network namespace with this local port, including LISTEN and SYN_RECV, from
    /// sock_diag.
    fn sockets(&self, port: u16) -> Vec<ListedSocket>;
    /// The change of a counter of this namespace since the session began, by its `nstat` name.
    fn counter(&self, name: &str) -> Option<u64>;
    /// Captures every segment from and to this port from now on; `None` without CAP_NET_RAW.
    fn open_tap(&self, on: Wire, port: u16) -> Option<Box<dyn PortTap>>;
}

/// The link on which an experiment's segments are captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Loopback.
    Loopback,
    /// The veth pair of the private network.
    Pair,
}

/// Captures the segments of one port.
pub trait PortTap {
    /// The segments since the last call, in order. [`Toward::Listener`](crate::model::segment::Toward) means toward
    /// the port.
    fn segments(&mut self) -> Vec<(Stamp, Segment)>;
}

/// A socket as sock_diag lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedSocket {
    /// Its state by the number in `include/net/tcp_states.h`: 1 ESTABLISHED, 2 SYN_SENT, 3 SYN_RECV, 10 LISTEN ...
    pub state: u8,
    /// The peer's port; 0 for a listener.
    pub peer_port: u16,
    /// Its cookie.
    pub cookie: u64,
    /// True when no process holds it: a child that waits for accept().
    pub orphan: bool,
}

/// A running experiment.
pub struct Experiment<'a> {
    env: &'a mut dyn Env,
    /// Allows packets and sysctls; `None` on the host.
    token: Option<NetnsToken>,
}

/// Why an experiment failed.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// A system call that it needs failed.
    #[error("{}", say!("{operation}: {source}", operation = call, source = describe(source)))]
    Call {
        /// The call.
        call: String,
        /// The kernel's error.
        source: io::Error,
    },
    /// A condition was not met in time.
    #[error("{}", say!("waited in vain for {what}", what = .0))]
    TimedOut(String),
    /// It needs the private network.
    #[error("{}", say!("it needs the private network"))]
    NeedsLab,
    /// A sysctl could not be written.
    #[error(transparent)]
    Sysctl(#[from] KnobError),
    /// It was stopped.
    #[error("{}", say!("it was stopped"))]
    Stopped,
}

impl<'a> Experiment<'a> {
    /// Prepares to run experiments.
    pub fn new(env: &'a mut dyn Env, token: Option<NetnsToken>) -> Self {
        Self { env, token }
    }
}

impl Experiment<'_> {
    /// The environment.
    pub(in crate::experiment) fn env(&self) -> &dyn Env {
        self.env
    }

    /// The token for packets and sysctls.
    ///
    /// # Errors
    /// [`ExperimentError::NeedsLab`] on the host.
    pub(in crate::experiment) fn token(&self) -> Result<&NetnsToken, ExperimentError> {
        self.token.as_ref().ok_or(ExperimentError::NeedsLab)
    }

    /// Records a call and its result.
    pub(in crate::experiment) fn record_call(
        &mut self,
        who: &str,
        call: impl Into<String>,
        outcome: impl Into<String>,
        mood: CallOutcome,
    ) {
        let (call, outcome) = (Message::marked(&call.into()), Message::marked(&outcome.into()));
        let line = CallRecord { who: who.to_owned(), call, outcome, mood };
        self.env.emit(ExperimentFact::Line(line));
    }

    /// Emits a measurement.
    pub(in crate::experiment) fn measure(&mut self, name: &str, value: f64) {
        self.env.emit(ExperimentFact::Measured { name: name.to_owned(), value });
    }

    /// Emits a measurement of 1 (true) or 0 (false).
    pub(in crate::experiment) fn measure_flag(&mut self, name: &str, condition: bool) {
        self.measure(name, f64::from(u8::from(condition)));
    }

    /// Sleeps for `span`.
    ///
    /// # Errors
    /// [`ExperimentError::Stopped`].
    pub(in crate::experiment) fn sleep(&self, span: Duration) -> Result<(), ExperimentError> {
        self.env.sleep(span);
        if self.env.is_stopped() { Err(ExperimentError::Stopped) } else { Ok(()) }
    }

    /// Waits until a condition is true, and returns when that was.
    ///
    /// # Errors
    /// [`ExperimentError::TimedOut`] after `within`, or [`ExperimentError::Stopped`].
    pub(in crate::experiment) fn wait_until(
        &self,
        what: &str,
        within: Duration,
        mut condition: impl FnMut(&dyn Env) -> bool,
    ) -> Result<Stamp, ExperimentError> {
        let began = self.env.now();
        loop {
            if condition(self.env) {
                return Ok(self.env.now());
            }
            if self.env.is_stopped() {
                return Err(ExperimentError::Stopped);
            }
            if self.env.now().since(began) > within {
                return Err(ExperimentError::TimedOut(what.to_owned()));
            }
            self.env.sleep(POLL_INTERVAL);
        }
    }
}

/// Runs an experiment and emits its facts.
pub fn run(id: ExperimentId, experiment: &mut Experiment<'_>) {
    experiment.env.emit(ExperimentFact::Began(id));
    // Texts are recorded as keys and values, in no language.
    let failed = in_keys(|| carry_out(id, experiment).err().map(|error| Message::marked(&error.to_string())));
    experiment.env.emit(ExperimentFact::Ended { trial: id, failed });
}

fn carry_out(id: ExperimentId, experiment: &mut Experiment<'_>) -> Result<(), ExperimentError> {
    match id {
        ExperimentId::AcceptBlocks => accept_blocks::run(experiment),
        ExperimentId::AcceptFifo => accept_fifo::run(experiment),
        ExperimentId::Backoff => backoff::run(experiment),
        ExperimentId::BindFour => bind_four::run(experiment),
        ExperimentId::BindInUse => bind_in_use::run(experiment),
        ExperimentId::ConnectErrnos => connect_errnos::run(experiment),
        ExperimentId::DeferAccept => defer_accept::run(experiment),
        ExperimentId::DeferAcceptSilent => defer_accept::stay_silent(experiment),
        ExperimentId::FailedSocket => failed_socket::run(experiment),
        ExperimentId::ForkLeak => fork_leak::run(experiment),
        ExperimentId::ForkRefcount => fork_refcount::close(experiment),
        ExperimentId::ForkShutdown => fork_refcount::shut_down(experiment),
        ExperimentId::Inherits => inherits::run(experiment),
        ExperimentId::ListenLimits => listen_limits::run(experiment),
        ExperimentId::ListenTypes => listen_types::run(experiment),
        ExperimentId::MoveToTail => move_to_tail::run(experiment),
        ExperimentId::NonblockingConnect => nonblocking_connect::run(experiment),
        ExperimentId::RetrySchedule => retry_schedule::run(experiment),
        ExperimentId::Reuseport => reuseport::overflow(experiment),
        ExperimentId::ReuseportClose => reuseport::close(experiment),
        ExperimentId::States => states::run(experiment),
        ExperimentId::ThreeResets => three_resets::run(experiment),
        ExperimentId::UnboundListen => unbound_listen::run(experiment),
        ExperimentId::UnixSocket => unix_socket::run(experiment),
        ExperimentId::UnixSocketWait => unix_socket::wait(experiment),
        ExperimentId::Unreachable => unreachable::run(experiment),
    }
}

/// Interval between two checks of a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(2);
