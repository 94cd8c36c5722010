//! Tests of `fold::world::watched`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use std::net::Ipv4Addr;

use qviz::fold::connection::{CombinedState, Connection, ServerSide};
use qviz::fold::world::World;
use qviz::fold::world::watched::MAX_UNTRACKED;
use qviz::model::cause::Cause;
use qviz::model::counters::{Counter, Counters};
use qviz::model::event::{Began, Environment, Event, Listening};
use qviz::model::peer::Peer;
use qviz::model::sample::{HalfOpen, Listed, QueueReading, Waiting};
use qviz::model::segment::{Segment, Toward, flags};
use qviz::model::settings::{ClientKind, Sysctl, Sysctls};
use qviz::model::stamp::Stamp;
use qviz::model::watch::{Address, ListenerId, ListenerReading, ListenerSnapshot, Rights, Watching};

#[path = "world_watched/open.rs"]
mod open;

const LIMIT: u32 = 2;

/// A watched listener with a limit of 2.
struct Watch {
    world: World,
    ms: u64,
}

impl Watch {
    fn began(tap: bool) -> Self {
        let mut sysctls = Sysctls::default();
        sysctls.set(Sysctl::Syncookies, 1);
        let rights = Rights { tap, ..Rights::default() };
        let mut watch = Self { world: World::new(), ms: 0 };
        let kernel = "6.18.44".to_owned();
        let watching =
            Watching { kernel: kernel.clone(), pid: 1, rights, netns: None, target: None, sysctls: sysctls.clone() };
        watch.apply(&Event::Watching(Box::new(watching)));
        watch.apply(&Event::Snapshot(Box::new(ListenerSnapshot { changed: vec![reading(1, 0)], gone: Vec::new() })));
        watch.apply(&Event::Chosen(Some(ListenerId(1))));
        watch.apply(&Event::Began(Box::new(Began {
            syn_rule: None,
            kernel,
            environment: Environment::Host,
            fallback: None,
            pid: 1,
            seed: 0,
            clients: ClientKind::Connect,
            address: "127.0.0.1:80".parse().unwrap(),
            tap,
            private_counters: false,
            host: Sysctls::default(),
            sysctls,
            watched: true,
        })));
        watch.apply(&Event::Listening(Listening { backlog: 2, somaxconn: None, limit: Some(LIMIT) }));
        watch
    }

    fn apply(&mut self, event: &Event) {
        self.world.apply(Stamp::from_millis(self.ms), event);
    }

    fn after(&mut self, ms: u64) -> &mut Self {
        self.ms += ms;
        self.apply(&Event::Tick);
        self
    }

    fn depth(&mut self, depth: u32, drops: u32) -> &mut Self {
        self.apply(&Event::Queue(QueueReading { depth: Some(depth), limit: Some(LIMIT), drops: Some(drops) }));
        self
    }

    /// Connections with their ages, in milliseconds.
    fn waiting(&mut self, waiting: &[(u16, u32)]) -> &mut Self {
        let waiting = waiting.iter().map(|(port, age_ms)| Waiting {
            peer: peer(*port),
            age_ms: Some(*age_ms),
            bytes: 5,
            closed: false,
            cookie: u64::from(*port),
        });
        self.apply(&Event::Listed(Box::new(Listed { half_open: None, waiting: Some(waiting.collect()) })));
        self
    }

    fn half_open(&mut self, requests: &[(u16, u8)]) -> &mut Self {
        let half_open = requests.iter().map(|(port, retransmits)| HalfOpen {
            peer: peer(*port),
            retransmits: *retransmits,
            next_ms: 500,
            cookie: u64::from(*port),
        });
        self.apply(&Event::Listed(Box::new(Listed { half_open: Some(half_open.collect()), waiting: None })));
        self
    }

    fn segment(&mut self, port: u16, toward: Toward, bits: u8, payload: u16) -> &mut Self {
        let (seq, ack) = match (toward, bits) {
            (Toward::Listener, flags::SYN) => (100, 0),
            (Toward::Listener, _) => (101, 201),
            (Toward::Client, _) => (200, 101),
        };
        let (peer, window_scale, timestamps) = (peer(port), true, true);
        self.apply(&Event::Segment(Segment { peer, toward, flags: bits, seq, ack, payload, window_scale, timestamps }));
        self
    }

    fn syn(&mut self, port: u16) -> &mut Self {
        self.segment(port, Toward::Listener, flags::SYN, 0)
    }

    /// A whole handshake.
    fn connects(&mut self, port: u16) -> &mut Self {
        self.syn(port).segment(port, Toward::Client, flags::SYN | flags::ACK, 0);
        self.segment(port, Toward::Listener, flags::ACK, 0)
    }

