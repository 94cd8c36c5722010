//! The diary of one connection: what passed, its fate, what both sides believed after it, and what comes next.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::Ipv4Addr;
use std::time::Duration;

use qviz::fold::connection::{ClientSide, Connection, ServerSide};
use qviz::fold::segment_log::{LogItem, MOST_CONNECTIONS, MOST_ENTRIES, SegmentLog, SegmentOutcome, SegmentPath};
use qviz::fold::world::World;
use qviz::model::cause::Cause;
use qviz::model::delivery::Outcome;
use qviz::model::event::{Began, ClientEvent, Environment, Event, Listening, ServerEvent};
use qviz::model::peer::Peer;
use qviz::model::sample::{HalfOpen, Listed};
use qviz::model::segment::{Kind, Segment, Toward, flags};
use qviz::model::settings::{ClientKind, Sysctl, Sysctls};
use qviz::model::stamp::Stamp;

/// A world that is told what happens at which millisecond.
struct Play {
    world: World,
}

fn ms(millis: u64) -> Stamp {
    Stamp::from_millis(millis)
}

fn peer(id: u16) -> Peer {
    Peer::v4(Ipv4Addr::new(198, 18, 0, 1), 1024 + id)
}

impl Play {
    fn new(backlog: i32, more: &[(Sysctl, i64)]) -> Self {
        let mut values = Sysctls::default();
        let usual = [
            (Sysctl::Syncookies, 1),
            (Sysctl::AbortOnOverflow, 0),
            (Sysctl::MaxSynBacklog, 4096),
            (Sysctl::SynackRetries, 5),
            (Sysctl::SynRetries, 6),
            (Sysctl::SynLinearTimeouts, 4),
        ];
        for (name, value) in usual.iter().chain(more) {
            values.set(*name, *value);
        }
        let began = Began {
            syn_rule: None,
            kernel: "6.18.44".into(),
            environment: Environment::Lab,
            fallback: None,
            pid: 1,
            seed: 1,
            clients: ClientKind::Wire,
            address: "198.51.100.1:8080".parse().unwrap(),
            tap: true,
            private_counters: true,
            watched: false,
            host: Sysctls::default(),
            sysctls: values,
        };
        let mut play = Self { world: World::new() };
        play.emit(0, &Event::Began(Box::new(began)));
        let limit = Some(backlog.cast_unsigned());
        play.emit(0, &Event::Listening(Listening { backlog, somaxconn: Some(4096), limit }));
        play
    }

    fn emit(&mut self, at: u64, event: &Event) {
        self.world.apply(ms(at), event);
    }

    fn client_event(&mut self, at: u64, id: u16, life: ClientEvent) {
        self.emit(at, &Event::Client { id: id.into(), peer: peer(id), event: life });
    }

    fn start(&mut self, at: u64, id: u16) {
        self.client_event(at, id, ClientEvent::Started { half_open: false });
    }

    fn departs(&mut self, at: u64, id: u16, (kind, attempt): (Kind, u8), arrives: u64) {
        self.client_event(at, id, ClientEvent::Departed { kind, attempt, arrives: ms(arrives) });
    }

    fn wire(&mut self, at: u64, id: u16, toward: Toward, flags: u8) {
        let (seq, ack) = match (toward, flags) {
            (Toward::Listener, flags::SYN) => (1000, 0),
            (Toward::Listener, _) => (1001, 5001),
            (Toward::Client, _) => (5000, 1001),
        };
        let window_scale = flags & flags::SYN != 0;
        let peer = peer(id);
        let segment = Segment { peer, toward, flags, seq, ack, payload: 0, window_scale, timestamps: false };
        let fact = crate::outcome::fact(&self.world, segment);
        self.emit(at, &fact);
    }

    fn syn(&mut self, at: u64, id: u16) {
        self.wire(at, id, Toward::Listener, flags::SYN);
    }

