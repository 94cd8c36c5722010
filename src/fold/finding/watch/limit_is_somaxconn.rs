//! The limit of a watched listener is just net.core.somaxconn.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict};
use crate::fold::finding::actions::longer_queue;
use crate::fold::programs::{KnownProgram, programs_of};
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "limit-is-somaxconn", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
The listener's limit equals net.core.somaxconn. listen() takes the smaller of the program's backlog and this sysctl without a word,
so the program asked for just as much (Go, and every listen(-1), ask for somaxconn itself) or for more, and was clamped: how much it
asked for cannot be read from outside.
Kernel: __sys_listen (net/socket.c).
What to do: if this queue is too short, raise net.core.somaxconn in the listener's network namespace first (sysctl -w
net.core.somaxconn=N; a container has its own), then restart the program: only listen() reads it.";

fn check(context: &ListenerContext<'_>) -> Verdict {
    if context.is_said_of_a_sibling() {
        return Verdict::Absent;
    }
    let (Some(limit), Some(somaxconn)) = (context.listener.reading.queue.limit, context.listeners().somaxconn_now())
    else {
        return Verdict::Absent;
    };
    let strained = context.is_strained();
    if limit != somaxconn || !(strained || context.is_asked_for()) {
        return Verdict::Absent;
    }
    let empties = context.listener.empties(context.now());
    // A longer queue cures nothing while connections wait all the time.
    if strained && empties == Some(false) {
        return Verdict::Absent;
    }
    let cures = strained && empties == Some(true);
    let asks = asks_for_more(context, limit);
    let holder = context.holder();
    Verdict::Found(Diagnosis {
        severity: if cures { Severity::Warning } else { Severity::Note },
        actions: if cures { longer_queue(context) } else { Vec::new() },
        evidence: vec![("limit", limit.into()), ("somaxconn", somaxconn.into())],
        sentence: Sentence::new(move || match asks {
            Some((program, default)) => say!(
                "the limit {limit} is net.core.somaxconn: {program} asks for {default} by default and was cut to it. {holder} gets more after the sysctl is raised and it listens again.",
                limit,
                program = program.name,
                default,
                holder
            ),
            None => say!(
                "the limit {limit} is net.core.somaxconn: the program asked for that, or for more and was cut to it. The configuration of {holder} says which.",
                limit,
                holder
            ),
        }),
    })
}

/// The program that asks for more than `limit` by default.
pub(super) fn asks_for_more(context: &ListenerContext<'_>, limit: u32) -> Option<(&'static KnownProgram, u32)> {
    let command = context.listener.owner.as_ref()?.command.as_str();
    let mut programs = programs_of(command);
    let (program, None) = (programs.next()?, programs.next()) else { return None };
    program.largest_default().filter(|default| *default > limit).map(|default| (program, default))
}
