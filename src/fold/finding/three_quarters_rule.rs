//! SYNs were dropped by the three-quarters rule of tcp_max_syn_backlog.

use super::{Check, Diagnosis, Rule, Sentence, Severity, Verdict};
use crate::fold::world::World;
use crate::model::cause::Cause;
use crate::model::settings::Sysctl;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "three-quarters-rule", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
With SYN cookies off, the kernel keeps the last quarter of net.ipv4.tcp_max_syn_backlog for peers that it already knows: a SYN of
an unknown peer is dropped as soon as less than a quarter is left. Only ListenDrops moves, so this looks like nothing at all in
most monitors.
Kernel: tcp_conn_request (net/ipv4/tcp_input.c), the test max_syn_backlog - qlen < max_syn_backlog >> 2.
What to do: net.ipv4.tcp_syncookies=1 (then tcp_max_syn_backlog does not limit at all), or raise tcp_max_syn_backlog.";

fn check(world: &World) -> Verdict {
    let lost = world.ledger.lost(Cause::SynMaxSynBacklog);
    if lost.segments == 0 {
        return Verdict::Absent;
    }
    let max = world.sysctls.value(Sysctl::MaxSynBacklog).unwrap_or(0);
    Verdict::Found(Diagnosis {
        severity: Severity::Problem,
        evidence: vec![
            ("segments", lost.segments as f64),
            ("clients", lost.clients as f64),
            ("tcp_max_syn_backlog", max as f64),
        ],
        sentence: Sentence::new(move || {
            say!(
                "{syns} SYNs of {clients} clients dropped by the ¾ rule (max_syn_backlog = {max}): turn SYN cookies on, or raise it.",
                syns = lost.segments,
                clients = lost.clients,
                max
            )
        }),
    })
}