    fn server(&self, port: u16) -> Option<ServerSide> {
        self.world.connection(&peer(port)).map(|connection| connection.server)
    }

    fn accepted(&self) -> u64 {
        self.world.clients.accepted
    }
}

fn peer(port: u16) -> Peer {
    Peer::v4(Ipv4Addr::new(198, 18, 0, 1), port)
}

fn reading(id: u64, depth: u32) -> ListenerReading {
    let queue = QueueReading { depth: Some(depth), limit: Some(LIMIT), drops: Some(0) };
    let address = Address::Tcp("127.0.0.1:80".parse().unwrap());
    ListenerReading { id: ListenerId(id), address, v6_only: None, queue, inode: id, uid: None }
}

#[test]
fn without_a_tap_the_queue_is_as_deep_as_it_was_read_and_ages_are_the_kernels() {
    let mut watch = Watch::began(false);
    watch.after(5000).depth(3, 0).waiting(&[(1, 3000), (2, 1000), (3, 500)]);
    let world = &watch.world;
    assert_eq!((world.accept_queue.depth(), world.accept_queue.max()), (3, 3));
    assert_eq!(world.connection(&peer(1)).unwrap().queued_at(), Some(Stamp::from_millis(2000)));
    assert_eq!(world.connection(&peer(1)).unwrap().belief(), CombinedState::Queued);
    assert_eq!(world.connection(&peer(2)).unwrap().queue_order, 1, "in the order of their ages");
    assert_eq!((world.clients.accepted, world.segments, world.history.last(1).next().unwrap().arrivals), (0, None, 0));
}

#[test]
fn without_a_tap_the_head_that_is_listed_no_more_has_been_accepted() {
    let mut watch = Watch::began(false);
    watch.after(5000).depth(3, 0).waiting(&[(1, 3000), (2, 1000), (3, 500)]);
    watch.after(100).depth(2, 0).waiting(&[(2, 1100), (3, 600)]);
    assert_eq!(watch.server(1), Some(ServerSide::Accepted), "the queue became shorter too");
    assert_eq!(watch.server(2), Some(ServerSide::Queued));
    assert!((watch.world.wait.max_ms().unwrap() - 3000.0).abs() < 60.0, "until it was seen last");
    watch.after(100).depth(2, 0).waiting(&[(3, 700), (4, 50)]);
    assert_eq!(watch.server(2), Some(ServerSide::Queued), "one list is not enough: a dump is no snapshot");
    watch.after(100).depth(2, 0).waiting(&[(3, 800), (4, 150)]);
    assert_eq!(watch.server(2), Some(ServerSide::Accepted));
    watch.after(2000);
    assert_eq!(watch.world.roster.count(), 2, "those who have left are let go");
}

#[test]
fn one_behind_an_older_one_that_vanishes_was_reset_and_holds_its_place() {
    let mut watch = Watch::began(false);
    watch.after(5000).depth(3, 0).waiting(&[(1, 3000), (2, 1000), (3, 500)]);
    for _ in 0..2 {
        watch.after(100).depth(3, 0).waiting(&[(1, 3100), (3, 600)]);
    }
    assert_eq!(watch.world.places_of_the_reset(), Some(0), "one accept() and one arrival beside a dump look the same");
    for _ in 0..2 {
        watch.after(100).depth(3, 0).waiting(&[(1, 3100), (3, 600)]);
    }
    assert_eq!(watch.server(2), Some(ServerSide::QueuedClosed));
    assert_eq!(watch.world.places_of_the_reset(), Some(1));
    for _ in 0..2 {
        watch.after(100).depth(1, 0).waiting(&[(3, 800)]);
    }
    assert_eq!((watch.server(1), watch.server(2)), (Some(ServerSide::Accepted), Some(ServerSide::Accepted)));
    assert_eq!(watch.world.places_of_the_reset(), Some(0));
}

#[test]
fn a_head_whose_place_is_still_held_was_reset() {
    let mut watch = Watch::began(false);
    watch.after(5000).depth(2, 0).waiting(&[(1, 3000), (2, 1000)]);
    for _ in 0..2 {
        watch.after(100).depth(2, 0).waiting(&[(2, 1100)]);
    }
    assert_eq!(watch.server(1), Some(ServerSide::QueuedClosed));
}

#[test]
fn without_a_tap_the_syn_queue_is_as_long_as_its_list_and_nothing_is_charged() {
    let mut watch = Watch::began(false);
    watch.after(100).half_open(&[(1, 0), (2, 3)]);
    assert_eq!((watch.world.syn_queue.depth(), watch.world.connection(&peer(2)).unwrap().syn_acks), (2, 4));
    watch.after(100).half_open(&[(2, 3)]).after(100).half_open(&[(2, 3)]);
    assert_eq!((watch.world.syn_queue.depth(), watch.world.syn_queue.max()), (1, 2));
    watch.after(2000);
    assert_eq!(watch.server(1), None);
    assert!(watch.world.ledger.lost_by_cause().all(|(_, lost)| lost.segments == 0));
}

