//! Tests of `fold::listeners`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use std::time::Duration;

use qviz::fold::listeners::{ChangeKind, ListenerState, Listeners, MAX_CHANGES, MAX_GONE};
use qviz::model::counters::{Counter, Counters};
use qviz::model::event::Event;
use qviz::model::sample::{Listed, QueueReading, Waiting};
use qviz::model::settings::Sysctl;
use qviz::model::stamp::Stamp;
use qviz::model::watch::{
    Address, ListenerId, ListenerReading, ListenerSnapshot, Owner, QueueOccupants, Rights, SynCounts, Watching,
};

#[path = "listeners/head.rs"]
mod head;
#[path = "listeners/late_dump.rs"]
mod late_dump;

/// A watch fed with facts.
struct Watch(Listeners);

impl Watch {
    fn began(tap: bool) -> Self {
        let mut listeners = Listeners::default();
        let mut sysctls = qviz::model::settings::Sysctls::default();
        sysctls.set(Sysctl::Somaxconn, 4096);
        let rights = Rights { tap, ..Rights::default() };
        let watching = Watching { kernel: "6.18.44".into(), pid: 1, rights, netns: None, target: None, sysctls };
        listeners.apply(Stamp::ZERO, &Event::Watching(Box::new(watching)));
        Self(listeners)
    }

    fn apply(&mut self, ms: u64, event: &Event) {
        self.0.apply(Stamp::from_millis(ms), event);
    }

    fn snapshot(&mut self, ms: u64, changed: Vec<ListenerReading>) {
        self.apply(ms, &Event::Snapshot(Box::new(ListenerSnapshot { changed, gone: Vec::new() })));
    }

    fn gone(&mut self, ms: u64, id: u64) {
        self.apply(
            ms,
            &Event::Snapshot(Box::new(ListenerSnapshot { changed: Vec::new(), gone: vec![ListenerId(id)] })),
        );
    }

    fn counters(&mut self, ms: u64, listen_drops: u64) {
        let mut counters = Counters::default();
        counters.set(Counter::ListenDrops, listen_drops);
        self.apply(ms, &Event::Counters(Box::new(counters)));
    }

    fn owned(&mut self, ms: u64, id: u64, pid: u32) {
        let owner = Owner { pid, command: "server".into(), others: 0, place: None };
        self.apply(ms, &Event::Owned { id: ListenerId(id), owner: Some(owner) });
    }

    fn crowded(&mut self, ms: u64, id: u64, oldest_wait_ms: Option<u32>) {
        let occupants = QueueOccupants { half_open: Some(0), oldest_wait_ms };
        self.apply(ms, &Event::Occupants { id: ListenerId(id), occupants });
    }

    fn listener(&self, id: u64) -> &ListenerState {
        self.0.get(ListenerId(id)).unwrap()
    }

    fn drops(&self, id: u64) -> (u64, u64, bool) {
        let drops = self.listener(id).drops().unwrap();
        (drops.listener, drops.noise, drops.is_exact())
    }

    fn changes(&self) -> Vec<ChangeKind> {
        self.0.changes.iter().map(|remark| remark.change).collect()
    }
}

fn at(id: u64, port: u16, depth: u32, drops: u32) -> ListenerReading {
    let address = Address::Tcp(([127, 0, 0, 1], port).into());
    let queue = QueueReading { depth: Some(depth), limit: Some(5), drops: Some(drops) };
    ListenerReading { id: ListenerId(id), address, v6_only: None, queue, inode: id, uid: Some(0) }
}

#[test]
fn drops_of_the_only_listener_that_moved_are_separated_from_its_noise() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, 0), at(2, 81, 0, 0)]);
    watch.counters(0, 1000);
    watch.snapshot(100, vec![at(1, 80, 6, 7)]);
    watch.counters(101, 1004);
    assert_eq!(watch.drops(1), (4, 3, false), "the account is still open: the rest may come");
    watch.counters(201, 1004);
    assert_eq!(watch.drops(1), (4, 3, true));
    assert_eq!(watch.drops(2), (0, 0, true));
}

#[test]
fn a_drop_that_the_counters_showed_before_the_listener_is_not_lost() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, 0)]);
    watch.counters(0, 0);
    watch.counters(100, 2);
    watch.snapshot(200, vec![at(1, 80, 6, 2)]);
    watch.counters(201, 2);
    watch.counters(301, 2);
    assert_eq!(watch.drops(1), (2, 0, true));
}

