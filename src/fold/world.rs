//! The one fold: [`World::apply`] takes one stamped fact after another and keeps the picture of what is true now.
//!
//! Live, attach and replay feed the same function; nothing in it looks at a clock or a file.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::connection::Connection;
use super::diagnosis::Finding;
use super::history::History;
use super::ledger::{Balance, Cause, Ledger};
use crate::fold::listeners::Survey;
use crate::model::counters::{Counter, Counters};
use crate::model::event::{Began, Listening};
use crate::model::experiment::Trials;
use crate::model::lesson::Course;
use crate::model::peer::Peer;
use crate::model::queue::SynRule;
use crate::model::sample::{Eye, Listed, QueueReading};
use crate::model::settings::{Knobs, Sysctls};
use crate::model::stamp::Stamp;
use crate::model::tempo::Tempo;
use crate::say;

mod account;
mod admission;
mod answer;
mod arbiter;
pub mod demand;
pub mod diary;
mod doubt;
mod fold;
pub mod listener;
mod lives;
pub mod note;
pub mod occupancy;
mod readings;
pub mod roster;
pub mod spread;
mod waiting;
pub mod watched;
mod wire;

use account::Open;
use demand::Demand;
use diary::writing::Desk;
use listener::ListenerDrops;
use note::Note;
use occupancy::Occupancy;
use roster::Roster;
use spread::Spread;

/// Everything that is known at one moment of a session.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The stamp of the last fact.
    pub now: Stamp,
    /// When the session began: a lesson's scenes follow each other on one clock.
    pub opened: Stamp,
    /// All listeners, where other people's are watched.
    pub survey: Survey,
    /// Where the lesson stands, if one is played. It outlives the sessions of its scenes.
    pub lesson: Option<Box<Course>>,
    /// Experiments beside the listener.
    pub trials: Trials,
    /// Where and with what the session runs.
    pub began: Option<Began>,
    /// The last `listen()` call.
    pub listening: Option<Listening>,
    /// When this kernel calls a SYN queue full.
    pub syn_rule: SynRule,
    /// Sysctls in force.
    pub sysctls: Sysctls,
    /// Knobs of the lab.
    pub knobs: Option<Knobs>,
    /// How the clients' time runs: their countdowns and the segments under way keep it.
    pub tempo: Tempo,
    /// Connections that are not over, and those that ended a moment ago.
    pub roster: Roster,
    /// The accept queue, entry by entry.
    pub accept_queue: Occupancy,
    /// The SYN queue, entry by entry.
    pub syn_queue: Occupancy,
    /// Segments on the wire, `None` without a tap.
    pub segments: Option<SegmentTally>,
    /// The clients' fates.
    pub clients: ClientTally,
    /// What became of everything lost.
    pub ledger: Ledger,
    /// The listener as last read.
    pub reading: QueueReading,
    /// The listener's own drop count since the session began.
    pub listener_drops: ListenerDrops,
    /// What sock_diag listed last, each list as old as its own dump.
    pub listed: Listed,
    /// The counters when the session began.
    pub counters_first: Option<Counters>,
    /// The counters as last read.
    pub counters_last: Option<Counters>,
    /// When that was.
    pub counters_at: Option<Stamp>,
    /// Series for the timeline.
    pub history: History,
    /// What happened lately, newest last; bounded.
    pub notes: VecDeque<(Stamp, Note)>,
    /// Failures of `accept()`, by errno; nothing was taken from the queue.
    pub accept_errors: BTreeMap<i32, u64>,
    /// What qviz missed.
    pub losses: Losses,
    /// What readings cost, by eye.
    pub costs: BTreeMap<Eye, Cost>,
    /// Time that connections waited for `accept()`.
    pub wait: Spread,
    /// Time that requests stayed in the SYN queue.
    pub stay: Spread,
    /// Time until clients were connected in their own eyes, retries included.
    pub connect: Spread,
    /// Clients that want to be accepted.
    pub demand: Demand,
    /// Diagnoses in force.
    pub findings: Vec<Finding>,
    /// Rules of which it is too early to tell.
    pub undecided: Vec<&'static str>,
    /// Every diagnosis of the session, by rule, as it was when last in force.
    pub found: BTreeMap<String, Finding>,
    /// True when nothing more will come.
    pub ended: bool,
    pub(super) reviewed: Option<Stamp>,
    open: Open,
    desk: Desk,
}

