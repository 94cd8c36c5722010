//! The SYN queue of a watched listener stays at half of its limit or more.

use std::time::Duration;

use super::deferred_accept::deferred;
use super::{Check, Diagnosis, ListenerContext, LoggedFlood, Rule, Sentence, Severity, Verdict, seconds};
use crate::model::counters::Counter;
use crate::say;

pub(in crate::fold::finding) const RULE: Rule =
    Rule { name: "syn-queue-crowded", explain: EXPLAIN, check: Check::Listener(check) };

const EXPLAIN: &str = "\
The listener holds half-open requests for half of its limit or more, for seconds: a SYN flood, clients whose SYN-ACKs are lost, or a
round-trip time too long for this backlog (entries = arrivals per second x round trip). When the queue is full the kernel answers
with SYN cookies (net.ipv4.tcp_syncookies=1), or drops (0). The limit is that of listen(), the same number as for the accept queue.
Kernel: inet_csk_reqsk_queue_is_full (include/net/inet_connection_sock.h), tcp_conn_request (net/ipv4/tcp_input.c).
What to do: keep net.ipv4.tcp_syncookies=1; choose the listener to see who is half-open and for how long; raise the backlog if these
are real clients.";

/// Longer than a burst.
const LONG: Duration = Duration::from_secs(3);

fn check(context: &ListenerContext<'_>) -> Verdict {
    let listener = context.listener;
    let (Some(half_open), Some(limit), Some(since)) =
        (listener.occupants.half_open, listener.reading.queue.limit, listener.half_full_since)
    else {
        return Verdict::Absent;
    };
    let deferred = deferred(context).map_or(0, |(waiting, _)| waiting);
    if deferred * 2 >= half_open as usize {
        // They have answered: no flood.
        return Verdict::Absent;
    }
    // A full accept queue ignores final ACKs: these are its requests.
    if context.is_mostly_full() {
        return Verdict::Covered;
    }
    if context.now().since(since) < LONG {
        return Verdict::TooEarly;
    }
    let cookies = context.listeners().counters().value(Counter::SyncookiesSent);
    let mut evidence = vec![("half_open", f64::from(half_open)), ("limit", f64::from(limit))];
    evidence.extend(cookies.map(|sent| ("cookies_sent_in_namespace", sent as f64)));
    let logged = LoggedFlood::of(context.world, listener);
    evidence.extend(logged.evidence());
    let crowded = context.now().since(since);
    Verdict::Found(Diagnosis {
        severity: Severity::Warning,
        actions: Vec::new(),
        evidence,
        sentence: Sentence::new(move || {
            let answer = match cookies {
                Some(sent) if sent > 0 && half_open >= limit => say!("{sent} SYN cookies were sent meanwhile", sent),
                _ if half_open >= limit => say!("it is full").to_owned(),
                _ => say!("it may fill").to_owned(),
            };
            logged.after(say!(
                "{half_open} requests are half-open on a SYN queue of limit {limit}, for {crowded}: {answer}. A flood, lost SYN-ACKs, \
                 or a backlog too small for the round-trip time; keep tcp_syncookies=1, and raise the backlog if the clients are real.",
                half_open,
                limit,
                crowded = seconds(crowded),
                answer
            ))
        }),
    })
}
