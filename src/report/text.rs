//! The summary in plain text: what an engineer reads after a run.

mod programs;
mod tables;

use std::borrow::Cow;
use std::io::{self, Write};

use super::summary::{Quantiles, Summary};
use crate::fold::finding::Severity;
use crate::say;
use crate::text::sanitize;
use crate::text::wrap::{hanging, left};

/// The marks of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// `✓`, `±`, `·`.
    Unicode,
    /// ASCII alone.
    Ascii,
}

impl Marks {
    /// A text with what has no ASCII character written out, where only ASCII is printed.
    pub(in crate::report) fn plain(self, text: &str) -> Cow<'_, str> {
        if self == Self::Ascii { text.replace('¾', "3/4").into() } else { text.into() }
    }

    pub(in crate::report) const fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self {
            Self::Unicode => unicode,
            Self::Ascii => ascii,
        }
    }
}

/// Writes the summary, its sentences in lines of at most `columns`.
///
/// # Errors
/// The writer's own.
pub fn write(out: &mut dyn Write, summary: &Summary, marks: Marks, columns: usize) -> io::Result<()> {
    heading(out, summary, marks, columns)?;
    tables::queues(out, summary)?;
    tables::drops(out, summary, marks)?;
    tables::counters(out, summary, marks, columns)?;
    clients(out, summary, marks, columns)?;
    findings(out, summary, columns)?;
    own_losses(out, summary, columns)?;
    programs::write(out, summary)?;
    if let Some(repeat) = &summary.repeat {
        writeln!(out, "\n{}", say!("Reproduce: {command}", command = sanitize::line(repeat)))?;
    }
    Ok(())
}

fn heading(out: &mut dyn Write, summary: &Summary, marks: Marks, columns: usize) -> io::Result<()> {
    let dot = marks.pick(" · ", ", ");
    let listener = &summary.listener;
    let address = listener.address.as_deref().unwrap_or(say!("no listener"));
    let place = match summary.rung {
        Some("lab") => say!("in a private network"),
        Some(_) => say!("on this host's loopback"),
        None => say!("nowhere"),
    };
    let backlog = listener.backlog.map_or_else(|| "-".to_owned(), |backlog| backlog.to_string());
    let kernel = summary.kernel.as_deref().unwrap_or("?");
    let seed = say!("seed {seed}", seed = number(summary.seed));
    let run = format!("Linux {kernel}{dot}{:.1} s{dot}{seed}", summary.duration_s);
    let head = format!("qviz{dot}{address}{dot}listen({backlog}) {place}{dot}{run}");
    writeln!(out, "{}", hanging("", &head, columns))?;
    if let (Some(limit), Some(backlog)) = (listener.accept_limit, listener.backlog)
        && i64::from(limit) < i64::from(backlog)
    {
        let ceiling = number(listener.somaxconn);
        let clamped = say!(
            "The kernel made {limit} of the backlog {backlog}: net.core.somaxconn is {ceiling}.",
            limit,
            backlog,
            ceiling
        );
        writeln!(out, "{}", hanging("", &clamped, columns))?;
    }
    if let Some(fallback) = &summary.fallback {
        // One line, however long: it ends in a command to be copied.
        writeln!(out, "{}", say!("Note: {words}", words = sanitize::line(fallback)))?;
    }
    Ok(())
}

fn clients(out: &mut dyn Write, summary: &Summary, marks: Marks, columns: usize) -> io::Result<()> {
    let clients = &summary.clients;
    let fates = [
        (clients.connected, say!("connected (client's view)")),
        (clients.accepted, say!("accepted")),
        (clients.finished, say!("completed")),
        (clients.refused, say!("refused (ECONNREFUSED)")),
        (clients.reset, say!("reset (ECONNRESET)")),
        (clients.timed_out, say!("timed out (ETIMEDOUT)")),
        (clients.vanished, say!("half-open, never answered")),
        (clients.ghosts, say!("ghosts for a while (connected in the client's view only)")),
        (clients.phantoms, say!("phantoms for a while (and the server has nothing)")),
        (clients.in_flight, say!("still under way at the end")),
    ];
    writeln!(out, "\n{} {:>9}", left(say!("CLIENTS"), 60), clients.started)?;
    for (count, words) in fates.into_iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "  {} {count:>9}", left(words, 58))?;
    }
    for (name, count) in clients.errors.iter().filter(|(_, count)| **count > 0) {
        writeln!(out, "  {} {count:>9}", left(&say!("failed before any SYN: {name}", name), 58))?;
    }
    if summary.connect_ms != Quantiles::default() {
        let dot = marks.pick(" · ", ", ");
        let spread = spread(&summary.connect_ms, dot);
        let until = say!("until connected (client's view): {spread}", spread);
        writeln!(out, "{}", hanging("  ", &until, columns))?;
    }
    Ok(())
}

