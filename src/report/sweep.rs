//! What `qviz sweep` has measured, each value beside what a formula predicts: as a document, a table and a chart ([`svg`]).

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Serialize, Serializer};

use super::summary::{Quantiles, Summary, VERSION, rounded};
use crate::fold::prediction::{Model, Prediction};
use crate::model::settings::{AcceptRate, Knobs};
use crate::say;
use crate::text::sanitize;
use crate::text::wrap::{right, wrapped};

pub mod svg;

/// All runs of a sweep.
#[derive(Clone, Debug, Serialize)]
pub struct Sweep {
    schema: &'static str,
    kind: &'static str,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// `lab` or `host`.
    pub rung: Option<&'static str>,
    /// The seed of everything random.
    pub seed: u64,
    /// How long each run lasted at most, in seconds.
    pub duration_s: f64,
    /// The values that were tried, in ascending order for each accept rate and number of workers.
    pub rows: Vec<Row>,
    /// The formulas of the predictions, and what they take for granted.
    pub models: BTreeMap<&'static str, &'static str>,
    /// What follows from it.
    pub advice: Advice,
}

/// One value, by the worst of its runs.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The backlog.
    pub backlog: i32,
    /// The accept queue's limit that the kernel made of it.
    pub limit: Option<u32>,
    /// `accept()` calls per second; null: as fast as connections come, or as a program likes.
    #[serde(serialize_with = "per_second")]
    pub accept_rate: AcceptRate,
    /// Workers; null: each connection is served at once.
    pub workers: Option<u32>,
    /// How many runs were made.
    pub runs: u32,
    /// Clients that have started.
    pub started: u64,
    /// Clients returned by `accept()`.
    pub accepted: u64,
    /// Packets that the listener dropped.
    pub dropped_segments: u64,
    /// Clients of which it dropped at least one.
    pub clients_hit: u64,
    /// Clients that were hit or gave up. Those that came in later by a retry count: they waited for it.
    pub lost: u64,
    /// Milliseconds until clients were connected in their view, retries included.
    pub connect_ms: Quantiles,
    /// Milliseconds that connections waited for `accept()`.
    pub wait_ms: Quantiles,
    /// What was to be expected; null where `accept()` is a program's own.
    pub predicted: Option<Predicted>,
}

/// What was to be expected.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Predicted {
    /// The formula's name.
    pub model: &'static str,
    /// See [`Row::clients_hit`].
    pub clients_hit: f64,
    /// The longest wait for `accept()`, in milliseconds; null where nothing is accepted.
    pub longest_wait_ms: Option<f64>,
}

/// What follows from a sweep.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Advice {
    /// The smallest backlog that loses nobody; null where none does.
    pub backlog: Option<i32>,
    /// The accept rate with which nobody is lost, where no backlog is enough.
    pub accept_rate: Option<f64>,
    /// The same as a number of workers.
    pub workers: Option<u32>,
    /// True when a run with it was made after it was found, and lost nobody.
    pub confirmed: bool,
    /// The same in words.
    pub sentence: String,
}

fn per_second<S: Serializer>(rate: &AcceptRate, serializer: S) -> Result<S::Ok, S::Error> {
    match rate {
        AcceptRate::Paused => serializer.serialize_some(&0.0),
        AcceptRate::PerSecond(rate) => serializer.serialize_some(rate),
        AcceptRate::Max => serializer.serialize_none(),
    }
}

impl Row {
    /// One run with these settings.
    pub fn of(knobs: &Knobs, summary: &Summary, clients_hit: u64, prediction: Option<Prediction>) -> Self {
        let clients = &summary.clients;
        let by_listener = summary.drops.iter().filter(|drop| drop.cause.is_listen_drop());
        Self {
            backlog: knobs.backlog,
            limit: summary.listener.accept_limit,
            accept_rate: knobs.accept_rate,
            workers: knobs.workers,
            runs: 1,
            started: clients.started,
            accepted: clients.accepted,
            dropped_segments: by_listener.filter_map(|drop| drop.segments).sum(),
            clients_hit,
            lost: clients_hit.max(clients.refused + clients.reset + clients.timed_out),
            connect_ms: summary.connect_ms,
            wait_ms: summary.accept_queue.wait_ms,
            predicted: prediction.map(|prediction| Predicted {
                model: prediction.model.name(),
                clients_hit: rounded((prediction.clients_hit * 10.0).round() / 10.0),
                longest_wait_ms: prediction.longest_wait_ms.map(|wait| rounded((wait * 10.0).round() / 10.0)),
            }),
        }
    }