#[test]
fn with_a_tap_the_oldest_leave_when_the_queue_becomes_shorter() {
    let mut watch = Watch::began(true);
    watch.after(100).connects(1).connects(2).depth(2, 0).after(50);
    assert_eq!(watch.world.accept_queue.depth(), 2);
    watch.connects(3).depth(1, 0);
    assert_eq!((watch.server(1), watch.server(2)), (Some(ServerSide::Accepted), Some(ServerSide::Accepted)));
    assert_eq!((watch.server(3), watch.accepted()), (Some(ServerSide::Queued), 2));
    assert_eq!(watch.world.history.last(1).next().unwrap().accepts, 2);
    assert_eq!(watch.world.demand.waiting(), 1);
    assert_eq!((watch.world.clients.started, watch.world.clients.connected), (3, 3));
}

#[test]
fn those_from_before_the_watch_leave_first() {
    let mut watch = Watch::began(true);
    watch.depth(2, 0).after(50).connects(1);
    watch.depth(2, 0);
    assert_eq!((watch.server(1), watch.accepted()), (Some(ServerSide::Queued), 1), "3 - 1: the unknown head");
    watch.depth(0, 0);
    assert_eq!((watch.server(1), watch.accepted()), (Some(ServerSide::Accepted), 3));
}

#[test]
fn what_the_server_sends_proves_that_it_has_accepted() {
    let mut watch = Watch::began(true);
    watch.after(100).connects(1).connects(2).depth(2, 0);
    watch.segment(1, Toward::Client, flags::ACK, 0);
    assert_eq!(watch.server(1), Some(ServerSide::Queued), "the kernel alone acknowledges");
    watch.segment(1, Toward::Client, flags::ACK, 20).segment(2, Toward::Client, flags::FIN | flags::ACK, 0);
    assert_eq!((watch.server(1), watch.server(2)), (Some(ServerSide::Accepted), Some(ServerSide::Accepted)));
    watch.depth(0, 0);
    assert_eq!(watch.accepted(), 2, "not counted twice");
}

#[test]
fn a_syn_on_a_full_queue_is_charged_when_the_drop_count_has_moved_and_the_balance_is_honest() {
    let mut watch = Watch::began(true);
    watch.after(100).connects(1).connects(2).connects(3).depth(3, 0).after(60).syn(4).after(10).depth(3, 1);
    assert_eq!(watch.world.lost(Cause::SynAcceptQueueFull).segments, 0, "an answer may still come");
    watch.after(60);
    assert_eq!(watch.world.lost(Cause::SynAcceptQueueFull).segments, 1);
    let drops = watch.world.chosen_drops().unwrap();
    assert_eq!((drops.listener, drops.noise, drops.is_exact()), (1, 0, true));
    let mut counters = Counters::default();
    counters.set(Counter::ListenDrops, 900);
    watch.apply(&Event::Counters(Box::new(counters)));
    let balance = watch.world.balance();
    assert_eq!(balance.balanced, None);
    assert!(balance.reason.unwrap().contains("shared"));
}

#[test]
fn a_listed_connection_is_in_whatever_the_depth_seemed_to_say() {
    let mut watch = Watch::began(true);
    watch.after(100).syn(4).segment(4, Toward::Client, flags::SYN | flags::ACK, 0);
    watch.connects(1).connects(2).connects(3).depth(3, 0);
    watch.segment(4, Toward::Listener, flags::ACK, 0);
    assert_eq!(watch.world.connection(&peer(4)).map(Connection::belief), Some(CombinedState::HalfOpen), "it is open");
    watch.waiting(&[(2, 10), (3, 10), (4, 1)]);
    assert_eq!(watch.world.connection(&peer(4)).map(Connection::belief), Some(CombinedState::Queued));
    assert_eq!(watch.world.lost(Cause::AckAcceptQueueFull).segments, 0);
}

#[test]
fn a_reset_by_the_server_is_an_accepted_connection_while_the_listener_goes_on() {
    let mut watch = Watch::began(true);
    watch.after(100).connects(1).depth(1, 0).after(5).segment(1, Toward::Client, flags::RST, 0);
    assert_eq!(watch.server(1), Some(ServerSide::Queued), "the listener may be closed");
    watch.after(400);
    assert_eq!((watch.server(1), watch.accepted()), (Some(ServerSide::Accepted), 1));
    assert_eq!((watch.world.reset_after_accept(), watch.world.wait.max_ms().unwrap() < 10.0), (1, true));
    assert!(watch.world.ledger.lost_by_cause().all(|(_, lost)| lost.segments == 0));
}

