//! A program that holds a round number of connections and takes no more.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict, seconds};
use crate::fold::finding::actions::more_connections;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "at-its-connection-limit", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
Connections wait, none is accepted, and the program holds a round number of them: many programs stop accepting at a limit of their own
(haproxy: maxconn, memcached: -c, nginx: worker_connections, MariaDB: max_connections). The number of connections is counted; that it is the
program's limit is read from its roundness, so look at its configuration.
Kernel: inet_csk_accept (net/ipv4/inet_connection_sock.c) is not called.
What to do: raise that limit, or close idle connections sooner; a longer queue only makes more clients wait.";

fn check(context: &ListenerContext<'_>) -> Verdict {
    let (listener, now) = (context.listener, context.now());
    let (Some(idle), Some(served)) = (listener.unaccepted(now), listener.served) else { return Verdict::Absent };
    if !context.is_at_a_round_number() || !context.stopped().is_empty() || context.out_of_descriptors().is_some() {
        return Verdict::Absent;
    }
    let (depth, holder) = (listener.depth(), context.holder());
    Verdict::Found(Diagnosis {
        severity: Severity::Problem,
        actions: more_connections(context, served),
        evidence: vec![
            ("accept_queue_depth", depth.into()),
            ("served", served.into()),
            ("unaccepted_s", idle.as_secs_f64()),
        ],
        sentence: Sentence::new(move || {
            say!(
                "{holder} holds {served} connections and has taken none for {idle}, while {depth} wait: is {served} its own limit (maxconn, -c, max_connections)?",
                holder,
                served,
                idle = seconds(idle),
                depth
            )
        }),
    })
}
