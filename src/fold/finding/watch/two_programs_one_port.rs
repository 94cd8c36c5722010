//! Two programs listen on one port.

use std::collections::BTreeSet;

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict};
use crate::fold::listeners::ListenerState;
use crate::model::watch::Address;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "two-programs-one-port", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
Several programs listen on the same port. With SO_REUSEPORT they share one address, and the kernel gives each connection to one of them by a
hash: clients reach now one, now the other. Or one is bound to a single address and the other to all: the more specific one takes its
connections, and the other never sees them.
Kernel: __inet_lookup_listener, compute_score (net/ipv4/inet_hashtables.c), reuseport_select_sock (net/core/sock_reuseport.c).
What to do: find out which of them is meant to answer there, often an old process that was not stopped.";

fn check(context: &ListenerContext<'_>) -> Verdict {
    if !context.is_asked_for() {
        return Verdict::Absent;
    }
    let listener = context.listener;
    let Some(mine) = listener.owner.as_ref() else { return Verdict::Absent };
    let others: Vec<_> = context.listeners().live().filter(|other| meets(listener, other)).collect();
    let names: BTreeSet<_> = others
        .iter()
        .filter_map(|other| other.owner.as_ref().filter(|owner| owner.command != mine.command))
        .map(|owner| (owner.pid, owner.command.clone()))
        .collect();
    let Some((pid, command)) = names.first().cloned() else { return Verdict::Absent };
    let shared = others.iter().any(|other| other.reading.address == listener.reading.address);
    let (address, holder) = (listener.reading.address.to_string(), context.holder());
    Verdict::Found(Diagnosis {
        severity: if shared { Severity::Warning } else { Severity::Note },
        actions: Vec::new(),
        evidence: vec![("other_pid", pid.into()), ("same_address", f64::from(u8::from(shared)))],
        sentence: Sentence::new(move || {
            if shared {
                return say!(
                    "two programs listen on {address}: {holder} and pid {pid} ({command}). The kernel gives each connection to one of them by a hash.",
                    address,
                    holder,
                    pid,
                    command
                );
            }
            say!(
                "two programs listen on this port: {holder} on {address}, and pid {pid} ({command}) on another address. The more specific address wins.",
                holder,
                address,
                pid,
                command
            )
        }),
    })
}

/// True when both may be meant by the same client: the same address, or one bound to all addresses of the other's family.
fn meets(listener: &ListenerState, other: &ListenerState) -> bool {
    let (Address::Tcp(mine), Address::Tcp(theirs)) = (&listener.reading.address, &other.reading.address) else {
        return false;
    };
    let covers = mine.ip().is_unspecified() || theirs.ip().is_unspecified();
    let family = mine.is_ipv4() == theirs.is_ipv4();
    listener.id() != other.id() && mine.port() == theirs.port() && family && (mine == theirs || covers)
}
