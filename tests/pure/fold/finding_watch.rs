//! Each rule is found where it should be, and nowhere else.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use std::collections::BTreeSet;

use qviz::fold::finding::{Finding, Severity};
use qviz::fold::world::World;
use qviz::model::counters::{Counter, Counters};
use qviz::model::event::{Began, Environment, Event, Listening};
use qviz::model::peer::Peer;
use qviz::model::sample::{HalfOpen, Listed, QueueReading, Waiting};
use qviz::model::settings::{ClientKind, Sysctl, Sysctls};
use qviz::model::stamp::Stamp;
use qviz::model::watch::{
    Address, ListenerId, ListenerReading, ListenerSnapshot, Owner, QueueOccupants, Rights, Watching,
};
use qviz::text::lang::{Lang, within};

#[path = "finding_watch/proof.rs"]
mod proof;

/// A watch fed with facts.
struct Watch(World);

impl Watch {
    /// A watch of one listener, asked for by its port.
    fn of(listener: ListenerReading) -> Self {
        let mut watch = Self::began(listener.address.port().map(|port| format!(":{port}")).as_deref());
        watch.snapshot(0, vec![listener]);
        watch
    }

    fn began(target: Option<&str>) -> Self {
        let mut sysctls = Sysctls::default();
        sysctls.set(Sysctl::Somaxconn, 4096);
        let target = target.map(|target| target.parse().unwrap());
        let watching =
            Watching { kernel: "6.18".into(), pid: 1, rights: Rights::default(), netns: None, target, sysctls };
        let mut watch = Self(World::new());
        watch.apply(0, &Event::Watching(Box::new(watching)));
        watch
    }

    fn apply(&mut self, ms: u64, event: &Event) {
        self.0.apply(Stamp::from_millis(ms), event);
    }

    fn snapshot(&mut self, ms: u64, changed: Vec<ListenerReading>) {
        self.apply(ms, &Event::Snapshot(Box::new(ListenerSnapshot { changed, gone: Vec::new() })));
    }

    fn gone(&mut self, ms: u64, id: u64) {
        let gone = ListenerSnapshot { changed: Vec::new(), gone: vec![ListenerId(id)] };
        self.apply(ms, &Event::Snapshot(Box::new(gone)));
    }

    fn owned(&mut self, ms: u64, id: u64, command: &str) {
        let owner = Owner { pid: 4242, command: command.into(), others: 0, place: None };
        self.apply(ms, &Event::Owned { id: ListenerId(id), owner: Some(owner) });
    }

    fn crowded(&mut self, ms: u64, half_open: u32, oldest_wait_ms: Option<u32>) {
        let crowding = QueueOccupants { half_open: Some(half_open), oldest_wait_ms };
        self.apply(ms, &Event::Occupants { id: ListenerId(1), occupants: crowding });
    }

    fn counters(&mut self, ms: u64, values: &[(Counter, u64)]) {
        let mut counters = Counters::default();
        for (counter, value) in values {
            counters.set(*counter, *value);
        }
        self.apply(ms, &Event::Counters(Box::new(counters)));
    }

    fn choose(&mut self, ms: u64) {
        self.apply(ms, &Event::Chosen(Some(ListenerId(1))));
        let began = Began {
            syn_rule: None,
            kernel: "6.18".into(),
            environment: Environment::Host,
            fallback: None,
            pid: 1,
            seed: 0,
            clients: ClientKind::Connect,
            address: "127.0.0.1:80".parse().unwrap(),
            tap: false,
            private_counters: false,
            host: Sysctls::default(),
            sysctls: Sysctls::default(),
            watched: true,
        };
        self.apply(ms, &Event::Began(Box::new(began)));
        self.apply(ms, &Event::Listening(Listening { backlog: 5, somaxconn: Some(4096), limit: Some(5) }));
    }

