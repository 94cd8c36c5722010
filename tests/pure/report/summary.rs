//! Tests of `report::summary`.

use std::collections::BTreeMap;

use qviz::fold::finding::Severity;
use qviz::fold::world::World;
use qviz::model::cause::Cause;
use qviz::model::stamp::Stamp;
use qviz::report::summary::Summary;
use qviz::text::sentence::Sentence;

#[test]
fn a_world_of_which_nothing_is_known_has_nulls_and_no_guesses() {
    let value = serde_json::to_value(Summary::of(&World::new())).unwrap();
    for pointer in ["/segments/syn", "/syn_queue/max", "/listener/backlog", "/connect_ms/p50", "/ledger/balanced"] {
        assert_eq!(value.pointer(pointer), Some(&serde_json::Value::Null), "{pointer}");
    }
    assert!(value["ledger"]["reason"].is_string());
    assert_eq!(value["clients"]["errors"]["EADDRNOTAVAIL"], 0);
    let causes: Vec<_> = value["drops"].as_array().unwrap().iter().map(|drop| drop["cause"].clone()).collect();
    assert_eq!(causes, Cause::ALL.map(Cause::name));
}

#[test]
fn evidence_that_is_no_number_is_null() {
    let mut world = World::new();
    let finding = qviz::fold::finding::Finding {
        until: qviz::model::stamp::Stamp::ZERO,
        rule: "slow".to_owned(),
        severity: Severity::Warning,
        since: Stamp::from_millis(1500),
        evidence: BTreeMap::from([("bad".to_owned(), f64::NAN), ("good".to_owned(), 2.5)]),
        sentence: Sentence::new(|| "too \u{1b}[31mslow".to_owned()),
        actions: Vec::new(),
        subject: None,
    };
    world.found.insert(finding.rule.clone(), finding);
    let value = serde_json::to_value(Summary::of(&world)).unwrap();
    let finding = &value["findings"][0];
    assert_eq!(finding["evidence"], serde_json::json!({"bad": null, "good": 2.5}));
    assert_eq!((&finding["since_s"], &finding["severity"]), (&1.5.into(), &"warning".into()));
    assert!(!finding["sentence"].as_str().unwrap().contains('\u{1b}'));
}
