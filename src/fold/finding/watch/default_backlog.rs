//! The limit of a watched listener is a default that is smaller than somaxconn.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict};
use crate::fold::finding::actions::longer_queue;
use crate::fold::programs::known_default;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "default-backlog", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
The listener's limit is the number that this program asks for when nobody tells it otherwise: 5 (Python's http.server), 50 (Java), 100
(asyncio, Tomcat), 128 (sshd, RabbitMQ), 511 (nginx, redis, Node.js, Apache, PHP-FPM), 1024 (memcached, Puma). It is below net.core.somaxconn,
so raising that sysctl changes nothing: the number has to be changed in the program.
Kernel: __sys_listen (net/socket.c): the smaller of the backlog and somaxconn.
What to do: set the program's own backlog and restart it. A queue of N + 1 holds a burst of that many clients; if clients come
faster than they are accepted all the time, no backlog is large enough.";

fn check(context: &ListenerContext<'_>) -> Verdict {
    if context.is_said_of_a_sibling() {
        return Verdict::Absent;
    }
    let listener = context.listener;
    let (Some(limit), Some(somaxconn)) = (listener.reading.queue.limit, context.listeners().somaxconn_now()) else {
        return Verdict::Absent;
    };
    let command = listener.owner.as_ref().map(|owner| owner.command.as_str());
    let Some(program) = known_default(limit, command) else { return Verdict::Absent };
    let strained = context.is_strained();
    if limit >= somaxconn || !(strained || context.is_asked_for()) {
        return Verdict::Absent;
    }
    let cures = strained && listener.empties(context.now()) == Some(true);
    let actions = if cures { longer_queue(context) } else { Vec::new() };
    Verdict::Found(Diagnosis {
        severity: if cures { Severity::Warning } else { Severity::Note },
        actions,
        evidence: vec![("limit", limit.into()), ("capacity", f64::from(limit) + 1.0), ("somaxconn", somaxconn.into())],
        sentence: Sentence::new(move || {
            say!(
                "the limit {limit} is {whose}: room for {capacity} waiting clients, though net.core.somaxconn allows {somaxconn}. Should bursts overflow it, change {change}; the sysctl does not help.",
                limit,
                whose = program.whose(),
                capacity = u64::from(limit) + 1,
                somaxconn,
                change = program.change()
            )
        }),
    })
}
