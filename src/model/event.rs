//! Every fact that can reach the fold. A recording holds these and nothing derived from them.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::client_clock::{ClientClock, StepOutcome};
use super::counters::Counters;
use super::delivery::Delivery;
use super::lesson::LessonFact;
use super::message::Message;
use super::peer::Peer;
use super::program::ProgramState;
use super::queue::SynRule;
use super::sample::{Listed, QueueReading, Source};
use super::segment::{Kind, Segment};
use super::settings::{ClientKind, Knobs, Sysctl, Sysctls};
use super::stamp::Stamp;
use super::watch::{
    HolderProcess, ListenerId, ListenerOptions, ListenerSnapshot, Owner, QueueOccupants, SynCounts, TapReach, Watching,
};
use crate::model::experiment::ExperimentFact;

/// Where the lab runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// A private network namespace that qviz made.
    Lab,
    /// The network namespace in which the program was started, which is not the machine's first one: with a pair of links of qviz's own.
    Here,
    /// The host's loopback.
    Host,
}

impl Environment {
    /// The name used in options and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Here => "here",
            Self::Host => "host",
        }
    }
}

/// A fact and its moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// When.
    pub at: Stamp,
    /// What.
    pub event: Event,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The session's first event: its environment and settings.
    Began(Box<Began>),
    /// `listen()` was called.
    Listening(Listening),
    /// A sysctl of the run's namespace has this value now.
    Sysctl {
        /// Which one.
        name: Sysctl,
        /// Its value.
        value: i64,
    },
    /// The lab's knobs have these values now.
    Knobs(Box<Knobs>),
    /// The clients' clock from now on. Future moments ([`ClientEvent::Departed`], [`ClientEvent::WillRetry`]) are given in it.
    Tempo(ClientClock),
    /// The clients' time is held, and this step was carried out.
    Stepped {
        /// Whose connection.
        peer: Peer,
        /// What.
        #[serde(rename = "thing")]
        outcome: StepOutcome,
    },
    /// A segment passed at the listener's end; of one towards the listener nothing more is known, or nothing was to be decided.
    Segment(Segment),
    /// A segment was delivered to the lab's listener, with what became of it.
    Delivered(Delivery),
    /// An event that only the client knows.
    Client {
        /// The client's number, counted from 0.
        id: u32,
        /// Its address, where it has one already.
        peer: Peer,
        /// What happened.
        #[serde(rename = "life")]
        event: ClientEvent,
    },
    /// The server did something with a connection.
    Served {
        /// Whose connection.
        peer: Peer,
        /// What it did.
        #[serde(rename = "deed")]
        event: ServerEvent,
    },
    /// `accept()` failed with this errno; nothing was taken from the queue.
    AcceptFailed {
        /// The errno.
        errno: i32,
    },
    /// A program of somebody else's in the lab: how it is now.
    Program(Box<ProgramState>),
    /// The listener was read.
    Queue(QueueReading),
    /// sock_diag listed requests or waiting connections.
    Listed(Box<Listed>),
    /// The counters of the listener's namespace were read.
    Counters(Box<Counters>),
    /// The counters of the clients' namespace were read.
    ClientCounters(Box<Counters>),
    /// Something that qviz missed or could not do.
    Loss(Loss),
    /// What one reading cost, in nanoseconds of processor time.
    Cost {
        /// The source.
        #[serde(rename = "eye")]
        source: Source,
        /// Nanoseconds for one reading.
        nanos: u64,
    },
    /// A command could not be carried out.
    Refused {
        /// What, why, and the next command, in one sentence.
        message: Message,
    },
    /// A watch's first event: its namespace and permissions.
    Watching(Box<Watching>),
    /// All listeners were read: what is new.
    #[serde(rename = "roll")]
    Snapshot(Box<ListenerSnapshot>),
    /// The owner of a listener; `None`: not visible.
    Owned {
        /// Which listener.
        id: ListenerId,
        /// Who.
        owner: Option<Owner>,
    },
    /// The processes that hold a listener were looked at.
    Holders {
        /// Which listener.
        id: ListenerId,
        /// They.
        holders: Vec<HolderProcess>,
        /// The listener's connections that were accepted and are open; `None`: not looked at.
        served: Option<u32>,
    },
    /// The options of a listener, where its descriptor may be copied.
    Options {
        /// Which listener.
        id: ListenerId,
        /// They.
        options: ListenerOptions,
    },
    /// The kernel's log says that a listener may be flooded with SYNs.
    FloodLogged {
        /// Which listener: the one of the address, or of the port, that is named.
        id: ListenerId,
        /// How long ago it said so, in milliseconds.
        ago_ms: u64,
    },
    /// Counts and ages of the entries in a listener's queues.
    #[serde(rename = "crowded")]
    Occupants {
        /// Which listener.
        id: ListenerId,
        /// How many, and for how long.
        #[serde(rename = "crowding")]
        occupants: QueueOccupants,
    },
    /// SYNs that the tap saw, by listener.
    #[serde(rename = "knocked")]
    SynsSeen(Vec<SynCounts>),
    /// SYNs that the tap saw in a short sample, by listener.
    SynsSampled {
        /// Its length.
        span_ms: u32,
        /// They.
        counts: Vec<SynCounts>,
    },
    /// The taps take fewer packets from now on, or all of them again.
    TapReach(TapReach),
    /// The listener that all single-listener facts are about from now on ([`Event::Began`] follows); `None`: none.
    Chosen(Option<ListenerId>),
    /// A fact of an experiment.
    #[serde(rename = "trial")]
    Experiment(ExperimentFact),
    /// A fact of a lesson.
    Lesson(LessonFact),
    /// No other fact up to this moment.
    Tick,
    /// The session is over; nothing follows.
    Ended,
}

