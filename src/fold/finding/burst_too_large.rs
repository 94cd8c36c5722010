//! A burst came that the backlog could not hold, though the server keeps up on average.

use super::context::is_one_of_several;
use super::{Check, Diagnosis, LEAST, Rule, Sentence, Severity, Verdict, accept_too_slow, slots_of};
use crate::fold::world::World;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "burst-too-large", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
More clients came at once than the queue holds, but on average the program keeps up: this is the case that a bigger backlog cures.
qviz counts the clients that had sent a SYN and were not yet accepted, at their peak; a backlog of that number minus one (the queue
holds backlog + 1) would have absorbed them all.
Kernel: sk_acceptq_is_full (include/net/sock.h): sk_ack_backlog > sk_max_ack_backlog.
What to do: listen() with at least that backlog, and raise net.core.somaxconn if it is lower; then restart the program, or let it
call listen() again.";

fn check(world: &World) -> Verdict {
    let empties = world.listeners.chosen().and_then(|listener| listener.empties(world.now));
    if is_one_of_several(world) || (world.is_watched() && empties == Some(false)) {
        return Verdict::Absent;
    }
    let overflowed = world.ledger.lost_by_cause().any(|(cause, lost)| cause.is_overflow() && lost.segments > 0);
    let Some(limit) = world.accept_limit().filter(|_| overflowed) else { return Verdict::Absent };
    let peak = world.demand.peak();
    // Clients that arrived one after the other and had to wait are no burst.
    if peak <= limit + 1 || world.demand.at_once() * 2 < peak {
        return Verdict::Absent;
    }
    // A queue that stays full is cured by no backlog: two findings that contradict each other help nobody.
    if accept_too_slow::holds(world) {
        return Verdict::Absent;
    }
    let afterwards = slots_of(LEAST);
    if world.history.last(afterwards).count() < afterwards {
        return Verdict::TooEarly;
    }
    if world.demand.waiting() > limit + 1 {
        return Verdict::Absent;
    }
    let (needed, watched) = (peak - 1, world.is_watched());
    Verdict::Found(Diagnosis {
        severity: Severity::Warning,
        actions: Vec::new(),
        evidence: vec![
            ("peak_waiting_clients", peak.into()),
            ("limit", limit.into()),
            ("needed_backlog", needed.into()),
        ],
        sentence: Sentence::new(move || {
            if !watched {
                return say!(
                    "a burst of {peak} clients met a queue of {capacity}; a backlog of {needed} would have absorbed it.",
                    peak,
                    capacity = limit + 1,
                    needed
                );
            }
            // Of a program it is not known whether it would have accepted as fast.
            say!(
                "a burst of {peak} clients met a queue of {capacity}; a backlog of at least {needed} would have absorbed it.",
                peak,
                capacity = limit + 1,
                needed
            )
        }),
    })
}