/// Segments by kind, counted at the listener's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentTally {
    /// First SYNs.
    pub syn: u64,
    /// SYNs sent again.
    pub syn_retransmit: u64,
    /// First SYN-ACKs.
    pub syn_ack: u64,
    /// SYN-ACKs sent again.
    pub syn_ack_retransmit: u64,
    /// The handshake's final ACK, repeats included.
    pub ack: u64,
    /// RSTs in both directions.
    pub rst: u64,
}

/// The clients' fates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTally {
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

/// What qviz missed or put off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Turns of the loop that came more than a millisecond late.
    pub late_ticks: u64,
    /// Segments that did not fit into the tap's ring.
    pub tap_dropped: u64,
    /// Details left out to keep up.
    pub detail_skipped: u64,
    /// Arrivals that could not start.
    pub arrivals_skipped: u64,
    /// True when the wished rate could not be reached.
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

impl World {
    /// A world of which nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The accept queue's limit: as last read, else as `listen()` reported it.
    pub fn accept_limit(&self) -> Option<u32> {
        self.reading.limit.or_else(|| self.listening.and_then(|listening| listening.limit))
    }

    /// How many connections the accept queue holds.
    pub fn accept_capacity(&self) -> Option<u32> {
        self.accept_limit().map(crate::model::queue::accept_capacity)
    }

    /// How many half-open requests the SYN queue holds before it is full.
    pub fn syn_capacity(&self) -> Option<u32> {
        self.accept_limit().map(|limit| self.syn_rule.capacity(limit))
    }

    /// The counters' change since the session began.
    pub fn counters(&self) -> Counters {
        match (&self.counters_last, &self.counters_first) {
            (Some(last), Some(first)) => last.since(first),
            _ => Counters::default(),
        }
    }

    /// The change of one counter since the session began.
    pub fn counter(&self, counter: Counter) -> Option<u64> {
        self.counters().value(counter)
    }

    /// The ledger held against the counters. While the session runs the two are read at different moments: a difference counts
    /// only when it has stood for [`PATIENCE`].
    pub fn balance(&self) -> Balance {
        let undecided = |reason| Balance { balanced: None, reason: Some(reason), unexplained: Vec::new() };
        match &self.began {
            Some(began) if !began.private_counters => {
                undecided(say!("the counters of this network namespace are shared with other programs"))
            }
            _ if self.trials != Trials::default() => undecided(say!("a trial has used this network namespace as well")),
            _ if self.segments.is_none() => undecided(say!("segments are not seen: no packet tap")),
            _ if self.losses.tap_dropped > 0 => undecided(say!("the packet tap lost segments")),
            _ if self.counters_first.is_none() => undecided(say!("the counters could not be read")),
            _ => {
                let recent = self.open.balanced_at.is_some_and(|at| self.now.since(at) < PATIENCE);
                let mut balance = self.ledger.balance(&self.counters());
                if let Some(unexplained) = self.unexplained_by_listener() {
                    balance.balanced = Some(false);
                    balance.unexplained.push(unexplained);
                }
                if recent && !self.ended {
                    Balance { balanced: Some(true), ..Balance::default() }
                } else if balance.balanced == Some(true) && self.ledger.syns_without_cause > 0 {
                    undecided(say!("a SYN stayed without an answer, and no counter tells why"))
                } else {
                    balance
                }
            }
        }
    }

    /// One connection.
    pub fn connection(&self, peer: &Peer) -> Option<&Connection> {
        self.roster.connection(peer)
    }

    /// Packets lost for `cause`, and how many clients.
    pub const fn toll(&self, cause: Cause) -> super::ledger::Toll {
        self.ledger.toll(cause)
    }
}

/// How long a difference between the ledger and the counters may last while the session runs.
pub const PATIENCE: Duration = Duration::from_secs(1);
