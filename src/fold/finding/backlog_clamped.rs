//! The backlog asked for is larger than somaxconn allows.

use super::{Check, Diagnosis, Rule, Sentence, Severity, Verdict};
use crate::fold::world::World;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "backlog-clamped", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
listen(backlog) silently takes the smaller of the backlog and net.core.somaxconn of the socket's network namespace. The program
asked for more than it got, and listen() reports no error.
Kernel: __sys_listen (net/socket.c).
What to do: sysctl -w net.core.somaxconn=N in that network namespace (a container has its own), then let the program call listen()
again, usually by restarting it. Raising the sysctl alone changes nothing for a socket that already listens.";

fn check(world: &World) -> Verdict {
    let Some(listening) = world.listening else { return Verdict::TooEarly };
    let (Some(limit), Some(somaxconn)) = (listening.limit, listening.somaxconn) else { return Verdict::TooEarly };
    let asked = listening.backlog.cast_unsigned();
    if limit >= asked || limit != somaxconn || listening.backlog < 0 {
        return Verdict::Absent;
    }
    Verdict::Found(Diagnosis {
        severity: Severity::Note,
        actions: Vec::new(),
        evidence: vec![("backlog", asked.into()), ("limit", limit.into()), ("somaxconn", somaxconn.into())],
        sentence: Sentence::new(move || {
            say!(
                "listen({asked}) was cut to {limit} by net.core.somaxconn = {somaxconn}: raise it, then listen() again.",
                asked,
                limit,
                somaxconn
            )
        }),
    })
}
