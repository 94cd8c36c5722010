//! A queue that is not full and drains too slowly.

use std::time::Duration;

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict, seconds};
use crate::fold::listeners::Drain;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "long-wait", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
Connections wait in an accept queue that is not full. Nothing is dropped and no counter moves, but each client waits until accept() has taken
all that came before it: length divided by accepts per second. The age of the oldest entry is the wait of the one that is taken next.
Kernel: inet_csk_accept takes from the head of icsk_accept_queue (net/ipv4/inet_connection_sock.c).
What to do: more workers, or less work between two accept() calls. A longer queue makes nobody wait less.";

/// Waits from here on are told.
const LONG: Duration = Duration::from_secs(1);

/// Waits from here on hurt.
const HURTS: Duration = Duration::from_secs(5);

fn check(context: &ListenerContext<'_>) -> Verdict {
    let (listener, now) = (context.listener, context.now());
    let Some(depth) = listener.reading.queue.depth.filter(|depth| *depth > 0) else { return Verdict::Absent };
    if context.is_mostly_full()
        || listener.is_stalled(now)
        || context.is_stopped()
        || context.out_of_descriptors().is_some()
    {
        return Verdict::Absent;
    }
    let oldest = listener.occupants.oldest_wait_ms.map(|oldest| Duration::from_millis(oldest.into()));
    // Ages are of all sockets of an address.
    let oldest = oldest.filter(|_| !context.group().is_shared());
    let drain = context.world.drain_of(listener);
    let last = drain.map(|drain| Duration::from_secs_f64(f64::from(depth) / drain.accepts_per_s));
    // An entry that has waited for so long shows that the queue was not empty meanwhile; so does a queue that did not empty as far as it was seen.
    let holds = listener.empties(now) != Some(true) || oldest.is_some_and(|oldest| oldest >= LONG);
    let certain = last.filter(|_| drain.is_some_and(|drain| drain.exact));
    let longest = oldest.max(certain).unwrap_or_default();
    if longest < LONG {
        return Verdict::Absent;
    }
    if !holds {
        return Verdict::TooEarly;
    }
    let mut evidence = vec![("accept_queue_depth", f64::from(depth))];
    evidence.extend(drain.map(|drain| ("accepts_per_s", drain.accepts_per_s)));
    evidence.extend(last.map(|last| ("last_waits_s", last.as_secs_f64())));
    evidence.extend(oldest.map(|oldest| ("oldest_wait_s", oldest.as_secs_f64())));
    let mut full = listener.full(now);
    if full < Duration::from_millis(1) {
        full = Duration::ZERO;
    }
    evidence.push(("full_s", full.as_secs_f64()));
    let told = Waits { depth, oldest, drain, last, full, holder: context.holder().to_string() };
    Verdict::Found(Diagnosis {
        severity: if longest >= HURTS { Severity::Problem } else { Severity::Warning },
        actions: Vec::new(),
        evidence,
        sentence: Sentence::new(move || told.words()),
    })
}

/// What is known of the waits.
struct Waits {
    depth: u32,
    oldest: Option<Duration>,
    drain: Option<Drain>,
    last: Option<Duration>,
    full: Duration,
    holder: String,
}

impl Waits {
    fn words(&self) -> String {
        let (depth, holder) = (self.depth, &self.holder);
        let oldest =
            self.oldest.map(|oldest| say!(", the oldest for {oldest}", oldest = seconds(oldest))).unwrap_or_default();
        let full = if self.full.is_zero() {
            String::new()
        } else {
            say!(" It was full for {full} since the watch began.", full = seconds(self.full))
        };
        let cure = say!("More workers or a faster accept() in {holder}, not a longer queue.", holder);
        let (Some(drain), Some(last)) = (self.drain, self.last) else {
            return say!(
                "{depth} waiting{oldest}: accept() is too slow for them.{full} {cure}",
                depth,
                oldest,
                full,
                cure
            );
        };
        let (rate, last) = (format!("{:.1}", drain.accepts_per_s), seconds(last));
        if drain.exact {
            return say!(
                "{rate} accepts/s, {depth} waiting{oldest}: the last one waits about {last}.{full} {cure}",
                rate,
                depth,
                oldest,
                last,
                full,
                cure
            );
        }
        say!(
            "at least {rate} accepts/s, {depth} waiting{oldest}: the last one waits {last} at most.{full} {cure}",
            rate,
            depth,
            oldest,
            last,
            full,
            cure
        )
    }
}
