//! The summary of a run: one document with every number, made from the world alone. Unknown is null, never NaN and never a guess.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{clean, errno};
use crate::model::counters::Counters;
use crate::model::event::Began;
use crate::model::finding::Severity;
use crate::model::ledger::{Balance, Cause, Unexplained};
use crate::model::queue;
use crate::model::settings::{ClientKind, Sysctls};
use crate::model::stamp::Stamp;
use crate::model::world::occupancy::Occupancy;
use crate::model::world::spread::Spread;
use crate::model::world::{ClientTally, Losses, SegmentTally, World};

/// One run of the lab.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Always [`VERSION`].
    pub schema: &'static str,
    /// Always `lab`.
    pub kind: &'static str,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// `lab` or `host`.
    pub rung: Option<&'static str>,
    /// Why the host was taken although the lab was wanted, and the remedy.
    pub fallback: Option<String>,
    /// The process that held the network.
    pub pid: Option<u32>,
    /// How long the run lasted, in seconds.
    pub duration_s: f64,
    /// The seed of everything random.
    pub seed: Option<u64>,
    /// Which clients came.
    pub client: Option<ClientKind>,
    /// The listener and its limits.
    pub listener: Listener,
    /// Sysctls in force at the end.
    pub sysctls: Sysctls,
    /// The clients' fates.
    pub clients: Clients,
    /// Segments on the wire.
    pub segments: Segments,
    /// What was lost, every cause, zeros too.
    pub drops: Vec<Drop>,
    /// The counters' change over the run.
    pub counters: Counters,
    /// Whether every drop has a name.
    pub ledger: Verdict,
    /// The accept queue over the run.
    pub accept_queue: AcceptQueue,
    /// The SYN queue over the run.
    pub syn_queue: SynQueue,
    /// Milliseconds until clients were connected in their own eyes, retries included.
    pub connect_ms: Quantiles,
    /// What qviz missed or put off.
    pub losses: OwnLosses,
    /// Every diagnosis of the run, as it was when last in force; what matters most comes first.
    pub findings: Vec<Diagnosis>,
    /// The command that makes the same run again; keys pressed during the run are not part of it.
    pub repeat: Option<String>,
}

/// The listener and its limits.
#[derive(Clone, Debug, Serialize)]
pub struct Listener {
    /// Address and port.
    pub address: Option<String>,
    /// The last `listen()` call's argument.
    pub backlog: Option<i32>,
    /// `net.core.somaxconn` at that moment.
    pub somaxconn: Option<u32>,
    /// The accept queue's limit.
    pub accept_limit: Option<u32>,
    /// How many connections it holds.
    pub accept_capacity: Option<u32>,
    /// The SYN queue's limit: the same number.
    pub syn_limit: Option<u32>,
    /// How many half-open requests it holds.
    pub syn_capacity: Option<u32>,
}

/// The clients' fates.
#[derive(Clone, Debug, Serialize)]
pub struct Clients {
    /// Clients that have started.
    pub started: u64,
    /// Connected in their own eyes.
    pub connected: u64,
    /// Returned by `accept()`.
    pub accepted: u64,
    /// Finished in good order.
    pub finished: u64,
    /// ECONNREFUSED.
    pub refused: u64,
    /// ECONNRESET.
    pub reset: u64,
    /// ETIMEDOUT.
    pub timed_out: u64,
    /// Half-open by design, gone without an answer.
    pub vanished: u64,
    /// Neither finished nor given up at the end.
    pub in_flight: u64,
    /// Distinct clients that were a ghost at any moment.
    pub ghosts: u64,
    /// Distinct clients that were a phantom at any moment.
    pub phantoms: u64,
    /// Other failures, by the errno's name.
    pub errors: BTreeMap<String, u64>,
}

/// Segments on the wire; null without a packet tap.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Segments {
    /// First SYNs.
    pub syn: Option<u64>,
    /// SYNs sent again.
    pub syn_retransmit: Option<u64>,
    /// First SYN-ACKs.
    pub syn_ack: Option<u64>,
    /// SYN-ACKs sent again.
    pub syn_ack_retransmit: Option<u64>,
    /// The handshake's final ACK, repeats included.
    pub ack: Option<u64>,
    /// RSTs in both directions.
    pub rst: Option<u64>,
}

/// What was lost for one cause.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Drop {
    /// Why.
    pub cause: Cause,
    /// Packets (or requests); null where they cannot be seen.
    pub segments: Option<u64>,
    /// Distinct clients; null where they cannot be seen.
    pub clients: Option<u64>,
}

/// The ledger held against the kernel's counters.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// True: every drop has a name. Null: it cannot be decided here.
    pub balanced: Option<bool>,
    /// Why it cannot be decided.
    pub reason: Option<&'static str>,
    /// The counters that do not fit.
    pub unexplained: Vec<Unexplained>,
}

/// The accept queue over the run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AcceptQueue {
    /// The largest number of entries.
    pub max: u32,
    /// The mean number of entries over time.
    pub mean: Option<f64>,
    /// Seconds during which it held its capacity.
    pub full_s: f64,
    /// Milliseconds that connections waited for `accept()`.
    pub wait_ms: Quantiles,
}

/// The SYN queue over the run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SynQueue {
    /// The largest number of entries; null where neither wire nor list could be read.
    pub max: Option<u32>,
    /// The mean number of entries over time.
    pub mean: Option<f64>,
    /// Seconds during which it held its capacity.
    pub full_s: Option<f64>,
    /// Milliseconds that requests stayed.
    pub stay_ms: Quantiles,
}

/// A distribution in milliseconds; null where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// The median.
    pub p50: Option<f64>,
    /// Nine of ten are below.
    pub p90: Option<f64>,
    /// Ninety-nine of a hundred are below.
    pub p99: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

