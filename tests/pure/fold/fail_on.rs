//! Tests of `fold::fail_on`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use std::time::Duration;

use qviz::fold::fail_on::{Alarm, FailOn};
use qviz::fold::world::World;
use qviz::model::counters::{Counter, Counters};
use qviz::model::event::Event;
use qviz::model::sample::QueueReading;
use qviz::model::settings::Sysctls;
use qviz::model::stamp::Stamp;
use qviz::model::watch::{Address, ListenerId, ListenerReading, ListenerSnapshot, QueueOccupants, Rights, Watching};

/// A watch and its alarm.
struct Fixture {
    world: World,
    alarm: Alarm,
    at: u64,
    raised: Option<String>,
}

impl Fixture {
    fn new(conditions: &[FailOn], target: Option<&str>) -> Self {
        let target = target.map(|words| words.parse().unwrap());
        let alarm = Alarm::new(conditions.to_vec(), target);
        let mut fixture = Self { world: World::new(), alarm, at: 0, raised: None };
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

    fn apply(&mut self, event: &Event) -> bool {
        self.world.apply(Stamp::from_millis(self.at), event);
        let raised = self.alarm.check(&self.world, event);
        self.at += 100;
        self.raised = self.raised.take().or(raised);
        self.raised.is_some()
    }

    fn read(&mut self, port: u16, depth: u32, drops: u32) -> bool {
        let address = Address::Tcp(([127, 0, 0, 1], port).into());
        let queue = QueueReading { depth: Some(depth), limit: Some(4), drops: Some(drops) };
        let id = ListenerId(port.into());
        let changed = vec![ListenerReading { id, address, v6_only: None, queue, inode: 1, uid: None }];
        self.apply(&Event::Snapshot(Box::new(ListenerSnapshot { changed, gone: Vec::new() })))
    }

    fn count(&mut self, drops: u64) -> bool {
        let mut counters = Counters::default();
        counters.set(Counter::ListenDrops, drops);
        self.apply(&Event::Counters(Box::new(counters)))
    }

    fn rest(&mut self, drops: u64) -> bool {
        (0..20).any(|_| self.count(drops))
    }
}

#[test]
fn a_drop_counts_when_listener_and_kernel_agree_in_whatever_order_they_are_read() {
    for kernel_first in [true, false] {
        let mut fixture = Fixture::new(&[FailOn::Overflow], None);
        fixture.read(80, 2, 7);
        fixture.count(40);
        if kernel_first {
            fixture.count(41);
            fixture.read(80, 2, 8);
        } else {
            fixture.read(80, 2, 8);
            fixture.count(41);
        }
        fixture.count(41);
        assert!(fixture.count(41), "{kernel_first}");
        assert!(fixture.raised.unwrap().contains("127.0.0.1:80 has dropped 1 packet "));
    }
}

#[test]
fn noise_alone_and_drops_of_others_alone_are_no_overflow() {
    let mut fixture = Fixture::new(&[FailOn::Overflow], Some("80"));
    fixture.read(80, 1, 0);
    fixture.read(81, 5, 0);
    fixture.count(40);
    fixture.read(80, 1, 3);
    assert!(!fixture.rest(40), "the kernel has dropped nothing");
    fixture.read(81, 5, 9);
    fixture.count(43);
    assert!(!fixture.rest(43), "another listener has dropped: {:?}", fixture.raised);
}

#[test]
fn of_several_that_come_into_question_the_one_that_was_full_has_dropped() {
    let mut fixture = Fixture::new(&[FailOn::Overflow], None);
    fixture.read(80, 1, 0);
    fixture.read(81, 5, 0);
    fixture.count(40);
    fixture.read(80, 1, 2);
    fixture.read(81, 5, 2);
    assert!(!fixture.count(42));
    assert!(fixture.rest(42));
    assert!(fixture.raised.unwrap().contains(":81 has dropped at least 1 packet "));
}

#[test]
fn the_end_decides_what_is_still_in_doubt() {
    let mut fixture = Fixture::new(&[FailOn::Overflow], None);
    fixture.read(80, 5, 0);
    fixture.read(81, 1, 0);
    fixture.count(40);
    fixture.read(80, 5, 2);
    fixture.read(81, 1, 2);
    assert!(!fixture.count(42));
    assert!(fixture.apply(&Event::Ended));
}

fn waits(fixture: &mut Fixture, port: u16, ms: u32) -> bool {
    let occupants = QueueOccupants { half_open: Some(0), oldest_wait_ms: Some(ms) };
    fixture.apply(&Event::Occupants { id: ListenerId(port.into()), occupants })
}

#[test]
fn a_wait_counts_from_its_length_on_and_only_where_it_is_the_targets() {
    let mut fixture = Fixture::new(&[FailOn::Wait(Duration::from_secs(2))], Some(":80"));
    fixture.read(80, 3, 0);
    fixture.read(81, 3, 0);
    assert!(!waits(&mut fixture, 80, 1999) && !waits(&mut fixture, 81, 9000));
    assert!(waits(&mut fixture, 80, 2000));
    assert!(fixture.raised.unwrap().contains(":80: a connection has waited 2 s"));
}

#[test]
fn stalled_counts_after_the_programs_own_rhythm() {
    let mut fixture = Fixture::new(&[FailOn::Stalled], None);
    fixture.read(80, 3, 0);
    assert!(!(0..29).any(|_| fixture.apply(&Event::Tick)));
    assert!((0..3).any(|_| fixture.apply(&Event::Tick)), "three seconds without an accept");
    assert!(fixture.raised.unwrap().contains("no connection accepted for 3 s, 3 waiting"));
}

#[test]
fn full_counts_at_its_share_of_what_fits_and_for_the_target_alone() {
    let mut fixture = Fixture::new(&[FailOn::Overflow, FailOn::Full(0.8)], Some(":80"));
    assert!(!fixture.read(81, 5, 0) && !fixture.read(80, 3, 0));
    assert!(fixture.read(80, 4, 0));
    assert!(fixture.raised.unwrap().contains("holds 4 of 5, 80 % or more"));
    let mut empty = Fixture::new(&[FailOn::Full(0.001)], None);
    assert!(!empty.read(80, 0, 0));
}
