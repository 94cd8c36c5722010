//! Arrivals and accepts as flows, in small steps of time: a SYN arrives after half a round trip, its final ACK a round trip later, and
//! either finds room or comes again after a second.

use std::time::Duration;

use super::{Model, Offer, Prediction, Service};
use crate::model::settings::Arrivals;

/// What an accept queue of `capacity` will do.
pub(super) fn predict(offer: &Offer, service: Service, capacity: u32, syn_capacity: Option<u32>) -> Prediction {
    let mut flow = Flow::new(offer, service, capacity, syn_capacity);
    for bin in 0..flow.bins {
        flow.starts(offer, bin);
        flow.take_syns(bin);
        flow.take_acks(bin);
    }
    let longest_wait_ms = (service.rate > 0.0).then_some(flow.longest_wait_s * 1e3);
    Prediction { model: Model::Fluid, clients_hit: flow.hit, longest_wait_ms }
}

/// Clients on their way at one moment of arrival: those never dropped, and those that come again.
#[derive(Clone, Copy, Debug, Default)]
struct Arriving {
    fresh: f64,
    again: f64,
}

impl Arriving {
    fn add(&mut self, other: Self, share: f64) {
        self.fresh += other.fresh * share;
        self.again += other.again * share;
    }

    /// The dropped share of them, which all come again.
    fn dropped(self, share: f64) -> Self {
        Self { fresh: 0.0, again: (self.fresh + self.again) * share }
    }

    fn all(self) -> f64 {
        self.fresh + self.again
    }
}

struct Flow {
    /// Length of a step in seconds.
    step_s: f64,
    bins: usize,
    /// Half and whole round-trip times of the classes, in steps.
    classes: Vec<(usize, usize)>,
    retry: usize,
    /// Steps over which retries are spread.
    spread: usize,
    /// By class, then by step.
    syns: Vec<Vec<Arriving>>,
    acks: Vec<Vec<Arriving>>,
    /// Connections in the queue and with the servers.
    content: f64,
    room: f64,
    servers: f64,
    rate: f64,
    requests: f64,
    syn_room: f64,
    /// Share that sends a final ACK.
    answering: f64,
    started: f64,
    hit: f64,
    longest_wait_s: f64,
}

impl Flow {
    fn new(offer: &Offer, service: Service, capacity: u32, syn_capacity: Option<u32>) -> Self {
        let step_s = (offer.duration.as_secs_f64() / MOST_BINS).max(STEP_S);
        let bins = (offer.duration.as_secs_f64() / step_s).ceil() as usize;
        let (rtt, jitter) = (offer.rtt.as_secs_f64(), offer.jitter.min(offer.rtt).as_secs_f64());
        let count = if jitter > 0.0 { CLASSES } else { 1 };
        let bins_of = |seconds: f64| (seconds / step_s).round() as usize;
        let classes: Vec<_> = (0..count)
            .map(|class| rtt + jitter * ((2 * class + 1) as f64 / count as f64 - 1.0))
            .map(|rtt| (bins_of(rtt / 2.0), bins_of(rtt)))
            .collect();
        let none = vec![vec![Arriving::default(); bins]; count];
        Self {
            step_s,
            bins,
            classes,
            retry: bins_of(RETRY_S).max(1),
            spread: bins_of(RETRY_SPREAD_S).max(1),
            syns: none.clone(),
            acks: none,
            content: 0.0,
            room: f64::from(capacity) + f64::from(service.servers),
            servers: f64::from(service.servers),
            rate: service.rate,
            requests: 0.0,
            syn_room: syn_capacity.map_or(f64::INFINITY, f64::from),
            answering: 1.0 - offer.half_open,
            started: 0.0,
            hit: 0.0,
            longest_wait_s: 0.0,
        }
    }

