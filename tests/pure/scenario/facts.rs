//! Tests of `scenario::facts`.

use std::collections::BTreeMap;

use qviz::fold::world::World;
use qviz::scenario::facts::{Facts, check};

#[test]
fn an_unknown_fact_is_refused_with_the_nearest_name() {
    let kept = ["held".to_owned()];
    assert_eq!(check("accept_queue.depth", &[]), Ok(()));
    assert_eq!(check("kept.held", &kept), Ok(()));
    assert_eq!(check("trial.second-try-ms", &[]), Ok(()));
    assert_eq!(check("drops.ack:accept-queue-full.segments", &[]), Ok(()));
    assert!(check("acept_queue.depth", &[]).unwrap_err().contains("did you mean `accept_queue.depth`?"));
    assert!(check("kept.hold", &kept).unwrap_err().contains("did you mean `kept.held`?"));
    assert!(check("counters.ListenOverflow", &[]).unwrap_err().contains("`counters.ListenOverflows`"));
    assert_eq!(check("zzz", &[]).unwrap_err(), "there is no fact `zzz`");
}

#[test]
fn of_a_world_that_has_not_begun_nothing_is_known_but_that_nothing_happened() {
    let (world, kept) = (World::new(), BTreeMap::from([("held".to_owned(), 6.0)]));
    let facts = Facts { world: &world, kept: &kept };
    for unknown in ["listener.backlog", "segments.syn", "syn_queue.depth", "connect_ms.p50", "ledger.balanced"] {
        assert_eq!(facts.value(unknown), None, "{unknown}");
    }
    assert_eq!((facts.value("kept.held"), facts.value("kept.other")), (Some(6.0), None));
    assert_eq!((facts.value("clients.started"), facts.value("no.such.thing")), (Some(0.0), None));
    assert_eq!(facts.value("findings.accept-too-slow"), None);
}
