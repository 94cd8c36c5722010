//! The text of a page. OpenMetrics names a counter's family without `_total` and ends with `# EOF`; the older format names it as its
//! samples are named.

use std::fmt::Write as _;
use std::time::Duration;

use super::Shot;
use super::series::Row;
use crate::fold::finding::{Check, RULES};
use crate::fold::world::World;
use crate::model::counters::Counters;
use crate::model::sample::Source;
use crate::session::metrics::PageFormat;
use crate::text::sanitize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    Histogram,
    Counter,
    Info,
}

pub(super) struct Page {
    dialect: PageFormat,
    /// The label of every series where another network namespace is watched: `namespace="pid 4242"`. Then pages of several can be told
    /// apart whoever scrapes them.
    namespace: Option<String>,
    text: String,
}

impl Page {
    pub(super) const fn new(dialect: PageFormat) -> Self {
        Self { dialect, namespace: None, text: String::new() }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// One family: its name without any ending of its kind but with its unit, its kind, what it is, and its samples.
    pub(super) fn family(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        samples: impl IntoIterator<Item = (String, f64)>,
    ) {
        let ending = match kind {
            Kind::Gauge | Kind::Histogram => "",
            Kind::Counter => "_total",
            Kind::Info => "_info",
        };
        let open = self.dialect == PageFormat::OpenMetrics;
        let family = if open { name.to_owned() } else { format!("{name}{ending}") };
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Info if open => "info",
            Kind::Histogram => "histogram",
            Kind::Gauge | Kind::Info => "gauge",
        };
        let in_seconds = open && name.ends_with("_seconds");
        let unit = if in_seconds { format!("# UNIT {family} seconds\n") } else { String::new() };
        self.put(format_args!("# TYPE {family} {kind}\n{unit}# HELP {family} {help}\n"));
        for (labels, value) in samples {
            let labels = self.within_namespace(labels);
            self.put(format_args!("{name}{ending}{labels} {value}\n"));
        }
    }

    fn within_namespace(&self, labels: String) -> String {
        match (&self.namespace, labels.strip_suffix('}')) {
            (None, _) => labels,
            (Some(namespace), Some(others)) => format!("{others},{namespace}}}"),
            (Some(namespace), None) => format!("{{{namespace}}}"),
        }
    }

    fn put(&mut self, words: std::fmt::Arguments<'_>) {
        // Writing into a string does not fail.
        let _ = self.text.write_fmt(words);
    }
}