    /// What is found after the next quarter of a second; it is said in both languages.
    #[track_caller]
    fn found(&mut self, ms: u64) -> Vec<Finding> {
        self.apply(ms, &Event::Tick);
        for finding in &self.0.findings {
            assert_chinese(&within(Lang::Chinese, || finding.sentence.to_string()));
        }
        self.0.findings.clone()
    }

    fn names(&mut self, ms: u64) -> BTreeSet<String> {
        self.found(ms).into_iter().map(|finding| finding.rule).collect()
    }

    fn only(&mut self, ms: u64, rule: &str) -> Finding {
        let found = self.found(ms);
        let with: Vec<_> = found.iter().filter(|finding| finding.rule == rule).collect();
        assert_eq!(with.len(), 1, "{rule}: {found:#?}");
        with[0].clone()
    }
}

fn listener(id: u64, depth: u32, limit: u32) -> ListenerReading {
    let queue = QueueReading { depth: Some(depth), limit: Some(limit), drops: Some(0) };
    let address = Address::Tcp("127.0.0.1:80".parse().unwrap());
    ListenerReading { id: ListenerId(id), address, v6_only: None, queue, inode: id, uid: Some(0) }
}

fn unix(depth: u32, limit: u32) -> ListenerReading {
    let queue = QueueReading { depth: Some(depth), limit: Some(limit), drops: None };
    ListenerReading { address: Address::Unix("/run/php.sock".into()), queue, uid: None, ..listener(1, 0, 0) }
}

/// That no word of the table itself is English is held by `tests/chinese.rs`.
#[track_caller]
fn assert_chinese(text: &str) {
    assert!(text.contains('：') && !text.contains(" the "), "{text}");
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn an_idle_listener_that_was_not_asked_for_has_no_findings() {
    let mut watch = Watch::began(None);
    watch.snapshot(0, vec![listener(1, 0, 128), listener(2, 0, 4096)]);
    watch.counters(0, &[(Counter::ListenDrops, 99)]);
    assert_eq!(watch.found(2000), []);
}

#[test]
fn a_full_accept_queue_is_found_and_explains_the_backlog() {
    let mut watch = Watch::of(listener(1, 5, 5));
    assert!(!watch.names(300).contains("accept-queue-full"), "one place is left");
    watch.snapshot(400, vec![listener(1, 6, 5)]);
    let finding = watch.only(1400, "accept-queue-full");
    assert!(
        finding.sentence.to_string().contains("6 of 6")
            && finding.sentence.to_string().contains("if it empties in between"),
        "{}",
        finding.sentence
    );
    assert!((finding.evidence["full_s"] - 1.0).abs() < 1e-9);
    watch.snapshot(1500, vec![listener(1, 2, 5)]);
    let finding = watch.only(2000, "accept-queue-full");
    assert!(finding.sentence.to_string().contains("2 of 6, full 1.1 of the last 2.0 s"), "{}", finding.sentence);
    assert!(!watch.names(2600).contains("accept-queue-full"));
    assert!(watch.0.found.contains_key("accept-queue-full 1"), "what was found is remembered");
}

#[test]
fn a_past_overflow_is_distinguished_from_one_while_watched() {
    let mut past = listener(1, 0, 300);
    past.queue.drops = Some(12);
    let mut watch = Watch::of(past.clone());
    watch.counters(1, &[(Counter::ListenDrops, 9)]);
    let finding = watch.only(300, "overflowed");
    assert_eq!(finding.severity, Severity::Note);
    assert!(
        finding.sentence.to_string().contains("at most 9 packets since it was made, none while watched"),
        "{}",
        finding.sentence
    );
    past.queue.drops = Some(14);
    watch.snapshot(400, vec![past]);
    watch.counters(401, &[(Counter::ListenDrops, 11)]);
    let finding = watch.only(800, "overflowed");
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.sentence.to_string().contains("dropped 2 packets since the watch began"), "{}", finding.sentence);
}