    /// The clients that start in this step.
    fn starts(&mut self, offer: &Offer, bin: usize) {
        let until = |bin: usize| started_by(offer, bin as f64 * self.step_s);
        let most = offer.count.map_or(f64::INFINITY, |count| count as f64);
        let now = (until(bin + 1).min(most) - self.started).max(0.0);
        self.started += now;
        let share = 1.0 / self.classes.len() as f64;
        for (class, (half, _)) in self.classes.iter().enumerate() {
            if let Some(arriving) = self.syns[class].get_mut(bin + half) {
                arriving.fresh += now * share;
            }
        }
    }

    fn is_full(&self) -> bool {
        self.content >= self.room - EPSILON
    }

    fn take_syns(&mut self, bin: usize) {
        for class in 0..self.classes.len() {
            let arriving = self.syns[class][bin];
            let fits = if self.is_full() { 0.0 } else { (self.syn_room - self.requests).clamp(0.0, arriving.all()) };
            let share = if arriving.all() > 0.0 { fits / arriving.all() } else { 0.0 };
            self.hit += arriving.fresh * (1.0 - share);
            self.requests += fits;
            let later = bin + self.classes[class].1;
            if let Some(acks) = self.acks[class].get_mut(later) {
                acks.add(arriving, share * self.answering);
            }
            come_again(&mut self.syns[class], bin + self.retry, self.spread, arriving.dropped(1.0 - share));
        }
    }

    fn take_acks(&mut self, bin: usize) {
        let all: f64 = self.acks.iter().map(|class| class[bin].all()).sum();
        let served = self.rate * self.step_s;
        let fits = (self.room - self.content + served).clamp(0.0, all);
        let share = if all > 0.0 { fits / all } else { 1.0 };
        for class in 0..self.classes.len() {
            let arriving = self.acks[class][bin];
            self.hit += arriving.fresh * (1.0 - share);
            come_again(&mut self.acks[class], bin + self.retry, self.spread, arriving.dropped(1.0 - share));
        }
        self.requests = (self.requests - fits).max(0.0);
        if fits > EPSILON && self.rate > 0.0 {
            let before_the_last = (self.content + fits - served).min(self.room).max(0.0) - self.servers;
            self.longest_wait_s = self.longest_wait_s.max(before_the_last / self.rate);
        }
        self.content = (self.content + fits - served).clamp(0.0, self.room);
    }
}

/// Dropped clients arrive again, evenly over some steps.
fn come_again(arrivals: &mut [Arriving], from: usize, spread: usize, dropped: Arriving) {
    if dropped.again > 0.0 {
        for arriving in arrivals.iter_mut().skip(from).take(spread) {
            arriving.add(dropped, 1.0 / spread as f64);
        }
    }
}

/// Clients that have started before this second of the run.
fn started_by(offer: &Offer, seconds: f64) -> f64 {
    match offer.arrivals {
        Arrivals::Steady | Arrivals::Poisson => offer.rate * seconds,
        Arrivals::Burst { size, period } => (seconds / period.as_secs_f64()).ceil() * f64::from(size),
        Arrivals::Wave { size, period } => {
            let (whole, into) = parts(seconds, period);
            (whole + (into * 3.0).min(1.0)) * f64::from(size)
        }
    }
}

/// Whole periods, and the part of the present one that has passed.
fn parts(seconds: f64, period: Duration) -> (f64, f64) {
    let periods = seconds / period.as_secs_f64();
    (periods.floor(), periods.fract())
}

/// Seconds.
const STEP_S: f64 = 0.002;
/// Longer runs have longer steps.
const MOST_BINS: f64 = 30_000.0;
/// Round-trip times that stand for all.
const CLASSES: usize = 20;
/// After so many seconds a SYN (TCP_TIMEOUT_INIT, include/net/tcp.h) or a SYN-ACK is sent again.
const RETRY_S: f64 = 1.0;
/// Timers are late by up to so many seconds: 8 ticks of 4 ms (`calc_index`, kernel/time/timer.c).
const RETRY_SPREAD_S: f64 = 0.032;
/// Parts of a client that count as nothing.
const EPSILON: f64 = 1e-6;
