//! A process that should accept has as many descriptors open as it may.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict};
use crate::fold::finding::Action;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "owner-out-of-descriptors", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
The process has as many descriptors open as its limit allows. accept() fails with EMFILE and takes nothing from the queue; many programs write that
into their log and try again at once, at 100 % of a processor.
Kernel: __sys_accept4 takes a descriptor first (net/socket.c, get_unused_fd_flags against RLIMIT_NOFILE).
What to do: raise the limit of the running process (prlimit), then where it is started (LimitNOFILE= of its unit, ulimit -n); and look for
descriptors that are never closed.";

fn check(context: &ListenerContext<'_>) -> Verdict {
    let Some((pid, descriptors, limit)) = context.out_of_descriptors() else { return Verdict::Absent };
    let depth = context.listener.reading.queue.depth.unwrap_or(0);
    let raised = limit.saturating_mul(4).max(1024);
    let now = || say!("raise the limit of the running process").to_owned();
    let place = context.listener.owner.as_ref().and_then(|owner| owner.place.clone());
    let unit = place.filter(|place| place.ends_with(".service")).map(|unit| {
        let what = || say!("keep it over a restart").to_owned();
        Action { live: false, ..Action::live(what, format!("systemctl set-property {unit} LimitNOFILE={raised}")) }
    });
    let first = Action::live(now, format!("prlimit --pid {pid} --nofile={raised}:{raised}"));
    Verdict::Found(Diagnosis {
        severity: if depth > 0 { Severity::Problem } else { Severity::Warning },
        actions: [first].into_iter().chain(unit).collect(),
        evidence: vec![
            ("accept_queue_depth", depth.into()),
            ("descriptors", descriptors.into()),
            ("descriptor_limit", limit as f64),
        ],
        sentence: Sentence::new(move || {
            if depth == 0 {
                return say!(
                    "pid {pid} has {descriptors} of {limit} descriptors open: its next accept() will fail with EMFILE. Nobody waits yet.",
                    pid,
                    descriptors,
                    limit
                );
            }
            say!(
                "pid {pid} has {descriptors} of {limit} descriptors open: accept() fails with EMFILE. {depth} waiting.",
                pid,
                descriptors,
                limit,
                depth
            )
        }),
    })
}