#[test]
fn noise_of_the_drop_counter_is_no_overflow() {
    let mut watch = Watch::of(listener(1, 0, 300));
    watch.counters(1, &[(Counter::ListenDrops, 9)]);
    let mut noisy = listener(1, 0, 300);
    noisy.queue.drops = Some(40);
    watch.snapshot(400, vec![noisy]);
    watch.counters(401, &[(Counter::ListenDrops, 9)]);
    assert!(!watch.names(1000).contains("overflowed"));
}

#[test]
fn a_limit_at_somaxconn_is_recognised_and_not_called_clamped_for_certain() {
    let mut watch = Watch::of(listener(1, 0, 4096));
    let finding = watch.only(300, "limit-is-somaxconn");
    assert!(finding.sentence.to_string().contains("asked for that, or for more"), "{}", finding.sentence);
    assert_eq!(watch.names(600), names(&["limit-is-somaxconn"]));
}

#[test]
fn a_sysctl_raised_without_a_new_listen_is_recognised() {
    let mut watch = Watch::of(listener(1, 0, 4096));
    watch.apply(500, &Event::Sysctl { name: Sysctl::Somaxconn, value: 8192 });
    let finding = watch.only(900, "limit-was-somaxconn");
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.sentence.to_string().contains("8192 now, but this limit is still 4096"), "{}", finding.sentence);
    let mut watch = Watch::of(listener(1, 0, 128));
    let finding = watch.only(300, "limit-was-somaxconn");
    assert!(
        finding.sentence.to_string().contains("A restart") && finding.severity == Severity::Note,
        "{}",
        finding.sentence
    );
}

#[test]
fn small_default_backlogs_are_recognised() {
    let cases = [
        (128, "beam.smp", "RabbitMQ"),
        (1024, "memcached", "memcached"),
        (511, "node", "Node.js"),
        (511, "redis-server", "redis"),
        (511, "nginx", "nginx"),
        (5, "python3", "socketserver"),
    ];
    for (limit, command, words) in cases {
        let mut watch = Watch::of(listener(1, 0, limit));
        watch.owned(0, 1, command);
        let finding = watch.only(300, "default-backlog");
        assert!(finding.sentence.to_string().contains(words), "{}", finding.sentence);
        assert!((finding.evidence["capacity"] - f64::from(limit + 1)).abs() < 1e-9);
    }
    let mut watch = Watch::of(listener(1, 0, 300));
    assert_eq!(watch.found(300), []);
    let mut nobodys = Watch::of(listener(1, 0, 511));
    nobodys.owned(0, 1, "my-server");
    assert_eq!(nobodys.found(300), [], "a number is nobody's name");
}

#[test]
fn php_fpm_on_a_unix_socket_is_recognised_and_its_full_queue_too() {
    let mut watch = Watch::began(Some("/run/php.sock"));
    watch.snapshot(0, vec![unix(2, 511)]);
    watch.owned(0, 1, "php-fpm8.2");
    assert_eq!(watch.names(300), names(&["default-backlog"]));
    watch.snapshot(400, vec![unix(512, 511)]);
    let finding = watch.only(900, "unix-socket-full");
    assert!(
        finding.sentence.to_string().contains("EAGAIN") && finding.sentence.to_string().contains("/run/php.sock"),
        "{}",
        finding.sentence
    );
    assert!(!finding.evidence.contains_key("port"));
    assert!(!watch.names(1200).contains("accept-queue-full"));
}

#[test]
fn the_full_member_beside_idle_siblings_is_named() {
    let mut watch = Watch::began(None);
    watch.snapshot(0, vec![listener(1, 6, 5), listener(2, 0, 5), listener(3, 0, 5), listener(4, 0, 5)]);
    watch.owned(0, 1, "nginx");
    let finding = watch.only(300, "one-member-full");
    assert!(
        finding.sentence.to_string().contains("one of 4 sockets")
            && finding.sentence.to_string().contains("pid 4242 (nginx)")
    );
    assert!(finding.sentence.to_string().contains("about 25 %"), "{}", finding.sentence);
    watch.snapshot(400, vec![listener(2, 1, 5)]);
    assert!(!watch.names(800).contains("one-member-full"));
}

