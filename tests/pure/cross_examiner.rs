//! Every number that a document of a watch says twice is the same number: in a finding's evidence and sentence, in the listener's fields, in the
//! table, in the metrics, and in the counters of the namespace.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use serde_json::Value;

use crate::cross_examination::{Said, moments};

fn recordings() -> Vec<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(root.join("tests/pure/watched")).unwrap();
    let mut all: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    all.sort();
    all
}

#[test]
fn no_stored_watch_contradicts_itself_at_any_moment() {
    let mut findings = std::collections::BTreeSet::new();
    for path in recordings() {
        for (number, said) in moments(&path).iter().enumerate() {
            let found = said.contradictions();
            assert!(found.is_empty(), "{} at its tenth {number}: {found:#?}", path.display());
            let rules = said.document["findings"].as_array().unwrap();
            findings.extend(rules.iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()));
        }
    }
    for rule in ["long-wait", "accept-queue-full", "unanswered-before-listener", "overflowed"] {
        assert!(findings.contains(rule), "no recording shows {rule}: {findings:?}");
    }
}

/// The last moment of the watch in which a queue overflowed.
fn overflow() -> Said {
    moments(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pure/watched/drop-count.qviz")).pop().unwrap()
}

#[test]
fn a_planted_contradiction_is_found() {
    assert_eq!(overflow().contradictions(), [""; 0]);
    let plant = |pointer: &str, value: Value| {
        let mut said = overflow();
        *said.document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        let found = said.contradictions();
        assert!(!found.is_empty(), "{pointer}");
    };
    let document = overflow().document;
    let rule = |name: &str| {
        let all = document["findings"].as_array().unwrap();
        all.iter().position(|finding| finding["rule"] == name && finding["in_force"] == true)
    };
    for (pointer, value) in [
        ("/listeners/0/accept_queue/depth", Value::from(7)),
        ("/listeners/0/accept_queue/capacity", 50.into()),
        ("/listeners/0/accept_queue/max", 1.into()),
        ("/listeners/0/accept_queue/oldest_wait_ms", 12.into()),
        ("/listeners/0/drops/listener", 3.into()),
        ("/listeners/0/drops/watched", 513.into()),
        ("/listeners/0/drops/at_least", 99_999.into()),
        ("/listeners/0/drops/exact", false.into()),
        ("/listeners/0/drain/accepts_per_s", 1.25.into()),
        ("/listeners/0/drain/last_waits_ms", 1.into()),
        ("/counters/ListenDrops", 4.into()),
    ] {
        plant(pointer, value);
    }
    let in_force = ["long-wait", "accept-queue-full", "overflowed"].into_iter().filter_map(rule).collect::<Vec<_>>();
    assert!(!in_force.is_empty(), "{document:#}");
    for place in in_force {
        for (name, value) in document["findings"][place]["evidence"].as_object().unwrap() {
            if name != "drop_counter_noise" && value.as_f64().is_some_and(|value| value > 0.0) {
                plant(&format!("/findings/{place}/evidence/{name}"), Value::from(value.as_f64().unwrap() * 3.0 + 11.0));
            }
        }
    }
    let mut said = overflow();
    said.page = said.page.replace("qviz_accept_queue_depth{", "qviz_accept_queue_depth_{");
    assert!(!said.contradictions().is_empty(), "a metric that is not there");
    let mut said = overflow();
    said.table = said.table.replace("50", "51");
    assert!(!said.contradictions().is_empty(), "a cell that says otherwise: {}", said.table);
}