    /// A client comes and is half-open, whatever the depths are.
    fn request(&mut self, at: u64, id: u16) {
        self.start(at, id);
        let timestamps = false;
        let (toward, flags, window_scale) = (Toward::Listener, flags::SYN, true);
        let (seq, ack, payload, peer) = (1000, 0, 0, peer(id));
        let segment = Segment { peer, toward, flags, seq, ack, payload, window_scale, timestamps };
        self.emit(at, &crate::outcome::delivered(segment, Outcome::Request, 0));
        self.syn_ack(at, id);
    }

    fn syn_ack(&mut self, at: u64, id: u16) {
        self.wire(at, id, Toward::Client, flags::SYN | flags::ACK);
    }

    fn cookie(&mut self, at: u64, id: u16) {
        let peer = peer(id);
        let flags = flags::SYN | flags::ACK;
        let (seq, ack, toward) = (5000, 1001, Toward::Client);
        let segment = Segment { peer, toward, flags, seq, ack, payload: 0, window_scale: false, timestamps: false };
        let fact = crate::outcome::fact(&self.world, segment);
        self.emit(at, &fact);
    }

    fn ack(&mut self, at: u64, id: u16) {
        self.wire(at, id, Toward::Listener, flags::ACK);
    }

    /// Twenty bytes behind the handshake.
    fn data(&mut self, at: u64, id: u16) {
        self.speaks(at, id, (Toward::Listener, flags::ACK | flags::PSH, 20), (1001, 5001));
    }

    /// A bare ACK of the server.
    fn answer(&mut self, at: u64, id: u16, ack: u32) {
        self.speaks(at, id, (Toward::Client, flags::ACK, 0), (5001, ack));
    }

    fn speaks(&mut self, at: u64, id: u16, (toward, flags, payload): (Toward, u8, u16), (seq, ack): (u32, u32)) {
        let peer = peer(id);
        let segment = Segment { peer, toward, flags, seq, ack, payload, window_scale: false, timestamps: false };
        let fact = crate::outcome::fact(&self.world, segment);
        self.emit(at, &fact);
    }

    fn handshake(&mut self, at: u64, id: u16) {
        self.start(at, id);
        self.syn(at, id);
        self.syn_ack(at, id);
        self.client_event(at, id, ClientEvent::Connected);
        self.ack(at, id);
    }

    fn pass(&mut self, until: u64) {
        self.emit(until, &Event::Tick);
    }

    fn one(&self, id: u16) -> &Connection {
        self.world.connection(&peer(id)).unwrap()
    }

    fn page(&self, id: u16) -> &SegmentLog {
        self.one(id).segment_log().unwrap()
    }

    fn ways(&self, id: u16) -> Vec<SegmentPath> {
        let way = |what: &LogItem| match what {
            LogItem::Passed(way) => Some(*way),
            LogItem::Server(_) | LogItem::Client(_) => None,
        };
        self.page(id).entries().filter_map(|entry| way(&entry.what)).collect()
    }

    fn sides(&self, id: u16) -> Vec<(ClientSide, ServerSide)> {
        self.page(id).entries().map(|entry| (entry.client, entry.server)).collect()
    }

    fn fates(&self, id: u16) -> Vec<(Kind, SegmentOutcome)> {
        self.ways(id).iter().map(|way| (way.kind, way.fate)).collect()
    }
}

/// One client holds the only place; the next ones meet a full queue.
fn full() -> Play {
    let mut play = Play::new(0, &[]);
    play.handshake(10, 0);
    play
}

