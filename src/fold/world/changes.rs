//! Changes of the lab's knobs as text.

use crate::model::settings::Knobs;
use crate::say;
use crate::text::sentence::Sentence;

/// The differences from `before`, one sentence each.
pub(super) fn between(before: &Knobs, now: &Knobs) -> Vec<Sentence> {
    let mut changes = Vec::new();
    let mut push = |changed: bool, text: Sentence| {
        if changed {
            changes.push(text);
        }
    };
    let (now, was) = (now.clone(), before.clone());
    let Knobs { rate, arrivals, accept_rate, half_open, loss, rtt, workers, service, .. } = now;
    push(
        rate.to_bits() != was.rate.to_bits(),
        Sentence::new(move || say!("arrivals {before}/s → {now}/s", before = was.rate, now = rate)),
    );
    push(arrivals != was.arrivals, Sentence::new(move || say!("arrivals are {arrivals}", arrivals)));
    push(
        accept_rate != was.accept_rate,
        Sentence::new(move || say!("accept() {before} → {now}", before = was.accept_rate, now = accept_rate)),
    );
    push(half_open.to_bits() != was.half_open.to_bits(), Sentence::new(move || half_open_text(half_open)));
    push(
        loss.to_bits() != was.loss.to_bits(),
        Sentence::new(move || say!("network loses {share} %", share = format_args!("{:.1}", loss * 100.0))),
    );
    push(rtt != was.rtt, Sentence::new(move || say!("round-trip time {ms} ms", ms = rtt.as_millis())));
    push(workers != was.workers, Sentence::new(move || workers_text(workers)));
    push(service != was.service, Sentence::new(move || say!("service takes {ms} ms", ms = service.as_millis())));
    changes
}

fn half_open_text(share: f64) -> String {
    say!("half-open clients {share} %", share = format_args!("{:.0}", share * 100.0))
}

fn workers_text(workers: Option<u32>) -> String {
    match workers {
        None => say!("every connection is served at once").to_owned(),
        Some(count) => say!("{count} workers", count),
    }
}
