//! The processes that should accept are kept off the processors by their cgroup's quota.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict, seconds};
use crate::fold::finding::Action;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "owner-throttled", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
The process that should call accept() belongs to a cgroup with a CPU quota (a container's limit, CPUQuota= of a unit), has used it up, and stands
still until the next period begins. Connections queue meanwhile, with a processor that looks idle.
Kernel: throttle_cfs_rq (kernel/sched/fair.c); throttled_usec in cpu.stat of the cgroup.
What to do: raise the quota, or give the program less work; a longer queue holds what comes during a pause if the queue empties in between.";

/// Less than this share of the time is no trouble.
const SHARE: f64 = 0.1;

fn check(context: &ListenerContext<'_>) -> Verdict {
    let listener = context.listener;
    let Some((share, span)) = listener.throttled() else { return Verdict::Absent };
    let suffers = listener.accept_queue.max() > 1 || context.drops().is_some_and(|drops| drops.listener > 0);
    if share < SHARE || !suffers {
        return Verdict::Absent;
    }
    let (holder, depth) = (context.holder(), listener.depth());
    let place = listener.owner.as_ref().and_then(|owner| owner.place.clone()).unwrap_or_default();
    let what = || say!("without a quota; or with a larger one, in percent of a processor").to_owned();
    let line = match place.split_once(' ') {
        _ if place.ends_with(".service") => Some(format!("systemctl set-property {place} CPUQuota=")),
        Some(("docker", id)) => Some(format!("docker update --cpus 0 {id}")),
        Some(("podman", id)) => Some(format!("podman update --cpus 0 {id}")),
        _ => None,
    };
    Verdict::Found(Diagnosis {
        severity: if depth > 0 { Severity::Problem } else { Severity::Warning },
        actions: line.map(|line| Action::live(what, line)).into_iter().collect(),
        evidence: vec![
            ("throttled_share", share),
            ("throttled_over_s", span.as_secs_f64()),
            ("accept_queue_depth", depth.into()),
        ],
        sentence: Sentence::new(move || {
            say!(
                "{holder}: kept off the processors by its cgroup's CPU quota for {percent} % of the last {span}; {depth} waiting.",
                holder,
                percent = format_args!("{:.0}", share * 100.0),
                span = seconds(span),
                depth
            )
        }),
    })
}
