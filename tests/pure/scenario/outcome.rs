//! Tests of `scenario::outcome`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use std::collections::BTreeMap;

use qviz::fold::world::World;
use qviz::scenario::condition::{Condition, Expression};
use qviz::scenario::facts::Facts;
use qviz::scenario::lesson::{Claim, Text};
use qviz::scenario::outcome::{Judgement, Verdict};

fn claim() -> Claim {
    let text = |en: &str| Text { en: en.to_owned(), zh: en.to_owned() };
    let free = |_: &str| Ok(());
    Claim {
        id: "plus-one".to_owned(),
        statement: text("n + 1"),
        holds: Condition::parse("kept.held == 5 + 1", &free).unwrap(),
        measured: BTreeMap::from([("held".to_owned(), Expression::parse("kept.held", &free).unwrap())]),
        yes: text("yes: {held}"),
        no: text("no: {held}"),
    }
}

fn decided(world: &World, kept: &BTreeMap<String, f64>) -> Judgement {
    let claim = claim();
    claim.judgement(Some(&claim.judge(Facts { world, kept })))
}

#[test]
fn a_claim_is_decided_by_what_was_measured() {
    let world = World::new();
    let mut kept = BTreeMap::new();
    let judgement = decided(&world, &kept);
    assert_eq!((judgement.verdict, judgement.measured["held"]), (Verdict::Undecided, None));
    assert!(judgement.sentence.contains("kept.held"), "{}", judgement.sentence);
    for (held, verdict, sentence) in [(6.0, Verdict::Holds, "yes: 6"), (5.0, Verdict::DoesNotHold, "no: 5")] {
        kept.insert("held".to_owned(), held);
        let judgement = decided(&world, &kept);
        assert_eq!((judgement.verdict, judgement.sentence.as_str()), (verdict, sentence));
    }
}
