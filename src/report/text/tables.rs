//! The three tables of the summary: queues, drops by cause, the kernel's counters beside what has a name.

use std::io::{self, Write};

use super::{Marks, number, span};
use crate::model::ledger::{Cause, Ledger};
use crate::report::summary::{Quantiles, Summary, Verdict};

pub(super) fn queues(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let listener = &summary.listener;
    writeln!(out)?;
    writeln!(
        out,
        "{:<14}{:>7}{:>7}{:>7}{:>9}{:>10}   {:>9}{:>10}{:>10}{:>10}",
        "QUEUES", "limit", "holds", "max", "mean", "full for", "p50", "p90", "p99", "longest"
    )?;
    let read = summary.listener.accept_limit.is_some();
    let accept = &summary.accept_queue;
    let syn = &summary.syn_queue;
    let rows = [
        Row {
            name: "SYN queue",
            limit: listener.syn_limit,
            holds: listener.syn_capacity,
            max: syn.max,
            mean: syn.mean,
            full_s: syn.full_s,
            stay: syn.stay_ms,
        },
        Row {
            name: "accept queue",
            limit: listener.accept_limit,
            holds: listener.accept_capacity,
            max: read.then_some(accept.max),
            mean: accept.mean.filter(|_| read),
            full_s: read.then_some(accept.full_s),
            stay: accept.wait_ms,
        },
    ];
    rows.iter().try_for_each(|row| row.write(out))
}

pub(super) fn drops(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    writeln!(out, "\n{:<50}{:>9}{:>10}", "LOST", "packets", "clients")?;
    let mut none = 0;
    for (drop, cause) in summary.drops.iter().zip(Cause::ALL) {
        if drop.segments == Some(0) {
            none += 1;
            continue;
        }
        writeln!(out, "  {:<48}{:>9}{:>10}", cause.words(), number(drop.segments), number(drop.clients))?;
    }
    match none {
        0 => Ok(()),
        9 => writeln!(out, "  nothing"),
        _ => writeln!(out, "  {none} other causes: nothing"),
    }
}

pub(super) fn counters(out: &mut dyn Write, summary: &Summary, marks: Marks) -> io::Result<()> {
    writeln!(out, "\n{:<30}{:>14}{:>14}", "KERNEL'S COUNTERS", "kernel says", "has a name")?;
    let accountable = Ledger::default().expected().map(|(counter, _)| counter);
    let verdict = &summary.ledger;
    for counter in accountable {
        let kernel = summary.counters.value(counter);
        let missing = verdict.unexplained.iter().find(|one| one.counter == counter.name());
        let (accounted, mark) = match (missing, verdict.balanced, kernel) {
            (Some(one), _, _) => (Some(one.accounted), marks.pick("✗", "UNEXPLAINED")),
            (None, Some(_), Some(value)) => (Some(value), marks.pick("✓", "ok")),
            _ => (None, "?"),
        };
        writeln!(out, "  {:<28}{:>14}{:>14}  {mark}", counter.name(), number(kernel), number(accounted))?;
    }
    let drops = verdict.listener_drops;
    let mark = match (drops.kernel, drops.accounted) {
        (Some(kernel), Some(accounted)) if kernel == accounted => marks.pick("✓", "ok"),
        (Some(_), Some(_)) => marks.pick("✗", "UNEXPLAINED"),
        _ => "?",
    };
    let (kernel, accounted) = (number(drops.kernel), number(drops.accounted));
    writeln!(out, "  {:<28}{kernel:>14}{accounted:>14}  {mark}", "this listener's sk_drops")?;
    let others: Vec<_> = summary
        .counters
        .iter()
        .filter(|(counter, value)| !accountable.contains(counter) && value.is_some_and(|value| value > 0))
        .collect();
    for (counter, value) in others {
        writeln!(out, "  {:<28}{:>14}", counter.name(), number(value))?;
    }
    writeln!(out, "  {}", sentence(verdict))
}

/// The verdict in words.
fn sentence(verdict: &Verdict) -> String {
    match verdict.balanced {
        Some(true) => "Balanced: every drop has a name.".to_owned(),
        Some(false) => format!("NOT balanced: {} counters moved without a cause.", verdict.unexplained.len()),
        None => format!("Whether every drop has a name cannot be decided: {}.", verdict.reason.unwrap_or("not known")),
    }
}

/// One queue.
struct Row {
    name: &'static str,
    limit: Option<u32>,
    holds: Option<u32>,
    max: Option<u32>,
    mean: Option<f64>,
    full_s: Option<f64>,
    stay: Quantiles,
}

impl Row {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mean = self.mean.map(|mean| format!("{mean:.2}"));
        let full = self.full_s.map_or_else(|| "-".to_owned(), |full| span(Some(full * 1000.0)));
        let Quantiles { p50, p90, p99, max } = self.stay;
        write!(out, "{:<14}{:>7}{:>7}", self.name, number(self.limit), number(self.holds))?;
        write!(out, "{:>7}{:>9}{full:>10}   ", number(self.max), number(mean))?;
        writeln!(out, "{:>9}{:>10}{:>10}{:>10}", span(p50), span(p90), span(p99), span(max))
    }
}
