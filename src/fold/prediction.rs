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

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(arrivals: Arrivals, rate: f64, seconds: u64) -> Offer {
        let (rtt, jitter) = (Duration::from_millis(20), Duration::ZERO);
        Offer { arrivals, rate, count: None, duration: Duration::from_secs(seconds), rtt, jitter, half_open: 0.0 }
    }

    fn burst(size: u32, period_s: u64, seconds: u64) -> Offer {
        offer(Arrivals::Burst { size, period: Duration::from_secs(period_s) }, 0.0, seconds)
    }

    fn at(rate: f64) -> Service {
        Service { rate, servers: 1 }
    }

    #[test]
    fn a_burst_needs_a_place_for_each_client_but_the_one_that_is_taken_at_once() {
        let one = burst(100, 60, 5);
        assert!(predict(&one, at(50.0), 100, None).clients_hit < 0.5);
        let hit = predict(&one, at(50.0), 50, None).clients_hit;
        assert!((47.0..=50.0).contains(&hit), "{hit}");
        let wait = predict(&one, at(50.0), 200, None).longest_wait_ms.unwrap();
        assert!((1900.0..=2000.0).contains(&wait), "{wait}");
    }

    #[test]
    fn a_spread_of_round_trip_times_gives_accept_the_time_to_take_some() {
        let spread = Offer { rtt: Duration::from_millis(400), jitter: Duration::from_millis(100), ..burst(100, 60, 5) };
        let needed = (1..200).find(|capacity| predict(&spread, at(50.0), *capacity, None).clients_hit < 0.5).unwrap();
        assert!((80..=92).contains(&needed), "{needed}");
    }

    #[test]
    fn steady_arrivals_above_the_accept_rate_overflow_once_the_queue_is_full() {
        let below = predict(&offer(Arrivals::Steady, 40.0, 10), at(50.0), 6, None);
        assert!(below.clients_hit < 0.5, "{below:?}");
        // 50 more a second than are taken: 51 fit for a second.
        let above = predict(&offer(Arrivals::Steady, 100.0, 1), at(50.0), 51, None);
        assert!(above.clients_hit < 3.0, "{above:?}");
        let later = predict(&offer(Arrivals::Steady, 100.0, 10), at(50.0), 51, None);
        assert!((400.0..1000.0).contains(&later.clients_hit), "{later:?}");
        assert!((900.0..1100.0).contains(&later.longest_wait_ms.unwrap()), "{later:?}");
    }

    #[test]
    fn nothing_is_dropped_where_everything_is_accepted_at_once_and_nothing_waits_to_an_end_where_nothing_is() {
        let all = predict(&burst(100, 2, 5), Service::of(AcceptRate::Max, None, Duration::ZERO), 1, None);
        assert!((all.clients_hit, all.longest_wait_ms) == (0.0, Some(0.0)), "{all:?}");
        let none = predict(&burst(100, 60, 5), Service::of(AcceptRate::Paused, None, Duration::ZERO), 6, None);
        assert!((93.5..=94.5).contains(&none.clients_hit) && none.longest_wait_ms.is_none(), "{none:?}");
    }

    #[test]
    fn without_cookies_the_syn_queue_drops_what_exceeds_it() {
        let burst = burst(100, 60, 1);
        let hit = predict(&burst, at(1000.0), 200, Some(20)).clients_hit;
        assert!((79.0..=81.0).contains(&hit), "{hit}");
    }

    #[test]
    fn workers_are_a_pace_and_each_takes_one_out_of_the_queue() {
        let four = Service::of(AcceptRate::Max, Some(4), Duration::from_millis(100));
        assert_eq!(four, Service { rate: 40.0, servers: 4 });
        assert_eq!(Service::of(AcceptRate::PerSecond(3.0), Some(4), Duration::ZERO), Service { rate: 3.0, servers: 1 });
        assert!(predict(&burst(10, 60, 2), four, 6, None).clients_hit < 0.5);
        assert!(predict(&burst(10, 60, 2), four, 5, None).clients_hit > 0.5);
    }

    #[test]
    fn the_rate_that_suffices_does_and_a_tenth_less_does_not() {
        let burst = burst(100, 2, 7);
        let rate = sufficient_rate(&burst, 1, 6, None);
        assert!(predict(&burst, at(rate), 6, None).clients_hit < 0.5);
        assert!(predict(&burst, at(rate * 0.9), 6, None).clients_hit >= 0.5, "{rate}");
    }
}
