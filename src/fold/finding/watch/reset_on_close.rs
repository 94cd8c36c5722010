//! A listening socket was closed while connections waited in it.

use std::time::Duration;

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict, seconds};
use crate::fold::finding::Action;
use crate::fold::listeners::ListenerState;
use crate::model::counters::Counter;
use crate::model::settings::Sysctl;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "reset-on-close", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
A listening socket was closed (a restart, a reload, a worker of an SO_REUSEPORT group that ended) while connections waited in its queue. The kernel
resets all of them: clients that were connected and had sent their requests get ECONNRESET. With net.ipv4.tcp_migrate_req=1 it moves them to another
socket of the group instead.
Kernel: inet_csk_listen_stop, inet_child_forget (net/ipv4/inet_connection_sock.c), reuseport_migrate_sock (net/core/sock_reuseport.c).
What to do: hand the socket over instead of closing it (socket activation, a reload that keeps it), accept what waits before the close, or set
tcp_migrate_req for groups.";

/// For so long it is told.
const NEWS: Duration = Duration::from_secs(30);

fn check(context: &ListenerContext<'_>) -> Verdict {
    let (listener, now) = (context.listener, context.now());
    let listeners = context.listeners();
    let siblings = listeners.wanted().filter(|other| other.reading.address == listener.reading.address);
    let closed: Vec<&ListenerState> = siblings
        .filter(|other| other.closed_with > 0 && other.gone.is_some_and(|gone| now.since(gone) <= NEWS))
        .collect();
    let first = context.group().members.iter().map(|member| member.id()).min() == Some(listener.id());
    let Some(ago) = closed.iter().filter_map(|other| other.gone).max().map(|gone| now.since(gone)) else {
        return Verdict::Absent;
    };
    if !first || listener.reading.address.port().is_none() {
        return Verdict::Absent;
    }
    let waiting: u32 = closed.iter().map(|other| other.closed_with).sum();
    let counters = listeners.counters();
    let moved = counters.value(Counter::TCPMigrateReqSuccess).unwrap_or(0);
    let resets = counters.value(Counter::OutRsts);
    let migrates = context.world.sysctls.value(Sysctl::MigrateReq) == Some(1);
    // Without resets they were accepted before the close.
    let reset = u64::from(waiting).saturating_sub(moved).min(resets.unwrap_or(u64::MAX));
    if reset == 0 {
        return Verdict::Absent;
    }
    let what = || say!("let the kernel move them to another socket of the group from now on").to_owned();
    let line = Action::live(what, "sysctl -w net.ipv4.tcp_migrate_req=1".to_owned());
    let (helps, address) =
        (!migrates && listener.since < now.saturating_sub(ago), listener.reading.address.to_string());
    Verdict::Found(Diagnosis {
        severity: Severity::Warning,
        actions: if helps { vec![line] } else { Vec::new() },
        evidence: vec![
            ("waiting_at_close", waiting.into()),
            ("reset_at_most", reset as f64),
            ("closed_ago_s", ago.as_secs_f64()),
        ],
        sentence: Sentence::new(move || {
            say!(
                "a socket of {address} was closed {ago} ago while {waiting} connections waited in it: the kernel reset {reset} of them at most (ECONNRESET).",
                address,
                ago = seconds(ago),
                waiting,
                reset
            )
        }),
    })
}
