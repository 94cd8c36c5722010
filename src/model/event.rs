//! Every fact that can reach the fold. A tape holds these and nothing derived from them.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::client_clock::{ClientClock, StepOutcome};
use super::counters::Counters;
use super::lesson::LessonFact;
use super::message::Message;
use super::peer::Peer;
use super::sample::{Listed, QueueReading, Source};
use super::segment::{Kind, Segment};
use super::settings::{ClientKind, Knobs, Sysctl, Sysctls};
use super::stamp::Stamp;
use super::watch::{ListenerId, ListenerSnapshot, Owner, QueueOccupants, SynCounts, Watching};
use crate::model::experiment::ExperimentFact;

/// Where the lab stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// A private network namespace that qviz made.
    Lab,
    /// The host's loopback.
    Host,
}

impl Environment {
    /// The name used in options and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Host => "host",
        }
    }
}

/// A fact and the moment at which it was so.
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
    /// The session's first event: where and with what it runs.
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
    /// The lab's knobs stand like this now.
    Knobs(Box<Knobs>),
    /// The clients' time runs like this from now on. Moments to come ([`ClientEvent::Departed`], [`ClientEvent::WillRetry`]) are told in it.
    Tempo(ClientClock),
    /// The clients' time stands still, and this one thing was let happen.
    Stepped {
        /// Whose connection.
        peer: Peer,
        /// What.
        thing: StepOutcome,
    },
    /// A segment passed the tap at the listener's end.
    Segment(Segment),
    /// Something in a client's life that only the client knows.
    Client {
        /// The client's number, counted from 0.
        id: u32,
        /// Its address, where it has one already.
        peer: Peer,
        /// What happened.
        life: ClientEvent,
    },
    /// The server did something with a connection.
    Served {
        /// Whose connection.
        peer: Peer,
        /// What it did.
        deed: ServerEvent,
    },
    /// `accept()` failed with this errno; nothing was taken from the queue.
    AcceptFailed {
        /// The errno.
        errno: i32,
    },
    /// The listener was read.
    Queue(QueueReading),
    /// sock_diag listed requests or waiting connections.
    Listed(Box<Listed>),
    /// The counters were read.
    Counters(Box<Counters>),
    /// Something that qviz itself missed or could not do.
    Loss(Loss),
    /// What one reading cost, in nanoseconds of wall time.
    Cost {
        /// Which eye.
        eye: Source,
        /// Nanoseconds for one reading.
        nanos: u64,
    },
    /// A wish could not be carried out.
    Refused {
        /// What, why, and the next command, in one sentence.
        message: Message,
    },
    /// A watch's first event: where and with what rights other people's listeners are watched.
    Watching(Box<Watching>),
    /// All listeners were read: what is new.
    #[serde(rename = "roll")]
    Snapshot(Box<ListenerSnapshot>),
    /// Who holds a listener; `None`: it is not to be seen.
    Owned {
        /// Which listener.
        id: ListenerId,
        /// Who.
        owner: Option<Owner>,
    },
    /// What stands behind a listener's queues.
    #[serde(rename = "crowded")]
    Occupants {
        /// Which listener.
        id: ListenerId,
        /// How many, and for how long.
        crowding: QueueOccupants,
    },
    /// SYNs that the tap saw, by listener.
    #[serde(rename = "knocked")]
    SynsSeen(Vec<SynCounts>),
    /// From now on the facts about one listener ([`Event::Began`] follows) are about this one; `None`: about none.
    Chosen(Option<ListenerId>),
    /// An experiment did or measured something.
    #[serde(rename = "trial")]
    Experiment(ExperimentFact),
    /// A lesson has come so far.
    Lesson(LessonFact),
    /// Nothing new, but time has passed up to here.
    Tick,
    /// The session is over; nothing follows.
    Ended,
}

/// What a session is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Began {
    /// The kernel's release, as `uname -r` prints it.
    pub kernel: String,
    /// The namespace or the host.
    #[serde(rename = "rung")]
    pub environment: Environment,
    /// Why the host rung was taken although the lab was wanted, and the remedy.
    pub fallback: Option<Message>,
    /// The process that holds the namespace (for `nsenter -t PID -n`).
    pub pid: u32,
    /// The seed of everything random.
    pub seed: u64,
    /// Which clients meet the listener.
    pub clients: ClientKind,
    /// The listener's address.
    pub address: SocketAddr,
    /// True when the packet tap works: without it segments are unknown.
    pub tap: bool,
    /// True when the counters belong to this run alone.
    pub private_counters: bool,
    /// The host's sysctls, read before the namespace was entered.
    pub host: Sysctls,
    /// The sysctls in force where the listener stands.
    pub sysctls: Sysctls,
    /// True when the listener is somebody else's and only watched: its `accept()` calls and its clients' lives are not told.
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

/// What a client knows of its own life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientEvent {
    /// It starts: its first SYN leaves now.
    Started {
        /// True when it will never send its final ACK.
        half_open: bool,
    },
    /// A segment leaves the client and reaches the listener's end at `arrives`.
    Departed {
        /// What it sends.
        kind: Kind,
        /// Which try of this kind, from 1.
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
    /// If nothing is heard, it tries again (or gives up) at `at`.
    WillRetry {
        /// When, in the clients' time.
        at: Stamp,
        /// True when that moment is the end of its patience.
        gives_up: bool,
    },
    /// It got the SYN-ACK: connected in its own eyes.
    Connected,
    /// It has sent its FIN and got the server's: finished in good order.
    Finished,
    /// ECONNREFUSED: RST in answer to the SYN.
    Refused,
    /// ECONNRESET: RST after it was connected.
    Reset,
    /// ETIMEDOUT: it gave up.
    TimedOut,
    /// A half-open client that will never answer again.
    Vanished,
    /// connect() or its preparation failed otherwise, with this errno.
    Failed {
        /// The errno.
        errno: i32,
    },
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
    /// It was served and closed in good order.
    Closed,
    /// It was found reset when served.
    FoundReset,
}

/// What qviz missed or put off: a fact like the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// So many turns of the loop came more than one millisecond late.
    LateTicks(u64),
    /// So many segments did not fit into the tap's ring (`PACKET_STATISTICS`).
    TapDropped(u64),
    /// So many details were left out to keep up; sums stay exact.
    DetailSkipped(u64),
    /// So many arrivals were due and could not start: the crowd, its addresses or the descriptors were exhausted.
    ArrivalsSkipped(u64),
    /// The wished rate cannot be reached; the crowd runs as fast as it can.
    Saturated,
}
