//! SYNs were dropped by the three-quarters rule of tcp_max_syn_backlog.

use super::context::LoggedFlood;
use super::{Action, Check, Diagnosis, Rule, Sentence, Severity, Verdict};
use crate::fold::world::World;
use crate::model::cause::Cause;
use crate::model::counters::Counter;
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
    if world.is_watched() {
        return watched(world);
    }
    let lost = world.ledger.lost(Cause::SynMaxSynBacklog);
    if lost.segments == 0 {
        return Verdict::Absent;
    }
    let max = world.sysctls.value(Sysctl::MaxSynBacklog).unwrap_or(0);
    Verdict::Found(Diagnosis {
        severity: Severity::Problem,
        actions: Vec::new(),
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

/// Of a listener of another program the counters tell it: drops without an overflow and without a full SYN queue, SYN cookies off.
fn watched(world: &World) -> Verdict {
    let off = world.sysctls.value(Sysctl::Syncookies) == Some(0);
    let counted = |counter| world.listeners.counters().value(counter);
    let (Some(drops), Some(overflows), Some(queue)) =
        (counted(Counter::ListenDrops), counted(Counter::ListenOverflows), counted(Counter::TCPReqQFullDrop))
    else {
        return Verdict::Absent;
    };
    let own = world.listeners.chosen().and_then(|listener| world.drops_of(listener)).unwrap_or_default();
    // All that the namespace dropped, this listener did, and nothing else can have refused it.
    let rest = drops.saturating_sub(overflows.saturating_add(queue));
    if !off || rest == 0 || own.at_least < drops {
        return Verdict::Absent;
    }
    let max = world.sysctls.value(Sysctl::MaxSynBacklog).unwrap_or(0);
    let logged = LoggedFlood::of_chosen(world);
    let counts = [
        ("segments", rest as f64),
        ("listen_drops", drops as f64),
        ("listen_overflows", overflows as f64),
        ("tcp_max_syn_backlog", max as f64),
    ];
    let (now, kept) = (|| say!("answer a full SYN queue with cookies").to_owned(), Severity::Problem);
    Verdict::Found(Diagnosis {
        severity: kept,
        actions: vec![Action::live(now, "sysctl -w net.ipv4.tcp_syncookies=1".to_owned())],
        evidence: counts.into_iter().chain(logged.evidence()).collect(),
        sentence: Sentence::new(move || {
            logged.after(say!(
                "{rest} SYNs dropped by the ¾ rule (max_syn_backlog = {max}, SYN cookies off): no queue overflowed. Turn SYN cookies on, or raise it.",
                rest,
                max
            ))
        }),
    })
}
