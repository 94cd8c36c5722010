//! A watched listener has dropped, though it is not full now.

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict};
use crate::fold::finding::actions::longer_queue;
use crate::fold::listeners::Drops;
use crate::model::counters::Counter;
use crate::model::settings::Sysctl;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "overflowed", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
The listener's own drop counter (sk_drops) is above zero: since it was made it has thrown SYNs or final ACKs away. If ListenOverflows moved
with ListenDrops its accept queue was full; if it does not move, something else refused them (the SYN queue, the ¾ rule, with cookies off). The
counter is noisy (a repeated SYN of a known request counts too), so qviz holds it against ListenDrops of the whole network namespace,
and says \"at most\" where the two cannot be distinguished.
Kernel: tcp_listendrop (include/net/tcp.h) raises both.
What to do: leave qviz watch running with --record over the time in which it happens; if the queue fills in bursts, raise the
backlog to the height of the burst, else let the program accept faster.";

/// What the counters of the namespace say of the drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The accept queue was full, and it empties in between.
    Burst,
    /// The accept queue was full, and it never empties.
    Slow,
    /// The accept queue was full.
    Full,
    /// No accept queue of the namespace was full.
    Other,
    /// That is not known.
    Unknown,
}

fn check(context: &ListenerContext<'_>) -> Verdict {
    let listener = context.listener;
    let Some(all) = context.world.drops_since_made_of(listener).filter(|drops| drops.listener > 0) else {
        return Verdict::Absent;
    };
    if context.is_mostly_full() {
        return Verdict::Covered;
    }
    let now = context.drops().unwrap_or_default();
    let kind = if now.listener > 0 { kind(context) } else { Kind::Unknown };
    let severity = if now.listener > 0 { Severity::Warning } else { Severity::Note };
    let max = listener.accept_queue.max();
    let aborts = context.world.sysctls.value(Sysctl::AbortOnOverflow).unwrap_or(0) != 0;
    Verdict::Found(Diagnosis {
        severity,
        actions: if kind == Kind::Burst { longer_queue(context) } else { Vec::new() },
        evidence: vec![
            ("drops_since_made", all.listener as f64),
            ("drops_watched", now.listener as f64),
            ("drop_counter_noise", all.noise as f64),
            ("accept_queue_max", max.into()),
        ],
        sentence: Sentence::new(move || {
            let dropped = dropped(now, all);
            let rest = consequence(kind);
            let aborts = if aborts && matches!(kind, Kind::Burst | Kind::Slow | Kind::Full) {
                say!(" Final ACKs are answered with RST (tcp_abort_on_overflow).")
            } else {
                ""
            };
            say!("{dropped}: {rest}{aborts}", dropped, rest, aborts)
        }),
    })
}

fn kind(context: &ListenerContext<'_>) -> Kind {
    match context.listeners().counters().value(Counter::ListenOverflows) {
        None => Kind::Unknown,
        Some(0) => Kind::Other,
        Some(_) => match context.listener.empties(context.now()) {
            Some(true) => Kind::Burst,
            Some(false) => Kind::Slow,
            None => Kind::Full,
        },
    }
}

fn dropped(now: Drops, all: Drops) -> String {
    let at_most = |drops: Drops| if drops.is_exact() { "" } else { say!("at most ") };
    if now.listener > 0 {
        return say!(
            "the listener dropped {at_most}{count} packets since the watch began",
            at_most = at_most(now),
            count = now.listener
        );
    }
    say!(
        "the listener has dropped {at_most}{count} packets since it was made, none while watched",
        at_most = at_most(all),
        count = all.listener
    )
}

fn consequence(kind: Kind) -> &'static str {
    match kind {
        Kind::Burst => say!("its queue was full, and it empties in between. A longer queue absorbs such bursts."),
        Kind::Slow => say!("its queue was full, and it never empties. Only a faster accept() helps."),
        Kind::Full => say!(
            "its queue was full. Does it empty in between? Then a longer queue helps, else only a faster accept()."
        ),
        Kind::Other => say!("no accept queue was full (ListenOverflows does not move): a longer one changes nothing."),
        Kind::Unknown => say!("the reason is no longer to be seen; record the time in which it happens."),
    }
}