pub(super) fn text(shot: &Shot<'_>, dialect: PageFormat) -> String {
    let watching = shot.world.listeners.watching.as_ref();
    let netns =
        watching.and_then(|watching| watching.netns.as_deref()).map(|name| label("namespace", &sanitize::lines(name)));
    let mut page = Page { dialect, namespace: netns, text: String::with_capacity(4096 + shot.rows.len() * 640) };
    addresses(&mut page, &shot.rows);
    chosen(&mut page, shot.world);
    namespace(&mut page, shot);
    own(&mut page, shot);
    if dialect == PageFormat::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

fn addresses(page: &mut Page, rows: &[Row]) {
    let mut gauge = |name, help, value: fn(&Row) -> Option<f64>| {
        let samples = rows.iter().filter_map(|row| Some((at(row), value(row)?)));
        page.family(name, Kind::Gauge, help, samples);
    };
    gauge(
        "qviz_accept_queue_depth",
        "Connections that wait for accept(), in the fullest socket of the address.",
        |row| row.depth.map(f64::from),
    );
    gauge(
        "qviz_accept_queue_limit",
        "The accept queue's limit: the smaller of backlog and net.core.somaxconn.",
        |row| row.limit.map(f64::from),
    );
    gauge(
        "qviz_accept_queue_capacity",
        "How many connections the accept queue holds: its limit and one more.",
        |row| row.capacity.map(f64::from),
    );
    gauge("qviz_accept_queue_high_water", "The greatest depth of the accept queue since the last scrape.", |row| {
        row.high.map(f64::from)
    });
    gauge("qviz_half_open", "Half-open requests (SYN_RCVD) of the address.", |row| row.half_open.map(f64::from));
    gauge(
        "qviz_oldest_wait_seconds",
        "How long the oldest connection has waited for accept(); 0 where none waits.",
        |row| row.oldest_wait_s,
    );
    gauge("qviz_listener_stalled", "1 while connections wait and accept() takes none of them.", |row| {
        Some(f64::from(u8::from(row.stalled)))
    });
    gauge("qviz_listener_sockets", "Sockets that listen on the address (SO_REUSEPORT).", |row| {
        Some(row.sockets as f64)
    });
    let drops = rows.iter().filter_map(|row| Some((at(row), row.drops? as f64)));
    let help = "SYNs and final ACKs that listeners of the address have dropped since qviz watches: at most so many.";
    page.family("qviz_listener_drops", Kind::Counter, help, drops);
    let programs = rows.iter().filter_map(|row| {
        let program = row.command.as_deref()?;
        Some((labels(&[("address", &row.address), ("family", row.family), ("command", program)]), 1.0))
    });
    page.family("qviz_listener", Kind::Info, "The program that listens on the address.", programs);
}

/// What is known of the chosen listener alone: its drops by cause, and the time that connections spent in its queue.
fn chosen(page: &mut Page, world: &World) {
    let Some(listener) = world.listeners.chosen().filter(|listener| listener.gone.is_none()) else { return };
    let address = sanitize::lines(&listener.reading.address.to_string());
    let at = [("address", address.as_str()), ("family", listener.reading.address.family())];
    if world.segments.is_some() {
        let lost = world.ledger.lost_by_cause().filter(|(cause, _)| cause.is_listen_drop());
        let by_cause =
            lost.map(|(cause, count)| (labels(&[at[0], at[1], ("cause", cause.name())]), count.segments as f64));
        let open = world
            .drops_without_cause(listener)
            .map(|open| (labels(&[at[0], at[1], ("cause", "not-attributed")]), open as f64));
        let help = "Packets dropped by the listener that was asked for, by cause, since it is watched.";
        page.family("qviz_listener_drops_by_cause", Kind::Gauge, help, by_cause.chain(open));
    }
    let Some(waits) = world.waits_of(listener) else { return };
    let (mut samples, mut below, mut sum) = (Vec::new(), 0, 0.0);
    let mut from = Duration::ZERO;
    for seconds in BUCKETS_S.iter().map(|seconds| Some(*seconds)).chain([None]) {
        let to = seconds.map(Duration::from_secs_f64);
        let count = waits.count_between(from, to);
        below += count;
        let (low, high) = (from.as_secs_f64(), seconds.or_else(|| Some(waits.max_ms()? / 1e3)).unwrap_or(0.0));
        sum += count as f64 * f64::midpoint(low, high.max(low));
        let bound = seconds.map_or_else(|| "+Inf".to_owned(), |seconds| seconds.to_string());
        samples.push((format!("_bucket{}", labels(&[at[0], at[1], ("le", &bound)])), below as f64));
        from = to.unwrap_or(from);
    }
    samples.push((format!("_count{}", labels(&at)), below as f64));
    samples.push((format!("_sum{}", labels(&at)), sum));
    let help = "How long connections waited for accept() in the queue of the listener that was asked for; the sum is of the buckets' middles.";
    page.family("qviz_accept_wait_seconds", Kind::Histogram, help, samples);
}

/// Upper bounds of the waits, in seconds.
const BUCKETS_S: [f64; 10] = [0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 3.0, 10.0, 30.0, 60.0];

fn namespace(page: &mut Page, shot: &Shot<'_>) {
    let listeners = &shot.world.listeners;
    let counters = listeners.counters_last.iter().flat_map(Counters::iter);
    let samples = counters.filter_map(|(counter, value)| Some((labels(&[("name", counter.name())]), value? as f64)));
    let help = "What the kernel counts in this network namespace, by its name in nstat.";
    page.family("qviz_kernel_events", Kind::Counter, help, samples);
    let mut gauge = |name, help, value: Option<f64>| {
        page.family(name, Kind::Gauge, help, value.map(|value| (String::new(), value)));
    };
    gauge("qviz_somaxconn", "net.core.somaxconn of this network namespace.", listeners.somaxconn_now().map(f64::from));
    gauge("qviz_listeners", "Listening sockets that are watched.", Some(shot.listeners as f64));
    gauge("qviz_addresses_left_out", "Addresses without series of their own: too many.", Some(shot.left_out as f64));
    if listeners.watching.as_ref().is_some_and(|watching| watching.rights.tap) {
        let reach = listeners.tap.reach;
        let help = "1 while SYNs are counted in short samples alone: above a rate that nobody can follow.";
        gauge("qviz_tap_sampled", help, Some(f64::from(u8::from(reach.sampled))));
        let help = "1 while the segments of the listener that was asked for are taken, where it was.";
        gauge("qviz_tap_follows", help, listeners.chosen.map(|_| f64::from(u8::from(reach.follows))));
    }
    let rules = RULES.iter().filter(|rule| matches!(rule.check, Check::Listener(_)));
    let in_force = rules.map(|rule| {
        let count = shot.world.findings.iter().filter(|finding| finding.rule == rule.name).count();
        (labels(&[("rule", rule.name)]), count as f64)
    });
    page.family("qviz_findings", Kind::Gauge, "Listeners of which this is found now; see qviz explain.", in_force);
}

fn own(page: &mut Page, shot: &Shot<'_>) {
    let world = shot.world;
    let kernel = world.listeners.watching.as_ref().map_or("", |watching| watching.kernel.as_str());
    let build = labels(&[("version", env!("CARGO_PKG_VERSION")), ("kernel", kernel)]);
    page.family("qviz_build", Kind::Info, "This qviz and the kernel it watches.", [(build, 1.0)]);
    let seconds = |nanos: u64| nanos as f64 / 1e9;
    let whole = world.costs.get(&Source::Whole).map(|cost| (String::new(), seconds(cost.nanos)));
    page.family("qviz_cpu_seconds", Kind::Counter, "Processor time that qviz itself has used.", whole);
    let sources = || world.costs.iter().filter_map(|(source, cost)| Some((labels(&[("eye", name(*source)?)]), cost)));
    let help = "Time that qviz spent on reading the kernel, by what it read.";
    let spent = sources().map(|(labels, cost)| (labels, seconds(cost.nanos)));
    page.family("qviz_reading_seconds", Kind::Counter, help, spent);
    let count = sources().map(|(labels, cost)| (labels, cost.readings as f64));
    page.family("qviz_readings", Kind::Counter, "Readings of the kernel, by what was read.", count);
    let lasted = world.listeners.now.since(world.listeners.since).as_secs_f64();
    let whole = |value| [(String::new(), value)];
    page.family("qviz_watched_seconds", Kind::Counter, "How long qviz has watched.", whole(lasted));
    page.family("qviz_scrapes", Kind::Counter, "Pages that qviz has made, this one too.", whole(shot.scrapes as f64));
}

/// The label of a source; `None` for the whole process.
const fn name(source: Source) -> Option<&'static str> {
    match source {
        Source::Queue => Some("queue"),
        Source::HalfOpen => Some("half_open"),
        Source::Waiting => Some("waiting"),
        Source::Counters => Some("counters"),
        Source::Tap => Some("tap"),
        Source::Listeners => Some("listeners"),
        Source::Owners => Some("owners"),
        Source::Whole => None,
    }
}

fn at(row: &Row) -> String {
    labels(&[("address", &row.address), ("family", row.family)])
}

/// `{name="value",...}`: backslash, quote and line feed are the only characters that need an escape.
pub(super) fn labels(pairs: &[(&str, &str)]) -> String {
    format!("{{{}}}", pairs.iter().map(|(name, value)| label(name, value)).collect::<Vec<_>>().join(","))
}

fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}
