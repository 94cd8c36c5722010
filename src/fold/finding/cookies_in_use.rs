//! The kernel answers with SYN cookies.

use super::{Check, Diagnosis, Rule, Sentence, Severity, Verdict, context};
use crate::fold::world::World;
use crate::model::counters::Counter;
use crate::model::settings::Sysctl;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "cookies-in-use", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
The SYN queue was full (or net.ipv4.tcp_syncookies is 2), so the kernel answered SYNs with a cookie: a sequence number from which
it can make the connection later without having kept a request. Clients get in all the same, but without window scaling and SACK
unless they use timestamps, and a lost SYN-ACK is not repeated by the server.
Kernel: tcp_syn_flood_action, cookie_v4_init_sequence (net/ipv4/syncookies.c).
What to do: find out why the SYN queue is full: a backlog too small for the round-trip time (entries = arrivals x round trip), or
clients that do not answer.";

fn check(world: &World) -> Verdict {
    // Seen from the side the wire does not always tell a cookie: the counters do, unless other listeners share them.
    let own = world.is_watched() || world.began.as_ref().is_some_and(|began| began.private_counters);
    let counted =
        |counter, known| context::counter(world, counter).filter(|_| own && !world.delivers()).unwrap_or(known);
    let sent = counted(Counter::SyncookiesSent, world.ledger.cookies_sent);
    let redeemed = counted(Counter::SyncookiesRecv, world.ledger.cookies_redeemed);
    if sent == 0 || !is_its_own(world) {
        return Verdict::Absent;
    }
    if context::counter(world, Counter::SyncookiesSent) == Some(0) {
        return Verdict::TooEarly;
    }
    let logged = context::LoggedFlood::of_chosen(world);
    let crowded = world.listeners.chosen().is_some_and(|listener| listener.half_full_since.is_some());
    let counts = [("cookies_sent", sent as f64), ("cookies_redeemed", redeemed as f64)];
    let always = world.sysctls.value(Sysctl::Syncookies) == Some(2);
    Verdict::Found(Diagnosis {
        severity: Severity::Note,
        actions: Vec::new(),
        evidence: counts.into_iter().chain(logged.evidence()).collect(),
        sentence: Sentence::new(move || {
            let repeated = if redeemed > sent { say!(" (each is counted as often as it comes)") } else { "" };
            if always {
                return say!(
                    "tcp_syncookies is 2: SYN-ACKs with a cookie: {sent}, ACKs that brought a valid one back: {redeemed}{repeated}.",
                    sent,
                    redeemed,
                    repeated
                );
            }
            let words = say!(
                "the SYN queue was full: SYN-ACKs with a cookie: {sent}, ACKs that brought a valid one back: {redeemed}{repeated}.",
                sent,
                redeemed,
                repeated
            );
            // A crowded SYN queue has said it.
            if crowded { words } else { logged.after(words) }
        }),
    })
}

/// The counters are of all listeners of the network namespace: of one of several the wire tells, or a SYN queue that was seen full.
fn is_its_own(world: &World) -> bool {
    let Some(chosen) = world.listeners.chosen().filter(|_| world.is_watched()) else { return true };
    let tcp = world.listeners.by_id.values().filter(|listener| listener.reading.address.port().is_some());
    let alone = tcp.filter(|listener| listener.gone.is_none()).count() == 1;
    let full = chosen.reading.queue.limit.is_some_and(|limit| chosen.half_open_max >= limit.max(1));
    alone || full || world.ledger.cookies_sent > 0
}
