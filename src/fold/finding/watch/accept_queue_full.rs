//! The accept queue of a watched listener holds its capacity now.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict, seconds};
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "accept-queue-full", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
The accept queue holds as many connections as fit (limit + 1). Every further SYN is dropped without an answer, and every final ACK is
ignored: new clients hang in connect() and try again after 1, 2, 3 ... seconds, others believe that they are connected.
Kernel: sk_acceptq_is_full (include/net/sock.h): sk_ack_backlog > sk_max_ack_backlog.
What to do: if connections arrive faster than they are accepted all the time, only a faster accept() helps (more workers, less work
between two accept() calls); if they come in bursts, a backlog of the burst's size does. The limit is the smaller of the backlog and
net.core.somaxconn: raise both, then let the program call listen() again.";

fn check(context: &ListenerContext<'_>) -> Verdict {
    let listener = context.listener;
    let (Some(depth), Some(limit)) = (listener.reading.queue.depth, listener.reading.queue.limit) else {
        return Verdict::Absent;
    };
    if !listener.is_full() || listener.reading.address.port().is_none() {
        return Verdict::Absent;
    }
    let full = listener.accept_queue.full_since().map_or_else(Default::default, |since| context.now().since(since));
    let mut evidence =
        vec![("accept_queue_depth", f64::from(depth)), ("limit", f64::from(limit)), ("full_s", full.as_secs_f64())];
    evidence.extend(context.drops().map(|drops| ("drops", drops.listener as f64)));
    let holder = context.holder();
    Verdict::Found(Diagnosis {
        severity: Severity::Problem,
        evidence,
        sentence: Sentence::new(move || {
            say!(
                "accept queue full ({depth} of {capacity}, for {full}): every new SYN is dropped. {holder} must call accept() more often; a larger backlog than {limit} helps against bursts only.",
                depth,
                capacity = u64::from(limit) + 1,
                full = seconds(full),
                holder,
                limit
            )
        }),
    })
}