fn findings(out: &mut dyn Write, summary: &Summary, columns: usize) -> io::Result<()> {
    if summary.findings.is_empty() && summary.undecided.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", say!("FINDINGS"))?;
    for finding in &summary.findings {
        let sentence = say!(
            "{weight} (from {since} s on): {sentence}",
            weight = weight(finding.severity),
            since = format_args!("{:.1}", finding.since_s),
            sentence = finding.sentence
        );
        writeln!(out, "{}", hanging("  ", &sentence, columns))?;
        writeln!(out, "    {}", say!("more: {command}", command = explain(&finding.rule)))?;
    }
    if !summary.undecided.is_empty() {
        let rules = say!("not enough data yet: {rules}", rules = summary.undecided.join(", "));
        writeln!(out, "{}", hanging("  ", &rules, columns))?;
    }
    Ok(())
}

fn own_losses(out: &mut dyn Write, summary: &Summary, columns: usize) -> io::Result<()> {
    let losses = &summary.losses;
    let lost = [
        (losses.tap_dropped, say!("segments that the packet tap lost: counts of segments are too low")),
        (
            losses.wire_dropped,
            say!("frames of real clients that the wire had no room for; their kernels send them again"),
        ),
        (losses.arrivals_skipped, say!("arrivals that were due and could not start")),
        (
            (losses.stood_still_s * 1e3).round() as u64,
            say!("milliseconds for which the clients' time stood still: the machine could not keep up"),
        ),
        (losses.detail_skipped, say!("details left out to keep up; sums are exact")),
        (losses.late_ticks, say!("event-loop delays over 1 ms")),
    ];
    let lost: Vec<_> = lost.into_iter().filter(|(count, _)| *count > 0).collect();
    if lost.is_empty() && !losses.saturated {
        return Ok(());
    }
    writeln!(out, "\n{}", say!("MEASUREMENT GAPS"))?;
    for (count, words) in lost {
        writeln!(out, "{}", hanging(&format!("  {count:>9}  "), words, columns))?;
    }
    if losses.saturated {
        let saturated = say!("The requested rate exceeds what this machine can do: it ran as fast as it could.");
        writeln!(out, "{}", hanging("  ", saturated, columns))?;
    }
    Ok(())
}

/// A distribution in one line.
fn spread(quantiles: &Quantiles, dot: &str) -> String {
    let Quantiles { p50, p90, p99, max } = *quantiles;
    format!("p50 {}{dot}p90 {}{dot}p99 {}{dot}{} {}", span(p50), span(p90), span(p99), say!("max"), span(max))
}

/// How much a finding matters, in a word.
pub(in crate::report) fn weight(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => say!("note"),
        Severity::Warning => say!("warning"),
        Severity::Problem => say!("PROBLEM"),
    }
}

/// The command that explains a rule.
pub(in crate::report) fn explain(rule: &str) -> String {
    format!("qviz explain {}", sanitize::line(rule))
}

/// A time given in milliseconds.
pub(in crate::report) fn span(ms: Option<f64>) -> String {
    match ms {
        None => "-".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(ms) if ms < 10.0 => format!("{ms:.2} ms"),
        Some(ms) if ms < 1000.0 => format!("{ms:.0} ms"),
        Some(ms) => format!("{:.2} s", ms / 1000.0),
    }
}

/// A number, `-` where it is not known.
pub(in crate::report) fn number(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// The width of sentences where no terminal says it.
pub const WIDTH: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::world::World;

    fn text(summary: &Summary, marks: Marks) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes, summary, marks, WIDTH).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_is_not_known_is_a_dash_and_never_a_zero() {
        let text = text(&Summary::of(&World::new()), Marks::Ascii);
        let queue = text.lines().find(|line| line.starts_with("SYN queue")).unwrap();
        assert!(queue.split_whitespace().skip(2).all(|cell| cell == "-"), "{queue}");
        assert!(text.contains("cannot be decided"), "{text}");
    }

    #[test]
    fn ascii_marks_are_ascii() {
        let mut summary = Summary::of(&World::new());
        summary.repeat = Some("qviz --seed 1".to_owned());
        assert!(text(&summary, Marks::Ascii).is_ascii());
        assert!(!text(&summary, Marks::Unicode).is_ascii());
    }

    #[test]
    fn a_clamped_backlog_is_reported() {
        let mut summary = Summary::of(&World::new());
        summary.listener.backlog = Some(10_000);
        summary.listener.accept_limit = Some(4096);
        summary.listener.somaxconn = Some(4096);
        assert!(text(&summary, Marks::Ascii).contains("made 4096 of the backlog 10000: net.core.somaxconn is 4096"));
    }

    #[test]
    fn times_have_a_unit_that_fits() {
        assert_eq!(span(Some(0.25)), "0.25 ms");
        assert_eq!(span(Some(400.4)), "400 ms");
        assert_eq!(span(Some(63_250.0)), "63.25 s");
    }
}
