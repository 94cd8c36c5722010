use super::*;
use crate::model::counters::{Counter, Counters};
use crate::model::sample::QueueReading;
use crate::model::settings::{Sysctl, Sysctls};
use crate::model::stamp::Stamp;
use crate::model::watch::{Address, ListenerReading, ListenerSnapshot, QueueOccupants, Rights, Watching};

/// A watch and the state of its scrapes.
struct Fixture {
    world: World,
    state: ScrapeState,
}

impl Fixture {
    fn new() -> Self {
        Self::of(None)
    }

    fn of(netns: Option<String>) -> Self {
        let mut sysctls = Sysctls::default();
        sysctls.set(Sysctl::Somaxconn, 4096);
        let kernel = "6.18.44".to_owned();
        let watching = Watching { kernel, pid: 1, rights: Rights::default(), netns, target: None, sysctls };
        let mut fixture = Self { world: World::new(), state: ScrapeState::default() };
        fixture.apply(0, &Event::Watching(Box::new(watching)));
        fixture
    }

    fn apply(&mut self, ms: u64, event: &Event) {
        self.world.apply(Stamp::from_millis(ms), event);
        self.state.apply(&self.world, event);
    }

    fn snapshot(&mut self, ms: u64, changed: Vec<ListenerReading>, gone: &[u64]) {
        let gone = gone.iter().copied().map(ListenerId).collect();
        self.apply(ms, &Event::Snapshot(Box::new(ListenerSnapshot { changed, gone })));
    }

    fn listen_drops(&mut self, ms: u64, count: u64) {
        let mut counters = Counters::default();
        counters.set(Counter::ListenDrops, count);
        self.apply(ms, &Event::Counters(Box::new(counters)));
    }

    fn page(&mut self) -> String {
        self.state.snapshot(&self.world).text(PageFormat::OpenMetrics)
    }
}

fn listener(id: u64, address: &str, depth: u32, limit: u32, drops: Option<u32>) -> ListenerReading {
    let queue = QueueReading { depth: Some(depth), limit: Some(limit), drops };
    let address = address.parse().map_or_else(|_| Address::Unix(address.to_owned()), Address::Tcp);
    ListenerReading { id: ListenerId(id), address, v6_only: None, queue, inode: id, uid: None }
}

/// The value of one sample, by its whole name.
fn value(page: &str, series: &str) -> Option<f64> {
    let found = page.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' ')).collect::<Vec<_>>();
    assert!(found.len() < 2, "{series} stands {} times in\n{page}", found.len());
    Some(found.first()?.parse().unwrap())
}

fn at(page: &str, name: &str, address: &str, family: &str) -> Option<f64> {
    value(page, &format!("{name}{{address=\"{address}\",family=\"{family}\"}}"))
}

#[test]
fn a_listener_is_reported_with_its_queue_and_what_is_not_known_has_no_sample() {
    let mut fixture = Fixture::new();
    fixture.snapshot(0, vec![listener(1, "127.0.0.1:80", 3, 5, Some(2)), listener(2, "/run/a", 0, 511, None)], &[]);
    let occupants = QueueOccupants { half_open: Some(4), oldest_wait_ms: Some(1500) };
    fixture.apply(1, &Event::Occupants { id: ListenerId(1), occupants });
    let page = fixture.page();
    for (name, expected) in [
        ("qviz_accept_queue_depth", Some(3.0)),
        ("qviz_accept_queue_limit", Some(5.0)),
        ("qviz_accept_queue_capacity", Some(6.0)),
        ("qviz_accept_queue_high_water", Some(3.0)),
        ("qviz_half_open", Some(4.0)),
        ("qviz_oldest_wait_seconds", Some(1.5)),
        ("qviz_listener_drops_total", Some(0.0)),
        ("qviz_listener_sockets", Some(1.0)),
    ] {
        assert_eq!(at(&page, name, "127.0.0.1:80", "tcp4"), expected, "{name}\n{page}");
    }
    assert_eq!(at(&page, "qviz_oldest_wait_seconds", "/run/a", "unix"), Some(0.0), "{page}");
    assert_eq!(at(&page, "qviz_listener_drops_total", "/run/a", "unix"), None, "{page}");
    assert_eq!(value(&page, "qviz_somaxconn"), Some(4096.0));
    assert!(page.ends_with("# EOF\n"), "{page}");
}

#[test]
fn the_high_water_mark_is_that_since_the_last_scrape() {
    let mut fixture = Fixture::new();
    for (ms, depth) in [(0, 0), (10, 9), (20, 2)] {
        fixture.snapshot(ms, vec![listener(1, "127.0.0.1:80", depth, 10, Some(0))], &[]);
    }
    let mut high = || at(&fixture.page(), "qviz_accept_queue_high_water", "127.0.0.1:80", "tcp4");
    assert_eq!((high(), high()), (Some(9.0), Some(2.0)));
}

#[test]
fn of_several_sockets_of_one_address_the_fullest_is_reported() {
    let mut fixture = Fixture::new();
    fixture.snapshot(
        0,
        (1..=4).map(|id| listener(id, "0.0.0.0:80", if id == 3 { 6 } else { 0 }, 5, Some(0))).collect(),
        &[],
    );
    let page = fixture.page();
    assert_eq!(at(&page, "qviz_accept_queue_depth", "0.0.0.0:80", "tcp4"), Some(6.0), "{page}");
    assert_eq!(at(&page, "qviz_listener_sockets", "0.0.0.0:80", "tcp4"), Some(4.0));
    assert_eq!(value(&page, "qviz_listeners"), Some(4.0));
}

