//! Tests of `report::watch`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use qviz::fold::world::World;
use qviz::model::counters::{Counter, Counters};
use qviz::model::event::{Began, Environment, Event};
use qviz::model::peer::Peer;
use qviz::model::sample::{HalfOpen as Request, Listed, QueueReading, Waiting as Queued};
use qviz::model::segment::{Segment, Toward, flags};
use qviz::model::settings::{ClientKind, Sysctl, Sysctls};
use qviz::model::stamp::Stamp;
use qviz::model::watch::{
    Address, ListenerId, ListenerReading, ListenerSnapshot, Owner, QueueOccupants, Rights, Watching,
};
use qviz::report::text::{Marks, WIDTH};
use qviz::report::watch::{Document, table, text};
use qviz::text::lang::{Lang, within};

fn apply(world: &mut World, ms: u64, event: &Event) {
    world.apply(Stamp::from_millis(ms), event);
}

fn watching(target: Option<&str>) -> World {
    let mut sysctls = Sysctls::default();
    sysctls.set(Sysctl::Somaxconn, 4096);
    let rights = Rights { tap_refused: Some("CAP_NET_RAW is missing".into()), ..Rights::default() };
    let target = target.map(|target| target.parse().unwrap());
    let watching = Watching { kernel: "6.18.44".into(), pid: 1, rights, netns: None, target, sysctls };
    let mut world = World::new();
    apply(&mut world, 0, &Event::Watching(Box::new(watching)));
    world
}

fn listener(id: u64, address: &str, depth: u32, limit: u32, drops: Option<u32>) -> ListenerReading {
    let queue = QueueReading { depth: Some(depth), limit: Some(limit), drops };
    let address = if address.starts_with('/') {
        Address::Unix(address.to_owned())
    } else {
        Address::Tcp(address.parse().unwrap())
    };
    ListenerReading { id: ListenerId(id), address, v6_only: None, queue, inode: id, uid: None }
}

fn peer(port: u16) -> Peer {
    Peer::v4(std::net::Ipv4Addr::LOCALHOST, port)
}

/// A stalled server among others; it is chosen.
fn stalled(target: Option<&str>) -> World {
    let mut world = watching(target);
    let changed = vec![
        listener(1, "127.0.0.1:8080", 3, 5, Some(12)),
        listener(2, "[::]:443", 0, 511, Some(0)),
        listener(3, "/run/php.sock", 512, 511, None),
    ];
    apply(&mut world, 0, &Event::Snapshot(Box::new(ListenerSnapshot { changed, gone: Vec::new() })));
    let owner = Owner { pid: 1234, command: "ng\u{1b}[31minx".into(), others: 3, place: Some("web".into()) };
    apply(&mut world, 0, &Event::Owned { id: ListenerId(1), owner: Some(owner) });
    let mut counters = Counters::default();
    counters.set(Counter::ListenDrops, 9);
    apply(&mut world, 0, &Event::Counters(Box::new(counters)));
    apply(&mut world, 0, &Event::Chosen(Some(ListenerId(1))));
    apply(&mut world, 0, &Event::Began(Box::new(began())));
    apply(&mut world, 0, &Event::Queue(QueueReading { depth: Some(3), limit: Some(5), drops: Some(12) }));
    for ms in [10, 510, 1010] {
        let one = |port, age_ms, closed| Queued {
            peer: peer(port),
            age_ms: Some(age_ms),
            bytes: 5,
            closed,
            cookie: port.into(),
        };
        let waiting = vec![one(4001, 900 + ms as u32, true), one(4000, 1490 + ms as u32, false)];
        let half_open = vec![Request { peer: peer(5000), retransmits: 1, next_ms: 960, cookie: 7 }];
        apply(&mut world, ms, &Event::Listed(Box::new(Listed { half_open: Some(half_open), waiting: Some(waiting) })));
    }
    apply(&mut world, 2000, &Event::Tick);
    world
}

fn began() -> Began {
    Began {
        syn_rule: None,
        kernel: "6.18.44".into(),
        environment: Environment::Host,
        fallback: None,
        pid: 1,
        seed: 0,
        clients: ClientKind::Connect,
        address: "127.0.0.1:8080".parse().unwrap(),
        tap: false,
        private_counters: false,
        host: Sysctls::default(),
        sysctls: Sysctls::default(),
        watched: true,
    }
}