#[test]
fn a_syn_that_died_twice_and_was_taken_has_three_lines_with_their_times_and_fates() {
    let mut play = full();
    play.start(100, 1);
    for (attempt, left) in [(1, 100), (2, 1100)] {
        play.departs(left, 1, (Kind::Syn, attempt), left + 200);
        play.syn(left + 200, 1);
        play.pass(left + 300);
    }
    play.emit(1500, &Event::Served { peer: peer(0), event: ServerEvent::Accepted { waited_ms: None, cookie: None } });
    play.departs(2100, 1, (Kind::Syn, 3), 2300);
    assert_eq!(play.ways(1)[2].fate, SegmentOutcome::UnderWay);
    play.syn(2300, 1);
    play.syn_ack(2300, 1);
    play.client_event(2500, 1, ClientEvent::Connected);
    let died = SegmentOutcome::Dropped(Cause::SynAcceptQueueFull);
    assert_eq!(
        play.fates(1),
        [
            (Kind::Syn, died),
            (Kind::Syn, died),
            (Kind::Syn, SegmentOutcome::Arrived),
            (Kind::SynAck, SegmentOutcome::Arrived)
        ]
    );
    let ways = play.ways(1);
    assert_eq!((ways[1].attempt, ways[1].left, ways[1].arrives), (2, Some(ms(1100)), Some(ms(1300))));
    assert_eq!((ways[3].left, ways[3].arrives), (Some(ms(2300)), Some(ms(2500))));
    let (waits, knows) = (ClientSide::SynSent, ClientSide::Connected);
    let (nothing, half_open) = (ServerSide::Nothing, ServerSide::HalfOpen);
    assert_eq!(play.sides(1), [(waits, nothing), (waits, nothing), (waits, half_open), (knows, half_open)]);
    assert_eq!(play.page(1).entries().nth(2).unwrap().place, Some(1));
    assert!(play.page(1).from_start);
}

#[test]
fn a_ghost_is_seen_in_the_line_of_its_ignored_ack_and_its_future_is_told() {
    let mut play = Play::new(0, &[]);
    for id in [0, 1] {
        play.request(100, id);
    }
    for id in [0, 1] {
        play.client_event(200, id, ClientEvent::Connected);
    }
    play.ack(300, 0);
    play.ack(310, 1);
    let ignored = SegmentOutcome::Dropped(Cause::AckAcceptQueueFull);
    assert_eq!(play.fates(1)[2], (Kind::Ack, ignored));
    assert_eq!(play.sides(1)[2], (ClientSide::Connected, ServerSide::HalfOpen));
    let outlook = play.world.next_steps(play.one(1));
    assert_eq!((outlook.syn_ack, outlook.expires), (Some(ms(1100)), Some(ms(63_100))));
    assert!(outlook.never_learns);
    assert!(!play.world.next_steps(play.one(0)).never_learns);
    // The request's timer: the SYN-ACK again, and the next wait is twice as long.
    play.syn_ack(1150, 1);
    let outlook = play.world.next_steps(play.one(1));
    assert_eq!((outlook.syn_ack, outlook.expires), (Some(ms(3150)), Some(ms(63_150))));
}

#[test]
fn an_ack_counts_its_own_tries_and_not_those_of_the_data() {
    let mut play = Play::new(0, &[]);
    for id in [0, 1] {
        play.start(0, id);
        play.syn(0, id);
        play.syn_ack(0, id);
    }
    play.ack(10, 0);
    play.client_event(10, 1, ClientEvent::Connected);
    play.ack(11, 1);
    play.data(11, 1);
    play.syn_ack(1000, 1);
    play.ack(1010, 1);
    let acks: Vec<_> = play.ways(1).iter().filter(|way| way.kind == Kind::Ack).map(|way| way.attempt).collect();
    assert_eq!(acks, [1, 2], "what else was ignored is no try of the ACK");
}

/// One client in the queue whose request has arrived, and who would send it again at 3 s.
fn asking() -> Play {
    let mut play = Play::new(5, &[]);
    play.handshake(0, 1);
    play.departs(0, 1, (Kind::Data, 1), 10);
    play.client_event(0, 1, ClientEvent::WillRetry { at: ms(3000), gives_up: false });
    play
}

fn retry(play: &Play) -> Option<Stamp> {
    let retry = |retry: qviz::fold::connection::Retry| retry.at;
    assert_eq!(play.world.next_steps(play.one(1)).retry, play.one(1).retry);
    play.one(1).retry.map(retry)
}