#[test]
fn where_several_moved_the_drops_are_bounded_and_not_guessed() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, 0), at(2, 81, 0, 0)]);
    watch.counters(0, 0);
    watch.snapshot(100, vec![at(1, 80, 6, 5), at(2, 81, 6, 3)]);
    watch.counters(101, 6);
    watch.counters(201, 6);
    let drops = watch.listener(1).drops().unwrap();
    assert_eq!((drops.at_least, drops.listener, drops.noise), (3, 5, 0));
    assert!(!drops.is_exact());
    watch.snapshot(300, vec![at(1, 80, 6, 6), at(2, 81, 6, 4)]);
    watch.counters(301, 8);
    watch.counters(401, 8);
    let drops = watch.listener(1).drops().unwrap();
    assert_eq!((drops.at_least, drops.listener), (4, 6), "both moved by what the namespace counts: no noise");
}

#[test]
fn drops_from_before_the_watch_are_at_most_those_of_the_namespace() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 6, 12), at(2, 81, 0, 0)]);
    watch.counters(0, 9);
    let made = watch.listener(1).drops_since_made().unwrap();
    assert_eq!((made.listener, made.at_least, made.noise), (9, 0, 3));
    assert!(watch.listener(2).drops_since_made().unwrap().is_exact());
    assert_eq!(watch.drops(1), (0, 0, true), "none of them since the watch began");
}

#[test]
fn without_counters_every_movement_may_be_a_drop() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, 0)]);
    watch.snapshot(100, vec![at(1, 80, 6, 3)]);
    assert_eq!(watch.drops(1), (3, 0, false));
}

#[test]
fn a_drop_counter_wraps_at_two_to_the_32() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, u32::MAX - 1)]);
    watch.counters(0, 0);
    watch.snapshot(100, vec![at(1, 80, 6, 3)]);
    watch.counters(101, 5);
    assert_eq!(watch.drops(1), (5, 0, true));
    assert_eq!(watch.listener(1).drops_since_made().unwrap().noise, u64::from(u32::MAX) - 1);
}

#[test]
fn counters_that_go_backwards_bring_no_drops_of_their_own() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, 0)]);
    watch.counters(0, 50);
    watch.snapshot(100, vec![at(1, 80, 6, 3)]);
    watch.counters(101, 2);
    assert_eq!(watch.drops(1), (3, 0, false));
}

#[test]
fn all_drops_of_a_listener_that_came_later_are_of_the_watch() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, 0)]);
    watch.counters(0, 0);
    watch.snapshot(500, vec![at(2, 81, 6, 4)]);
    watch.counters(501, 4);
    assert_eq!(watch.drops(2), (4, 0, true));
    assert_eq!(watch.changes(), [ChangeKind::Came]);
}

#[test]
fn a_rate_is_taken_over_the_last_seconds_and_not_before_there_is_one() {
    let mut watch = Watch::began(true);
    watch.snapshot(0, vec![at(1, 80, 0, 0)]);
    watch.counters(0, 0);
    watch.apply(500, &Event::SynsSeen(vec![SynCounts { id: ListenerId(1), syns: 5, again: 2 }]));
    assert_eq!(watch.0.arrivals_per_s(watch.listener(1)), None);
    watch.snapshot(1500, vec![at(1, 80, 6, 30)]);
    watch.counters(1501, 30);
    watch.apply(2000, &Event::Tick);
    assert_eq!(watch.0.arrivals_per_s(watch.listener(1)), Some(2.5));
    assert_eq!(watch.0.drops_per_s(watch.listener(1)), Some(15.0));
    assert_eq!((watch.listener(1).syns, watch.listener(1).syns_again), (5, 2));
    watch.apply(4500, &Event::Tick);
    watch.apply(6500, &Event::Tick);
    assert_eq!(watch.0.drops_per_s(watch.listener(1)), Some(0.0));
}

#[test]
fn without_a_tap_arrivals_are_unknown() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, 0)]);
    watch.apply(2000, &Event::Tick);
    assert_eq!(watch.0.arrivals_per_s(watch.listener(1)), None);
}

#[test]
fn after_a_gap_there_is_a_hole_and_no_spike() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 6, 0)]);
    watch.counters(0, 0);
    watch.apply(2000, &Event::Tick);
    watch.snapshot(3_600_000, vec![at(1, 80, 6, 900)]);
    watch.counters(3_600_000, 900);
    watch.apply(3_601_000, &Event::Tick);
    let listener = watch.listener(1);
    assert_eq!(listener.drops().unwrap().listener, 900);
    assert_eq!(watch.0.drops_per_s(listener), None);
    let beats = watch.0.seconds(listener, 4);
    assert!(beats[0].is_none() && beats[1].is_none(), "{beats:?}");
    assert!(beats.iter().flatten().all(|second| second.drops == 0), "{beats:?}");
    assert_eq!(listener.full(watch.0.now), Duration::from_secs(3), "the hour in between does not count as full");
}

