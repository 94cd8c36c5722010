//! The program resets what it accepts.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict};
use crate::fold::world::World;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "reset-after-accept", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
The program takes connections out of the accept queue and resets them without a byte of answer: it closes them with SO_LINGER 0, or with data in
them that it has not read. Clients get ECONNRESET (\"connection reset by peer\"). Programs do that on purpose beyond a limit of their own (connections
of one address, no database, not ready yet), or by mistake. The queues have nothing to do with it: qviz sees the RST come from a connection that was
accepted, while the listener goes on.
Kernel: __tcp_close (net/ipv4/tcp.c): unread data or a linger time of 0 sends RST instead of FIN; TCPAbortOnClose, TCPAbortOnData.
What to do: look into the program's own log and limits; no setting of the kernel changes it.";

/// Fewer are single clients.
const ENOUGH: u64 = 10;

fn check(world: &World) -> Verdict {
    let reset = world.reset_after_accept();
    let accepted = world.clients.accepted.max(reset);
    let Some(listener) = world.listeners.chosen().filter(|_| world.is_watched() && reset > 0) else {
        return Verdict::Absent;
    };
    // Where most are answered it is the odd client that has sent too much.
    if reset < ENOUGH || reset * 2 < accepted {
        return Verdict::TooEarly;
    }
    let holder = ListenerContext::of(world, listener).holder();
    Verdict::Found(Diagnosis {
        severity: Severity::Warning,
        actions: Vec::new(),
        evidence: vec![("reset_after_accept", reset as f64), ("accepted", accepted as f64)],
        sentence: Sentence::new(move || {
            say!(
                "{holder} reset {reset} of {accepted} connections that it had accepted, without a byte of answer: its own doing (a limit, unread data), not the queue's. Its log says why.",
                holder,
                reset,
                accepted
            )
        }),
    })
}
