//! Each rule is found where it should be, and nowhere else.

use std::collections::BTreeSet;

use crate::fold::finding::{Finding, Severity};
use crate::fold::world::World;
use crate::model::counters::{Counter, Counters};
use crate::model::event::{Began, Environment, Event, Listening};
use crate::model::peer::Peer;
use crate::model::sample::{HalfOpen, Listed, QueueReading, Waiting};
use crate::model::settings::{ClientKind, Sysctl, Sysctls};
use crate::model::stamp::Stamp;
use crate::model::watch::{
    Address, HolderProcess, ListenerId, ListenerReading, ListenerSnapshot, Owner, QueueOccupants, Rights, Watching,
};
use crate::text::lang::{Lang, within};

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
fn a_stalled_server_is_found_after_three_seconds_with_its_pid() {
    let mut watch = Watch::of(listener(1, 0, 300));
    watch.owned(0, 1, "nginx");
    watch.snapshot(100, vec![listener(1, 3, 300)]);
    for ms in (250..=3000).step_by(250) {
        watch.crowded(ms, 0, Some((ms - 90) as u32));
        assert!(!watch.names(ms + 10).contains("server-stalled"), "a worker may take so long for one client");
    }
    let finding = watch.only(3300, "server-stalled");
    assert_eq!(finding.severity, Severity::Problem);
    assert!(finding.sentence.to_string().contains("pid 4242 (nginx)"), "{}", finding.sentence);
    assert!(!watch.names(3600).contains("long-wait"), "one account of the same wait");
    assert_eq!(
        (finding.evidence["port"], finding.evidence["pid"], finding.evidence["listener_id"]),
        (80.0, 4242.0, 1.0)
    );
    assert_eq!(finding.subject.unwrap().id, ListenerId(1));
}

#[test]
fn a_server_that_accepts_is_not_stalled_however_long_clients_wait() {
    let mut watch = Watch::of(listener(1, 50, 300));
    for ms in (0..4000).step_by(250) {
        watch.crowded(ms, 0, Some(5000 + (ms % 500) as u32));
        assert!(!watch.names(ms + 10).contains("server-stalled"), "at {ms} ms");
    }
    for ms in (4000..6000).step_by(250) {
        watch.snapshot(ms, vec![listener(1, 60 - (ms / 200) as u32, 300)]);
        watch.crowded(ms, 0, Some((ms + 5000) as u32));
        assert!(!watch.names(ms + 10).contains("server-stalled"), "shorter at each look, at {ms} ms");
    }
}

#[test]
fn one_look_tells_a_long_wait_and_no_stall() {
    let mut watch = Watch::of(listener(1, 6, 5));
    watch.crowded(0, 0, Some(60_000));
    let names = watch.names(300);
    assert!(names.contains("accept-queue-full") && !names.contains("server-stalled"), "{names:?}");
    let mut watch = Watch::of(listener(1, 6, 500));
    watch.crowded(0, 0, Some(60_000));
    let finding = watch.only(300, "long-wait");
    assert!(finding.sentence.to_string().starts_with("6 waiting, the oldest for 60 s"), "{}", finding.sentence);
    assert!(!watch.names(600).contains("server-stalled"), "500 may have been accepted since");
}

#[test]
fn a_queue_that_is_a_tenth_full_and_drains_slowly_is_a_long_wait_with_its_rate() {
    let mut watch = Watch::of(listener(1, 200, 2048));
    for second in 1..=4_u32 {
        watch.snapshot(u64::from(second) * 1000, vec![listener(1, 200 - 3 * second, 2048)]);
    }
    let finding = watch.only(4300, "long-wait");
    assert_eq!(finding.severity, Severity::Problem);
    let said = finding.sentence.to_string();
    assert!(said.starts_with("3.0 accepts/s, 188 waiting: the last one waits about 63 s"), "{said}");
    assert!(said.contains("not a longer queue") && finding.actions.is_empty(), "{said}");
    let mut quick = Watch::of(listener(1, 200, 2048));
    for turn in 1..=4_u32 {
        quick.snapshot(u64::from(turn) * 1000, vec![listener(1, 1000 - 220 * turn, 2048)]);
    }
    assert!(!quick.names(4300).contains("long-wait"), "220 a second, 120 waiting");
}

#[test]
fn a_queue_that_empties_in_between_gets_a_longer_one_and_one_that_never_does_gets_none() {
    let mut watch = Watch::of(listener(1, 0, 5));
    watch.owned(0, 1, "nginx");
    watch.snapshot(3400, vec![listener(1, 6, 5)]);
    let finding = watch.only(3700, "accept-queue-full");
    assert!(finding.sentence.to_string().contains("It empties in between"), "{}", finding.sentence);
    let commands: Vec<_> = finding.actions.iter().map(|action| action.command.as_str()).collect();
    let expected =
        ["listen 127.0.0.1:80 backlog=1024;", "nginx -t && nginx -s reload", "qviz tune 127.0.0.1:80 --backlog 1024"];
    assert_eq!(commands, expected);
    assert!(finding.actions.iter().all(|action| action.live));
    for ms in (4000..=7500).step_by(500) {
        watch.snapshot(ms, vec![listener(1, if ms % 1000 == 0 { 5 } else { 6 }, 5)]);
    }
    let finding = watch.only(7900, "accept-queue-full");
    assert!(finding.sentence.to_string().contains("It never empties"), "{}", finding.sentence);
    assert_eq!(finding.actions, []);
}

