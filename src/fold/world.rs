//! The fold: [`World::apply`] takes one stamped fact after another and keeps the present state.
//!
//! Lab, watch and replay feed the same function; nothing in it reads a clock or a file.

use std::collections::{BTreeMap, VecDeque};

use super::diagnosis::Finding;
use super::drop_count::DropCount;
use super::headline::Director;
use super::history::History;
use super::ledger::Ledger;
use super::occupancy::Occupancy;
use super::spread::DurationHistogram;
use crate::fold::course::LessonProgress;
use crate::fold::listeners::Listeners;
use crate::fold::trials::ExperimentResults;
use crate::fold::what_if::TrafficLog;
use crate::model::client_clock::ClientClock;
use crate::model::counters::Counters;
use crate::model::event::{Began, Listening};
use crate::model::program::ProgramState;
use crate::model::queue::SynRule;
use crate::model::sample::{Listed, QueueReading, Source};
use crate::model::settings::{Knobs, Sysctls};
use crate::model::stamp::Stamp;

mod account;
mod admission;
mod apply;
mod assignment;
mod changes;
mod clients;
mod delivered;
pub mod demand;
mod log_writing;
pub mod next_steps;
pub mod note;
mod observations;
mod questions;
mod readings;
pub mod roster;
mod server_resets;
mod side;
mod silent_clients;
pub mod watched;
mod wire;

pub(in crate::fold) use apply::apply;

use account::Bookkeeping;
use demand::Demand;
use log_writing::LogSwitch;
use note::Note;
use roster::ConnectionTable;

/// The state of a session at one moment.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The stamp of the last fact.
    pub now: Stamp,
    /// When the session began: a lesson's scenes follow each other on one clock.
    pub opened: Stamp,
    /// All listeners, in a watch.
    pub listeners: Listeners,
    /// The progress of the lesson, if one is played. It outlives the sessions of its scenes.
    pub lesson: Option<Box<LessonProgress>>,
    /// Experiments beside the listener.
    pub trials: ExperimentResults,
    /// The environment and settings of the session.
    pub began: Option<Began>,
    /// The last `listen()` call.
    pub listening: Option<Listening>,
    /// The kernel's test for a full SYN queue; that of present kernels where it was not measured.
    pub syn_rule: SynRule,
    /// Sysctls in force.
    pub sysctls: Sysctls,
    /// Knobs of the lab.
    pub knobs: Option<Knobs>,
    /// The clients' clock: their timers and the segments in flight follow it.
    pub tempo: ClientClock,
    /// Connections that are not over, and those that ended a moment ago.
    pub roster: ConnectionTable,
    /// The accept queue, entry by entry.
    pub accept_queue: Occupancy,
    /// The SYN queue, entry by entry.
    pub syn_queue: Occupancy,
    /// Segments on the wire, `None` without a tap.
    pub segments: Option<SegmentTally>,
    /// The clients' outcomes.
    pub clients: ClientTally,
    /// All losses, by cause.
    pub ledger: Ledger,
    /// The listener as last read.
    pub reading: QueueReading,
    /// The listener's own drop count since the session began.
    pub listener_drops: DropCount,
    /// What sock_diag listed last, each list as old as its own dump.
    pub listed: Listed,
    /// The counters when the session began.
    pub counters_first: Option<Counters>,
    /// The counters as last read.
    pub counters_last: Option<Counters>,
    /// When that was.
    pub counters_at: Option<Stamp>,
    /// The counters of the clients' namespace when the session began.
    pub client_counters_first: Option<Box<Counters>>,
    /// The same as last read.
    pub client_counters_last: Option<Box<Counters>>,
    /// The program that is the server, where that is not qviz's own.
    pub server_program: Option<Box<ProgramState>>,
    /// The program that sends clients.
    pub load_program: Option<Box<ProgramState>>,
    /// Series for the timeline.
    pub history: History,
    /// The arrivals and accepts of the last minute.
    pub traffic: TrafficLog,
    /// The latest notes, newest last; bounded.
    pub notes: VecDeque<(Stamp, Note)>,
    /// Failures of `accept()`, by errno; nothing was taken from the queue.
    pub accept_errors: BTreeMap<i32, u64>,
    /// What qviz missed.
    pub losses: Losses,
    /// What readings cost, by source.
    pub costs: BTreeMap<Source, Cost>,
    /// Time that connections waited for `accept()`.
    pub wait: DurationHistogram,
    /// Time that requests stayed in the SYN queue.
    pub stay: DurationHistogram,
    /// Time until clients were ESTABLISHED on their side, retransmissions included.
    pub connect: DurationHistogram,
    /// Clients that want to be accepted.
    pub demand: Demand,
    /// Findings in force.
    pub findings: Vec<Finding>,
    /// Rules that are still undecided.
    pub undecided: Vec<&'static str>,
    /// Every finding of the session, by rule, in its last state.
    pub found: BTreeMap<String, Finding>,
    /// What is said above the picture.
    pub headline: Director,
    /// True after the last fact.
    pub ended: bool,
    pub(super) reviewed: Option<Stamp>,
    open: Bookkeeping,
    log_switch: LogSwitch,
}

