//! Many requests stay half-open: their clients do not answer.

use std::collections::BTreeSet;
use std::time::Duration;

use super::context::{LoggedFlood, is_one_of_several};
use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict};
use crate::fold::connection::{ClientSide, CombinedState, Connection};
use crate::fold::world::World;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "half-open-pile-up", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
At least half of the SYN queue is held by requests whose clients have not answered for more than three seconds: a SYN flood,
clients behind a network that loses the SYN-ACK, or clients that vanished. Each stays until its SYN-ACK was repeated
tcp_synack_retries times (about 63 s with 5), less under pressure.
Kernel: reqsk_timer_handler (net/ipv4/inet_connection_sock.c).
What to do: keep net.ipv4.tcp_syncookies=1, so that a full SYN queue does not drop real clients; lower
net.ipv4.tcp_synack_retries to shorten the stay; look at where the requests come from.";

/// Longer than any round trip.
const LONG: Duration = Duration::from_secs(3);

/// A request older than this is suspicious.
const SUSPICIOUS: Duration = Duration::from_secs(1);

fn check(world: &World) -> Verdict {
    let Some(capacity) = world.syn_capacity().filter(|capacity| *capacity > 0) else { return Verdict::TooEarly };
    if world.syn_queue.depth() * 2 < capacity {
        return Verdict::Absent;
    }
    if world.is_watched() && is_one_of_several(world) {
        return Verdict::Absent;
    }
    // A full accept queue ignores final ACKs: who has answered looks as if it had not.
    let full = world.listeners.chosen().is_some_and(|listener| ListenerContext::of(world, listener).is_mostly_full());
    if world.is_watched() && full {
        return Verdict::Covered;
    }
    // A client that does not answer gets its SYN-ACK again after a second; one that did, under TCP_DEFER_ACCEPT, does not.
    let answered: BTreeSet<_> = if world.is_watched() {
        let listed = world.listed.half_open.iter().flatten();
        listed.filter(|request| request.retransmits == 0).map(|request| request.peer).collect()
    } else {
        BTreeSet::new()
    };
    let older_than = |age| {
        // A final ACK in flight is an answer, however slow.
        let silent = |connection: &&Connection| {
            connection.belief() == CombinedState::HalfOpen
                && connection.client != ClientSide::Connected
                && !answered.contains(&connection.peer)
                && world.now.since(connection.server_since) > age
        };
        world.roster.requests().filter(silent).count()
    };
    let old = older_than(LONG);
    if old * 2 < capacity as usize {
        let suspicious = older_than(SUSPICIOUS) * 2 >= capacity as usize;
        return if suspicious { Verdict::TooEarly } else { Verdict::Absent };
    }
    let logged = LoggedFlood::of_chosen(world);
    let seen = [("silent_requests", old as f64), ("syn_capacity", capacity.into())];
    Verdict::Found(Diagnosis {
        severity: Severity::Warning,
        actions: Vec::new(),
        evidence: seen.into_iter().chain(logged.evidence()).collect(),
        sentence: Sentence::new(move || {
            say!(
                "{old} of {capacity} places in the SYN queue are occupied by clients that do not answer: a SYN flood, or lost SYN-ACKs.",
                old,
                capacity
            )
        }),
    })
}
