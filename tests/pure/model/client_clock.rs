//! Tests of `model::client_clock`.

use std::time::Duration;

use proptest::prelude::*;
use qviz::model::client_clock::ClientClock;
use qviz::model::stamp::Stamp;

const fn ms(millis: u64) -> Stamp {
    Stamp::from_millis(millis)
}

#[test]
fn untouched_it_is_the_sessions_time() {
    let tempo = ClientClock::default();
    assert_eq!((tempo.at(ms(1234)), tempo.moment(ms(77))), (ms(1234), ms(77)));
}

#[test]
fn held_time_stands_still_and_goes_on_where_it_stood() {
    let mut tempo = ClientClock::default();
    tempo.hold(ms(100));
    assert_eq!(tempo.at(ms(90_000)), ms(100));
    tempo.advance(ms(500), ms(140));
    tempo.go(ms(1000));
    assert_eq!((tempo.at(ms(1010)), tempo.moment(ms(150))), (ms(150), ms(1010)));
}

#[test]
fn slow_motion_holds_from_its_beginning() {
    let mut tempo = ClientClock::default();
    tempo.set_pace(ms(100), 0.25);
    assert_eq!(tempo.at(ms(500)), ms(200));
    tempo.set_pace(ms(500), 1.0);
    assert_eq!(tempo.at(ms(600)), ms(300));
}

#[test]
fn a_pace_that_cannot_be_is_not_read() {
    for pace in ["-1.0", "0.0", "1e308", "0.001", "1.5"] {
        let text = format!(r#"{{"since":0,"clients":0,"pace":{pace},"held":false}}"#);
        assert!(serde_json::from_str::<ClientClock>(&text).is_err(), "{pace}");
    }
    let slow = r#"{"since":0,"clients":0,"pace":0.01,"held":false}"#;
    assert_eq!(serde_json::from_str::<ClientClock>(slow).unwrap().pace.to_bits(), ClientClock::SLOWEST.to_bits());
}

proptest! {
    #[test]
    fn at_its_moment_a_time_has_come_and_time_never_runs_backwards(
        turns in prop::collection::vec((0..5_000_u64, 0..4_u8, 0.0..1.2_f64), 0..20),
        ahead in 0..10_000_000_000_u64,
    ) {
        let (mut tempo, mut now, mut before) = (ClientClock::default(), Stamp::ZERO, Stamp::ZERO);
        for (gap, what, pace) in turns {
            now = now + Duration::from_millis(gap);
            match what {
                0 => tempo.hold(now),
                1 => tempo.go(now),
                2 => tempo.set_pace(now, pace),
                _ => tempo.advance(now, Stamp::from_millis(gap)),
            }
            prop_assert!(tempo.at(now) >= before);
            before = tempo.at(now);
        }
        tempo.go(now);
        let wanted = tempo.clients + Duration::from_nanos(ahead);
        prop_assert!(tempo.at(tempo.moment(wanted)) >= wanted);
    }
}
