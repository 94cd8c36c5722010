//! Clients that send a RST instead of the handshake's last ACK.

use super::{Check, Diagnosis, Rule, Sentence, Severity, Verdict};
use crate::fold::world::World;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "syn-rst-checks", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
Clients send a SYN, get the SYN-ACK, and answer with a RST: health checks of load balancers (\"TCP half open\" checks) and port scanners do that
on purpose. The request is removed at once and never comes to accept(). The listener's drop counter moves by one for each; ListenDrops does
not: no client was lost.
Kernel: tcp_check_req (net/ipv4/tcp_minisocks.c), tcp_v4_rcv's discard_and_relse.
What to do: nothing; do not take that counter for lost clients.";

/// Fewer may be clients that changed their mind.
const ENOUGH: u64 = 3;

fn check(world: &World) -> Verdict {
    let resets = world.ledger.client_resets;
    if !world.is_watched() || resets == 0 {
        return Verdict::Absent;
    }
    if resets < ENOUGH {
        return Verdict::TooEarly;
    }
    Verdict::Found(Diagnosis {
        severity: Severity::Note,
        actions: Vec::new(),
        evidence: vec![("resets_of_requests", resets as f64)],
        sentence: Sentence::new(move || {
            say!(
                "{resets} handshakes ended with a RST of the client after the SYN-ACK: health checks or scans, no lost clients.",
                resets
            )
        }),
    })
}
