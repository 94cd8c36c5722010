//! Tests of `fold::gate`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use qviz::fold::fail_on::FailOn;
use qviz::fold::gate::{Gate, Verdict};
use qviz::fold::world::World;
use qviz::model::counters::{Counter, Counters};
use qviz::model::event::Event;
use qviz::model::sample::QueueReading;
use qviz::model::settings::Sysctls;
use qviz::model::stamp::Stamp;
use qviz::model::watch::{Address, ListenerId, ListenerReading, ListenerSnapshot, Rights, Watching};

struct Fixture {
    world: World,
    gate: Gate,
    at: u64,
}

impl Fixture {
    fn new(conditions: &[FailOn]) -> Self {
        let mut fixture = Self { world: World::new(), gate: Gate::new(conditions, None), at: 1000 };
        let watching = Watching {
            kernel: "6.18".into(),
            pid: 1,
            rights: Rights::default(),
            netns: None,
            target: None,
            sysctls: Sysctls::default(),
        };
        fixture.apply(&Event::Watching(Box::new(watching)));
        fixture
    }

    fn apply(&mut self, event: &Event) {
        self.world.apply(Stamp::from_millis(self.at), event);
        self.gate.observe(&self.world, event);
        self.at += 100;
    }

    fn read(&mut self, depth: u32, drops: u32) {
        let address = Address::Tcp(([127, 0, 0, 1], 80).into());
        let queue = QueueReading { depth: Some(depth), limit: Some(4), drops: Some(drops) };
        let changed = vec![ListenerReading { id: ListenerId(1), address, v6_only: None, queue, inode: 1, uid: None }];
        self.apply(&Event::Snapshot(Box::new(ListenerSnapshot { changed, gone: Vec::new() })));
        let mut counters = Counters::default();
        counters.set(Counter::ListenDrops, drops.into());
        for _ in 0..2 {
            self.apply(&Event::Counters(Box::new(counters.clone())));
        }
    }

    fn verdict(&self) -> Verdict {
        self.gate.verdict(&self.world).unwrap()
    }
}

#[test]
fn the_first_failure_keeps_its_time_and_the_end_has_the_whole_number() {
    let mut fixture = Fixture::new(&[FailOn::Full(1.0), FailOn::Overflow]);
    fixture.read(1, 0);
    fixture.read(4, 3);
    assert!(fixture.gate.has_failed());
    let first = fixture.verdict();
    assert_eq!((first.rule.as_deref(), first.dropped), (Some("overflow"), 3));
    assert!(first.sentence.contains("dropped 3 packets"), "{first:?}");
    fixture.read(4, 764);
    // Also where the end itself is not seen.
    for _ in 0..2 {
        let last = fixture.verdict();
        assert_eq!((last.first_at, last.dropped), (first.first_at, 764));
        assert!(last.sentence.contains("dropped 764 packets"), "{last:?}");
        fixture.apply(&Event::Ended);
    }
}

#[test]
fn without_a_failure_it_names_its_conditions_and_without_conditions_there_is_no_verdict() {
    let mut fixture = Fixture::new(&[FailOn::Overflow, FailOn::Full(0.8)]);
    fixture.read(3, 0);
    fixture.apply(&Event::Ended);
    let verdict = fixture.verdict();
    assert!(!verdict.failed && verdict.rule.is_none() && verdict.first_at.is_none());
    assert!(verdict.sentence.contains("overflow, full:80%"), "{verdict:?}");
    assert_eq!(Gate::default().verdict(&fixture.world), None);
}
