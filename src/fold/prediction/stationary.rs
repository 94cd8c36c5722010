//! Poisson arrivals in the long run: the share of clients that meet a full queue, with accepts at even intervals (M/D/1/K) or at
//! exponential ones (M/M/1/K). A connection that was accepted last counts as being with the server until the next accept may come.

use super::{Model, Offer, Prediction, Service};

/// What an accept queue of `capacity` will do.
pub(super) fn predict(offer: &Offer, service: Service, capacity: u32) -> Prediction {
    let model = if service.servers > 1 { Model::Mm1K } else { Model::Md1K };
    let places = capacity as usize + service.servers.max(1) as usize;
    let blocked = |load: f64| match model {
        Model::Mm1K => blocked_exponential(load, places),
        Model::Md1K | Model::Fluid => blocked_even(load, places),
    };
    // Dropped clients come again and are part of the load.
    let load = offer.rate / service.rate;
    let mut share = 0.0_f64;
    for _ in 0..ROUNDS {
        share = blocked(load / (1.0 - share).max(load / LARGEST_LOAD)).min(1.0);
    }
    let clients =
        offer.count.map_or(f64::INFINITY, |count| count as f64).min(offer.rate * offer.duration.as_secs_f64());
    let clients_hit = clients * share;
    let longest = longest_wait(model, load, clients) / service.rate;
    let full = f64::from(capacity) / service.rate;
    Prediction { model, clients_hit, longest_wait_ms: Some(longest.min(full) * 1e3) }
}

/// The share of arrivals that find all `places` taken, with exponential service: (1 − ρ) ρ^N / (1 − ρ^(N+1)).
fn blocked_exponential(load: f64, places: usize) -> f64 {
    if (load - 1.0).abs() < 1e-9 {
        return 1.0 / (places as f64 + 1.0);
    }
    let power = load.powi(i32::try_from(places).unwrap_or(i32::MAX));
    if power.is_infinite() { 1.0 - 1.0 / load } else { (1.0 - load) * power / (1.0 - power * load) }
}

/// The same with service of even length: 1 − 1 / (π₀ + ρ), where π is the number left behind by a departure, by its embedded chain.
fn blocked_even(load: f64, places: usize) -> f64 {
    // π without its scale: π[k+1] a₀ = π[k] − π[0] a[k] − Σ π[j] a[k−j+1], where a[i] arrivals come during one service.
    let arrivals = poisson(load);
    let mut states = vec![1.0_f64];
    let mut sum = 1.0;
    while states.len() < places {
        let k = states.len() - 1;
        let next = if k < RECURSION {
            let chain: f64 = (1..=k).map(|j| states[j] * arrivals.get(k - j + 1).copied().unwrap_or(0.0)).sum();
            (states[k] - states[0] * arrivals.get(k).copied().unwrap_or(0.0) - chain) / arrivals[0]
        } else {
            // Far out each state is a fixed share of the one before.
            states[k] * states[k] / states[k - 1]
        };
        states.push(next.max(0.0));
        sum += next.max(0.0);
        if sum > 1e250 {
            return 1.0 - 1.0 / load.max(1.0);
        }
    }
    (1.0 - 1.0 / (1.0 / sum + load)).max(0.0)
}

/// The probabilities of 0, 1, 2, … arrivals during one service.
fn poisson(load: f64) -> Vec<f64> {
    let mut all = vec![(-load).exp()];
    while all.len() < RECURSION + 2 {
        all.push(all[all.len() - 1] * load / all.len() as f64);
    }
    all
}

/// The wait that one of so many clients is expected to exceed, in service times: the tail of the wait falls by a fixed rate, which is
/// 1 − ρ for exponential service and the root θ of ρ (e^θ − 1) = θ for even service.
fn longest_wait(model: Model, load: f64, clients: f64) -> f64 {
    if clients * load <= 1.0 || load <= 0.0 {
        return 0.0;
    }
    let decay = match model {
        Model::Mm1K => 1.0 - load,
        Model::Md1K | Model::Fluid => {
            let (mut low, mut high) = (1e-9, 60.0);
            for _ in 0..80 {
                let middle = f64::midpoint(low, high);
                if load * middle.exp_m1() < middle { low = middle } else { high = middle }
            }
            low
        }
    };
    (clients * load).ln() / decay
}

/// Rounds in which the share and the load that it makes settle.
const ROUNDS: u32 = 50;
/// No load is taken as larger than this.
const LARGEST_LOAD: f64 = 20.0;
/// States that are computed one by one; beyond them rounding would rule.
const RECURSION: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_service_blocks_as_the_textbook_says() {
        assert!((blocked_exponential(0.5, 1) - 1.0 / 3.0).abs() < 1e-12);
        assert!((blocked_exponential(1.0, 4) - 0.2).abs() < 1e-9);
        assert!((blocked_exponential(2.0, 400) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn even_service_blocks_less_and_one_place_alone_as_much() {
        // Erlang's formula for one place holds for any service.
        assert!((blocked_even(0.5, 1) - 1.0 / 3.0).abs() < 1e-12);
        for places in [2, 5, 20, 60] {
            let (even, exponential) = (blocked_even(0.8, places), blocked_exponential(0.8, places));
            assert!(even < exponential && even >= 0.0, "{places}: {even} {exponential}");
        }
        // Two places by hand: π₀ = e^-ρ, so that P = 1 − 1 / (e^-ρ + ρ).
        assert!((blocked_even(0.7, 2) - (1.0 - 1.0 / ((-0.7_f64).exp() + 0.7))).abs() < 1e-12);
        assert!((blocked_even(2.0, 400) - 0.5).abs() < 1e-3);
    }

    #[test]
    fn a_long_queue_blocks_nobody_at_a_small_load() {
        assert!(blocked_even(0.5, 600) < 1e-12);
    }
}
