//! Tests of `session::recording::transport`.

use std::time::Duration;

use qviz::model::stamp::Stamp;
use qviz::session::recording::transport::Transport;

const END: Stamp = Stamp::from_millis(60_000);

fn ms(millis: u64) -> Stamp {
    Stamp::from_millis(millis)
}

#[test]
fn time_passes_as_recorded_and_stops_at_the_end() {
    let transport = Transport::new(ms(5), END);
    assert_eq!(transport.position(ms(5)), ms(0));
    assert_eq!(transport.position(ms(1005)), ms(1000));
    assert_eq!(transport.position(ms(100_000)), END);
}

#[test]
fn speed_counts_from_where_it_was_changed() {
    let mut transport = Transport::new(ms(0), END);
    transport.change_speed(ms(1000), true);
    assert_eq!(transport.position(ms(2000)), ms(3000));
    transport.change_speed(ms(2000), false);
    transport.change_speed(ms(2000), false);
    assert_eq!(transport.position(ms(4000)), ms(4000));
    assert_eq!(transport.wait(ms(4000), ms(4500)), Some(Duration::from_secs(1)));
}

#[test]
fn the_ladder_ends_at_a_tenth_and_at_a_hundred() {
    let mut transport = Transport::new(ms(0), END);
    for _ in 0..20 {
        transport.change_speed(ms(0), false);
    }
    assert_eq!(transport.playing(ms(0)).tenths, 1);
    for _ in 0..20 {
        transport.change_speed(ms(0), true);
    }
    assert_eq!(transport.playing(ms(0)).tenths, 1000);
}

#[test]
fn a_pause_holds_the_position_and_goes_on_from_there() {
    let mut transport = Transport::new(ms(0), END);
    transport.pause(ms(700));
    assert_eq!((transport.position(ms(9000)), transport.wait(ms(9000), END)), (ms(700), None));
    transport.pause(ms(9000));
    assert_eq!(transport.position(ms(9100)), ms(800));
}

#[test]
fn a_wait_is_never_too_short() {
    let mut transport = Transport::new(ms(0), END);
    for _ in 0..6 {
        transport.change_speed(ms(0), true);
        let moment = Stamp::from_nanos(1_000_003);
        let wait = transport.wait(ms(0), moment).unwrap();
        assert!(transport.position(ms(0) + wait) >= moment);
    }
}
