//! Clients connected by a cookie whose ACK the server has dropped.

use super::{Check, Diagnosis, Rule, Sentence, Severity, Verdict, is_confirmed};
use crate::fold::world::World;
use crate::model::cause::Cause;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "phantoms", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
A phantom is a client whose valid SYN cookie met a full accept queue. The server keeps nothing of it, not even a half-open request,
so it will never repeat its SYN-ACK; the client is connected (client's view), until its data stays without an
answer. SYN cookies protect the SYN queue; they do not make a slow accept() faster.
Kernel: cookie_v4_check (net/ipv4/syncookies.c), tcp_get_cookie_sock.
What to do: empty the accept queue faster, or give it a larger backlog if it was a burst.";

fn check(world: &World) -> Verdict {
    if world.clients.phantoms == 0 {
        return Verdict::Absent;
    }
    if !is_confirmed(world, Cause::AckCookieAcceptQueueFull) {
        return Verdict::TooEarly;
    }
    let count = world.clients.phantoms;
    Verdict::Found(Diagnosis {
        severity: Severity::Warning,
        actions: Vec::new(),
        evidence: vec![("phantoms_so_far", count as f64)],
        sentence: Sentence::new(move || sentence(count)),
    })
}

fn sentence(count: u64) -> String {
    if count == 1 {
        return say!(
            "1 phantom: its valid SYN cookie met a full accept queue; the client is connected, the server has nothing."
        )
        .to_owned();
    }
    say!(
        "{count} phantoms: their valid SYN cookies met a full accept queue; the clients are connected, the server has nothing.",
        count
    )
}
