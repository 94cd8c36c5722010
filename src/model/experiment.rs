//! Experiments on real sockets and processes that go beyond one listener's queues (bind, connect, fork, close). A lesson starts
//! one by name; the lab runs it in the private network, and its calls and measurements come up as facts.

use serde::{Deserialize, Serialize};

use super::message::Message;
use super::settings::Sysctl;

macro_rules! trials {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// One experiment.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ExperimentId { $($(#[$doc])* #[serde(rename = $name)] $variant),+ }

        impl ExperimentId {
            /// Every experiment.
            pub const ALL: [Self; [$(Self::$variant),+].len()] = [$(Self::$variant),+];

            /// The sysctl that it turns, if any: where that cannot be done, it cannot be tried.
            pub const fn turns(self) -> Option<Sysctl> {
                match self {
                    Self::ListenLimits => Some(Sysctl::Somaxconn),
                    Self::ReuseportClose => Some(Sysctl::MigrateReq),
                    _ => None,
                }
            }

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
    /// A unix stream socket's queue: how many fit, and the errno of the next one.
    UnixSocket = "unix-socket",
    /// The same queue, full: connect() that waits for a place.
    UnixSocketWait = "unix-socket-wait",
}

/// A fact of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExperimentFact {
    /// It starts.
    Began(ExperimentId),
    /// A call or an observation.
    Line(CallRecord),
    /// A number was measured.
    Measured {
        /// Its name, in kebab case with the unit at its end: `second-try-ms`, `child-inherits-keepalive`. Yes is 1, no is 0.
        name: String,
        /// Its value; never NaN.
        value: f64,
    },
    /// It has ended.
    Ended {
        /// Which one.
        trial: ExperimentId,
        /// Why it failed, if it did.
        failed: Option<Message>,
    },
}

/// One call, or one observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The actor: `server`, `client`, `child`, `kernel`, `wire`; with a number where there are several: `server 2`.
    pub who: String,
    /// The call, as in a program or a trace: `bind(0.0.0.0:0)`.
    pub call: Message,
    /// The result: `0`, `EADDRINUSE`, `port 37211`.
    pub outcome: Message,
    /// How it is highlighted.
    pub mood: CallOutcome,
}

/// How a call is highlighted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// Not at all.
    #[default]
    Plain,
    /// It succeeded.
    Good,
    /// It failed, which often is what the experiment shows.
    Refused,
    /// No answer.
    Silent,
}
