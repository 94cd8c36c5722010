//! Connections wait and are not accepted.

use std::time::Duration;

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict, seconds};
use crate::fold::listeners::Stall;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "server-stalled", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
Connections stand in the accept queue and the program takes none of them. The accept queue is first in, first out, so the oldest
connection still being there proves that accept() has not returned since. The clients believe that they are connected; they have
sent their requests and wait.
Kernel: inet_csk_accept takes from the head of icsk_accept_queue (net/ipv4/inet_connection_sock.c).
What to do: look at the process: stopped (state T: kill -CONT PID), swapped out, blocked on a lock, a disk or another server, out of
file descriptors (accept() fails with EMFILE), or busy in a loop that does not come back to accept(). A bigger backlog only lets
more clients wait for nothing.";

/// The head of the queue must be unchanged for this long,
const UNMOVED: Duration = Duration::from_millis(700);

/// and must have waited for this long.
const WAITED: Duration = Duration::from_secs(1);

fn check(context: &ListenerContext<'_>) -> Verdict {
    let Some(standstill) = context.listener.stall() else { return Verdict::Absent };
    let depth = context.listener.reading.queue.depth.unwrap_or(0);
    let group = context.group();
    // The ages belong to the address: of several sockets only one that alone holds connections can be identified.
    let alone = group.members.iter().filter(|listener| listener.reading.queue.depth != Some(0)).count() == 1;
    if depth == 0 || !alone || standstill.oldest < WAITED {
        return Verdict::Absent;
    }
    if standstill.unmoved < UNMOVED && !crawls(context, standstill) {
        return Verdict::TooEarly;
    }
    let (holder, most) = (context.holder(), context.listener.capacity().unwrap_or(depth));
    Verdict::Found(Diagnosis {
        severity: Severity::Problem,
        evidence: vec![
            ("accept_queue_depth", depth.into()),
            ("oldest_wait_s", standstill.oldest.as_secs_f64()),
            ("unmoved_s", standstill.unmoved.as_secs_f64()),
        ],
        sentence: Sentence::new(move || {
            let oldest = seconds(standstill.oldest);
            if standstill.unmoved >= UNMOVED {
                return say!(
                    "no connection accepted for {oldest}: {depth} waiting. The program is stopped or stuck: look at {holder}; queued clients proceed once accept() resumes.",
                    depth,
                    oldest,
                    holder
                );
            }
            say!(
                "at most {most} accepted in the last {oldest}: {depth} waiting. The program is stopped or stuck: look at {holder}; queued clients proceed once accept() resumes.",
                most,
                oldest,
                depth,
                holder
            )
        }),
    })
}

/// One reading is enough if the oldest has waited for longer than a second per entry: at most a full queue was before it, so less
/// than one per second was accepted.
fn crawls(context: &ListenerContext<'_>, standstill: Stall) -> bool {
    context.listener.capacity().is_some_and(|capacity| standstill.oldest.as_secs() > u64::from(capacity))
}