/// Segments by kind, counted at the listener's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentTally {
    /// First SYNs.
    pub syn: u64,
    /// SYNs retransmitted.
    pub syn_retransmit: u64,
    /// First SYN-ACKs.
    pub syn_ack: u64,
    /// SYN-ACKs retransmitted.
    pub syn_ack_retransmit: u64,
    /// The handshake's final ACK, repeats included.
    pub ack: u64,
    /// RSTs in both directions.
    pub rst: u64,
}

/// The clients' outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTally {
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
    /// Distinct clients that were a ghost at any moment.
    pub ghosts: u64,
    /// Distinct clients that were a phantom at any moment.
    pub phantoms: u64,
    /// Other failures, by errno.
    pub errors: BTreeMap<i32, u64>,
}

impl ClientTally {
    /// Clients that have neither finished nor given up.
    pub fn in_flight(&self) -> u64 {
        let over = self.finished + self.refused + self.reset + self.timed_out + self.vanished;
        self.started.saturating_sub(over + self.errors.values().sum::<u64>())
    }
}

/// What qviz missed or deferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Turns of the loop that came more than a millisecond late.
    pub late_ticks: u64,
    /// Segments that did not fit into the tap's ring.
    pub tap_dropped: u64,
    /// Frames of real clients that did not fit into the wire's ring.
    pub wire_dropped: u64,
    /// Details omitted to keep up.
    pub detail_skipped: u64,
    /// Arrivals that could not start.
    pub arrivals_skipped: u64,
    /// Microseconds for which the packet-level clients' time stood still.
    pub stood_still_us: u64,
    /// True when the requested rate could not be reached.
    pub saturated: bool,
}

/// What one kind of reading costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Readings that were timed.
    pub readings: u64,
    /// Nanoseconds spent on them.
    pub nanos: u64,
}

impl Cost {
    pub(super) const fn add(&mut self, nanos: u64) {
        self.readings += 1;
        self.nanos = self.nanos.saturating_add(nanos);
    }
}

impl World {
    /// A world before the first fact.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn set_capacities(&mut self, at: Stamp) {
        let (accept, syn) = (self.accept_capacity(), self.syn_capacity());
        self.accept_queue.set_capacity(at, accept);
        self.syn_queue.set_capacity(at, syn);
        self.history.slot_at(at).limit = self.accept_limit();
    }

    pub(super) fn note(&mut self, note: Note) {
        if self.notes.len() == NOTES {
            self.notes.pop_front();
        }
        self.notes.push_back((self.now, note));
    }
}

/// How many notes are kept.
const NOTES: usize = 256;

/// Dumps in a row that must lack a request before it counts as removed (a dump is not a snapshot).
const MISSED: u32 = 2;
