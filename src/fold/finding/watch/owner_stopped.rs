//! The processes that should accept are stopped.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict};
use crate::fold::finding::Action;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "owner-stopped", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
Every process that should call accept() on this listener is stopped by a signal (SIGSTOP, SIGTSTP, ctrl-z): state T. The kernel goes on to
complete handshakes until the queue is full, so clients connect, send, and wait.
Kernel: /proc/PID/stat, third field (fs/proc/array.c, task_state_array).
What to do: kill -CONT PID; then find out who stopped it.";

fn check(context: &ListenerContext<'_>) -> Verdict {
    let stopped = context.stopped();
    if stopped.is_empty() {
        return Verdict::Absent;
    }
    let depth = context.listener.reading.queue.depth.unwrap_or(0);
    let (all, holder) = (context.is_stopped(), context.holder());
    let pids: Vec<_> = stopped.iter().map(u32::to_string).collect();
    let named = pids.join(", ");
    let what = || say!("let it run again").to_owned();
    let many = pids.len();
    Verdict::Found(Diagnosis {
        severity: if depth > 0 { Severity::Problem } else { Severity::Warning },
        actions: vec![Action::live(what, format!("kill -CONT {}", pids.join(" ")))],
        evidence: vec![("accept_queue_depth", depth.into()), ("stopped_processes", many as f64)],
        sentence: Sentence::new(move || {
            if !all {
                return say!(
                    "{holder}: {named} is stopped (state T), and nobody takes connections from this socket: {depth} waiting.",
                    holder,
                    named,
                    depth
                );
            }
            say!(
                "{holder}: stopped (state T). Nothing is accepted until it runs again: {depth} waiting.",
                holder,
                depth
            )
        }),
    })
}
