//! Tests of `scenario::words`.

use std::time::Duration;

use qviz::model::settings::{AcceptRate, Arrivals};
use qviz::scenario::words::{accept_rate, arrivals, backlog, count, duration, nearest, period, rate, share};

#[test]
fn durations_have_units() {
    assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
    assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
    assert_eq!(duration("1.5 hours 2us"), Ok(Duration::from_micros(5_400_000_002)));
    assert_eq!(duration("0"), Ok(Duration::ZERO));
    assert!(duration("5").unwrap_err().contains("5s"));
    for wrong in ["", "-2s", "soon", "2 s x", "5000h5000h", "1s1m", "s", "1.2.3s", "400000000000d"] {
        assert!(duration(wrong).is_err(), "{wrong}");
    }
    assert!(duration("9000h").unwrap_err().contains("year"));
    assert!(period("0").unwrap_err().contains("1ms"));
}

#[test]
fn rates_and_counts_take_k_and_m_and_decimals() {
    assert_eq!(rate("0.5"), Ok(0.5));
    assert_eq!(rate("10k"), Ok(10_000.0));
    assert_eq!(rate("1m/s"), Ok(1_000_000.0));
    assert_eq!(count("1.5m"), Ok(1_500_000));
    for wrong in ["", "k", "-1", "1e9", "inf", "NaN", ".", "1.2.3", "2000m"] {
        assert!(rate(wrong).is_err(), "{wrong}");
    }
    assert!(count("0").unwrap_err().contains("--rate 0"));
    assert!(count("2.5").unwrap_err().contains("whole"));
}

#[test]
fn percentages_become_shares() {
    assert_eq!(share("30%"), Ok(0.3));
    assert_eq!(share("30"), Ok(0.3));
    assert_eq!(share("100%"), Ok(1.0));
    assert!(share("101").is_err() && share("-1").is_err() && share("half").is_err());
}

#[test]
fn a_backlog_is_any_int_that_listen_means_as_written() {
    assert_eq!(backlog("0"), Ok(0));
    assert_eq!(backlog("2147483647"), Ok(i32::MAX));
    assert!(backlog("2147483648").unwrap_err().contains("int"));
    assert!(backlog("99999999999999999999999").unwrap_err().contains("int"));
    assert!(backlog("-1").unwrap_err().contains("somaxconn"));
    assert!(backlog("many").unwrap_err().contains("whole number"));
}

#[test]
fn patterns_have_their_own_shapes() {
    assert_eq!(arrivals("burst:20/1s"), Ok(Arrivals::Burst { size: 20, period: Duration::from_secs(1) }));
    assert_eq!(arrivals("wave:2k/500ms"), Ok(Arrivals::Wave { size: 2000, period: Duration::from_millis(500) }));
    assert_eq!(arrivals("burst:20/s"), Ok(Arrivals::Burst { size: 20, period: Duration::from_secs(1) }));
    assert!(arrivals("stedy").unwrap_err().contains("did you mean steady?"));
    for wrong in ["burst", "burst:20", "burst:0/1s", "burst:5/0", "steady:5", "burst:x/1s", ""] {
        assert!(arrivals(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn accept_rates_have_two_names_of_their_own() {
    assert_eq!(accept_rate("max"), Ok(AcceptRate::Max));
    assert_eq!(accept_rate("0"), Ok(AcceptRate::Paused));
    assert_eq!(accept_rate("0.5"), Ok(AcceptRate::PerSecond(0.5)));
    assert!(accept_rate("maax").unwrap_err().contains("did you mean max?"));
}

#[test]
fn the_nearest_name_comes_first() {
    let known = ["ListenOverflows", "ListenDrops", "net.core.somaxconn"];
    assert_eq!(nearest("listenoverflow", &known).first(), Some(&"ListenOverflows"));
    assert_eq!(nearest("somaxcon", &known).first(), Some(&"net.core.somaxconn"));
    assert_eq!(nearest("zebra", &known), Vec::<&str>::new());
}