#[test]
fn the_document_has_the_members_of_the_contract() {
    let document = serde_json::to_value(Document::of(&stalled(Some(":8080")))).unwrap();
    assert_eq!((&document["schema"], &document["kind"]), (&"qviz/1".into(), &"watch".into()));
    assert_eq!(document["duration_s"], 2.0);
    assert_eq!(document["rights"]["tap"], false);
    assert_eq!(document["rights"]["owners"], "own");
    let listeners = document["listeners"].as_array().unwrap();
    assert_eq!(listeners.len(), 1, "only what was asked for");
    let one = &listeners[0];
    assert_eq!(
        (&one["family"], &one["address"], &one["pid"]),
        (&"tcp4".into(), &"127.0.0.1:8080".into(), &1234.into())
    );
    let queue = &one["accept_queue"];
    assert_eq!(
        (&queue["depth"], &queue["limit"], &queue["capacity"], &queue["max"]),
        (&3.into(), &5.into(), &6.into(), &3.into())
    );
    assert_eq!((&queue["full_s"], &queue["oldest_wait_ms"]), (&0.0.into(), &2500.into()));
    assert_eq!((&one["syn_queue"]["depth"], &one["syn_queue"]["max"]), (&1.into(), &1.into()));
    assert_eq!((&one["drops"]["listener"], &one["drops"]["noise"]), (&9.into(), &3.into()));
    assert_eq!((&one["drops"]["exact"], &one["drops"]["watched"]), (&false.into(), &0.into()));
    assert_eq!((&one["rates"]["arrivals_per_s"], &one["rates"]["accepts_per_s"]), (&().into(), &().into()));
    assert_eq!(one["half_open"][0]["next_ms"], 960);
}

#[test]
fn drops_by_cause_are_as_many_as_are_certain_and_the_rest_is_said() {
    let mut world = stalled(Some(":8080"));
    let by_cause = |world: &World| serde_json::to_value(Document::of(world)).unwrap()["listeners"][0]["drops"].clone();
    assert_eq!((&by_cause(&world)["by_cause"], &by_cause(&world)["before_listener"]), (&().into(), &().into()));
    let began = Began { tap: true, ..began() };
    apply(&mut world, 3000, &Event::Began(Box::new(began)));
    let queue = |drops| Event::Queue(QueueReading { depth: Some(6), limit: Some(5), drops: Some(drops) });
    apply(&mut world, 3000, &queue(12));
    let syn = |port| {
        let (toward, flags, window_scale, timestamps) = (Toward::Listener, flags::SYN, true, true);
        let (peer, seq, ack, payload) = (peer(port), 7, 0, 0);
        Event::Segment(Segment { peer, toward, flags, seq, ack, payload, window_scale, timestamps })
    };
    for (ms, drops) in [(4000, 13), (5000, 13), (6000, 16)] {
        apply(&mut world, ms, &syn(ms as u16));
        apply(&mut world, ms + 100, &queue(drops));
        let mut counters = Counters::default();
        counters.set(Counter::ListenDrops, u64::from(drops) - 3);
        apply(&mut world, ms + 110, &Event::Counters(Box::new(counters)));
        apply(&mut world, ms + 200, &Event::Tick);
    }
    let drops = by_cause(&world);
    assert_eq!(drops["by_cause"]["syn:accept-queue-full"], 1);
    assert_eq!(drops["by_cause"]["not-attributed"], 3, "one SYN cannot have been dropped three times");
    assert_eq!((&drops["watched"], &drops["at_least"]), (&4.into(), &4.into()), "together they are what was dropped");
    assert_eq!(drops["before_listener"]["unanswered_syns"], 1);
}

#[test]
fn who_waits_is_listed_oldest_first_and_the_reset_have_no_peer() {
    let document = serde_json::to_value(Document::of(&stalled(Some(":8080")))).unwrap();
    let waiting = &document["listeners"][0]["waiting"];
    let states: Vec<_> = waiting.as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["established", "closed", "reset"]);
    assert_eq!((&waiting[0]["peer"], &waiting[0]["age_ms"]), (&"127.0.0.1:4000".into(), &2500.into()));
    assert_eq!((&waiting[2]["peer"], &waiting[2]["bytes"]), (&().into(), &().into()));
}

#[test]
fn listeners_that_were_not_chosen_have_no_lists_and_unix_sockets_no_drops() {
    let document = serde_json::to_value(Document::of(&stalled(None))).unwrap();
    let listeners = document["listeners"].as_array().unwrap();
    let addresses: Vec<_> = listeners.iter().map(|one| one["address"].as_str().unwrap()).collect();
    assert_eq!(addresses, ["/run/php.sock", "127.0.0.1:8080", "[::]:443"], "fullest first");
    let unix = &listeners[0];
    assert_eq!((&unix["family"], &unix["waiting"], &unix["half_open"]), (&"unix".into(), &().into(), &().into()));
    assert!(unix["drops"]["listener"].is_null() && unix["drops"]["exact"].is_null());
    assert_eq!(listeners[2]["drops"]["exact"], true);
}

#[test]
fn findings_name_their_listener_and_those_of_others_are_left_out() {
    let document = serde_json::to_value(Document::of(&stalled(Some(":8080")))).unwrap();
    let findings = document["findings"].as_array().unwrap();
    assert_eq!((&findings[0]["rule"], &findings[0]["listener"]), (&"long-wait".into(), &"127.0.0.1:8080".into()));
    assert_eq!(findings[0]["in_force"], true);
    assert!(!findings[0]["sentence"].as_str().unwrap().contains('\u{1b}'));
    assert!(findings.iter().all(|finding| finding["rule"] != "unix-socket-full"));
}

