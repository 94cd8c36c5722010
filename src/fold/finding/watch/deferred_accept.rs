//! Half-open requests that only look like a flood: TCP_DEFER_ACCEPT.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict};
use crate::model::counters::Counter;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "deferred-accept", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
With TCP_DEFER_ACCEPT (nginx: listen ... deferred; Apache's accept filter) the kernel leaves a connection half-open until the
client's first data has come: the final ACK alone is dropped and counted in TCPDeferAcceptDrop and in the listener's drop counter.
Such requests look like a SYN flood and such drops like an overflow; they are neither. qviz recognises them by that counter, and by
requests older than a second whose SYN-ACK was never repeated: a client that does not answer would have had a second one.
Kernel: tcp_check_req (net/ipv4/tcp_minisocks.c), rskq_defer_accept; inet_csk_reqsk_queue_prune's syn_ack_recalc.
What to do: nothing, or look for clients that connect and stay silent (health checks, pre-opened connections of browsers).";

/// Final ACKs that were deferred, in the whole network namespace.
const COUNTER: Counter = Counter::TCPDeferAcceptDrop;

/// A SYN-ACK without an answer is repeated after one second.
const FIRST_REPEAT_MS: u128 = 1100;

/// The chosen listener's requests that wait for their clients' first data, and by how much TCPDeferAcceptDrop has moved for them: while watched, or
/// since boot for those that were there before.
pub(super) fn deferred(context: &ListenerContext<'_>) -> Option<(usize, u64)> {
    let world = context.world;
    let silent = |peer| {
        let born = world.connection(peer).map(|listener| listener.server_since);
        born.is_some_and(|born| world.now.since(born).as_millis() > FIRST_REPEAT_MS)
    };
    let listed = world.listed.half_open.iter().flatten().filter(|_| context.is_chosen());
    let waiting = listed.filter(|request| request.retransmits == 0 && silent(&request.peer)).count();
    // What the option says is more than any sign of it.
    match context.listener.options.and_then(|options| options.defer_accept_s) {
        Some(0) => return None,
        Some(_) => return (waiting > 0).then(|| (waiting, context.listeners().counters().value(COUNTER).unwrap_or(0))),
        None => {}
    }
    let watched = context.listeners().counters().value(Counter::TCPDeferAcceptDrop);
    let since_boot = context.listeners().counters_last.as_ref().and_then(|all| all.value(Counter::TCPDeferAcceptDrop));
    let enough = since_boot.filter(|count| *count >= waiting as u64);
    watched.filter(|count| *count > 0).or(enough).filter(|_| waiting > 0).map(|count| (waiting, count))
}

fn check(context: &ListenerContext<'_>) -> Verdict {
    let Some((waiting, deferred)) = deferred(context) else { return Verdict::Absent };
    let option_s = context.listener.options.and_then(|options| options.defer_accept_s);
    Verdict::Found(Diagnosis {
        severity: Severity::Note,
        actions: Vec::new(),
        evidence: [("deferred_requests", waiting as f64), ("deferred_acks_in_namespace", deferred as f64)]
            .into_iter()
            .chain(option_s.map(|seconds| ("defer_accept_s", seconds.into())))
            .collect(),
        sentence: Sentence::new(move || {
            if let Some(seconds) = option_s {
                return say!(
                    "{waiting} half-open requests are older than a second and had no second SYN-ACK: the socket has TCP_DEFER_ACCEPT \
                     ({seconds} s), which waits for the clients' first data. This is no flood, and these are no drops.",
                    waiting,
                    seconds
                );
            }
            say!(
                "{waiting} half-open requests are older than a second and had no second SYN-ACK, and {deferred} final ACKs were \
                 deferred: this is TCP_DEFER_ACCEPT waiting for the clients' first data, not a flood and no drops.",
                waiting,
                deferred
            )
        }),
    })
}
