//! The accept queue of a watched listener holds its capacity, now or for most of the last seconds.

use super::full_again::{FullAgain, words_of};
use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict, fullness};
use crate::fold::finding::actions::longer_queue;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "accept-queue-full", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
The accept queue holds as many connections as fit (limit + 1). Every further SYN is dropped without an answer, and every final ACK is
ignored: new clients hang in connect() and try again after 1, 2, 3 ... seconds, others are connected (client's view).
Kernel: sk_acceptq_is_full (include/net/sock.h): sk_ack_backlog > sk_max_ack_backlog.
What to do: if connections arrive faster than they are accepted all the time, only a faster accept() helps (more workers, less work
between two accept() calls); if they come in bursts, a backlog of the burst's size does. The limit is the smaller of the backlog and
net.core.somaxconn: raise both, then let the program call listen() again.";

fn check(context: &ListenerContext<'_>) -> Verdict {
    let listener = context.listener;
    let (Some(depth), Some(limit)) = (listener.reading.queue.depth, listener.reading.queue.limit) else {
        return Verdict::Absent;
    };
    if !context.is_mostly_full() || listener.reading.address.port().is_none() {
        return Verdict::Absent;
    }
    let (full, span) = listener.full_lately(context.now());
    let mut evidence = vec![
        ("accept_queue_depth", f64::from(depth)),
        ("limit", f64::from(limit)),
        ("full_s", listener.full(context.now()).as_secs_f64()),
        ("full_of_last_s", full.as_secs_f64()),
        ("last_s", span.as_secs_f64()),
    ];
    evidence.extend(context.drops().map(|drops| ("drops", drops.listener as f64)));
    let harmless = context.is_full_without_harm();
    let explained = context.has_its_reason() || listener.is_stalled(context.now());
    let (holder, empties) = (context.holder(), listener.empties(context.now()));
    let actions = if empties == Some(true) { longer_queue(context) } else { Vec::new() };
    let (lately, capacity) = (fullness(context), u64::from(limit) + 1);
    let again = FullAgain::of(context).filter(|_| empties == Some(false));
    evidence.extend(again.iter().flat_map(FullAgain::evidence));
    Verdict::Found(Diagnosis {
        severity: if harmless { Severity::Warning } else { Severity::Problem },
        actions,
        evidence,
        sentence: Sentence::new(move || {
            let lately = lately.words();
            match empties {
                _ if explained => say!(
                    "accept queue full ({depth} of {capacity}, {lately}): SYNs that meet it are dropped, final ACKs ignored.",
                    depth,
                    capacity,
                    lately
                ),
                Some(true) => say!(
                    "accept queue full ({depth} of {capacity}, {lately}), empty in between: a longer queue absorbs such bursts. SYNs that meet it full are dropped.",
                    depth,
                    capacity,
                    lately
                ),
                Some(false) => say!(
                    "accept queue full ({depth} of {capacity}, {lately}), never empty: {holder} must call accept() more often. SYNs that meet it full are dropped; {longer}.",
                    depth,
                    capacity,
                    lately,
                    holder,
                    longer = words_of(again)
                ),
                None => say!(
                    "accept queue full ({depth} of {capacity}, {lately}): {holder} must call accept() more often, or have a longer queue if it empties in between. SYNs that meet it full are dropped.",
                    depth,
                    capacity,
                    lately,
                    holder
                ),
            }
        }),
    })
}
