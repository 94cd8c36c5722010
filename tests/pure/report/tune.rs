//! Tests of `report::tune`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use qviz::model::watch::Address;
use qviz::report::tune::{Tuned, Tuning, limit};

fn tuning(backlog: i32, somaxconn: u32, command: &str) -> Tuning {
    let listener = Tuned {
        family: "tcp4",
        address: Address::Tcp("127.0.0.1:80".parse().unwrap()),
        pid: 7,
        command: command.to_owned(),
        fd: 3,
        waiting: Some(9),
        before: Some(5),
        after: Some(limit(backlog, Some(somaxconn))),
    };
    Tuning::new(backlog, Some(somaxconn), false, vec![listener])
}

fn text(tuning: &Tuning) -> String {
    let mut bytes = Vec::new();
    tuning.write(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_backlog_above_somaxconn_is_said_to_be_clamped_and_one_below_is_not() {
    let above = tuning(100_000, 4096, "x");
    assert!(above.clamped && text(&above).contains("makes 4096 of 100000"), "{}", text(&above));
    let below = tuning(4096, 4096, "x");
    assert!(!below.clamped && !text(&below).contains("somaxconn is 4096"), "{}", text(&below));
    assert_eq!((limit(-1, Some(128)), limit(0, Some(128))), (128, 0));
}

#[test]
fn the_line_that_lasts_is_the_programs_own_with_the_limit_that_results() {
    let nginx = tuning(100_000, 4096, "nginx").permanent.unwrap();
    assert!(nginx.contains("listen 127.0.0.1:80 backlog=4096;"), "{nginx}");
    assert_eq!(tuning(64, 4096, "myserver").permanent, None);
}

#[test]
fn a_limit_below_what_waits_is_said() {
    assert!(text(&tuning(5, 4096, "x")).contains("9 connections wait"));
    assert!(!text(&tuning(64, 4096, "x")).contains("connections wait"));
}
