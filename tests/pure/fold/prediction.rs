//! Tests of `fold::prediction`.

use std::time::Duration;

use qviz::fold::prediction::{Offer, Service, predict, sufficient_rate};
use qviz::model::settings::{AcceptRate, Arrivals};

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
