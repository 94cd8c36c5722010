//! Clients that are connected on their side, while the server has ignored their ACK.

use super::{Check, Diagnosis, Rule, Sentence, Severity, Verdict, is_confirmed};
use crate::fold::connection::CombinedState;
use crate::fold::world::World;
use crate::model::cause::Cause;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "ghosts", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
A ghost is a client whose final ACK met a full accept queue. The kernel drops the ACK and keeps the request half-open; the
client got its SYN-ACK before, so it is connected (client's view) and may already send. Its connect() has succeeded, its request
hangs. When accept() makes room, or listen() makes the queue larger, the next repeated SYN-ACK gets it queued; if not, the request expires
after tcp_synack_retries repeats and the client gets a RST only when it sends.
Kernel: tcp_v4_syn_recv_sock (net/ipv4/tcp_ipv4.c), tcp_check_req (net/ipv4/tcp_minisocks.c).
What to do: empty the accept queue faster. net.ipv4.tcp_abort_on_overflow=1 makes the kernel send RST instead, so that such clients
fail at once; a SYN on a full queue stays silent even then.";

fn check(world: &World) -> Verdict {
    let now = world.roster.in_state(CombinedState::Ghost);
    if now == 0 {
        return Verdict::Absent;
    }
    if !is_confirmed(world, Cause::AckAcceptQueueFull) {
        return Verdict::TooEarly;
    }
    let total = world.clients.ghosts;
    Verdict::Found(Diagnosis {
        severity: Severity::Warning,
        actions: Vec::new(),
        evidence: vec![("ghosts_now", now.into()), ("ghosts_so_far", total as f64)],
        sentence: Sentence::new(move || sentence(total)),
    })
}

fn sentence(total: u64) -> String {
    if total == 1 {
        return say!(
            "1 ghost: its client is connected, but the full accept queue ignored its final ACK, until accept() makes room."
        )
        .to_owned();
    }
    say!(
        "{total} ghosts so far: their clients are connected, but the full accept queue ignored their final ACK, until accept() makes room.",
        total
    )
}