#[test]
fn the_time_at_capacity_and_the_peak_are_kept() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 2, 0)]);
    watch.snapshot(100, vec![at(1, 80, 6, 0)]);
    watch.snapshot(400, vec![at(1, 80, 3, 0)]);
    let listener = watch.listener(1);
    assert_eq!((listener.accept_queue.max(), listener.full(watch.0.now)), (6, Duration::from_millis(300)));
    assert_eq!(watch.0.seconds(listener, 1)[0].unwrap().depth_max, 6);
}

#[test]
fn a_listener_that_disappears_is_kept_for_a_while_and_then_forgotten() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 6, 0), at(2, 81, 0, 0)]);
    watch.gone(200, 1);
    assert_eq!(watch.changes(), [ChangeKind::Gone]);
    assert_eq!(watch.listener(1).full(Stamp::from_millis(900)), Duration::from_millis(200));
    assert_eq!(watch.0.live().count(), 1);
    for second in 1..=61 {
        watch.apply(1000 * second, &Event::Tick);
    }
    assert_eq!((watch.0.by_id.len(), watch.0.forgotten), (1, 1));
}

#[test]
fn a_restart_with_another_pid_on_the_same_address_is_noted() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, 0)]);
    watch.owned(1, 1, 100);
    let snapshot = ListenerSnapshot { changed: vec![at(7, 80, 0, 0)], gone: vec![ListenerId(1)] };
    watch.apply(300, &Event::Snapshot(Box::new(snapshot)));
    watch.owned(301, 7, 200);
    let before = ListenerId(1);
    let restarted = ChangeKind::Restarted { before: 100, after: 200 };
    assert_eq!(watch.changes(), [ChangeKind::Gone, ChangeKind::Replaced { before }, restarted]);
    watch.owned(900, 7, 300);
    assert_eq!(watch.changes().last(), Some(&ChangeKind::Handed { before: 200, after: 300 }));
}

#[test]
fn a_restart_is_noted_too_where_the_old_socket_is_found_gone_later() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, 0)]);
    watch.owned(1, 1, 100);
    watch.snapshot(300, vec![at(7, 80, 0, 0)]);
    watch.owned(301, 7, 200);
    watch.gone(600, 1);
    assert_eq!(
        watch.changes(),
        [ChangeKind::Came, ChangeKind::Gone, ChangeKind::Restarted { before: 100, after: 200 }]
    );
}

#[test]
fn a_second_socket_on_the_same_address_is_no_restart() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, 0)]);
    watch.owned(1, 1, 100);
    watch.snapshot(300, vec![at(7, 80, 0, 0)]);
    watch.owned(301, 7, 200);
    assert_eq!(watch.changes(), [ChangeKind::Came]);
}

#[test]
fn a_changed_backlog_is_noted_and_measured_by() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 6, 0)]);
    let mut larger = at(1, 80, 6, 0);
    larger.queue.limit = Some(50);
    watch.snapshot(500, vec![larger]);
    assert_eq!(watch.changes(), [ChangeKind::Relisted { before: 5, after: 50 }]);
    let listener = watch.listener(1);
    assert_eq!(
        (listener.capacity(), listener.is_full(), listener.full(watch.0.now)),
        (Some(51), false, Duration::from_millis(500))
    );
}

#[test]
fn a_standstill_needs_the_same_head_and_no_shorter_queue() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 3, 0)]);
    watch.crowded(0, 1, Some(2000));
    assert_eq!(watch.listener(1).stall().unwrap().unmoved, Duration::ZERO, "one look proves nothing");
    watch.crowded(1200, 1, Some(3190));
    let still = watch.listener(1).stall().unwrap();
    assert_eq!(still.unmoved, Duration::from_millis(1200));
    assert!(still.oldest >= Duration::from_millis(3190));
    watch.crowded(1700, 1, Some(900));
    assert_eq!(watch.listener(1).stall().unwrap().unmoved, Duration::ZERO, "a younger head: somebody was accepted");
    watch.crowded(2900, 1, Some(2100));
    watch.snapshot(3000, vec![at(1, 80, 2, 0)]);
    assert_eq!(watch.listener(1).stall(), None, "the queue became shorter: somebody was accepted");
}

