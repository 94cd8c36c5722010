//! A document of a watch, its metrics and its table, held against each other.

#![allow(clippy::unwrap_used, dead_code, reason = "tests; each binary uses its own part")]

use std::path::Path;

use qviz::fold::world::World;
use qviz::model::event::Event;
use qviz::report::openmetrics::ScrapeState;
use qviz::report::text::Marks;
use qviz::report::watch::{Document, table};
use qviz::session::metrics::PageFormat;
use qviz::session::recording::read::Recording;
use serde_json::Value;

/// Everything that is said of one moment.
pub(crate) struct Said {
    pub(crate) document: Value,
    pub(crate) page: String,
    pub(crate) table: String,
}

impl Said {
    fn of(world: &World, scrapes: &ScrapeState) -> Self {
        let (mut world, mut scrapes) = (world.clone(), scrapes.clone());
        let now = world.now;
        world.apply(now, &Event::Ended);
        scrapes.apply(&world, &Event::Ended);
        Self {
            document: serde_json::to_value(Document::of(&world)).unwrap(),
            page: scrapes.snapshot(&world).text(PageFormat::OpenMetrics),
            table: table(&world, Marks::Ascii),
        }
    }

    pub(crate) fn contradictions(&self) -> Vec<String> {
        contradictions(&self.document, &self.page, &self.table)
    }
}

/// What is said at each tenth of a stored recording, and at its end.
pub(crate) fn moments(path: &Path) -> Vec<Said> {
    let recording = Recording::open(path).unwrap();
    let (mut world, mut scrapes, mut said) = (World::new(), ScrapeState::default(), Vec::new());
    let tenth = recording.end().as_nanos() / 10;
    let mut next = tenth;
    for fact in recording.facts().unwrap() {
        if fact.at.as_nanos() >= next {
            next += tenth;
            said.push(Said::of(&world, &scrapes));
        }
        world.apply(fact.at, &fact.event);
        scrapes.apply(&world, &fact.event);
    }
    said.push(Said::of(&world, &scrapes));
    said
}

/// Every pair of numbers that should be the same and are not, in words.
pub(crate) fn contradictions(document: &Value, page: &str, table: &str) -> Vec<String> {
    let mut all = Examination { document, found: Vec::new() };
    let listeners = document["listeners"].as_array().map(Vec::as_slice).unwrap_or_default();
    for listener in listeners {
        all.queue(listener);
        all.drops(listener);
        all.drain(listener);
        let alone = listeners.iter().filter(|other| other["address"] == listener["address"]).count() == 1;
        if alone && listener["gone_s"].is_null() {
            all.page(listener, page);
            all.table(listener, table);
        }
    }
    for finding in document["findings"].as_array().into_iter().flatten().filter(|finding| finding["in_force"] == true) {
        let id = &finding["evidence"]["listener_id"];
        let by_id = listeners.iter().find(|listener| listener["id"].as_f64() == id.as_f64());
        all.hold(id.is_null() || by_id.is_some(), || format!("{} is about no listener", finding["rule"]));
        let by_address = || listeners.iter().find(|listener| listener["address"] == finding["listener"]);
        if let Some(listener) = by_id.or_else(by_address) {
            all.finding(finding, listener);
        }
    }
    all.found
}

struct Examination<'a> {
    document: &'a Value,
    found: Vec<String>,
}