#[test]
fn data_that_the_server_acknowledges_is_not_sent_again() {
    let mut play = asking();
    play.answer(5, 1, 1001);
    assert_eq!(retry(&play), Some(ms(3000)), "an ACK of the handshake alone is none of the data");
    play.data(10, 1);
    play.answer(11, 1, 1001);
    assert_eq!(retry(&play), Some(ms(3000)), "what the server said before the data came is none either");
    play.answer(20, 1, 1021);
    assert_eq!(retry(&play), None);
}

#[test]
fn an_acknowledgement_that_is_lost_lets_the_clients_timer_run_on() {
    let mut play = asking();
    play.data(10, 1);
    play.answer(20, 1, 1021);
    play.client_event(20, 1, ClientEvent::Lost { kind: Kind::Ack, outbound: false });
    assert_eq!(retry(&play), Some(ms(3000)));
    play.departs(3000, 1, (Kind::Data, 2), 3010);
    play.client_event(3000, 1, ClientEvent::WillRetry { at: ms(9000), gives_up: false });
    play.data(3010, 1);
    play.answer(3020, 1, 1021);
    assert_eq!(retry(&play), None);
}

#[test]
fn a_fin_that_was_lost_is_sent_again_though_the_data_before_it_was_acknowledged() {
    let mut play = asking();
    play.data(10, 1);
    play.answer(20, 1, 1021);
    play.departs(30, 1, (Kind::Fin, 1), 40);
    play.client_event(30, 1, ClientEvent::Lost { kind: Kind::Fin, outbound: true });
    play.client_event(30, 1, ClientEvent::WillRetry { at: ms(700), gives_up: false });
    play.answer(50, 1, 1021);
    assert_eq!(retry(&play), Some(ms(700)));
}

#[test]
fn a_ghost_that_sends_data_says_when_it_sends_it_again() {
    let mut play = full();
    play.start(20, 1);
    play.syn(20, 1);
    play.syn_ack(20, 1);
    play.client_event(30, 1, ClientEvent::Connected);
    play.client_event(30, 1, ClientEvent::WillRetry { at: ms(3030), gives_up: false });
    play.ack(40, 1);
    play.data(41, 1);
    assert_eq!(retry(&play), Some(ms(3030)), "a server that ignores its ACK acknowledges no data");
    assert!(!play.world.next_steps(play.one(1)).never_learns);
}

#[test]
fn a_phantom_has_a_cookie_and_an_ignored_ack_and_the_server_nothing() {
    let mut play = Play::new(0, &[(Sysctl::Syncookies, 2)]);
    for id in [0, 1] {
        play.start(0, id);
        play.syn(100, id);
        play.cookie(100, id);
        play.client_event(200, id, ClientEvent::Connected);
    }
    play.ack(300, 0);
    play.ack(310, 1);
    let fates = [
        (Kind::Syn, SegmentOutcome::Cookie),
        (Kind::SynAck, SegmentOutcome::Arrived),
        (Kind::Ack, SegmentOutcome::Dropped(Cause::AckCookieAcceptQueueFull)),
    ];
    assert_eq!(play.fates(1), fates);
    assert_eq!(play.sides(1)[2], (ClientSide::Connected, ServerSide::CookieSent));
    let outlook = play.world.next_steps(play.one(1));
    assert_eq!((outlook.syn_ack, outlook.expires, outlook.never_learns), (None, None, true));
}