#[test]
fn a_full_member_beside_idle_siblings_is_found() {
    let mut watch = Watch::began(true);
    watch.snapshot(0, vec![at(1, 80, 0, 0), at(2, 80, 6, 9), at(3, 80, 0, 0), at(4, 81, 6, 0)]);
    let [group, alone] = [1, 4].map(|id| watch.0.group_of(watch.listener(id)));
    assert_eq!((group.members.len(), group.is_shared(), alone.members.len()), (3, true, 1));
    assert_eq!(group.full_beside_idle().unwrap().id(), ListenerId(2));
    assert!(alone.full_beside_idle().is_none(), "a single socket has no siblings");
    watch.apply(1000, &Event::SynsSeen(vec![SynCounts { id: ListenerId(1), syns: 40, again: 0 }]));
    watch.apply(2000, &Event::Tick);
    assert_eq!(watch.0.arrivals_per_s(watch.listener(1)), None, "which of the sockets they met is not told");
    let group = watch.0.group_of(watch.listener(2));
    assert_eq!(watch.0.group_arrivals_per_s(&group), Some(20.0));
    watch.snapshot(2100, vec![at(3, 80, 1, 0)]);
    assert!(watch.0.group_of(watch.listener(2)).full_beside_idle().is_none());
}

#[test]
fn a_group_is_reported_without_its_gone_members() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, 0), at(2, 80, 1, 0)]);
    watch.gone(100, 2);
    let members = |watch: &Watch| {
        watch.0.group_of(watch.listener(1)).members.iter().map(|listener| listener.id().0).collect::<Vec<_>>()
    };
    assert_eq!(members(&watch), [1]);
    watch.gone(200, 1);
    assert_eq!(members(&watch).len(), 2, "where none is left the gone ones stand there");
}

#[test]
fn ten_thousand_listeners_that_come_and_go_are_bounded() {
    let mut watch = Watch::began(false);
    let many = |first: u64| (first..first + 10_000).map(|id| at(id, (id % 50_000) as u16 + 1, 0, 0)).collect();
    watch.snapshot(0, many(1));
    watch.counters(0, 0);
    assert_eq!(watch.0.live().count(), 10_000);
    let gone = (1..=10_000).map(ListenerId).collect();
    watch.apply(500, &Event::Snapshot(Box::new(ListenerSnapshot { changed: many(20_001), gone })));
    assert!(watch.0.by_id.len() <= 10_000 + MAX_GONE, "{}", watch.0.by_id.len());
    assert_eq!(watch.0.live().count(), 10_000);
    assert_eq!(watch.0.changes.len(), MAX_CHANGES);
}

#[test]
fn a_new_watch_forgets_the_old_one() {
    let mut watch = Watch::began(false);
    watch.snapshot(0, vec![at(1, 80, 0, 0)]);
    let watching = watch.0.watching.clone().unwrap();
    watch.apply(100, &Event::Watching(Box::new(watching)));
    assert!(watch.0.by_id.is_empty());
}

#[test]
fn what_somaxconn_was_is_remembered() {
    let mut watch = Watch::began(false);
    watch.apply(100, &Event::Sysctl { name: Sysctl::Somaxconn, value: 8192 });
    assert_eq!((watch.0.somaxconn.as_slice(), watch.0.somaxconn_now()), ([4096, 8192].as_slice(), Some(8192)));
}

#[test]
fn what_came_and_has_not_gathered_was_accepted() {
    let mut watch = Watch::began(true);
    let listening = |depth| ListenerReading {
        id: ListenerId(1),
        address: Address::Tcp("127.0.0.1:80".parse().unwrap()),
        v6_only: None,
        queue: QueueReading { depth: Some(depth), limit: Some(128), drops: Some(0) },
        inode: 7,
        uid: Some(0),
    };
    watch.snapshot(0, vec![listening(0)]);
    for second in 0..30 {
        watch.apply(second * 1000 + 500, &Event::SynsSeen(vec![SynCounts { id: ListenerId(1), syns: 10, again: 0 }]));
        // Four of ten gather in each second of the last ten.
        let depth = second.saturating_sub(19) as u32 * 4;
        watch.snapshot(second * 1000 + 900, vec![listening(depth)]);
    }
    let rate = watch.0.accepts_per_s(watch.listener(1)).unwrap();
    assert!((5.0..7.0).contains(&rate), "{rate}");
    let mut reading = listening(40);
    reading.queue.drops = Some(3);
    watch.snapshot(29_950, vec![reading]);
    watch.counters(29_960, 0);
    watch.counters(29_990, 3);
    assert_eq!(watch.0.accepts_per_s(watch.listener(1)), None, "a dropped SYN was no arrival");
    let mut blind = Watch::began(false);
    blind.snapshot(0, vec![listening(0)]);
    blind.snapshot(20_000, vec![listening(1)]);
    assert_eq!(blind.0.accepts_per_s(blind.listener(1)), None, "nobody tells who came");
}