    /// Takes another run with the same settings: the one that lost more clients stays.
    pub fn again(&mut self, other: Self) {
        let runs = self.runs + other.runs;
        if other.lost > self.lost {
            *self = other;
        }
        self.runs = runs;
    }

    /// True when both had the same settings.
    pub fn is_of(&self, knobs: &Knobs) -> bool {
        (self.backlog, self.accept_rate, self.workers) == (knobs.backlog, knobs.accept_rate, knobs.workers)
    }

    /// The accept rate as text.
    pub fn accepts(&self) -> String {
        match self.accept_rate {
            AcceptRate::Paused => "0".to_owned(),
            AcceptRate::PerSecond(rate) => rate.to_string(),
            AcceptRate::Max => "max".to_owned(),
        }
    }
}

impl Sweep {
    /// A sweep without rows.
    pub fn new(seed: u64, duration_s: f64) -> Self {
        Self {
            schema: VERSION,
            kind: "sweep",
            kernel: None,
            rung: None,
            seed,
            duration_s,
            rows: Vec::new(),
            models: BTreeMap::new(),
            advice: Advice::default(),
        }
    }

    /// Takes a run: a row of its own, or the worst of those with the same settings. Rows are kept in order.
    pub fn take(&mut self, knobs: &Knobs, row: Row, model: Option<Model>) {
        self.models.extend(model.map(|model| (model.name(), model.assumptions())));
        if let Some(before) = self.rows.iter_mut().find(|before| before.is_of(knobs)) {
            before.again(row);
            return;
        }
        let same = |other: &Row| (other.accept_rate, other.workers) == (row.accept_rate, row.workers);
        let behind = self.rows.iter().position(|other| same(other) && other.backlog > row.backlog);
        let last = self.rows.iter().rposition(same).map(|last| last + 1);
        self.rows.insert(behind.or(last).unwrap_or(self.rows.len()), row);
    }

    /// The row of these settings.
    pub fn row(&self, knobs: &Knobs) -> Option<&Row> {
        self.rows.iter().find(|row| row.is_of(knobs))
    }

    /// Writes the table and the advice.
    ///
    /// # Errors
    /// The writer's own.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let heading = [
            (say!("backlog"), 10),
            (say!("accept/s"), 10),
            (say!("workers"), 9),
            (say!("started"), 9),
            (say!("accepted"), 10),
            (say!("lost"), 8),
            (say!("predicted"), 11),
            (say!("packets"), 9),
            (say!("connect p50"), 13),
            ("p99", 9),
            (say!("longest"), 10),
            (say!("longest wait"), 14),
            (say!("predicted"), 11),
        ];
        let heading: String = heading.into_iter().map(|(words, columns)| right(words, columns)).collect();
        writeln!(out, "{heading}")?;
        for row in &self.rows {
            writeln!(out, "{}", line(row))?;
        }
        writeln!(out)?;
        for (model, assumptions) in &self.models {
            let words = say!("predicted by {model}: {assumptions}", model, assumptions);
            writeln!(out, "{}", wrapped(&words, WIDTH, "  "))?;
        }
        writeln!(out, "{}", wrapped(&sanitize::line(&self.advice.sentence), WIDTH, ""))
    }
}

fn line(row: &Row) -> String {
    let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0} ms"));
    let cells = [
        (row.backlog.to_string(), 10),
        (if row.predicted.is_some() { row.accepts() } else { "-".to_owned() }, 10),
        (row.workers.map_or_else(|| "-".to_owned(), |workers| workers.to_string()), 9),
        (row.started.to_string(), 9),
        (row.accepted.to_string(), 10),
        (row.lost.to_string(), 8),
        (row.predicted.map_or_else(|| "-".to_owned(), |predicted| format!("{:.0}", predicted.clients_hit)), 11),
        (row.dropped_segments.to_string(), 9),
        (ms(row.connect_ms.p50), 13),
        (ms(row.connect_ms.p99), 9),
        (ms(row.connect_ms.max), 10),
        (ms(row.wait_ms.max), 14),
        (ms(row.predicted.and_then(|predicted| predicted.longest_wait_ms)), 11),
    ];
    cells.into_iter().map(|(text, columns)| right(&text, columns)).collect()
}

/// Columns of the sentences below the table.
const WIDTH: usize = 120;