#[test]
fn a_syn_queue_crowded_for_seconds_is_found_with_its_cookies() {
    let mut watch = Watch::of(listener(1, 0, 8));
    watch.counters(0, &[(Counter::SyncookiesSent, 5)]);
    for second in 0..5 {
        watch.crowded(1000 * second, 9, None);
    }
    watch.counters(4100, &[(Counter::SyncookiesSent, 45)]);
    let finding = watch.only(4500, "syn-queue-crowded");
    assert!(finding.sentence.to_string().contains("40 SYN cookies"), "{}", finding.sentence);
    watch.crowded(4600, 2, None);
    assert!(!watch.names(5000).contains("syn-queue-crowded"));
}

fn half_open(port: u16, retransmits: u8) -> HalfOpen {
    HalfOpen { peer: Peer::v4(std::net::Ipv4Addr::LOCALHOST, port), retransmits, next_ms: 900, cookie: port.into() }
}

#[test]
fn deferred_accepts_are_distinguished_from_a_flood() {
    let mut watch = Watch::of(listener(1, 0, 300));
    watch.choose(0);
    watch.counters(0, &[(Counter::TCPDeferAcceptDrop, 1)]);
    let listed = |retransmits| {
        let half_open = (1..4).map(|port| half_open(port, retransmits)).collect();
        Event::Listed(Box::new(Listed { half_open: Some(half_open), waiting: None }))
    };
    watch.apply(100, &listed(0));
    watch.apply(1900, &listed(0));
    assert!(!watch.names(2000).contains("deferred-accept"), "no ACK was deferred");
    watch.counters(2100, &[(Counter::TCPDeferAcceptDrop, 4)]);
    let finding = watch.only(2500, "deferred-accept");
    assert!(finding.sentence.to_string().starts_with("3 half-open"), "{}", finding.sentence);
    watch.apply(2600, &listed(1));
    assert!(!watch.names(3000).contains("deferred-accept"), "their SYN-ACK was repeated: they do not answer");
}

#[test]
fn closed_clients_of_the_chosen_listener_are_found_and_name_it() {
    let mut watch = Watch::of(listener(1, 2, 300));
    watch.choose(0);
    watch.apply(10, &Event::Queue(QueueReading { depth: Some(2), limit: Some(300), drops: Some(0) }));
    let waiting = |port, closed| Waiting {
        peer: Peer::v4(std::net::Ipv4Addr::LOCALHOST, port),
        age_ms: Some(2000 - u32::from(port)),
        bytes: 0,
        closed,
        cookie: port.into(),
    };
    let list = vec![waiting(1, false), waiting(2, true)];
    watch.apply(20, &Event::Listed(Box::new(Listed { half_open: None, waiting: Some(list) })));
    let finding = watch.only(400, "dead-in-queue");
    assert!(finding.sentence.to_string().starts_with("1 of 2 queued connections"), "{}", finding.sentence);
    assert_eq!(finding.subject.unwrap().id, ListenerId(1));
    assert!(watch.0.found.contains_key("dead-in-queue 1"));
}

#[test]
fn what_was_found_about_one_listener_outlives_the_choice_of_another() {
    let mut watch = Watch::of(listener(1, 6, 5));
    assert!(watch.names(300).contains("accept-queue-full"));
    let since = watch.only(600, "accept-queue-full").since;
    watch.choose(700);
    assert_eq!(watch.only(1200, "accept-queue-full").since, since);
}

#[test]
fn findings_are_bounded_with_ten_thousand_full_listeners_and_the_worst_come_first() {
    let mut watch = Watch::began(None);
    let many = (1..=10_000_u64).map(|id| {
        let address = Address::Tcp(([127, 0, 0, 1], id as u16).into());
        ListenerReading { address, ..listener(id, 6, 5) }
    });
    watch.snapshot(0, many.collect());
    let found = watch.found(300);
    assert_eq!(found.len(), 256);
    assert!(found.iter().all(|finding| finding.severity == Severity::Problem));
    assert!(watch.0.found.len() <= 1024);
}
