//! accept() takes less than arrives, and the queue stays full.

use super::context::is_one_of_several;
use super::{Check, Diagnosis, RecentActivity, Rule, Sentence, Severity, Verdict, lately, span};
use crate::fold::world::World;
use crate::model::client_clock::ClientClock;
use crate::say;

pub(super) const RULE: Rule = Rule { name: "accept-too-slow", explain: EXPLAIN, check: Check::World(check) };

const EXPLAIN: &str = "\
The program takes connections out of the accept queue more slowly than clients come, so the queue stays full and every further
SYN is dropped and every further final ACK ignored. A bigger backlog does not cure this: the queue grows by (arrivals - accepts) entries per
second, so each further entry of backlog only delays the next drop by 1 / (arrivals - accepts) seconds, and everybody waits longer.
Kernel: sk_acceptq_is_full (include/net/sock.h), asked in tcp_conn_request and tcp_v4_syn_recv_sock.
What to do: call accept() more often (an accept loop of its own, more workers, less work between two accept() calls), or let fewer
clients in.";

/// True while it holds: then no backlog is large enough.
pub(super) fn holds(world: &World) -> bool {
    matches!(check(world), Verdict::Found(_))
}

fn check(world: &World) -> Verdict {
    // Slow motion changes the rates: they say nothing of the server, nor do they where part of the span was slow.
    let slow = world.tempo.held || world.tempo.pace < 1.0;
    let was_slow = world.tempo != ClientClock::default() && world.now.since(world.tempo.since) < span(world);
    if slow || was_slow {
        return Verdict::Absent;
    }
    // A queue that empties in between holds the accept rate down itself: a longer one is taken in one go.
    let empties = world.listeners.chosen().is_some_and(|listener| listener.empties(world.now) == Some(true));
    if (world.is_watched() && empties) || is_one_of_several(world) {
        return Verdict::Absent;
    }
    let Some(lately) = lately(world).map(|lately| as_said_elsewhere(world, lately)) else {
        let full = world.accept_capacity().is_some_and(|capacity| world.accept_queue.depth() >= capacity);
        let lost = world.ledger.kernel_drops() > 0;
        return if full && lost { Verdict::TooEarly } else { Verdict::Absent };
    };
    // A burst that is over is no stream of arrivals: a larger backlog would buy time for nothing.
    if !lately.keeps_coming {
        return Verdict::Absent;
    }
    let surplus = lately.arrivals_per_s - lately.accepts_per_s;
    // If nothing at all is accepted the server is stalled, which another rule reports in a watch.
    let stalled = world.is_watched() && lately.accepts_per_s <= 0.0;
    if stalled || lately.full < 0.5 || surplus <= 0.0 || lately.drops == 0 {
        return Verdict::Absent;
    }
    let lately = full_as_said_elsewhere(world, lately);
    let gained_s = 1.0 / surplus;
    Verdict::Found(Diagnosis {
        severity: Severity::Problem,
        actions: Vec::new(),
        evidence: vec![
            ("arrivals_per_s", lately.arrivals_per_s),
            ("accepts_per_s", lately.accepts_per_s),
            ("full_share", lately.full),
            ("seconds_per_backlog_entry", gained_s),
        ],
        sentence: Sentence::new(move || sentence(&lately, gained_s)),
    })
}

/// Of a watched listener the rates are those of its row.
fn as_said_elsewhere(world: &World, lately: RecentActivity) -> RecentActivity {
    let Some(listener) = world.listeners.chosen().filter(|_| world.is_watched()) else { return lately };
    RecentActivity {
        arrivals_per_s: world.arrivals_per_s(listener).unwrap_or(lately.arrivals_per_s),
        accepts_per_s: world.accepts_per_s(listener).unwrap_or(lately.accepts_per_s),
        ..lately
    }
}

/// Of a watched listener the time at capacity is that of every other sentence about it.
fn full_as_said_elsewhere(world: &World, lately: RecentActivity) -> RecentActivity {
    let listener = world.listeners.chosen().filter(|_| world.is_watched());
    let full = listener.map(|listener| listener.full_lately(world.now)).filter(|(full, _)| !full.is_zero());
    full.map_or(lately, |(full, span)| RecentActivity { full: full.as_secs_f64() / span.as_secs_f64(), span, ..lately })
}

/// The queue "stayed" full only where it was never less than full; the rates are those of the same seconds.
fn sentence(lately: &RecentActivity, gained_s: f64) -> String {
    let [accepts, arrivals] = [lately.accepts_per_s, lately.arrivals_per_s].map(|rate| format!("{rate:.1}"));
    let (gained, seconds) = (format!("{gained_s:.2}"), seconds_of(lately));
    if lately.accepts_per_s <= 0.0 {
        say!(
            "{arrivals} arrivals/s and no accept(): the queue stayed full for the last {seconds} s. No backlog is long enough.",
            arrivals,
            seconds
        )
    } else if lately.full >= STAYS {
        say!(
            "{arrivals} arrivals/s, {accepts} accepts/s: the queue stayed full for the last {seconds} s. Each extra slot only delays the next drop by {gained} s; accept() must become faster.",
            arrivals,
            accepts,
            seconds,
            gained
        )
    } else {
        let share = format!("{:.0}", lately.full * 100.0);
        say!(
            "{arrivals} arrivals/s, {accepts} accepts/s: the queue was full for {share} % of the last {seconds} s. Each extra slot only delays the next drop by {gained} s; accept() must become faster.",
            arrivals,
            accepts,
            share,
            seconds,
            gained
        )
    }
}

/// The share of the time from which a queue stays full.
const STAYS: f64 = 0.97;

/// `12`, or `3.5`.
fn seconds_of(lately: &RecentActivity) -> String {
    let seconds = lately.span.as_secs_f64();
    if seconds.fract() < 0.05 { format!("{seconds:.0}") } else { format!("{seconds:.1}") }
}
