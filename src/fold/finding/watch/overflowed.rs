//! A watched listener has dropped, though it is not full now.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict};
use crate::fold::listeners::Drops;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "overflowed", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
The listener's own drop counter (sk_drops) is above zero: since it was made it has thrown SYNs or final ACKs away, most likely
because its accept queue was full. The queue is not full now: it was a burst, or a time in which the program did not accept. The
counter is noisy (a repeated SYN of a known request counts too), so qviz holds it against ListenDrops of the whole network namespace,
and says \"at most\" where the two cannot be told apart.
Kernel: tcp_listendrop (include/net/tcp.h) raises both.
What to do: leave qviz watch running with --record over the time in which it happens; if the queue fills in bursts, raise the
backlog to the height of the burst, else let the program accept faster.";

fn check(context: &ListenerContext<'_>) -> Verdict {
    let listener = context.listener;
    let Some(all) = listener.drops_since_made().filter(|drops| drops.listener > 0) else { return Verdict::Absent };
    if listener.is_full() {
        return Verdict::Absent;
    }
    let now = context.drops().unwrap_or_default();
    let severity = if now.listener > 0 { Severity::Warning } else { Severity::Note };
    let max = listener.accept_queue.max();
    Verdict::Found(Diagnosis {
        severity,
        evidence: vec![
            ("drops_since_made", all.listener as f64),
            ("drops_watched", now.listener as f64),
            ("drop_counter_noise", all.noise as f64),
            ("accept_queue_max", max.into()),
        ],
        sentence: Sentence::new(move || sentence(now, all)),
    })
}

fn sentence(now: Drops, all: Drops) -> String {
    let at_most = |drops: Drops| if drops.is_exact() { "" } else { say!("at most ") };
    if now.listener > 0 {
        say!(
            "the listener dropped {at_most}{count} packets since the watch began (its queue is not full now): the queue has overflowed. \
             If that was a burst, a larger backlog holds it; if accept() was slow, only a faster accept() helps.",
            at_most = at_most(now),
            count = now.listener
        )
    } else {
        say!(
            "the listener has dropped {at_most}{count} packets since it was made, none while watched: the queue has overflowed. If that \
             was a burst, a larger backlog holds it; if accept() was slow, only a faster accept() helps.",
            at_most = at_most(all),
            count = all.listener
        )
    }
}
