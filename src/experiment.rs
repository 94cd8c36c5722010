//! Trials: experiments on real sockets and processes beside the listener, one file each. Each is carried out step by step in the private
//! network, tells every call and what came of it, and measures what its lesson needs. Start at [`run`].
//!
//! A trial opens only sockets and processes of its own, closes and reaps all of them before it returns, waits on conditions with
//! deadlines, and sends nothing anywhere but to addresses of the private network that it stands in (loopback on the host rung).

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::lab::knobs::KnobError;
use crate::lab::namespace::SendPass;
use crate::model::experiment::{Line, Mood, Trial, TrialFact};
use crate::model::message::Message;
use crate::model::segment::Segment;
use crate::model::stamp::Stamp;
use crate::say;
use crate::text::errno::told;
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
pub trait Surroundings {
    /// The present moment.
    fn now(&self) -> Stamp;
    /// Waits.
    fn rest(&self, span: Duration);
    /// True when nobody wants the trial's end any more: it gives up soon.
    fn is_stopped(&self) -> bool;
    /// Takes one fact.
    fn tell(&mut self, fact: TrialFact);
    /// Depth and limit of a listening socket's accept queue (TCP_INFO); `None` where it cannot be read.
    fn queue(&self, listener: BorrowedFd<'_>) -> Option<(u32, u32)>;
    /// SYNs that a connecting socket has sent again, and its state by the number in `include/net/tcp_states.h`.
    fn connecting(&self, socket: BorrowedFd<'_>) -> Option<(u32, u8)>;
    /// The socket's cookie.
    fn cookie(&self, socket: BorrowedFd<'_>) -> Option<u64>;
    /// Every TCP socket of this network namespace with this local port, LISTEN and SYN_RCVD included, as sock_diag lists it.
    fn sockets(&self, port: u16) -> Vec<Seen>;
    /// The change of a counter of this namespace since the session began, by its name in `nstat`.
    fn counter(&self, name: &str) -> Option<u64>;
    /// Hears every segment from and to this port from now on; `None` without the right to it.
    fn ear(&self, on: Wire, port: u16) -> Option<Box<dyn Ear>>;
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
pub trait Ear {
    /// Those that passed since it was asked last, in their order. Toward the listener is toward the port.
    fn heard(&mut self) -> Vec<(Stamp, Segment)>;
}

/// A socket as sock_diag lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
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
pub struct Bench<'a> {
    surroundings: &'a mut dyn Surroundings,
    /// The right to packets and sysctls; `None` on the host.
    pass: Option<SendPass>,
}

/// Why a trial could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// A call that it needs was refused.
    #[error("{}", say!("{operation}: {source}", operation = call, source = told(source)))]
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

impl<'a> Bench<'a> {
    /// A place for trials.
    pub fn new(surroundings: &'a mut dyn Surroundings, pass: Option<SendPass>) -> Self {
        Self { surroundings, pass }
    }
}

impl Bench<'_> {
    /// Clock and eyes.
    pub(in crate::experiment) fn here(&self) -> &dyn Surroundings {
        self.surroundings
    }

    /// The right to packets and sysctls.
    ///
    /// # Errors
    /// On the host there is none.
    pub(in crate::experiment) fn pass(&self) -> Result<&SendPass, TrialError> {
        self.pass.as_ref().ok_or(TrialError::NeedsLab)
    }

    /// Tells of a call and what came of it.
    pub(in crate::experiment) fn line(
        &mut self,
        who: &str,
        call: impl Into<String>,
        outcome: impl Into<String>,
        mood: Mood,
    ) {
        let (call, outcome) = (Message::marked(&call.into()), Message::marked(&outcome.into()));
        let line = Line { who: who.to_owned(), call, outcome, mood };
        self.surroundings.tell(TrialFact::Line(line));
    }

    /// Tells a number.
    pub(in crate::experiment) fn measured(&mut self, name: &str, value: f64) {
        self.surroundings.tell(TrialFact::Measured { name: name.to_owned(), value });
    }

    /// Tells whether something is so.
    pub(in crate::experiment) fn yes(&mut self, name: &str, is_so: bool) {
        self.measured(name, f64::from(u8::from(is_so)));
    }

    /// Waits.
    ///
    /// # Errors
    /// The trial was stopped.
    pub(in crate::experiment) fn pause(&self, span: Duration) -> Result<(), TrialError> {
        self.surroundings.rest(span);
        if self.surroundings.is_stopped() { Err(TrialError::Stopped) } else { Ok(()) }
    }

    /// Waits until something is so.
    ///
    /// # Errors
    /// It did not come within that span, or the trial was stopped.
    pub(in crate::experiment) fn until(
        &self,
        what: &str,
        within: Duration,
        mut is_so: impl FnMut(&dyn Surroundings) -> bool,
    ) -> Result<Stamp, TrialError> {
        let began = self.surroundings.now();
        loop {
            if is_so(self.surroundings) {
                return Ok(self.surroundings.now());
            }
            if self.surroundings.is_stopped() {
                return Err(TrialError::Stopped);
            }
            if self.surroundings.now().since(began) > within {
                return Err(TrialError::InVain(what.to_owned()));
            }
            self.surroundings.rest(LOOK);
        }
    }
}

/// Carries out a trial and tells how it went.
pub fn run(trial: Trial, bench: &mut Bench<'_>) {
    bench.surroundings.tell(TrialFact::Began(trial));
    // What a trial says is a fact, and in no language.
    let failed = in_keys(|| carry_out(trial, bench).err().map(|error| Message::marked(&error.to_string())));
    bench.surroundings.tell(TrialFact::Ended { trial, failed });
}

fn carry_out(trial: Trial, bench: &mut Bench<'_>) -> Result<(), TrialError> {
    match trial {
        Trial::AcceptBlocks => accept_blocks::run(bench),
        Trial::AcceptFifo => accept_fifo::run(bench),
        Trial::Backoff => backoff::run(bench),
        Trial::BindFour => bind_four::run(bench),
        Trial::BindInUse => bind_in_use::run(bench),
        Trial::ConnectErrnos => connect_errnos::run(bench),
        Trial::DeferAccept => defer_accept::run(bench),
        Trial::DeferAcceptSilent => defer_accept::stay_silent(bench),
        Trial::FailedSocket => failed_socket::run(bench),
        Trial::ForkLeak => fork_leak::run(bench),
        Trial::ForkRefcount => fork_refcount::close(bench),
        Trial::ForkShutdown => fork_refcount::shut_down(bench),
        Trial::Inherits => inherits::run(bench),
        Trial::ListenLimits => listen_limits::run(bench),
        Trial::ListenTypes => listen_types::run(bench),
        Trial::MoveToTail => move_to_tail::run(bench),
        Trial::NonblockingConnect => nonblocking_connect::run(bench),
        Trial::RetrySchedule => retry_schedule::run(bench),
        Trial::Reuseport => reuseport::overflow(bench),
        Trial::ReuseportClose => reuseport::close(bench),
        Trial::States => states::run(bench),
        Trial::ThreeResets => three_resets::run(bench),
        Trial::UnboundListen => unbound_listen::run(bench),
        Trial::UnixSocket => unix_socket::run(bench),
        Trial::UnixSocketWait => unix_socket::wait(bench),
        Trial::Unreachable => unreachable::run(bench),
    }
}

/// How often is looked whether something has come.
const LOOK: Duration = Duration::from_millis(2);
