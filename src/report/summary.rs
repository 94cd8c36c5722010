//! The summary of a run: one document with every number, made from the world alone. Unknown is null, never NaN and never a guess.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::fold::finding::Severity;
use crate::fold::ledger::{Unexplained, Witnesses};
use crate::model::cause::Cause;
use crate::model::counters::Counters;
use crate::model::settings::{ClientKind, Sysctls};

mod fill;

pub(in crate::report) use fill::{rounded, seconds};

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
    /// The kind of clients.
    pub client: Option<ClientKind>,
    /// The listener and its limits.
    pub listener: Listener,
    /// A program as the server, and the one that sent clients.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub programs: Option<Programs>,
    /// Sysctls in force at the end.
    pub sysctls: Sysctls,
    /// The clients' outcomes.
    pub clients: Clients,
    /// Segments on the wire.
    pub segments: Segments,
    /// The losses by cause, zeros included.
    pub drops: Vec<Drop>,
    /// The counters' change over the run.
    pub counters: Counters,
    /// The same in the clients' namespace; null where they share the listener's.
    pub client_counters: Option<Counters>,
    /// Whether every drop has a cause.
    pub ledger: Verdict,
    /// The accept queue over the run.
    pub accept_queue: AcceptQueue,
    /// The SYN queue over the run.
    pub syn_queue: SynQueue,
    /// Milliseconds until clients were ESTABLISHED on their side, retransmissions included.
    pub connect_ms: Quantiles,
    /// What qviz missed or deferred.
    pub losses: OwnLosses,
    /// Every finding of the run in its last state, the most severe first.
    pub findings: Vec<Diagnosis>,
    /// Rules still undecided at the end.
    pub undecided: Vec<&'static str>,
    /// The command that makes the same run again; keys pressed during the run are not part of it.
    pub repeat: Option<String>,
}

/// Programs of somebody else's that ran in the lab.
#[derive(Clone, Debug, Serialize)]
pub struct Programs {
    /// The one that owned the listener.
    pub server: ServerProgram,
    /// The load generator; null without one.
    pub load: Option<LoadProgram>,
}

/// The program that owned the listener.
#[derive(Clone, Debug, Serialize)]
pub struct ServerProgram {
    /// The command and its arguments.
    pub command: Vec<String>,
    /// Its first process.
    pub pid: Option<u32>,
    /// Its listener.
    pub listener: Option<String>,
    /// Where it listens besides.
    pub other_listeners: Vec<String>,
    /// The backlog that qviz was asked to give it; null: its own stayed.
    pub backlog_asked: Option<i32>,
    /// Its status, had it ended by itself.
    pub exit: Option<i32>,
    /// The last lines that it wrote.
    pub output: Vec<String>,
}

/// The load generator.
#[derive(Clone, Debug, Serialize)]
pub struct LoadProgram {
    /// The command, for the shell.
    pub command: String,
    /// Its status; null where qviz ended it.
    pub exit: Option<i32>,
    /// The last lines that it wrote.
    pub output: Vec<String>,
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

/// The clients' outcomes.
#[derive(Clone, Debug, Serialize)]
pub struct Clients {
    /// Clients that have started.
    pub started: u64,
    /// ESTABLISHED on their side.
    pub connected: u64,
    /// Returned by `accept()`.
    pub accepted: u64,
    /// Closed regularly.
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
    /// SYNs retransmitted.
    pub syn_retransmit: Option<u64>,
    /// First SYN-ACKs.
    pub syn_ack: Option<u64>,
    /// SYN-ACKs retransmitted.
    pub syn_ack_retransmit: Option<u64>,
    /// The handshake's final ACK, repeats included.
    pub ack: Option<u64>,
    /// RSTs in both directions.
    pub rst: Option<u64>,
}

/// The losses of one cause.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Drop {
    /// Why.
    pub cause: Cause,
    /// Packets (or requests); null if not observable.
    pub segments: Option<u64>,
    /// Distinct clients; null if not observable.
    pub clients: Option<u64>,
    /// How many of the segments each witness supports.
    pub witnesses: Witnesses,
}

/// The ledger compared with the kernel's counters.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// True: every drop has a cause. Null: undecidable here.
    pub balanced: Option<bool>,
    /// Why it is undecidable.
    pub reason: Option<&'static str>,
    /// The counters that differ.
    pub unexplained: Vec<Unexplained>,
    /// The listener's drop count (`sk_drops`) and its expected value.
    pub listener_drops: ListenerDrops,
}

/// The listener's own drop count over the run. A dropped SYN moves it by one, an ignored final ACK by two, a SYN or RST that ends at a
/// request by one.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ListenerDrops {
    /// Its change; null where it could not be read.
    pub kernel: Option<u64>,
    /// Its expected change; null without a packet tap.
    pub accounted: Option<u64>,
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
    /// The largest number of entries; null where neither wire nor dumps could be read.
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

/// What qviz missed or deferred.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OwnLosses {
    /// Turns of the loop that came more than a millisecond late.
    pub late_ticks: u64,
    /// Segments that did not fit into the tap's ring.
    pub tap_dropped: u64,
    /// Frames of real clients that did not fit into the wire's ring, before the listener's kernel saw them.
    pub wire_dropped: u64,
    /// Details omitted to keep up.
    pub detail_skipped: u64,
    /// Arrivals that were due and could not start.
    pub arrivals_skipped: u64,
    /// Seconds for which the packet-level clients' time stood still, because the machine could not keep up.
    pub stood_still_s: f64,
    /// True when the requested rate could not be reached.
    pub saturated: bool,
}

/// One diagnosis.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// The rule's fixed name.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// Since when it held, in seconds of the run.
    pub since_s: f64,
    /// The evidence; null where a value is not finite.
    #[serde(serialize_with = "finite_only")]
    pub evidence: BTreeMap<String, f64>,
    /// One sentence: what, why, what to do.
    pub sentence: String,
}

pub(in crate::report) fn finite_only<S: Serializer>(
    evidence: &BTreeMap<String, f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(evidence.iter().map(|(name, value)| (name, value.is_finite().then_some(*value))))
}

/// The version of every document.
pub const VERSION: &str = "qviz/1";
