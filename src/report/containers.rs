//! The listeners of all network namespaces of a machine: one list, fullest first, and a line for each namespace. The figures are those of the
//! namespaces' own documents.

use serde::Serialize;
use serde_json::Value;

use super::summary::VERSION;
use super::text::{Marks, WIDTH, span};
use super::watch::rows::{Side, columns};
use crate::model::counters::{Counter, Counters};
use crate::say;
use crate::text::sanitize;
use crate::text::wrap::wrapped;

/// The most findings that are told; the rest is counted.
const FINDINGS: usize = 10;

/// Severities, as documents name them.
const GRAVE_FIRST: [&str; 3] = ["problem", "warning", "note"];

/// All namespaces.
#[derive(Clone, Debug, Serialize)]
pub struct Containers {
    schema: &'static str,
    kind: &'static str,
    /// They, the own one first.
    namespaces: Vec<Namespace>,
    /// Processes whose namespace may not be seen.
    hidden_processes: u32,
    /// Namespaces that were too many.
    left_out: usize,
}

/// One network namespace.
#[derive(Clone, Debug, Serialize)]
pub struct Namespace {
    /// Its number, as in `net:[4026531840]`.
    pub number: u64,
    /// Its container, unit or name.
    pub name: Option<String>,
    /// A process in it, for `--pid`.
    pub pid: Option<u32>,
    /// True for that in which qviz was started.
    pub own: bool,
    /// True if it could be entered.
    pub entered: bool,
    /// Why not.
    pub why: Option<String>,
    /// What its kernel has counted since it was made; null without a process in it.
    pub counters: Option<Counters>,
    /// The document of its watch; null where it could not be entered, and where nothing listens on what was asked for.
    pub watch: Option<Value>,
}

impl Containers {
    /// All namespaces of the machine; `hidden`: processes whose namespace may not be seen, `left_out`: namespaces that were too many.
    pub const fn new(namespaces: Vec<Namespace>, hidden: u32, left_out: usize) -> Self {
        Self { schema: VERSION, kind: "containers", namespaces, hidden_processes: hidden, left_out }
    }

    /// The list, the findings, the namespaces, and what was not seen.
    pub fn text(&self, marks: Marks) -> String {
        let parts = [self.table(marks), self.findings(), self.overview(marks), self.unseen()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
    }

    fn table(&self, marks: Marks) -> String {
        let mut rows: Vec<_> = self
            .namespaces
            .iter()
            .flat_map(|namespace| listeners(namespace).map(move |listener| (namespace, listener)))
            .collect();
        if rows.is_empty() {
            return say!("Nothing listens in the namespaces that could be entered.").to_owned() + "\n";
        }
        rows.sort_by(|(_, one), (_, other)| fullness(other).total_cmp(&fullness(one)));
        let rows: Vec<_> = rows.into_iter().map(|(namespace, listener)| row(namespace, listener, marks)).collect();
        let heading = [
            (say!("ACCEPT QUEUE"), Side::Right),
            (say!("LIMIT"), Side::Right),
            (say!("SYN QUEUE"), Side::Right),
            (say!("DROPS"), Side::Right),
            (say!("OLDEST"), Side::Right),
            (say!("ADDRESS"), Side::Left),
            (say!("PROCESS"), Side::Left),
            (say!("NAMESPACE"), Side::Left),
        ];
        columns(heading, &rows)
    }

    fn findings(&self) -> String {
        let of =
            |namespace: &Namespace| namespace.watch.as_ref().and_then(|watch| watch["findings"].as_array().cloned());
        let all = self.namespaces.iter().map(|namespace| (namespace, of(namespace).unwrap_or_default()));
        let mut all: Vec<_> =
            all.flat_map(|(namespace, all)| all.into_iter().map(move |one| (namespace, one))).collect();
        all.sort_by_key(|(_, finding)| GRAVE_FIRST.iter().position(|grave| finding["severity"] == *grave));
        let line = |(namespace, finding): &(&Namespace, Value)| {
            let (name, listener) = (namespace.words(), text_of(&finding["listener"]));
            let sentence = text_of(&finding["sentence"]);
            let whose = if listener.is_empty() { name } else { say!("{listener} in {name}", listener, name) };
            wrapped(&say!("{whose}: {sentence}", whose, sentence), WIDTH, "  ") + "\n"
        };
        let mut lines: Vec<_> = all.iter().take(FINDINGS).map(line).collect();
        if all.len() > FINDINGS {
            lines.push(format!("  {}\n", say!("and {count} more", count = all.len() - FINDINGS)));
        }
        if lines.is_empty() { String::new() } else { format!("{}\n{}", say!("FINDINGS"), lines.concat()) }
    }

    fn overview(&self, marks: Marks) -> String {
        let heading = [
            (say!("NAMESPACE"), Side::Left),
            ("ListenOverflows", Side::Right),
            ("ListenDrops", Side::Right),
            (say!("MORE"), Side::Left),
        ];
        let rows: Vec<_> = self.namespaces.iter().map(|namespace| namespace.row(marks)).collect();
        columns(heading, &rows)
    }

    fn unseen(&self) -> String {
        let refused = self.namespaces.iter().filter(|namespace| !namespace.entered).count();
        let mut lines = Vec::new();
        if refused > 0 {
            lines.push(say!(
                "{refused} namespaces may not be entered from here: run qviz as root, or as the user who made them",
                refused
            ));
        }
        if self.hidden_processes > 0 {
            let count = self.hidden_processes;
            lines.push(say!(
                "{count} processes do not show their namespace: run qviz as root, or give it cap_sys_ptrace",
                count
            ));
        }
        if self.left_out > 0 {
            lines.push(say!("{count} namespaces were too many and were left out", count = self.left_out));
        }
        lines.iter().map(|line| wrapped(&say!("not seen: {line}", line), WIDTH, "  ") + "\n").collect()
    }
}

impl Namespace {
    /// What it is called: its name, a process, or its number.
    fn words(&self) -> String {
        match (&self.name, self.pid) {
            (_, _) if self.own => say!("this one").to_owned(),
            (Some(name), _) => sanitize::line(name),
            (None, Some(pid)) => format!("pid {pid}"),
            (None, None) => format!("net:[{}]", self.number),
        }
    }

