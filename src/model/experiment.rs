//! Trials: experiments on real sockets and processes that go beyond one listener's queues (bind, connect, fork, close). A lesson asks
//! for one by its name; the lab carries it out in the private network, and what it did and measured comes up as facts.

use serde::{Deserialize, Serialize};

use super::message::Message;

macro_rules! trials {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// One experiment.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ExperimentId { $($(#[$doc])* #[serde(rename = $name)] $variant),+ }

        impl ExperimentId {
            /// Every trial.
            pub const ALL: [Self; [$(Self::$variant),+].len()] = [$(Self::$variant),+];

            /// The name used in lessons.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

trials! {
    /// accept() takes from the head: first come, first served.
    AcceptFifo = "accept-fifo",
    /// accept() on an empty queue sleeps, or answers EAGAIN.
    AcceptBlocks = "accept-blocks",
    /// A request, the queued child, and the accepted socket are one: the same socket cookie.
    MoveToTail = "move-to-tail",
    /// What limit listen() leaves behind for backlogs of every size.
    ListenLimits = "listen-limits",
    /// connect() to a full accept queue: silence, then ETIMEDOUT; when each SYN was sent.
    RetrySchedule = "retry-schedule",
    /// Who sends RST: no listener, an aborted connection, a segment of no connection.
    ThreeResets = "three-resets",
    /// "Destination unreachable" as ICMP, and no route at all.
    Unreachable = "unreachable",
    /// A socket after a failed connect().
    FailedSocket = "failed-socket",
    /// connect() that does not wait: EINPROGRESS, then writable.
    NonblockingConnect = "nonblocking-connect",
    /// A new socket and a doubling pause for each try, against a late server.
    Backoff = "backoff",
    /// Every errno of connect().
    ConnectErrnos = "connect-errnos",
    /// Wildcard or address, port 0 or given: who chooses what.
    BindFour = "bind-four",
    /// Two sockets, one port: what SO_REUSEADDR and SO_REUSEPORT change.
    BindInUse = "bind-in-use",
    /// listen() without bind().
    UnboundListen = "unbound-listen",
    /// Which types of sockets listen().
    ListenTypes = "listen-types",
    /// Which of the listener's options an accepted socket has.
    Inherits = "inherits",
    /// A connection's socket held by two processes: the parent's close(), and the last one.
    ForkRefcount = "fork-refcount",
    /// The same, and the parent's shutdown().
    ForkShutdown = "fork-shutdown",
    /// A parent that never closes accepted sockets.
    ForkLeak = "fork-leak",
    /// The states that sock_diag shows at both ends, step by step.
    States = "states",
    /// SO_REUSEPORT: a queue and a limit for each socket.
    Reuseport = "reuseport",
    /// SO_REUSEPORT: what becomes of a closed listener's children.
    ReuseportClose = "reuseport-close",
    /// TCP_DEFER_ACCEPT: nothing is queued before data comes.
    DeferAccept = "defer-accept",
    /// TCP_DEFER_ACCEPT: a client that never says anything.
    DeferAcceptSilent = "defer-accept-silent",
    /// A unix stream socket's queue: how many fit, and what the next one is told.
    UnixSocket = "unix-socket",
    /// The same queue, full: connect() that waits for a place.
    UnixSocketWait = "unix-socket-wait",
}

/// What comes up from a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExperimentFact {
    /// It begins.
    Began(ExperimentId),
    /// Somebody did something.
    Line(CallRecord),
    /// A number was measured.
    Measured {
        /// Its name, in kebab case with the unit at its end: `second-try-ms`, `child-inherits-keepalive`. Yes is 1, no is 0.
        name: String,
        /// Its value; never NaN.
        value: f64,
    },
    /// It is over.
    Ended {
        /// Which one.
        trial: ExperimentId,
        /// Why it could not be carried out, if it could not.
        failed: Option<Message>,
    },
}

/// One call, or one thing seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Who did it: `server`, `client`, `child`, `kernel`, `wire`; with a number where there are several: `server 2`.
    pub who: String,
    /// What, as it would stand in a program or a trace: `bind(0.0.0.0:0)`.
    pub call: Message,
    /// What came of it: `0`, `EADDRINUSE`, `port 37211`.
    pub outcome: Message,
    /// How to see it.
    pub mood: CallOutcome,
}

/// How a line is to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// As any other.
    #[default]
    Plain,
    /// It went well.
    Good,
    /// It was refused, or it failed; what a trial was made to show often does.
    Refused,
    /// Nothing came: silence.
    Silent,
}
