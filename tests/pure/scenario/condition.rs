//! Tests of `scenario::condition`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use qviz::scenario::condition::{Condition, Expression};

fn known(name: &str) -> Option<f64> {
    match name {
        "six" => Some(6.0),
        "zero" => Some(0.0),
        "drops.ack:accept-queue-full.segments" => Some(2.0),
        _ => None,
    }
}

fn holds(text: &str) -> Option<bool> {
    Condition::parse(text, &|_| Ok(())).unwrap().holds(&known)
}

fn value(text: &str) -> Option<f64> {
    Expression::parse(text, &|_| Ok(())).unwrap().value(&known)
}

#[test]
fn multiplication_comes_before_addition_and_brackets_before_both() {
    assert_eq!(value("1 + 2 * six"), Some(13.0));
    assert_eq!(value("(1 + 2) * six"), Some(18.0));
    assert_eq!(value("six - 2 - 1"), Some(3.0));
    assert_eq!(value("-2 + six / 4"), Some(-0.5));
    assert_eq!(value("drops.ack:accept-queue-full.segments"), Some(2.0));
}

#[test]
fn and_binds_closer_than_or() {
    assert_eq!(holds("six == 6 or six == 1 and six == 2"), Some(true));
    assert_eq!(holds("(six == 6 or six == 1) and six == 2"), Some(false));
    assert_eq!(holds("(six + 1) >= 7 and ((six) < 7)"), Some(true));
    assert_eq!(holds("0.1 + 0.2 == 0.3 and six != 6.5 and six <= 6 and six > 5"), Some(true));
}

#[test]
fn what_is_unknown_is_neither_true_nor_false() {
    assert_eq!(holds("unheard == 1"), None);
    assert_eq!(holds("unheard != 1"), None);
    assert_eq!(holds("unheard == 1 and six == 1"), Some(false));
    assert_eq!(holds("unheard == 1 and six == 6"), None);
    assert_eq!(holds("six == 6 or unheard == 1"), Some(true));
    assert_eq!(holds("six == 1 or unheard == 1"), None);
    assert_eq!((value("unheard + 1"), value("six / zero")), (None, None));
    assert!(!Condition::parse("unheard == 1", &|_| Ok(())).unwrap().is_met(&known));
}

#[test]
fn facts_are_listed_once_each() {
    let condition = Condition::parse("six > zero and six < 7 or zero == 0", &|_| Ok(())).unwrap();
    assert_eq!(condition.facts(), ["six", "zero"]);
}
