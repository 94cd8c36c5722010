//! Tests of `lab::valve`.

use std::time::Duration;

use proptest::prelude::*;
use qviz::lab::valve::{SLACK, Valve};
use qviz::model::settings::AcceptRate;
use qviz::model::stamp::Stamp;

/// The stamps of all accepts when the queue is never empty and the loop ticks at `ticks`.
fn accepts(valve: &mut Valve, ticks: impl IntoIterator<Item = Stamp>) -> Vec<Stamp> {
    let mut taken = Vec::new();
    for now in ticks {
        while taken.len() < 100_000 && valve.may_accept(now) {
            valve.accepted(now);
            taken.push(now);
        }
    }
    taken
}

fn every(step_us: u64, until_ms: u64) -> impl Iterator<Item = Stamp> {
    (0..until_ms * 1_000).step_by(step_us as usize).map(|us| Stamp::from_nanos(us * 1_000))
}

#[test]
fn a_paused_valve_allows_no_accept_and_has_no_next_moment() {
    for rate in [AcceptRate::Paused, AcceptRate::PerSecond(0.0), AcceptRate::PerSecond(f64::NAN)] {
        let mut valve = Valve::new(rate);
        assert_eq!(accepts(&mut valve, every(100, 1_000)), []);
        assert_eq!(valve.next(), None);
    }
}

#[test]
fn an_open_valve_allows_every_accept() {
    let mut valve = Valve::new(AcceptRate::Max);
    assert!((0..10_000).all(|_| {
        valve.accepted(Stamp::ZERO);
        valve.may_accept(Stamp::ZERO)
    }));
}

#[test]
fn a_slow_valve_keeps_an_even_rhythm() {
    let mut valve = Valve::new(AcceptRate::PerSecond(4.0));
    let taken = accepts(&mut valve, every(100, 2_000));
    assert_eq!(taken.len(), 8);
    assert!(taken.windows(2).all(|pair| pair[1] - pair[0] == Duration::from_millis(250)));
}

#[test]
fn an_empty_queue_saves_nothing_up() {
    let mut valve = Valve::new(AcceptRate::PerSecond(10.0));
    let late = Stamp::from_millis(60_000);
    assert_eq!(accepts(&mut valve, [late]), [late], "one, although 600 accepts would have been allowed meanwhile");
    assert_eq!(valve.next(), Some(late + Duration::from_millis(98)));
}

#[test]
fn coarse_ticks_do_not_cost_a_high_rate_anything() {
    let mut valve = Valve::new(AcceptRate::PerSecond(50_000.0));
    let taken = accepts(&mut valve, every(1_000, 1_000)).len();
    assert!((49_900..=50_200).contains(&taken), "{taken}");
}

#[test]
fn playing_with_the_rate_gives_no_extra_accept() {
    let mut valve = Valve::new(AcceptRate::PerSecond(1.0));
    valve.accepted(Stamp::ZERO);
    for ms in (0..900).step_by(10) {
        let now = Stamp::from_millis(ms);
        valve.set(now, AcceptRate::Paused);
        valve.set(now, AcceptRate::PerSecond(1.0));
        assert!(!valve.may_accept(now));
    }
    valve.set(Stamp::from_millis(900), AcceptRate::PerSecond(2.0));
    assert!(valve.may_accept(Stamp::from_millis(900)), "half a second has passed since the last one");
}

proptest! {
    #[test]
    fn no_window_holds_more_than_the_rate_allows(
        rate in 0.1..200_000.0_f64,
        gaps_us in proptest::collection::vec(1_u64..50_000, 1..300),
    ) {
        let mut valve = Valve::new(AcceptRate::PerSecond(rate));
        let mut at_us = 0;
        let ticks = gaps_us.into_iter().map(|gap| { at_us += gap; Stamp::from_nanos(at_us * 1_000) });
        let taken = accepts(&mut valve, ticks);
        for first in (0..taken.len()).step_by(1 + taken.len() / 50) {
            for last in (first..taken.len()).step_by(1 + taken.len() / 50) {
                let window = taken[last] - taken[first] + SLACK;
                let allowed = rate * window.as_secs_f64() + 1.0 + 1e-6;
                prop_assert!((last - first + 1) as f64 <= allowed, "{} in {window:?}", last - first + 1);
            }
        }
    }
}
