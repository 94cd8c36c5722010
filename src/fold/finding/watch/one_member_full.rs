//! One socket of an SO_REUSEPORT group is full while its siblings have nothing to do.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict};
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "one-member-full", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
Several sockets share the address (SO_REUSEPORT). Each has a queue and a limit of its own, and the kernel gives every connection to
one of them by a hash of its addresses: there is no spill-over. A member whose process does not accept drops its share of the
clients while its siblings stand idle, and the sum of all queues looks half empty.
Kernel: reuseport_select_sock (net/core/sock_reuseport.c), __inet_lookup_listener (net/ipv4/inet_hashtables.c).
What to do: wake or restart the process of the full member. Closing it resets what it holds, unless net.ipv4.tcp_migrate_req=1 moves
the connections to its siblings.";

fn check(context: &ListenerContext<'_>) -> Verdict {
    let group = context.group();
    let Some(full) = group.full_beside_idle().filter(|full| full.id() == context.listener.id()) else {
        return Verdict::Absent;
    };
    let depth = full.reading.queue.depth.unwrap_or(0);
    let siblings = group.members.len() - 1;
    let share = 100 / group.members.len();
    let (members, address, holder) = (group.members.len(), group.address.clone(), context.holder());
    Verdict::Found(Diagnosis {
        severity: Severity::Problem,
        actions: Vec::new(),
        evidence: vec![
            ("accept_queue_depth", depth.into()),
            ("members", members as f64),
            ("idle_members", siblings as f64),
        ],
        sentence: Sentence::new(move || {
            if siblings == 1 {
                return say!(
                    "one of {members} sockets on {address} is full ({depth} waiting) and the other 1 is empty: about {share} % of the clients are lost. Resume or restart {holder}: the kernel moves no client to another socket.",
                    members,
                    address,
                    depth,
                    share,
                    holder
                );
            }
            say!(
                "one of {members} sockets on {address} is full ({depth} waiting) and the other {siblings} are empty: about {share} % of the clients are lost. Resume or restart {holder}: the kernel moves no client to another socket.",
                members,
                address,
                depth,
                siblings,
                share,
                holder
            )
        }),
    })
}
