//! The limit of a watched listener is just net.core.somaxconn.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict};
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
    let (Some(limit), Some(somaxconn)) = (context.listener.reading.queue.limit, context.listeners().somaxconn_now())
    else {
        return Verdict::Absent;
    };
    if limit != somaxconn || !(context.is_strained() || context.is_asked_for()) {
        return Verdict::Absent;
    }
    let holder = context.holder();
    Verdict::Found(Diagnosis {
        severity: if context.is_strained() { Severity::Warning } else { Severity::Note },
        evidence: vec![("limit", limit.into()), ("somaxconn", somaxconn.into())],
        sentence: Sentence::new(move || {
            say!(
                "the limit {limit} is net.core.somaxconn: the program asked for that, or for more and was clamped. For a longer queue \
                 raise the sysctl in this network namespace, then restart {holder}; the sysctl alone changes nothing.",
                limit,
                holder
            )
        }),
    })
}
