//! Connections in the accept queue that their clients have closed or reset.

use super::{Check, Diagnosis, Rule, Sentence, Severity, Verdict};
use crate::fold::world::World;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "dead-in-queue", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
Some entries of the accept queue belong to clients that have already closed or reset the connection. The kernel does not remove
them: they hold a place until accept() takes them, and the program will find EOF or ECONNRESET at its first read. Clients with a
short time-out in front of a slow server fill its queue with such entries.
Kernel: tcp_reset and tcp_fin leave the socket in the accept queue (inet_csk_accept takes it later).
What to do: empty the accept queue faster; give clients a time-out longer than the server's worst wait.";

fn check(world: &World) -> Verdict {
    let depth = world.accept_queue.depth();
    let closed = world.closed_in_queue().unwrap_or(0);
    if closed == 0 {
        let unread = world.segments.is_none() && world.listed.waiting.is_none() && depth > 0;
        return if unread { Verdict::TooEarly } else { Verdict::Absent };
    }
    Verdict::Found(Diagnosis {
        severity: Severity::Warning,
        actions: Vec::new(),
        evidence: vec![("dead_entries", closed.into()), ("accept_queue_depth", depth.into())],
        sentence: Sentence::new(move || {
            say!(
                "{closed} of {depth} queued connections were already closed by their clients but still occupy a slot.",
                closed,
                depth
            )
        }),
    })
}
