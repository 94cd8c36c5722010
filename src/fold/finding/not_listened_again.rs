//! somaxconn was changed after the last listen(): without effect so far.

use super::{Check, Diagnosis, Rule, Sentence, Severity, Verdict};
use crate::fold::world::World;
use crate::model::queue::effective_limit;
use crate::model::settings::Sysctl;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "not-listened-again", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
net.core.somaxconn is looked at only when listen() is called. It was changed since, so the listener still has the old limit.
Kernel: __sys_listen (net/socket.c) stores the limit in sk_max_ack_backlog; nothing updates it later.
What to do: let the program call listen() again on the same socket (nothing queued is lost), usually by restarting it.";

fn check(world: &World) -> Verdict {
    let Some(listening) = world.listening else { return Verdict::TooEarly };
    let somaxconn = world.sysctls.value(Sysctl::Somaxconn).and_then(|value| u32::try_from(value).ok());
    let (Some(limit), Some(somaxconn)) = (world.accept_limit(), somaxconn) else { return Verdict::TooEarly };
    let would_be = effective_limit(listening.backlog, somaxconn);
    if would_be == limit {
        return Verdict::Absent;
    }
    Verdict::Found(Diagnosis {
        severity: Severity::Warning,
        actions: Vec::new(),
        evidence: vec![
            ("limit", limit.into()),
            ("limit_after_listen", would_be.into()),
            ("somaxconn", somaxconn.into()),
        ],
        sentence: Sentence::new(move || {
            say!(
                "net.core.somaxconn is {somaxconn} now, but the limit is still {limit}: only listen() again makes it {would_be}.",
                somaxconn,
                limit,
                would_be
            )
        }),
    })
}