    fn row(&self, marks: Marks) -> [String; 4] {
        let counted = |counter| {
            let value = self.counters.as_ref().and_then(|counters| counters.value(counter));
            value.map_or_else(|| marks.pick("—", "-").to_owned(), |value| value.to_string())
        };
        let more = match (&self.why, self.pid) {
            (Some(why), _) => say!("not entered: {why}", why = sanitize::line(why)),
            (None, _) if self.own => "qviz watch".to_owned(),
            (None, Some(pid)) => format!("qviz watch --pid {pid}"),
            (None, None) => format!("qviz watch --netns /run/netns/{}", self.words()),
        };
        [self.words(), counted(Counter::ListenOverflows), counted(Counter::ListenDrops), more]
    }
}

fn listeners(namespace: &Namespace) -> impl Iterator<Item = &Value> {
    namespace.watch.as_ref().and_then(|watch| watch["listeners"].as_array()).into_iter().flatten()
}

/// The share of what fits, −1 where that is unknown.
fn fullness(listener: &Value) -> f64 {
    let queue = &listener["accept_queue"];
    let (depth, capacity) = (queue["depth"].as_f64(), queue["capacity"].as_f64());
    depth.zip(capacity).map_or(-1.0, |(depth, capacity)| depth / capacity.max(1.0))
}

fn row(namespace: &Namespace, listener: &Value, marks: Marks) -> [String; 8] {
    let number = |value: &Value| value.as_u64().map_or_else(|| "-".to_owned(), |value| value.to_string());
    let queue = &listener["accept_queue"];
    let (drops, at_least) = (&listener["drops"]["listener"], &listener["drops"]["at_least"]);
    let most = if drops == at_least { "" } else { marks.pick("≤", "<=") };
    let process = match (listener["command"].as_str(), listener["pid"].as_u64()) {
        (Some(command), Some(pid)) => format!("{} {pid}", sanitize::line(command)),
        _ => "-".to_owned(),
    };
    [
        number(&queue["depth"]),
        number(&queue["limit"]),
        number(&listener["syn_queue"]["depth"]),
        if drops.is_null() { "-".to_owned() } else { format!("{most}{}", number(drops)) },
        queue["oldest_wait_ms"].as_f64().map_or_else(|| "-".to_owned(), |ms| span(Some(ms))),
        text_of(&listener["address"]),
        process,
        namespace.words(),
    ]
}

fn text_of(value: &Value) -> String {
    sanitize::line(value.as_str().unwrap_or_default())
}
