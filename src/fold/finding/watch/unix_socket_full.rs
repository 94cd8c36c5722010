//! A unix stream socket's queue is full.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict, seconds};
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
    if !listener.is_full() || listener.reading.address.port().is_some() {
        return Verdict::Absent;
    }
    let full = listener.accept_queue.full_since().map_or_else(Default::default, |since| context.now().since(since));
    let (address, holder) = (listener.reading.address.clone(), context.holder());
    Verdict::Found(Diagnosis {
        severity: Severity::Problem,
        evidence: vec![("accept_queue_depth", depth.into()), ("limit", limit.into()), ("full_s", full.as_secs_f64())],
        sentence: Sentence::new(move || {
            say!(
                "the queue of {address} is full ({depth} of {capacity}, for {full}): connect() fails with EAGAIN, or blocks. {holder} \
                 must call accept() more often; a longer queue lets more of them wait instead.",
                address,
                depth,
                capacity = u64::from(limit) + 1,
                full = seconds(full),
                holder
            )
        }),
    })
}
