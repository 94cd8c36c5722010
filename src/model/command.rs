//! Every command to the lab or a watch. Commands go down, facts come up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::client_clock::StepCommand;
use super::peer::Peer;
use super::settings::{AcceptRate, Arrivals, Knobs, Sysctl};
use super::watch::ListenerId;
use crate::model::experiment::ExperimentId;

/// One command. Its result is reported by events.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", content = "value", rename_all = "snake_case")]
pub enum Command {
    /// Call `listen(backlog)` again on the same socket.
    Listen(i32),
    /// Client arrivals per second.
    Rate(f64),
    /// The pattern of arrivals.
    Arrivals(Arrivals),
    /// How fast `accept()` is called.
    AcceptRate(AcceptRate),
    /// Start this many clients at once.
    Burst(u32),
    /// Share of half-open clients, 0 to 1.
    HalfOpen(f64),
    /// Share of segments lost by the synthetic network, 0 to 1.
    Loss(f64),
    /// Round-trip time of the clients that start from now on.
    Rtt(Duration),
    /// Number of workers; `None`: every connection is served at once.
    Workers(Option<u32>),
    /// How long one connection is served.
    Service(Duration),
    /// Write a sysctl of the private namespace.
    Sysctl(Sysctl, i64),
    /// Hold the time of the packet-level clients and the server's valve, advance it by one step, or let it run.
    Step(StepCommand),
    /// The pace of that time: 1 is the session's, 0.1 ten times slower. The kernel's timers are not affected.
    Pace(f64),
    /// Lose the next segment of this client that is under way, or that leaves next, in either direction.
    Lose(Peer),
    /// Hold the next segment of this client, and all that follow it; given again, let them go.
    Hold(Peer),
    /// Call `accept()` once, whatever the accept rate is.
    AcceptOne,
    /// Carry out an experiment on sockets and processes of its own, beside the listener.
    #[serde(rename = "trial")]
    RunExperiment(ExperimentId),
    /// Watch: report everything about this listener from now on; `None`: about none.
    Choose(Option<ListenerId>),
    /// Start no more clients and end the run.
    Stop,
}

impl Command {
    /// Sets the knob that the command is about, if any.
    pub const fn turn(self, knobs: &mut Knobs) {
        match self {
            Self::Listen(backlog) => knobs.backlog = backlog,
            Self::Rate(rate) => knobs.rate = rate,
            Self::Arrivals(arrivals) => knobs.arrivals = arrivals,
            Self::AcceptRate(rate) => knobs.accept_rate = rate,
            Self::HalfOpen(share) => knobs.half_open = share,
            Self::Loss(share) => knobs.loss = share,
            Self::Rtt(rtt) => knobs.rtt = rtt,
            Self::Workers(workers) => knobs.workers = workers,
            Self::Service(service) => knobs.service = service,
            Self::Burst(_)
            | Self::Sysctl(..)
            | Self::Step(_)
            | Self::Pace(_)
            | Self::Lose(_)
            | Self::Hold(_)
            | Self::AcceptOne
            | Self::RunExperiment(_)
            | Self::Choose(_)
            | Self::Stop => {}
        }
    }
}