fn process(pid: u32, state: char) -> HolderProcess {
    HolderProcess { pid, state, command: "gunicorn".into(), parent: 1, ..HolderProcess::default() }
}

#[test]
fn a_stopped_owner_is_told_with_the_line_that_lets_it_run() {
    let mut watch = Watch::of(listener(1, 3, 300));
    let holders = vec![process(41, 'T'), process(42, 'T')];
    watch.apply(1, &Event::Holders { id: ListenerId(1), holders, served: None });
    let finding = watch.only(300, "owner-stopped");
    assert_eq!((finding.severity, finding.actions[0].command.as_str()), (Severity::Problem, "kill -CONT 41 42"));
    assert!(!watch.names(4000).contains("server-stalled"), "its reason is known");
    let holders = vec![process(41, 'T'), process(42, 'S')];
    watch.apply(4100, &Event::Holders { id: ListenerId(1), holders, served: None });
    assert!(!watch.names(4400).contains("owner-stopped"), "the other one accepts");
}

#[test]
fn a_process_at_its_limit_of_descriptors_is_told_only_when_it_has_none_left() {
    let mut watch = Watch::of(listener(1, 3, 300));
    let with = |used| HolderProcess { descriptors: Some(used), descriptor_limit: Some(40), ..process(41, 'R') };
    watch.apply(1, &Event::Holders { id: ListenerId(1), holders: vec![with(39)], served: Some(30) });
    assert!(!watch.names(300).contains("owner-out-of-descriptors"));
    watch.apply(400, &Event::Holders { id: ListenerId(1), holders: vec![with(40)], served: Some(30) });
    let finding = watch.only(700, "owner-out-of-descriptors");
    assert!(finding.sentence.to_string().contains("40 of 40 descriptors"), "{}", finding.sentence);
    assert_eq!(finding.actions[0].command, "prlimit --pid 41 --nofile=1024:1024");
}

#[test]
fn a_round_number_of_connections_is_asked_about_only_when_nothing_is_accepted() {
    let mut watch = Watch::of(listener(1, 3, 300));
    let holds = |served| Event::Holders { id: ListenerId(1), holders: vec![process(41, 'S')], served: Some(served) };
    watch.apply(1, &holds(40));
    assert!(!watch.names(2000).contains("at-its-connection-limit"));
    watch.crowded(2500, 0, Some(3000));
    assert!(watch.names(4000).contains("at-its-connection-limit"));
    watch.apply(4100, &holds(37));
    assert!(!watch.names(4400).contains("at-its-connection-limit"));
}

#[test]
fn two_programs_on_one_port_are_told_whether_they_share_the_address_or_not() {
    let mut watch = Watch::began(Some(":80"));
    watch.snapshot(0, vec![listener(1, 0, 300), listener(2, 0, 300)]);
    watch.owned(0, 1, "nginx");
    watch.owned(0, 2, "nginx");
    assert!(!watch.names(300).contains("two-programs-one-port"), "workers of one program");
    watch.owned(400, 2, "apache2");
    let found = watch.found(700);
    let told: Vec<_> = found.iter().filter(|finding| finding.rule == "two-programs-one-port").collect();
    assert_eq!((told.len(), told[0].severity), (2, Severity::Warning), "{found:#?}");
}

#[test]
fn of_several_sockets_none_is_called_stalled_where_two_hold_connections() {
    let mut watch = Watch::began(Some(":80"));
    watch.snapshot(0, vec![listener(1, 3, 300), listener(2, 1, 300)]);
    watch.crowded(0, 0, Some(1000));
    watch.crowded(1500, 0, Some(2500));
    assert!(!watch.names(2000).contains("server-stalled"));
    watch.snapshot(2100, vec![listener(2, 0, 300)]);
    assert!(watch.names(3500).contains("server-stalled"));
}

#[test]
fn a_full_accept_queue_is_found_and_explains_the_backlog() {
    let mut watch = Watch::of(listener(1, 5, 5));
    assert!(!watch.names(300).contains("accept-queue-full"), "one place is left");
    watch.snapshot(400, vec![listener(1, 6, 5)]);
    let finding = watch.only(1400, "accept-queue-full");
    assert!(
        finding.sentence.to_string().contains("6 of 6")
            && finding.sentence.to_string().contains("Does it empty in between?"),
        "{}",
        finding.sentence
    );
    assert!((finding.evidence["full_s"] - 1.0).abs() < 1e-9);
    watch.snapshot(1500, vec![listener(1, 2, 5)]);
    let finding = watch.only(2000, "accept-queue-full");
    assert!(finding.sentence.to_string().contains("2 of 6 now, full 1.1 of the last 2.0 s"), "{}", finding.sentence);
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
    assert_eq!(found.len(), crate::fold::finding::review::IN_FORCE);
    assert!(found.iter().all(|finding| finding.severity == Severity::Problem));
    assert!(watch.0.found.len() <= crate::fold::finding::review::FOUND);
}