#[test]
fn drops_of_an_address_never_go_down_when_one_of_its_sockets_goes() {
    let mut fixture = Fixture::new();
    let both = |drops| (1..=2).map(|id| listener(id, "0.0.0.0:80", 6, 5, Some(drops))).collect::<Vec<_>>();
    fixture.snapshot(0, both(0), &[]);
    fixture.listen_drops(1, 0);
    fixture.snapshot(10, both(7), &[]);
    fixture.listen_drops(11, 14);
    fixture.listen_drops(12, 14);
    let drops = |fixture: &mut Fixture| at(&fixture.page(), "qviz_listener_drops_total", "0.0.0.0:80", "tcp4");
    assert_eq!(drops(&mut fixture), Some(14.0));
    fixture.snapshot(20, Vec::new(), &[2]);
    assert_eq!(drops(&mut fixture), Some(14.0));
    fixture.apply(100_000, &Event::Tick);
    assert!(fixture.world.listeners.get(ListenerId(2)).is_none(), "it is forgotten by now");
    assert_eq!(drops(&mut fixture), Some(14.0));
}

#[test]
fn a_label_holds_any_path_and_steers_no_terminal() {
    let mut fixture = Fixture::new();
    fixture.snapshot(0, vec![listener(1, "/a\"b\\c\nd\u{1b}[31m", 0, 5, None)], &[]);
    let page = fixture.page();
    assert_eq!(at(&page, "qviz_accept_queue_limit", "/a\\\"b\\\\c\\nd\u{fffd}[31m", "unix"), Some(5.0), "{page}");
}

#[test]
fn paths_that_look_alike_are_one_series() {
    let mut fixture = Fixture::new();
    fixture.snapshot(0, vec![listener(1, "/a\u{1}", 0, 5, None), listener(2, "/a\u{2}", 3, 5, None)], &[]);
    let page = fixture.page();
    assert_eq!(at(&page, "qviz_accept_queue_depth", "/a\u{fffd}", "unix"), Some(3.0), "{page}");
}

#[test]
fn ten_thousand_listeners_make_two_hundred_series_the_fullest_first() {
    let mut fixture = Fixture::new();
    let port = |id: u64| format!("127.0.0.1:{}", 10_000 + id);
    fixture.snapshot(
        0,
        (1..=10_000).map(|id| listener(id, &port(id), u32::from(id == 9_999), 5, Some(0))).collect(),
        &[],
    );
    let page = fixture.page();
    assert_eq!(page.lines().filter(|line| line.starts_with("qviz_accept_queue_depth{")).count(), ADDRESSES);
    assert_eq!(at(&page, "qviz_accept_queue_depth", &port(9_999), "tcp4"), Some(1.0));
    assert_eq!(value(&page, "qviz_addresses_left_out"), Some(9_800.0));
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
}

#[test]
fn a_stall_is_reported_while_it_is_in_force() {
    let mut fixture = Fixture::new();
    fixture.snapshot(
        0,
        vec![listener(1, "127.0.0.1:80", 3, 5, Some(0)), listener(2, "127.0.0.1:81", 0, 5, Some(0))],
        &[],
    );
    for ms in [0, 1000, 2000, 3000] {
        let occupants = QueueOccupants { half_open: Some(0), oldest_wait_ms: Some(1000 + ms) };
        fixture.apply(ms.into(), &Event::Occupants { id: ListenerId(1), occupants });
    }
    fixture.apply(3500, &Event::Tick);
    let page = fixture.page();
    assert_eq!(at(&page, "qviz_listener_stalled", "127.0.0.1:80", "tcp4"), Some(1.0), "{page}");
    assert_eq!(at(&page, "qviz_listener_stalled", "127.0.0.1:81", "tcp4"), Some(0.0));
    assert_eq!(value(&page, "qviz_findings{rule=\"server-stalled\"}"), Some(1.0));
}

#[test]
fn the_older_format_names_a_counter_as_its_samples() {
    let mut fixture = Fixture::new();
    fixture.listen_drops(0, 3);
    let shot = fixture.state.snapshot(&fixture.world);
    let (open, plain) = (shot.text(PageFormat::OpenMetrics), shot.text(PageFormat::Plain));
    assert!(open.contains("# TYPE qviz_kernel_events counter\n") && open.contains("# UNIT qviz_cpu_seconds seconds\n"));
    assert!(plain.contains("# TYPE qviz_kernel_events_total counter\n") && !plain.contains("# EOF"), "{plain}");
    for page in [&open, &plain] {
        assert_eq!(value(page, "qviz_kernel_events_total{name=\"ListenDrops\"}"), Some(3.0));
    }
    assert!(plain.contains("# TYPE qviz_build_info gauge\n") && open.contains("# TYPE qviz_build info\n"));
}

#[test]
fn every_series_of_another_namespace_says_so() {
    let mut fixture = Fixture::of(Some("/run/netns/a\"b".to_owned()));
    fixture.snapshot(100, vec![listener(1, "10.0.0.1:80", 6, 5, Some(0))], &[]);
    let page = fixture.page();
    let series: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).collect();
    let named = |line: &&&str| line.contains("namespace=\"/run/netns/a\\\"b\"} ");
    assert!(series.len() > 15 && series.iter().all(|line| named(&line)), "{page}");
    assert!(!Fixture::new().page().contains("namespace="));
}
