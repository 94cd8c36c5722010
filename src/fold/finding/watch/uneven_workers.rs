//! Of several processes that accept from one listener one serves most connections, and others next to none.

use std::time::Duration;

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict, seconds};
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "uneven-workers", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
Several processes accept from one listener, and their connections are not spread evenly: a connection belongs to whoever calls accept()
first. Of those that sleep in epoll_wait() on a shared socket with EPOLLEXCLUSIVE the kernel wakes one, the first that sleeps in
the order in which they added the socket, so that an idle machine keeps giving all connections to the same process; without it all of them
are woken and race. And a process that takes all that wait takes them from its siblings.
Kernel: ep_ptable_queue_proc (fs/eventpoll.c) and add_wait_queue_exclusive (kernel/sched/wait.c): at the end of the socket's list of
waiters, which is walked from its beginning; inet_csk_accept (net/ipv4/inet_connection_sock.c).
What to do: nothing, while connections are short and the busy process has a processor to spare. Where they are long and one process does all
the work, a socket for each process (SO_REUSEPORT; nginx: listen … reuseport) spreads them by a hash, evenly but blindly: a slow process
then keeps its own share waiting.";

/// Longer than chance keeps one process ahead.
const LONG: Duration = Duration::from_secs(30);

/// How many processes are named.
const NAMED: usize = 4;

fn check(context: &ListenerContext<'_>) -> Verdict {
    let Some(uneven) = context.listener.uneven(context.now(), LONG).cloned() else { return Verdict::Absent };
    let span = context.now().since(uneven.since);
    let command = context.listener.owner.as_ref().map(|owner| owner.command.clone()).unwrap_or_default();
    let named = |pids: &[u32]| pids.iter().take(NAMED).map(u32::to_string).collect::<Vec<_>>().join(", ");
    let (idle, more) = (named(&uneven.idle), uneven.idle.len().saturating_sub(NAMED));
    Verdict::Found(Diagnosis {
        severity: Severity::Note,
        actions: Vec::new(),
        evidence: vec![
            ("busy_pid", uneven.busy.into()),
            ("busy_serves", uneven.served.into()),
            ("idle_processes", uneven.idle.len() as f64),
            ("idle_serve", uneven.idle_serve.into()),
            ("uneven_s", span.as_secs_f64()),
        ],
        sentence: Sentence::new(move || {
            let idle = if more > 0 { say!("{idle} and {more} more", idle, more) } else { idle.clone() };
            let few = match uneven.idle_serve {
                0 => say!("none").to_owned(),
                few => say!("{few} in all", few),
            };
            say!(
                "uneven workers: pid {busy} ({command}) serves {served} connections of this listener, {idle}: {few}, for {span}. Whoever calls accept() first gets a connection; a socket for each (SO_REUSEPORT) spreads them.",
                busy = uneven.busy,
                command,
                served = uneven.served,
                idle,
                few,
                span = seconds(span)
            )
        }),
    })
}
