//! For a moment the accept queue held more than its capacity: processors that finish handshakes at the same moment.

use super::{Check, Diagnosis, Rule, Sentence, Severity, Verdict};
use crate::fold::world::World;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "above-capacity", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
The accept queue held more connections than its limit + 1. The kernel asks whether the queue is full before it makes the connection,
and adds the connection later, without a lock in between: processors that finish handshakes at the same moment can each find
the last place free. One more fits for each further processor, never more, until accept() has made room again.
Kernel: sk_acceptq_is_full in tcp_v4_syn_recv_sock (net/ipv4/tcp_ipv4.c), then inet_csk_reqsk_queue_add
(net/ipv4/inet_connection_sock.c). With two processors and one place left, both of 48 of 2,000 pairs of clients were queued (Linux 6.18).
What to do: nothing. Drops begin one connection later at that moment.";

fn check(world: &World) -> Verdict {
    let Some((depth, capacity)) = world.accept_queue.above_capacity() else { return Verdict::Absent };
    Verdict::Found(Diagnosis {
        severity: Severity::Note,
        actions: Vec::new(),
        evidence: vec![("depth", depth.into()), ("capacity", capacity.into())],
        sentence: Sentence::new(move || {
            say!(
                "the accept queue held {depth} of {capacity}: processors that finish handshakes at the same moment can each take the last place.",
                depth,
                capacity
            )
        }),
    })
}