/// The environment and settings of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Began {
    /// The kernel's release, as `uname -r` prints it.
    pub kernel: String,
    /// The namespace or the host.
    #[serde(rename = "rung")]
    pub environment: Environment,
    /// Why the host was taken although the lab was wanted, and the remedy.
    pub fallback: Option<Message>,
    /// The process that holds the namespace (for `nsenter -t PID -n`).
    pub pid: u32,
    /// The seed of everything random.
    pub seed: u64,
    /// The kind of clients.
    pub clients: ClientKind,
    /// The listener's address.
    pub address: SocketAddr,
    /// True when the packet tap works: without it segments are unknown.
    pub tap: bool,
    /// True when the counters belong to this run alone.
    pub private_counters: bool,
    /// The host's sysctls, read before the namespace was entered.
    pub host: Sysctls,
    /// The sysctls in the listener's namespace.
    pub sysctls: Sysctls,
    /// When a SYN queue is full in this kernel, as measured; `None` where that could not be done, and in older recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syn_rule: Option<SynRule>,
    /// True when the listener belongs to another program: its `accept()` calls and client events are not reported.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub watched: bool,
}

/// One `listen()` call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listening {
    /// What was asked for.
    pub backlog: i32,
    /// `net.core.somaxconn` at that moment.
    pub somaxconn: Option<u32>,
    /// What the kernel made of it, read back from the socket; `None` when it could not be read.
    pub limit: Option<u32>,
}

/// What a client reports of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientEvent {
    /// It starts: its first SYN leaves now.
    Started {
        /// True when it never sends its final ACK.
        half_open: bool,
    },
    /// A segment leaves the client and reaches the listener's end at `arrives`.
    Departed {
        /// What it sends.
        kind: Kind,
        /// The transmission of this kind, from 1.
        attempt: u8,
        /// When it reaches the listener's end, in the clients' time.
        arrives: Stamp,
    },
    /// The synthetic network lost a segment of this client before the kernel, or the client, saw it.
    Lost {
        /// What was lost.
        kind: Kind,
        /// True for a segment on its way to the listener.
        outbound: bool,
    },
    /// The wire holds a segment of this client until it is let go; then it leaves again ([`ClientEvent::Departed`]) or reaches the client.
    Held {
        /// What is held.
        kind: Kind,
        /// True for a segment on its way to the listener.
        outbound: bool,
    },
    /// If nothing arrives, it retransmits (or gives up) at `at`.
    WillRetry {
        /// When, in the clients' time.
        at: Stamp,
        /// True when it gives up then.
        gives_up: bool,
    },
    /// It received the SYN-ACK: ESTABLISHED on its side.
    Connected,
    /// It has sent its FIN and received the server's: closed regularly.
    Finished,
    /// ECONNREFUSED: RST in answer to the SYN.
    Refused,
    /// ECONNRESET: RST after it was connected.
    Reset,
    /// ETIMEDOUT: it gave up.
    TimedOut,
    /// A half-open client, which never answers.
    Vanished,
    /// connect() or its preparation failed otherwise, with this errno.
    Failed {
        /// The errno.
        errno: i32,
    },
}

impl ClientEvent {
    /// True when nothing of the client follows.
    pub const fn is_end(self) -> bool {
        matches!(
            self,
            Self::Finished | Self::Refused | Self::Reset | Self::TimedOut | Self::Vanished | Self::Failed { .. }
        )
    }
}

/// What the server did with one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerEvent {
    /// `accept()` returned it.
    Accepted {
        /// Milliseconds that it waited in the queue, from `tcpi_last_data_sent`; `None` when not asked (high rates).
        waited_ms: Option<u32>,
        /// Socket cookie, when asked.
        cookie: Option<u64>,
    },
    /// It was served and closed regularly.
    Closed,
    /// It was found reset when served.
    FoundReset,
}

/// What qviz missed or deferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Turns of the loop more than one millisecond late.
    LateTicks(u64),
    /// Segments that did not fit into the tap's ring (`PACKET_STATISTICS`).
    TapDropped(u64),
    /// Frames of real clients that did not fit into the wire's ring: lost as on any network, before the listener's kernel saw them.
    WireDropped(u64),
    /// Details omitted to keep up; sums stay exact.
    DetailSkipped(u64),
    /// Arrivals that were due and could not start: the crowd, its addresses or the descriptors were exhausted, or its time stood
    /// still.
    ArrivalsSkipped(u64),
    /// Microseconds for which the packet-level clients' time stood still, because the machine could not keep up with it.
    StoodStillUs(u64),
    /// The requested rate cannot be reached; the crowd runs as fast as it can.
    Saturated,
}
