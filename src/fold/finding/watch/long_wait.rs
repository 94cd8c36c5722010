//! A queue that is not full and drains too slowly.

use std::time::Duration;

use super::{Check, Diagnosis, ListenerContext, Rule, Sentence, Severity, Verdict, seconds};
use crate::fold::finding::actions::more_workers;
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
    if context.is_mostly_full() || listener.is_stalled(now) || context.has_its_reason() {
        return Verdict::Covered;
    }
    let oldest = listener.occupants.oldest_wait_ms.map(|oldest| Duration::from_millis(oldest.into()));
    // Ages are of all sockets of an address.
    let oldest = oldest.filter(|_| !context.group().is_shared());
    let at_least = oldest.is_none();
    let oldest = oldest.or_else(|| listener.waits_at_least(now));
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
    // A unix socket has no counter that remembers that it was full.
    let began = listener.depth_first();
    let before = listener.capacity().filter(|capacity| {
        listener.reading.address.port().is_none() && full.is_zero() && u64::from(began) * 4 >= u64::from(*capacity) * 3
    });
    let before = before.map(|capacity| (began, capacity));
    let (left, watched) = (listener.accepted_at_least(), now.since(listener.since));
    let told = Waits {
        depth,
        oldest,
        at_least,
        left,
        watched,
        drain,
        last,
        full,
        before,
        holder: context.holder().to_string(),
    };
    Verdict::Found(Diagnosis {
        severity: if longest >= HURTS { Severity::Problem } else { Severity::Warning },
        actions: if left > 0 { more_workers(context) } else { Vec::new() },
        evidence,
        sentence: Sentence::new(move || told.words()),
    })
}

/// What is known of the waits.
struct Waits {
    depth: u32,
    oldest: Option<Duration>,
    /// That is a lower bound.
    at_least: bool,
    /// How many have left the queue in the time of the watch, and how long that is.
    left: u64,
    watched: Duration,
    drain: Option<Drain>,
    last: Option<Duration>,
    full: Duration,
    /// Its depth when the watch began, and its capacity, where it was nearly full then.
    before: Option<(u32, u32)>,
    holder: String,
}

impl Waits {
    fn words(&self) -> String {
        let (depth, holder) = (self.depth, &self.holder);
        let oldest = match self.oldest {
            None => String::new(),
            Some(oldest) if self.at_least => say!(", the oldest for at least {oldest}", oldest = seconds(oldest)),
            Some(oldest) => say!(", the oldest for {oldest}", oldest = seconds(oldest)),
        };
        let full = match self.before {
            Some((began, capacity)) => say!(
                " It held {began} of {capacity} when the watch began: before that it may have been full, and connect() have failed.",
                began,
                capacity
            ),
            None if self.full.is_zero() => String::new(),
            None => say!(" It was full for {full} since the watch began.", full = seconds(self.full)),
        };
        let cure = say!("More workers or a faster accept() in {holder}, not a longer queue.", holder);
        let (Some(drain), Some(last)) = (self.drain, self.last) else {
            let (left, watched) = (self.left, seconds(self.watched));
            if left == 0 {
                return say!(
                    "{depth} waiting{oldest}: none was accepted in {watched} of watching.{full}",
                    depth,
                    oldest,
                    watched,
                    full
                );
            }
            return say!(
                "{depth} waiting{oldest}: {left} accepted in {watched} of watching.{full} {cure}",
                depth,
                oldest,
                left,
                watched,
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
