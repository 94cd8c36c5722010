//! The summary made from the world.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{
    AcceptQueue, Clients, Diagnosis, Drop, Listener, ListenerDrops, LoadProgram, OwnLosses, Programs, Quantiles,
    Segments, ServerProgram, Summary, SynQueue, VERSION, Verdict,
};
use crate::fold::finding::Finding;
use crate::fold::ledger::Balance;
use crate::fold::occupancy::Occupancy;
use crate::fold::spread::DurationHistogram;
use crate::fold::world::{ClientTally, Losses, SegmentTally, World};
use crate::model::cause::Cause;
use crate::model::event::Began;
use crate::model::queue;
use crate::model::stamp::Stamp;
use crate::text::errno;
use crate::text::sanitize;

impl Summary {
    /// The run at this moment.
    pub fn of(world: &World) -> Self {
        let began = world.began.as_ref();
        Self {
            schema: VERSION,
            kind: "lab",
            kernel: began.map(|began| sanitize::line(&began.kernel)),
            rung: began.map(|began| began.environment.name()),
            fallback: began.and_then(|began| began.fallback.as_ref()).map(ToString::to_string),
            pid: began.map(|began| began.pid),
            duration_s: rounded(world.now.since(world.opened).as_secs_f64()),
            seed: began.map(|began| began.seed),
            client: began.map(|began| began.clients),
            listener: Listener::of(world, began),
            programs: Programs::of(world),
            sysctls: world.sysctls.clone(),
            clients: Clients::of(&world.clients),
            segments: world.segments.map(Segments::of).unwrap_or_default(),
            drops: Cause::ALL.into_iter().map(|cause| Drop::of(world, cause)).collect(),
            counters: world.counters(),
            client_counters: world.client_counters(),
            ledger: Verdict::of(world),
            accept_queue: AcceptQueue::of(world),
            syn_queue: SynQueue::of(world),
            connect_ms: Quantiles::of(&world.connect),
            losses: OwnLosses::of(world.losses),
            findings: Diagnosis::all(world),
            undecided: world.undecided.iter().copied().filter(|rule| !world.found.contains_key(*rule)).collect(),
            repeat: None,
        }
    }
}

impl Listener {
    fn of(world: &World, began: Option<&Began>) -> Self {
        let accept_limit = world.accept_limit();
        Self {
            address: began.map(|began| began.address.to_string()),
            backlog: world.listening.map(|listening| listening.backlog),
            somaxconn: world.listening.and_then(|listening| listening.somaxconn),
            accept_limit,
            accept_capacity: accept_limit.map(queue::accept_capacity),
            syn_limit: accept_limit,
            syn_capacity: world.measured_syn_capacity(),
        }
    }
}

impl Programs {
    fn of(world: &World) -> Option<Self> {
        let state = world.server_program.as_ref()?;
        let lines = |lines: &[String]| lines.iter().map(|line| sanitize::line(line)).collect::<Vec<_>>();
        let server = ServerProgram {
            command: lines(&state.command),
            pid: state.pid,
            listener: state.listener.map(|address| address.to_string()),
            other_listeners: state.other_listeners.iter().map(ToString::to_string).collect(),
            backlog_asked: state.backlog_asked,
            exit: state.exit,
            output: lines(&state.output),
        };
        let load = world.load_program.as_ref().map(|state| LoadProgram {
            command: lines(&state.command).join(" "),
            exit: state.exit,
            output: lines(&state.output),
        });
        Some(Self { server, load })
    }
}

impl Clients {
    fn of(tally: &ClientTally) -> Self {
        let mut errors: BTreeMap<_, _> =
            errno::ALWAYS_LISTED.into_iter().map(|one| (errno::name(one.raw_os_error()).into_owned(), 0)).collect();
        errors.extend(tally.errors.iter().map(|(number, count)| (errno::name(*number).into_owned(), *count)));
        Self {
            started: tally.started,
            connected: tally.connected,
            accepted: tally.accepted,
            finished: tally.finished,
            refused: tally.refused,
            reset: tally.reset,
            timed_out: tally.timed_out,
            vanished: tally.vanished,
            in_flight: tally.in_flight(),
            ghosts: tally.ghosts,
            phantoms: tally.phantoms,
            errors,
        }
    }
}