#[test]
fn what_the_simulated_network_loses_never_arrives() {
    let mut play = Play::new(5, &[]);
    play.start(0, 1);
    play.departs(0, 1, (Kind::Syn, 1), 200);
    play.client_event(0, 1, ClientEvent::Lost { kind: Kind::Syn, outbound: true });
    play.departs(1000, 1, (Kind::Syn, 2), 1200);
    play.syn(1200, 1);
    play.syn_ack(1200, 1);
    play.client_event(1200, 1, ClientEvent::Lost { kind: Kind::SynAck, outbound: false });
    assert_eq!(
        play.fates(1),
        [(Kind::Syn, SegmentOutcome::Lost), (Kind::Syn, SegmentOutcome::Arrived), (Kind::SynAck, SegmentOutcome::Lost)]
    );
    assert_eq!(play.ways(1)[0].arrives, None);
    assert_eq!(play.sides(1)[2].0, ClientSide::SynSent);
}

#[test]
fn deeds_without_a_segment_have_lines_of_their_own() {
    let mut play = full();
    play.emit(900, &Event::Served { peer: peer(0), event: ServerEvent::Accepted { waited_ms: None, cookie: None } });
    play.emit(950, &Event::Served { peer: peer(0), event: ServerEvent::Closed });
    play.client_event(960, 0, ClientEvent::Finished);
    let last: Vec<_> = play.page(0).entries().skip(3).map(|entry| (entry.what.clone(), entry.server)).collect();
    assert_eq!(
        last,
        [
            (LogItem::Server(ms(900)), ServerSide::Accepted),
            (LogItem::Server(ms(950)), ServerSide::Closed),
            (LogItem::Client(ms(960)), ServerSide::Closed),
        ]
    );
    assert_eq!(play.sides(0)[2].1, ServerSide::Queued, "what accept() did is not what the ACK did");
}

#[test]
fn a_request_that_expires_has_a_line() {
    let mut play = Play::new(5, &[(Sysctl::SynackRetries, 1)]);
    play.start(0, 1);
    play.syn(100, 1);
    play.syn_ack(100, 1);
    play.syn_ack(1100, 1);
    let outlook = play.world.next_steps(play.one(1));
    assert_eq!((outlook.syn_ack, outlook.expires), (None, Some(ms(3100))), "no SYN-ACK is left");
    for at in [3200, 3300] {
        play.emit(at, &Event::Listed(Box::new(Listed { half_open: Some(Vec::new()), waiting: None })));
    }
    let last = play.page(1).entries().next_back().unwrap();
    assert_eq!((&last.what, last.server), (&LogItem::Server(ms(3300)), ServerSide::Expired));
}

#[test]
fn the_kernels_own_timer_counts_more_than_the_schedule() {
    let mut play = Play::new(5, &[]);
    play.start(0, 1);
    play.syn(100, 1);
    play.syn_ack(100, 1);
    let half_open = vec![HalfOpen { peer: peer(1), retransmits: 0, next_ms: 640, cookie: 7 }];
    play.emit(500, &Event::Listed(Box::new(Listed { half_open: Some(half_open), waiting: None })));
    assert_eq!(play.world.next_steps(play.one(1)).syn_ack, Some(ms(1140)));
    // A SYN-ACK since then makes that reading old.
    play.syn_ack(1140, 1);
    assert_eq!(play.world.next_steps(play.one(1)).syn_ack, Some(ms(3140)));
}

#[test]
fn the_clients_patience_follows_its_sysctls() {
    let mut play = full();
    play.start(100, 1);
    play.departs(100, 1, (Kind::Syn, 1), 100);
    play.client_event(100, 1, ClientEvent::WillRetry { at: ms(1100), gives_up: false });
    let outlook = play.world.next_steps(play.one(1));
    assert_eq!(outlook.retry.unwrap().at, ms(1100));
    let whole = |outlook: &qviz::fold::world::next_steps::NextSteps| outlook.gives_up.unwrap().since(ms(100));
    assert_eq!(whole(&outlook), Duration::from_secs(131), "0,1,2,3,4,5,7,11,19,35,67 s, and 131 s");
    play.client_event(100, 1, ClientEvent::WillRetry { at: ms(9000), gives_up: true });
    assert_eq!(play.world.next_steps(play.one(1)).gives_up, Some(ms(9000)));
}