impl Examination<'_> {
    fn hold(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.found.push(what());
        }
    }

    /// Both numbers, where both are known, are the same.
    fn same(&mut self, what: &str, one: &Value, other: &Value) {
        if let (Some(one), Some(other)) = (one.as_f64(), other.as_f64()) {
            let near = (one - other).abs() <= 1e-3 * one.abs().max(other.abs()).max(1.0);
            self.hold(near, || format!("{what}: {one} and {other}"));
        }
    }

    fn at_most(&mut self, what: &str, less: &Value, more: &Value) {
        if let (Some(less), Some(more)) = (less.as_f64(), more.as_f64()) {
            self.hold(less <= more + 1e-6, || format!("{what}: {less} is more than {more}"));
        }
    }

    fn queue(&mut self, listener: &Value) {
        let queue = &listener["accept_queue"];
        self.at_most("depth and max", &queue["depth"], &queue["max"]);
        let fits = queue["limit"].as_f64().map(|limit| limit + 1.0);
        self.same("capacity and limit + 1", &queue["capacity"], &fits.into());
        let was_full = queue["full_s"].as_f64().is_some_and(|full| full > 0.0);
        if was_full {
            self.at_most("it was full, its capacity and its peak", &queue["capacity"], &queue["max"]);
        }
        self.hold(was_full || queue["full_share"].as_f64().unwrap_or(0.0) <= 0.0, || "a share of no time".to_owned());
        let waiting = listener["waiting"].as_array();
        let reset = waiting.map(|all| all.iter().filter(|one| one["state"] == "reset").count());
        self.at_most("entries without a connection, and all", &reset.into(), &queue["depth"]);
        if queue["depth"] == 0 && queue["oldest_wait_ms"].is_number() && waiting.is_some_and(Vec::is_empty) {
            self.found.push("nobody waits, and the oldest does".to_owned());
        }
    }

    fn drops(&mut self, listener: &Value) {
        let drops = &listener["drops"];
        self.at_most("at_least and drops", &drops["at_least"], &drops["listener"]);
        self.at_most("watched and all drops", &drops["watched"], &drops["listener"]);
        if drops["listener"].is_number() {
            let exact = drops["at_least"] == drops["listener"];
            self.hold(drops["exact"] == exact, || format!("exact is {}, the bounds say {exact}", drops["exact"]));
        }
        let counters = &self.document["counters"];
        self.at_most("drops while watched and ListenDrops", &drops["watched"], &counters["ListenDrops"]);
        let Some(causes) = drops["by_cause"].as_object() else { return };
        let sum: u64 = causes.values().filter_map(Value::as_u64).sum();
        self.same("causes together and drops while watched", &sum.into(), &drops["watched"]);
        let full = |name: &str| name.ends_with("accept-queue-full") || name == "ack:reset-on-overflow";
        let overflows: u64 = causes.iter().filter(|(name, _)| full(name)).filter_map(|(_, count)| count.as_u64()).sum();
        self.at_most("overflows by cause and ListenOverflows", &overflows.into(), &counters["ListenOverflows"]);
    }

    fn drain(&mut self, listener: &Value) {
        let (drain, depth) = (&listener["drain"], listener["accept_queue"]["depth"].as_f64());
        if let (Some(rate), Some(depth)) = (drain["accepts_per_s"].as_f64(), depth) {
            self.same("the last one's wait and depth / rate", &drain["last_waits_ms"], &(depth * 1000.0 / rate).into());
            self.same("rates and drain", &listener["rates"]["accepts_per_s"], &drain["accepts_per_s"]);
        }
        let served: Option<u64> =
            listener["owners"].as_array().and_then(|owners| owners.iter().map(|owner| owner["served"].as_u64()).sum());
        // A connection may be held by several processes.
        if listener["owners"].as_array().is_some_and(|owners| owners.len() == 1) {
            self.same("served by the owner and served", &served.into(), &listener["served"]);
        }
    }

    fn page(&mut self, listener: &Value, page: &str) {
        let labels = format!("{{address={},family={}}} ", listener["address"], listener["family"]);
        let queue = &listener["accept_queue"];
        for (name, value) in [
            ("qviz_accept_queue_depth", &queue["depth"]),
            ("qviz_accept_queue_limit", &queue["limit"]),
            ("qviz_accept_queue_capacity", &queue["capacity"]),
            ("qviz_half_open", &listener["syn_queue"]["depth"]),
            ("qviz_listener_drops_total", &listener["drops"]["watched"]),
        ] {
            let sample = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(labels.as_str()));
            let sample = sample.and_then(|value| value.parse::<f64>().ok());
            self.hold(sample.is_some() == value.is_number(), || format!("{name}: {sample:?} and {value}"));
            self.same(name, &sample.into(), value);
        }
        let stalled =
            page.lines().find_map(|line| line.strip_prefix("qviz_listener_stalled")?.strip_prefix(labels.as_str()));
        let told = self.document["findings"].as_array().into_iter().flatten().any(|finding| {
            ["server-stalled", "owner-stopped", "owner-out-of-descriptors", "at-its-connection-limit"]
                .iter()
                .any(|rule| finding["rule"] == *rule)
                && finding["in_force"] == true
                // A process that is stopped while nobody waits keeps nobody waiting.
                && finding["evidence"]["accept_queue_depth"] != 0.0
                && finding["listener"] == listener["address"]
        });
        self.hold(stalled.is_none_or(|value| (value == "1") == told), || format!("stalled: {stalled:?} and {told}"));
    }

    fn table(&mut self, listener: &Value, table: &str) {
        let address = listener["address"].as_str().unwrap_or_default();
        let row = table.lines().find(|line| line.split_whitespace().any(|cell| cell == address));
        let cells: Vec<_> = row.into_iter().flat_map(str::split_whitespace).collect();
        let queue = &listener["accept_queue"];
        let expected = [("depth", 0, &queue["depth"]), ("limit", 1, &queue["limit"]), ("max", 3, &queue["max"])];
        for (what, place, value) in expected {
            let cell = cells.get(place).and_then(|cell| cell.parse::<f64>().ok());
            self.hold(cell.is_some() == value.is_number(), || format!("the table's {what}: {cell:?} and {value}"));
            self.same(&format!("the table's {what}"), &cell.into(), value);
        }
        let drops = cells.get(5).and_then(|cell| cell.trim_start_matches("<=").parse::<f64>().ok());
        self.same("the table's drops", &drops.into(), &listener["drops"]["listener"]);
    }

    fn finding(&mut self, finding: &Value, listener: &Value) {
        let rule = finding["rule"].as_str().unwrap_or_default();
        let (queue, drops) = (&listener["accept_queue"], &listener["drops"]);
        let oldest = queue["oldest_wait_ms"].as_f64().map(|oldest| oldest / 1000.0);
        let last = listener["drain"]["last_waits_ms"].as_f64().map(|last| last / 1000.0);
        let waiting = listener["waiting"].as_array();
        let dead = waiting.map(|all| all.iter().filter(|one| one["state"] != "established").count() as u64);
        // A list is a moment older than the depth: no more can be in the queue than it holds.
        let dead = dead.zip(queue["depth"].as_u64()).map(|(dead, depth)| dead.min(depth));
        // That is the oldest of all sockets of an address.
        let oldest = oldest.filter(|_| listener["reuseport_group"].is_null());
        let counters = &self.document["counters"];
        for (name, value) in [
            ("accept_queue_depth", queue["depth"].clone()),
            ("limit", queue["limit"].clone()),
            ("capacity", queue["capacity"].clone()),
            ("accept_queue_max", queue["max"].clone()),
            ("full_s", queue["full_s"].clone()),
            ("oldest_wait_s", oldest.into()),
            ("last_waits_s", last.into()),
            ("accepts_per_s", listener["drain"]["accepts_per_s"].clone()),
            ("served", listener["served"].clone()),
            ("drops", drops["watched"].clone()),
            ("drops_watched", drops["watched"].clone()),
            ("drops_since_made", drops["listener"].clone()),
            ("drop_counter_noise", drops["noise"].clone()),
            ("dead_entries", dead.into()),
            ("unanswered_syns", drops["before_listener"]["unanswered_syns"].clone()),
            ("somaxconn", self.document["somaxconn"].clone()),
            ("pid", listener["pid"].clone()),
            (
                "port",
                listener["address"].as_str().and_then(|address| address.rsplit_once(':')?.1.parse::<u16>().ok()).into(),
            ),
            ("listen_drops", counters["ListenDrops"].clone()),
            ("listen_overflows", counters["ListenOverflows"].clone()),
            ("cookies_sent", counters["SyncookiesSent"].clone()),
        ] {
            self.same(&format!("{rule}: {name}"), &finding["evidence"][name], &value);
        }
        let evidence = &finding["evidence"];
        if let (Some(full), Some(span)) = (evidence["full_of_last_s"].as_f64(), evidence["last_s"].as_f64()) {
            if span >= 1.0 {
                self.same(&format!("{rule}: the share of the time"), &(full / span).into(), &queue["full_share"]);
            }
            self.hold(full <= span, || format!("{rule}: full {full} of {span} s"));
        }
        self.at_most("dead entries and all", &evidence["dead_entries"], &evidence["accept_queue_depth"]);
        self.sentence(finding, listener);
    }

    /// What is said is what is known: "N waiting" is the depth, "N of M" the depth of the capacity.
    fn sentence(&mut self, finding: &Value, listener: &Value) {
        let said = finding["sentence"].as_str().unwrap_or_default();
        let queue = &listener["accept_queue"];
        for (words, value) in [(" waiting", &queue["depth"]), (", full ", &queue["capacity"])] {
            let Some((before, after)) = said.split_once(words) else { continue };
            if after.starts_with(" clients") {
                continue;
            }
            let number = before.rsplit(|letter: char| !letter.is_ascii_digit()).next();
            let number = number.and_then(|digits| digits.parse::<f64>().ok());
            self.same(&format!("{} says", finding["rule"]), &number.into(), value);
        }
        let full = queue["depth"].as_f64() >= queue["capacity"].as_f64();
        let lately = queue["full_share"].as_f64().is_some_and(|share| share >= 0.5);
        let claims = matches!(finding["rule"].as_str(), Some("accept-queue-full" | "unix-socket-full"));
        self.hold(!claims || full || lately, || "full, and not full".to_owned());
        let stalled = finding["rule"] == "server-stalled";
        self.hold(!stalled || listener["drain"].is_null(), || "stalled, and it drains".to_owned());
    }
}