impl Segments {
    fn of(tally: SegmentTally) -> Self {
        Self {
            syn: Some(tally.syn),
            syn_retransmit: Some(tally.syn_retransmit),
            syn_ack: Some(tally.syn_ack),
            syn_ack_retransmit: Some(tally.syn_ack_retransmit),
            ack: Some(tally.ack),
            rst: Some(tally.rst),
        }
    }
}

impl Drop {
    /// Without a packet tap only the losses of the simulated network are certain; a zero of the others would be a guess.
    fn of(world: &World, cause: Cause) -> Self {
        let lost = world.lost(cause);
        let known = world.segments.is_some() || cause == Cause::ClientLost || lost.segments > 0;
        Self {
            cause,
            segments: known.then_some(lost.segments),
            clients: known.then_some(lost.clients),
            witnesses: world.ledger.witnesses(cause),
        }
    }
}

impl Verdict {
    fn of(world: &World) -> Self {
        let Balance { balanced, reason, unexplained } = world.balance();
        let accounted = world.accounted_drops();
        let listener_drops = ListenerDrops { kernel: world.listener_drops.total(), accounted };
        Self { balanced, reason, unexplained, listener_drops }
    }
}

impl AcceptQueue {
    fn of(world: &World) -> Self {
        let Over { max, mean, full_s } = Over::of(&world.accept_queue, world.now);
        Self { max, mean, full_s, wait_ms: Quantiles::of(&world.wait) }
    }
}

impl SynQueue {
    fn of(world: &World) -> Self {
        let seen = world.segments.is_some() || world.listed.half_open.is_some();
        let over = seen.then(|| Over::of(&world.syn_queue, world.now));
        Self {
            max: over.map(|over| over.max),
            mean: over.and_then(|over| over.mean),
            full_s: over.map(|over| over.full_s),
            stay_ms: Quantiles::of(&world.stay),
        }
    }
}

impl Quantiles {
    pub(in crate::report) fn of(spread: &DurationHistogram) -> Self {
        Self {
            p50: spread.quantile_ms(0.5),
            p90: spread.quantile_ms(0.9),
            p99: spread.quantile_ms(0.99),
            max: spread.max_ms(),
        }
    }
}

impl OwnLosses {
    pub(in crate::report) const fn of(losses: Losses) -> Self {
        Self {
            late_ticks: losses.late_ticks,
            tap_dropped: losses.tap_dropped,
            wire_dropped: losses.wire_dropped,
            detail_skipped: losses.detail_skipped,
            arrivals_skipped: losses.arrivals_skipped,
            stood_still_s: losses.stood_still_us as f64 / 1e6,
            saturated: losses.saturated,
        }
    }
}

impl Diagnosis {
    fn all(world: &World) -> Vec<Self> {
        let diagnosis = |finding: &Finding| Self {
            rule: finding.rule.clone(),
            severity: finding.severity,
            since_s: rounded(finding.since.since(world.opened).as_secs_f64()),
            evidence: finding.evidence.clone(),
            sentence: sanitize::line(&finding.sentence.to_string()),
        };
        let mut all: Vec<_> = world.found.values().map(diagnosis).collect();
        all.sort_by_key(|one| Reverse(one.severity));
        all
    }
}

/// A queue over the run.
#[derive(Clone, Copy)]
struct Over {
    max: u32,
    mean: Option<f64>,
    full_s: f64,
}

impl Over {
    fn of(queue: &Occupancy, now: Stamp) -> Self {
        let mean = queue.mean(now);
        Self {
            max: queue.max(),
            mean: mean.is_finite().then(|| rounded(mean)),
            full_s: rounded(queue.full(now).as_secs_f64()),
        }
    }
}

/// Seconds with microseconds.
pub(in crate::report) fn seconds(at: Stamp) -> f64 {
    rounded(at.as_secs_f64())
}

/// Rounded to six decimals, the resolution of the measurements.
pub(in crate::report) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
