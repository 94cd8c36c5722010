//! A unix stream socket's queue is full, now or for most of the last seconds.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict, fullness};
use crate::fold::finding::actions::longer_queue;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "unix-socket-full", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
The queue of a unix stream socket is full. Nothing is dropped here and no counter moves: connect() of a non-blocking client fails at
once with EAGAIN (nginx writes \"connect() to unix:... failed (11: Resource temporarily unavailable)\" and answers 502), a blocking
one waits in connect() until there is room.
Kernel: unix_stream_connect, unix_recvq_full (net/unix/af_unix.c): the same test as for TCP, so the queue holds limit + 1.
What to do: let the program accept faster (PHP-FPM: pm.max_children, slow scripts), or give it a longer queue (PHP-FPM:
listen.backlog) and net.core.somaxconn that allows it, then restart it.";

fn check(context: &ListenerContext<'_>) -> Verdict {
    let listener = context.listener;
    let (Some(depth), Some(limit)) = (listener.reading.queue.depth, listener.reading.queue.limit) else {
        return Verdict::Absent;
    };
    if !context.is_mostly_full() || listener.reading.address.port().is_some() {
        return Verdict::Absent;
    }
    let (full, span) = listener.full_lately(context.now());
    let (holder, empties) = (context.holder(), listener.empties(context.now()));
    let explained = context.has_its_reason() || listener.is_stalled(context.now());
    let actions = if empties == Some(true) { longer_queue(context) } else { Vec::new() };
    let (address, lately) = (listener.reading.address.clone(), fullness(context));
    Verdict::Found(Diagnosis {
        severity: Severity::Problem,
        actions,
        evidence: vec![
            ("accept_queue_depth", depth.into()),
            ("limit", limit.into()),
            ("full_s", listener.full(context.now()).as_secs_f64()),
            ("full_of_last_s", full.as_secs_f64()),
            ("last_s", span.as_secs_f64()),
        ],
        sentence: Sentence::new(move || {
            let (capacity, lately, address) = (u64::from(limit) + 1, lately.words(), address.to_string());
            if explained {
                return say!(
                    "the queue of {address} is full ({depth} of {capacity}, {lately}): connect() fails with EAGAIN, or blocks.",
                    address,
                    depth,
                    capacity,
                    lately
                );
            }
            if empties == Some(true) {
                return say!(
                    "the queue of {address} is full ({depth} of {capacity}, {lately}): connect() fails with EAGAIN, or blocks. It empties in between: a longer queue absorbs such bursts.",
                    address,
                    depth,
                    capacity,
                    lately
                );
            }
            say!(
                "the queue of {address} is full ({depth} of {capacity}, {lately}): connect() fails with EAGAIN, or blocks. {holder} must accept faster, or be more workers; a longer queue only makes more clients wait.",
                address,
                depth,
                capacity,
                lately,
                holder
            )
        }),
    })
}