#[test]
fn a_reset_by_a_listener_that_was_closed_is_no_accepted_connection() {
    let mut watch = Watch::began(true);
    watch.after(100).connects(1).depth(1, 0).after(500).segment(1, Toward::Client, flags::RST, 0);
    watch
        .after(50)
        .apply(&Event::Snapshot(Box::new(ListenerSnapshot { changed: Vec::new(), gone: vec![ListenerId(1)] })));
    watch.after(400);
    assert_eq!((watch.server(1), watch.accepted()), (Some(ServerSide::ResetAway), 0));
}

#[test]
fn an_address_that_comes_again_is_a_new_client() {
    let mut watch = Watch::began(true);
    watch.after(100).connects(1).depth(1, 0).depth(0, 0).connects(1).depth(1, 0);
    assert_eq!((watch.server(1), watch.world.clients.started), (Some(ServerSide::Queued), 2));
}

#[test]
fn of_several_sockets_the_wire_proves_nothing_about_one_queue() {
    let mut watch = Watch::began(true);
    let other = ListenerSnapshot { changed: vec![reading(2, 0)], gone: Vec::new() };
    watch.apply(&Event::Snapshot(Box::new(other)));
    watch.depth(0, 0).after(100).connects(1).connects(2).depth(1, 0);
    assert_eq!((watch.accepted(), watch.world.accept_queue.depth()), (0, 1));
    watch.waiting(&[(1, 5), (2, 5)]).after(1500).depth(1, 0).waiting(&[(2, 1500)]).after(100).waiting(&[(2, 1600)]);
    assert_eq!(watch.world.connection(&peer(1)).map(|connection| connection.server), Some(ServerSide::Closed));
    assert_eq!((watch.world.places_of_the_reset(), watch.world.chosen_drops()), (None, None));
    assert_eq!(watch.world.accepts_per_s(watch.world.listeners.chosen().unwrap()), None);
}

#[test]
fn accepts_per_second_need_a_tap() {
    for tap in [true, false] {
        let mut watch = Watch::began(tap);
        for turn in 0..20 {
            watch.after(100).connects(turn + 1).depth(1, 0).depth(0, 0);
        }
        let rate = watch.world.accepts_per_s(watch.world.listeners.chosen().unwrap());
        assert_eq!(rate.is_some(), tap);
        assert!(rate.is_none_or(|rate| (8.0..=11.0).contains(&rate)), "{rate:?}");
    }
}

#[test]
fn a_flood_is_bounded_and_its_tolls_stay_exact() {
    let mut watch = Watch::began(true);
    watch.after(100).connects(1).connects(2).connects(3).depth(3, 0);
    for turn in 0..100u32 {
        for port in 0..1000u32 {
            let ip = Ipv4Addr::from(0x0a00_0000 + turn * 1000 + port);
            let segment = Segment {
                peer: Peer::v4(ip, 9),
                toward: Toward::Listener,
                flags: flags::SYN,
                seq: 7,
                ack: 0,
                payload: 0,
                window_scale: true,
                timestamps: true,
            };
            watch.apply(&Event::Segment(segment));
        }
        watch.after(1).depth(3, (turn + 1) * 1000).after(9);
    }
    watch.after(60).depth(3, 100_000).after(60);
    let world = &watch.world;
    assert!(world.roster.count() <= MAX_UNTRACKED + 1100, "{}", world.roster.count());
    assert_eq!(world.lost(Cause::SynAcceptQueueFull).segments, 100_000);
    assert!(world.losses.detail_skipped > 80_000);
    assert_eq!(
        world.connection(&peer(1)).map(|connection| connection.server),
        Some(ServerSide::Queued),
        "who is held is kept"
    );
    watch.after(200_000);
    assert!(watch.world.roster.count() <= 3 + qviz::fold::world::roster::LINGERING, "{}", watch.world.roster.count());
}

#[test]
fn a_watched_server_that_accepts_nothing_is_not_called_too_slow() {
    for accepting in [true, false] {
        let mut watch = Watch::began(true);
        for turn in 0..40 {
            watch.after(30).connects(2 * turn + 1).depth(LIMIT + 1, u32::from(turn)).syn(2 * turn + 2).after(10);
            watch.depth(if accepting { LIMIT } else { LIMIT + 1 }, u32::from(turn) + 1).after(60);
        }
        let too_slow = watch.world.findings.iter().any(|finding| finding.rule == "accept-too-slow");
        assert_eq!(too_slow, accepting, "{:#?}", watch.world.findings);
    }
}
