//! What a queue of a given capacity will do under a given load, by formulas: clients hit by a drop, and the longest wait. Pure.
//!
//! Three models, each with its assumptions ([`Model::assumptions`]): the fluid model ([`fluid`]) for steady arrivals, bursts and
//! waves, and for any load above what is accepted; M/D/1/K and M/M/1/K ([`stationary`]) for Poisson arrivals below it. Start at
//! [`predict`].

use std::time::Duration;

use crate::model::settings::{AcceptRate, Arrivals};
use crate::say;

mod fluid;
mod stationary;

/// The clients of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offer {
    /// When they start.
    pub arrivals: Arrivals,
    /// Clients per second of steady and Poisson arrivals.
    pub rate: f64,
    /// At most so many.
    pub count: Option<u64>,
    /// How long the run lasts.
    pub duration: Duration,
    /// A client's round-trip time lies within `rtt ± jitter`.
    pub rtt: Duration,
    /// See [`Offer::rtt`].
    pub jitter: Duration,
    /// Share of clients that never send their final ACK, 0 to 1.
    pub half_open: f64,
}

/// How fast connections leave the accept queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Service {
    /// Accepts per second at most; infinite: as fast as they come.
    pub rate: f64,
    /// Connections that are taken out of the queue at once when it was empty: one, or a free worker each.
    pub servers: u32,
}

/// The formula of a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Model {
    /// Arrivals and accepts as a flow, bursts as they come, with retries after a second.
    Fluid,
    /// Poisson arrivals, accepts at even intervals, one queue of K places.
    Md1K,
    /// Poisson arrivals, exponential times between accepts, one queue of K places.
    Mm1K,
}

/// What is to be expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// By which formula.
    pub model: Model,
    /// Clients of which the listener drops at least one packet.
    pub clients_hit: f64,
    /// Milliseconds that the connection waits that waits longest; `None` where nothing is accepted.
    pub longest_wait_ms: Option<f64>,
}

impl Model {
    /// Its name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fluid => "fluid",
            Self::Md1K => "M/D/1/K",
            Self::Mm1K => "M/M/1/K",
        }
    }

    /// What it takes for granted.
    pub fn assumptions(self) -> &'static str {
        match self {
            Self::Fluid => say!(
                "arrivals, accepts and the clients' round-trip times are flows without chance; a dropped client comes again after 1 s; accept() comes at even intervals"
            ),
            Self::Md1K => say!(
                "Poisson arrivals, slower than accept(), which comes at even intervals; dropped clients come again and are part of the load; the run is long against the queue's own time"
            ),
            Self::Mm1K => say!(
                "Poisson arrivals, slower than accept(); exponential service, all workers together as one server; dropped clients come again and are part of the load; the run is long against the queue's own time"
            ),
        }
    }
}

impl Service {
    /// The pace of these settings: the smaller of `accept()`'s own rate and what the workers finish.
    pub fn of(accept_rate: AcceptRate, workers: Option<u32>, service: Duration) -> Self {
        let accept = match accept_rate {
            AcceptRate::Paused => 0.0,
            AcceptRate::PerSecond(rate) => rate,
            AcceptRate::Max => f64::INFINITY,
        };
        match workers {
            Some(workers) if f64::from(workers) / service.as_secs_f64() < accept => {
                Self { rate: f64::from(workers) / service.as_secs_f64(), servers: workers }
            }
            _ => Self { rate: accept, servers: u32::from(accept > 0.0) },
        }
    }
}

impl Offer {
    /// Clients per second in the long run.
    pub fn mean_rate(&self) -> f64 {
        self.arrivals.mean_rate(self.rate)
    }

    /// Clients that come together: of a burst or wave, or within a tenth of a second.
    pub fn at_once(&self) -> u64 {
        match self.arrivals {
            Arrivals::Steady | Arrivals::Poisson => (self.rate / 10.0).ceil() as u64,
            Arrivals::Burst { size, .. } | Arrivals::Wave { size, .. } => size.into(),
        }
    }
}

/// What an accept queue that holds `capacity` connections will do. `syn_capacity`: how many half-open requests fit, where SYN
/// cookies are off; with cookies no SYN is dropped for them.
pub fn predict(offer: &Offer, service: Service, capacity: u32, syn_capacity: Option<u32>) -> Prediction {
    if service.rate.is_infinite() {
        return Prediction { model: Model::Fluid, clients_hit: 0.0, longest_wait_ms: Some(0.0) };
    }
    let stationary = offer.arrivals == Arrivals::Poisson && offer.rate < service.rate * STATIONARY_BELOW;
    if stationary {
        stationary::predict(offer, service, capacity)
    } else {
        fluid::predict(offer, service, capacity, syn_capacity)
    }
}

/// The smallest rate of `accept()` at which a queue of this capacity is expected to drop nothing, in whole accepts per second.
pub fn sufficient_rate(offer: &Offer, servers: u32, capacity: u32, syn_capacity: Option<u32>) -> f64 {
    let suffices = |rate: f64| predict(offer, Service { rate, servers }, capacity, syn_capacity).clients_hit < NOBODY;
    let (mut low, mut high) = (0.0, offer.mean_rate().max(1.0).ceil());
    while !suffices(high) && high < HIGHEST {
        (low, high) = (high, high * 2.0);
    }
    while high - low > 1.0 && (high - low) / high > PRECISION {
        let middle = f64::midpoint(low, high);
        if suffices(middle) { high = middle } else { low = middle }
    }
    high.ceil()
}

/// Poisson arrivals that are closer to the accept rate than this behave as an overload while a run lasts.
const STATIONARY_BELOW: f64 = 0.95;
/// Fewer clients than this are none.
const NOBODY: f64 = 0.5;
/// Accepts per second beyond which nothing is looked for.
const HIGHEST: f64 = 1e7;
/// Share by which a rate may be too large.
const PRECISION: f64 = 0.01;
