//! The text after a watch without a screen.

use super::document::Diagnosis;
use super::table;
use crate::fold::listeners::ListenerChange;
use crate::fold::world::World;
use crate::model::counters::Counter;
use crate::model::watch::OwnerScope;
use crate::report::summary::seconds;
use crate::report::text::{Marks, explain, number, weight};
use crate::say;
use crate::text::sanitize;
use crate::text::wrap::hanging;

/// The most changes reported.
const CHANGES: usize = 20;

/// The most findings reported in full; the rest is counted.
const FINDINGS: usize = 20;

/// The table of one look, and below it what follows from it.
pub fn once(world: &World, marks: Marks, columns: usize) -> String {
    let parts = [table(world, marks), findings(world, columns)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The whole text: heading, table, findings, changes, what moved, what could not be seen.
pub fn text(world: &World, marks: Marks, columns: usize) -> String {
    let parts = [
        heading(world, marks, columns),
        table(world, marks),
        findings(world, columns),
        changes(world, columns),
        counters(world),
        unseen(world, columns),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn heading(world: &World, marks: Marks, columns: usize) -> String {
    let dot = marks.pick(" · ", ", ");
    let listeners = &world.listeners;
    let Some(watching) = &listeners.watching else { return format!("{}\n", say!("Nothing was watched.")) };
    let mut parts = vec!["qviz watch".to_owned()];
    parts.extend(watching.target.as_ref().map(|target| sanitize::line(&target.to_string())));
    parts.extend(
        watching.netns.as_deref().map(|netns| say!("network namespace of {netns}", netns = sanitize::line(netns))),
    );
    parts.push(format!("Linux {}", sanitize::line(&watching.kernel)));
    parts.push(format!("{:.1} s", listeners.now.since(listeners.since).as_secs_f64()));
    parts.push(format!("net.core.somaxconn {}", number(listeners.somaxconn_now())));
    format!("{}\n", hanging("", &parts.join(dot), columns))
}

fn findings(world: &World, columns: usize) -> String {
    let all = Diagnosis::all(world);
    if all.is_empty() {
        return String::new();
    }
    let mut lines = vec![format!("{}\n", say!("FINDINGS"))];
    for finding in all.iter().take(FINDINGS) {
        let since = format!("{:.1}", finding.since_s);
        let holds = if finding.in_force { say!("from {since} s on: ", since) } else { String::new() };
        let sentence = say!(
            "{weight}, {whose}{holds}{sentence}",
            weight = weight(finding.severity),
            whose = finding.listener.as_deref().map(|listener| say!("{listener}, ", listener)).unwrap_or_default(),
            holds,
            sentence = finding.sentence
        );
        lines.push(hanging("  ", &sentence, columns));
        for action in &finding.actions {
            let (what, command) = (&action.what, &action.command);
            let when = if action.live { "" } else { say!(" (after a restart)") };
            lines.push(format!("\n{}", hanging("    ", &say!("to do: {what}{when}", what, when), columns)));
            lines.push(format!("\n        {command}"));
        }
        lines.push(format!("\n    {}\n", say!("more: {command}", command = explain(&finding.rule))));
    }
    if all.len() > FINDINGS {
        lines.push(format!("  {}\n", say!("and {count} more", count = all.len() - FINDINGS)));
    }
    lines.concat()
}

fn changes(world: &World, columns: usize) -> String {
    let remarks = &world.listeners.changes;
    let line = |remark: &ListenerChange| {
        let moment = format!("  {:>9.1} s  ", seconds(remark.at));
        hanging(&moment, &sanitize::line(&remark.to_string()), columns) + "\n"
    };
    part(say!("CHANGES"), &remarks.iter().skip(remarks.len().saturating_sub(CHANGES)).map(line).collect::<Vec<_>>())
}

fn counters(world: &World) -> String {
    let change = world.listeners.counters();
    let moved = change.iter().filter_map(|(counter, value)| Some((counter, value.filter(|value| *value > 0)?)));
    let line = |(counter, value): (Counter, u64)| format!("  {:<28}{value:>12}\n", counter.name());
    part(say!("COUNTERS OF THE NETWORK NAMESPACE, all its sockets together"), &moved.map(line).collect::<Vec<_>>())
}

/// What was not visible, and the remedy.
fn unseen(world: &World, columns: usize) -> String {
    let Some(watching) = &world.listeners.watching else { return String::new() };
    let rights = &watching.rights;
    let mut lines = Vec::new();
    if !rights.tap {
        let why = rights.tap_refused.as_ref().map_or_else(|| say!("no packet tap").to_owned(), ToString::to_string);
        lines.push(say!("SYNs are not seen, so arrivals and accepts per second are unknown: {why}", why));
    }
    if rights.owners == OwnerScope::Own
        && let Some(why) = &rights.owners_refused
    {
        lines.push(say!("Some listeners stay without a process: {why}", why));
    }
    if world.listeners.tap.narrowed {
        lines.push(
            say!("More packets came than anybody can follow, so the tap took fewer, to spare the server: arrivals are those of short samples then, and drops of the chosen listener have no cause.")
                .to_owned(),
        );
    }
    let losses = world.losses;
    if losses.tap_dropped > 0 {
        lines.push(say!("The packet tap lost {count} segments: arrivals are too low.", count = losses.tap_dropped));
    }
    if losses.late_ticks > 0 {
        lines.push(say!("{count} readings came late: a short peak may have been missed.", count = losses.late_ticks));
    }
    let gaps = world.listeners.gaps.len();
    if gaps > 0 {
        lines.push(say!(
            "{count} times nothing was received for seconds: nothing is said about those times.",
            count = gaps
        ));
    }
    let line = |line: &String| format!("{}\n", hanging("  ", &sanitize::line(line), columns));
    part(say!("NOT SEEN"), &lines.iter().map(line).collect::<Vec<_>>())
}

/// Lines under a heading; nothing where there is none.
fn part(heading: &str, lines: &[String]) -> String {
    if lines.is_empty() { String::new() } else { format!("{heading}\n{}", lines.concat()) }
}