/// What qviz missed or put off.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OwnLosses {
    /// Turns of the loop that came more than a millisecond late.
    pub late_ticks: u64,
    /// Segments that did not fit into the tap's ring.
    pub tap_dropped: u64,
    /// Details left out to keep up.
    pub detail_skipped: u64,
    /// Arrivals that were due and could not start.
    pub arrivals_skipped: u64,
    /// True when the wished rate could not be reached.
    pub saturated: bool,
}

/// One diagnosis.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// The rule's fixed name.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// Since when it has been so.
    pub since_s: f64,
    /// The numbers that it rests on; null where one is not a finite number.
    #[serde(serialize_with = "finite_only")]
    pub evidence: BTreeMap<String, f64>,
    /// One sentence: what, why, what to do.
    pub sentence: String,
}

impl Summary {
    /// What is known of the run at this moment.
    pub fn of(world: &World) -> Self {
        let began = world.began.as_ref();
        Self {
            schema: VERSION,
            kind: "lab",
            kernel: began.map(|began| clean::line(&began.kernel)),
            rung: began.map(|began| began.rung.name()),
            fallback: began.and_then(|began| began.fallback.clone()),
            pid: began.map(|began| began.pid),
            duration_s: seconds(world.now),
            seed: began.map(|began| began.seed),
            client: began.map(|began| began.clients),
            listener: Listener::of(world, began),
            sysctls: world.sysctls.clone(),
            clients: Clients::of(&world.clients),
            segments: world.segments.map(Segments::of).unwrap_or_default(),
            drops: Cause::ALL.into_iter().map(|cause| Drop::of(world, cause)).collect(),
            counters: world.counters(),
            ledger: Verdict::of(world.balance()),
            accept_queue: AcceptQueue::of(world),
            syn_queue: SynQueue::of(world),
            connect_ms: Quantiles::of(&world.connect),
            losses: OwnLosses::of(world.losses),
            findings: Diagnosis::all(world),
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
            syn_capacity: world.syn_capacity(),
        }
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
    /// Without a packet tap only our own network's losses are known for certain; a zero of the others would be a guess.
    fn of(world: &World, cause: Cause) -> Self {
        let toll = world.toll(cause);
        let known = world.segments.is_some() || cause == Cause::ClientLost || toll.segments > 0;
        Self { cause, segments: known.then_some(toll.segments), clients: known.then_some(toll.clients) }
    }
}

impl Verdict {
    fn of(balance: Balance) -> Self {
        Self { balanced: balance.balanced, reason: balance.reason, unexplained: balance.unexplained }
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
    fn of(spread: &Spread) -> Self {
        Self {
            p50: spread.quantile_ms(0.5),
            p90: spread.quantile_ms(0.9),
            p99: spread.quantile_ms(0.99),
            max: spread.max_ms(),
        }
    }
}

impl OwnLosses {
    const fn of(losses: Losses) -> Self {
        Self {
            late_ticks: losses.late_ticks,
            tap_dropped: losses.tap_dropped,
            detail_skipped: losses.detail_skipped,
            arrivals_skipped: losses.arrivals_skipped,
            saturated: losses.saturated,
        }
    }
}

impl Diagnosis {
    fn all(world: &World) -> Vec<Self> {
        let diagnosis = |finding: &crate::model::finding::Finding| Self {
            rule: finding.rule.clone(),
            severity: finding.severity,
            since_s: seconds(finding.since),
            evidence: finding.evidence.clone(),
            sentence: clean::line(&finding.sentence),
        };
        let mut all: Vec<_> = world.found.values().map(diagnosis).collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.severity));
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
pub(super) fn seconds(at: Stamp) -> f64 {
    rounded(at.as_secs_f64())
}

/// Rounded to six digits behind the point: what is measured is no finer.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn finite_only<S: Serializer>(evidence: &BTreeMap<String, f64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(evidence.iter().map(|(name, value)| (name, value.is_finite().then_some(*value))))
}

/// The version of every document.
pub const VERSION: &str = "qviz/1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_of_which_nothing_is_known_has_nulls_and_no_guesses() {
        let value = serde_json::to_value(Summary::of(&World::new())).unwrap();
        for pointer in ["/segments/syn", "/syn_queue/max", "/listener/backlog", "/connect_ms/p50", "/ledger/balanced"] {
            assert_eq!(value.pointer(pointer), Some(&serde_json::Value::Null), "{pointer}");
        }
        assert!(value["ledger"]["reason"].is_string());
        assert_eq!(value["clients"]["errors"]["EADDRNOTAVAIL"], 0);
        let causes: Vec<_> = value["drops"].as_array().unwrap().iter().map(|drop| drop["cause"].clone()).collect();
        assert_eq!(causes, Cause::ALL.map(Cause::name));
    }

    #[test]
    fn evidence_that_is_no_number_is_null() {
        let mut world = World::new();
        let finding = crate::model::finding::Finding {
            rule: "slow".to_owned(),
            severity: Severity::Warning,
            since: Stamp::from_millis(1500),
            evidence: BTreeMap::from([("bad".to_owned(), f64::NAN), ("good".to_owned(), 2.5)]),
            sentence: "too \u{1b}[31mslow".to_owned(),
        };
        world.found.insert(finding.rule.clone(), finding);
        let value = serde_json::to_value(Summary::of(&world)).unwrap();
        let finding = &value["findings"][0];
        assert_eq!(finding["evidence"], serde_json::json!({"bad": null, "good": 2.5}));
        assert_eq!((&finding["since_s"], &finding["severity"]), (&1.5.into(), &"warning".into()));
        assert!(!finding["sentence"].as_str().unwrap().contains('\u{1b}'));
    }
}