#[test]
fn a_stall_is_reported_before_the_full_queue_that_comes_of_it() {
    let mut world = stalled(Some(":8080"));
    let full = listener(1, "127.0.0.1:8080", 6, 5, Some(12));
    apply(&mut world, 2100, &Event::Snapshot(Box::new(ListenerSnapshot { changed: vec![full], gone: Vec::new() })));
    for ms in [2500, 3000, 3500] {
        apply(&mut world, ms, &Event::Tick);
    }
    let rules: Vec<_> = Document::of(&world).findings.into_iter().map(|finding| finding.rule).collect();
    assert_eq!(rules[..2], ["server-stalled", "accept-queue-full"]);
    assert_eq!(world.findings[0].rule, "server-stalled");
}

#[test]
fn the_table_names_the_queues() {
    let table = table(&stalled(None), Marks::Ascii);
    assert_eq!(
        table,
        "\
ACCEPT QUEUE  LIMIT  FULL  MAX  SYN QUEUE  DROPS  OLDEST  ADDRESS         PROCESS
         512    511  FULL  512          -      -       -  /run/php.sock   -
           3      5   50%    3          1    <=9  2.50 s  127.0.0.1:8080  ng\u{fffd}[31minx 1234 +3 in web
           0    511    0%    0          -      0       -  [::]:443        -
"
    );
}

#[test]
fn in_chinese_the_cells_are_under_their_headings() {
    let table = within(Lang::Chinese, || table(&stalled(None), Marks::Unicode));
    assert_eq!(
        table,
        "\
全连接队列  上限  已满  最大  半连接队列  丢弃  最久等待  地址            进程
       512   511  已满   512           -     -         -  /run/php.sock   -
         3     5   50%     3           1    ≤9    2.50 s  127.0.0.1:8080  ng\u{fffd}[31minx 1234 +3，在 web 中
         0   511    0%     0           -     0         -  [::]:443        -
"
    );
}

#[test]
fn no_listener_is_said_so() {
    assert_eq!(table(&watching(None), Marks::Ascii), "Nothing listens in this network namespace.\n");
    assert_eq!(table(&watching(Some(":81")), Marks::Ascii), "Nothing listens on :81 in this network namespace.\n");
    let document = serde_json::to_value(Document::of(&watching(Some(":81")))).unwrap();
    assert_eq!(document["listeners"].as_array().unwrap().len(), 0);
}

#[test]
fn members_of_a_group_are_marked_in_table_and_document() {
    let mut world = watching(None);
    let changed = (1..=2).map(|id| listener(id, "0.0.0.0:80", id as u32, 5, Some(0))).collect();
    apply(&mut world, 0, &Event::Snapshot(Box::new(ListenerSnapshot { changed, gone: Vec::new() })));
    assert!(table(&world, Marks::Ascii).contains("0.0.0.0:80 (1 of 2)"));
    let document = serde_json::to_value(Document::of(&world)).unwrap();
    assert_eq!(document["listeners"][1]["reuseport_group"], "0.0.0.0:80");
}

#[test]
fn a_listener_that_went_is_reported_last_and_its_going_is_a_change() {
    let mut world = stalled(None);
    let gone = ListenerSnapshot { changed: Vec::new(), gone: vec![ListenerId(3)] };
    apply(&mut world, 2500, &Event::Snapshot(Box::new(gone)));
    let document = serde_json::to_value(Document::of(&world)).unwrap();
    assert_eq!(document["listeners"][2]["gone_s"], 2.5);
    assert_eq!(document["changes"][0]["what"], "the listener is gone");
    let text = text(&world, Marks::Ascii, WIDTH);
    assert!(text.contains("CHANGES\n        2.5 s  /run/php.sock: the listener is gone"), "{text}");
}

#[test]
fn the_text_has_findings_and_what_could_not_be_seen_in_ascii() {
    let world = stalled(Some(":8080"));
    let text = text(&world, Marks::Ascii, WIDTH);
    assert!(text.starts_with("qviz watch, :8080, Linux 6.18.44, 2.0 s, net.core.somaxconn 4096\n"), "{text}");
    assert!(text.contains("warning, 127.0.0.1:8080, from") && text.contains("qviz explain long-wait"), "{text}");
    assert!(text.contains("NOT SEEN") && text.contains("CAP_NET_RAW is missing"), "{text}");
    assert!(text.replace('\u{fffd}', "").is_ascii(), "{text}");
}

#[test]
fn depths_of_a_crowded_listener_are_the_kernels() {
    let mut world = watching(None);
    let changed = vec![listener(1, "127.0.0.1:80", 1, 5, Some(0))];
    apply(&mut world, 0, &Event::Snapshot(Box::new(ListenerSnapshot { changed, gone: Vec::new() })));
    let crowding = QueueOccupants { half_open: Some(4), oldest_wait_ms: Some(70) };
    apply(&mut world, 10, &Event::Occupants { id: ListenerId(1), occupants: crowding });
    let document = serde_json::to_value(Document::of(&world)).unwrap();
    assert_eq!(document["listeners"][0]["syn_queue"]["depth"], 4);
    assert_eq!(document["listeners"][0]["accept_queue"]["oldest_wait_ms"], 70);
    assert_eq!(document["somaxconn"], 4096);
}
