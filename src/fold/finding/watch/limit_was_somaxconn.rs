//! somaxconn is larger than the limit now, and the limit is what somaxconn was.

use super::limit_is_somaxconn::asks_for_more;
use super::{Check, Diagnosis, Holder, ListenerContext, Rule, Sentence, Severity, Verdict};
use crate::fold::programs::known_default;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "limit-was-somaxconn", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
The listener's limit is below net.core.somaxconn, and it is just what that sysctl was before: either qviz saw it change, or the
limit is 128, its default before Linux 5.4. listen() reads the sysctl once; raising it later changes nothing for a socket that
already listens. From outside it is not visible whether the program asked for more than it got: a restart shows it.
Kernel: __sys_listen (net/socket.c) stores the limit in sk_max_ack_backlog; nothing updates it later.
What to do: restart the program, or let it call listen() again (nothing queued is lost). If the limit is the same afterwards, it is
the program's own backlog: change it there.";

/// net.core.somaxconn before Linux 5.4.
const OLD_DEFAULT: u32 = 128;

fn check(context: &ListenerContext<'_>) -> Verdict {
    if context.is_said_of_a_sibling() {
        return Verdict::Absent;
    }
    let (Some(limit), Some(somaxconn)) = (context.listener.reading.queue.limit, context.listeners().somaxconn_now())
    else {
        return Verdict::Absent;
    };
    let command = context.listener.owner.as_ref().map(|owner| owner.command.as_str());
    // Then it is what this program asks for.
    if known_default(limit, command).is_some() {
        return Verdict::Absent;
    }
    let asks = asks_for_more(context, limit);
    let seen = context.listeners().somaxconn.contains(&limit);
    let concerns = seen || context.is_strained() || context.is_asked_for();
    if limit >= somaxconn || !(seen || limit == OLD_DEFAULT) || !concerns {
        return Verdict::Absent;
    }
    let holder = context.holder();
    Verdict::Found(Diagnosis {
        severity: if seen || context.is_strained() { Severity::Warning } else { Severity::Note },
        actions: Vec::new(),
        evidence: vec![
            ("limit", limit.into()),
            ("somaxconn", somaxconn.into()),
            ("seen_to_change", f64::from(u8::from(seen))),
        ],
        sentence: Sentence::new(move || match asks {
            Some((program, default)) => say!(
                "the limit is {limit}, though {program} asks for {default} by default and net.core.somaxconn is {somaxconn}: it called listen() when the sysctl was {limit}, or it is set so. A restart of {holder} tells which.",
                limit,
                program = program.name,
                default,
                somaxconn,
                holder
            ),
            None => sentence(seen, limit, somaxconn, &holder),
        }),
    })
}

fn sentence(seen: bool, limit: u32, somaxconn: u32, holder: &Holder) -> String {
    if seen {
        say!(
            "net.core.somaxconn is {somaxconn} now, but this limit is still {limit}, what it was before: only listen() reads it. \
             Restart {holder} to make the queue longer.",
            somaxconn,
            limit,
            holder
        )
    } else {
        say!(
            "the limit is {limit} though net.core.somaxconn is {somaxconn}: the program asks for {limit}, or it called listen() when the \
             sysctl was {limit}. A restart of {holder} tells which.",
            limit,
            somaxconn,
            holder
        )
    }
}