#[test]
fn a_long_life_keeps_its_latest_lines_and_counts_the_others() {
    let mut play = full();
    play.start(100, 1);
    for attempt in 0..60 {
        play.syn(1000 * (attempt + 1), 1);
    }
    assert_eq!(play.page(1).entries().len(), MOST_ENTRIES);
    assert_eq!(play.page(1).earlier, 20);
    assert_eq!(play.ways(1).last().unwrap().attempt, 60);
}

#[test]
fn with_too_many_connections_nothing_is_kept_and_what_is_missing_is_counted() {
    let mut play = Play::new(4000, &[]);
    let many = MOST_CONNECTIONS as u16 + 1;
    for id in 0..many {
        play.start(u64::from(id), id);
    }
    assert!(!play.world.writes_segment_logs());
    assert!(play.one(0).segment_log().is_none() && play.one(many - 1).segment_log().is_none());
    let before = play.world.segments_not_logged();
    play.syn(600, 3);
    assert_eq!(play.world.segments_not_logged(), before + 1);
    assert!(play.one(3).segment_log().is_none());
    for id in 0..many {
        play.client_event(700, id, ClientEvent::TimedOut);
    }
    play.pass(4000);
    play.pass(4001);
    play.start(4002, 2000);
    play.syn(4002, 2000);
    assert!(play.world.writes_segment_logs());
    assert_eq!(play.fates(2000), [(Kind::Syn, SegmentOutcome::Arrived)]);
}

#[test]
fn at_high_rates_writing_rests_although_few_connections_are_there() {
    let mut play = Play::new(5, &[]);
    play.start(0, 1);
    for _ in 0..3000 {
        play.syn(50, 1);
    }
    assert!(!play.world.writes_segment_logs() && play.world.segments_not_logged() > 0);
    play.pass(500);
    assert!(!play.world.writes_segment_logs(), "it rests for a second at least");
    for at in 0..5 {
        (0..600).for_each(|_| play.syn(890 + at * 100, 1));
    }
    assert!(!play.world.writes_segment_logs(), "and as long as that much passes");
    play.pass(1700);
    play.pass(1900);
    play.syn(1900, 1);
    assert!(!play.page(1).from_start, "what it missed is not hidden");
}

#[test]
fn a_segment_that_is_held_stands_on_the_wire_until_it_is_let_go() {
    let mut play = Play::new(5, &[]);
    play.start(100, 1);
    play.departs(100, 1, (Kind::Syn, 1), 300);
    play.client_event(200, 1, ClientEvent::Held { kind: Kind::Syn, outbound: true });
    assert_eq!((play.fates(1), play.one(1).travel()), (vec![(Kind::Syn, SegmentOutcome::Held)], None));
    play.departs(5000, 1, (Kind::Syn, 1), 5200);
    assert_eq!((play.ways(1)[0].left, play.ways(1)[0].arrives), (Some(ms(100)), Some(ms(5200))));
    play.syn(5200, 1);
    play.syn_ack(5200, 1);
    play.client_event(5250, 1, ClientEvent::Held { kind: Kind::SynAck, outbound: false });
    assert_eq!(play.fates(1), [(Kind::Syn, SegmentOutcome::Arrived), (Kind::SynAck, SegmentOutcome::Held)]);
    play.client_event(7000, 1, ClientEvent::Connected);
    assert_eq!((play.ways(1)[1].fate, play.ways(1)[1].arrives), (SegmentOutcome::Arrived, Some(ms(7000))));
    // A real client's segment: nobody saw it leave.
    play.client_event(7000, 1, ClientEvent::Held { kind: Kind::Ack, outbound: true });
    assert_eq!(play.fates(1)[2], (Kind::Ack, SegmentOutcome::Held));
    play.ack(8000, 1);
    assert_eq!(play.ways(1)[2].arrives, Some(ms(8000)));
    assert_eq!(play.ways(1).len(), 3);
}
