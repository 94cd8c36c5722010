//! The three tables of the summary: queues, drops by cause, counters beside the ledger.

use std::io::{self, Write};

use super::{Marks, number, span};
use crate::fold::ledger::Ledger;
use crate::model::cause::Cause;
use crate::model::counters::Counters;
use crate::report::summary::{Quantiles, Summary, Verdict};
use crate::say;
use crate::text::wrap::{hanging, left, right};

pub(super) fn queues(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let listener = &summary.listener;
    writeln!(out)?;
    let heading = [
        (say!("limit"), 6),
        (say!("holds"), 6),
        (say!("max"), 6),
        (say!("mean"), 7),
        (say!("full for"), 9),
        ("p50", 8),
        ("p90", 8),
        ("p99", 8),
        (say!("longest"), 9),
    ];
    let heading: String = heading.into_iter().map(|(words, columns)| right(words, columns)).collect();
    writeln!(out, "{}{heading}", left(say!("QUEUES"), 13))?;
    let read = summary.listener.accept_limit.is_some();
    let accept = &summary.accept_queue;
    let syn = &summary.syn_queue;
    let rows = [
        Row {
            name: say!("SYN queue"),
            limit: listener.syn_limit,
            holds: listener.syn_capacity,
            max: syn.max,
            mean: syn.mean,
            full_s: syn.full_s,
            stay: syn.stay_ms,
        },
        Row {
            name: say!("accept queue"),
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

pub(super) fn drops(out: &mut dyn Write, summary: &Summary, marks: Marks) -> io::Result<()> {
    let heading = [left(say!("LOST"), 50), right(say!("packets"), 9), right(say!("clients"), 10)];
    writeln!(out, "\n{}", heading.concat())?;
    let mut none = 0;
    for (drop, cause) in summary.drops.iter().zip(Cause::ALL) {
        if drop.segments == Some(0) {
            none += 1;
            continue;
        }
        writeln!(
            out,
            "  {}{:>9}{:>10}",
            left(&marks.plain(cause.words()), 48),
            number(drop.segments),
            number(drop.clients)
        )?;
    }
    match none {
        0 => Ok(()),
        9 => writeln!(out, "  {}", say!("nothing")),
        _ => writeln!(out, "  {}", say!("{count} other causes: nothing", count = none)),
    }
}

pub(super) fn counters(out: &mut dyn Write, summary: &Summary, marks: Marks, columns: usize) -> io::Result<()> {
    let heading = [left(say!("KERNEL'S COUNTERS"), 30), right(say!("kernel says"), 14), right(say!("explained"), 14)];
    writeln!(out, "\n{}", heading.concat())?;
    let accountable = Ledger::default().expected().map(|(counter, _)| counter);
    let verdict = &summary.ledger;
    for counter in accountable {
        let kernel = summary.counters.value(counter);
        let missing = verdict.unexplained.iter().find(|entry| entry.counter == counter.name());
        let (accounted, mark) = match (missing, verdict.balanced, kernel) {
            (Some(entry), _, _) => (Some(entry.accounted), marks.pick("✗", say!("UNEXPLAINED"))),
            (None, Some(_), Some(value)) => (Some(value), marks.pick("✓", say!("ok"))),
            _ => (None, "?"),
        };
        writeln!(out, "  {:<28}{:>14}{:>14}  {mark}", counter.name(), number(kernel), number(accounted))?;
    }
    let drops = verdict.listener_drops;
    let mark = match (drops.kernel, drops.accounted) {
        (Some(kernel), Some(accounted)) if kernel == accounted => marks.pick("✓", say!("ok")),
        (Some(_), Some(_)) => marks.pick("✗", say!("UNEXPLAINED")),
        _ => "?",
    };
    let (kernel, accounted) = (number(drops.kernel), number(drops.accounted));
    writeln!(out, "  {}{kernel:>14}{accounted:>14}  {mark}", left(say!("this listener's sk_drops"), 28))?;
    let others: Vec<_> = summary
        .counters
        .iter()
        .filter(|(counter, value)| !accountable.contains(counter) && value.is_some_and(|value| value > 0))
        .collect();
    for (counter, value) in others {
        writeln!(out, "  {:<28}{:>14}", counter.name(), number(value))?;
    }
    writeln!(out, "{}", hanging("  ", &sentence(verdict), columns))?;
    client_counters(out, summary)
}

/// What the clients' own kernel counted, as far as anything moved.
fn client_counters(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let counters = summary.client_counters.iter().flat_map(Counters::iter);
    let moved: Vec<_> = counters.filter(|(_, value)| value.is_some_and(|value| value > 0)).collect();
    if moved.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}{}", left(say!("CLIENTS' COUNTERS"), 30), right(say!("kernel says"), 14))?;
    for (counter, value) in moved {
        writeln!(out, "  {:<28}{:>14}", counter.name(), number(value))?;
    }
    Ok(())
}

/// The verdict in words.
fn sentence(verdict: &Verdict) -> String {
    match verdict.balanced {
        Some(true) => say!("Balanced: every drop accounted for.").to_owned(),
        Some(false) => {
            say!("NOT balanced: {count} counters moved without a cause.", count = verdict.unexplained.len())
        }
        None => say!(
            "Whether every drop is accounted for cannot be decided: {reason}.",
            reason = verdict.reason.unwrap_or(say!("not known"))
        ),
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
        write!(out, "{}{:>6}{:>6}", left(self.name, 13), number(self.limit), number(self.holds))?;
        write!(out, "{:>6}{:>7}{full:>9}", number(self.max), number(mean))?;
        writeln!(out, "{:>8}{:>8}{:>8}{:>9}", span(p50), span(p90), span(p99), span(max))
    }
}
