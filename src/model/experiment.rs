//! Trials: experiments on real sockets and processes that go beyond one listener's queues (bind, connect, fork, close). A lesson asks
//! for one by its name; the lab carries it out in the private network, and what it did and measured comes up as facts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::stamp::Stamp;

macro_rules! trials {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// One experiment.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Trial { $($(#[$doc])* #[serde(rename = $name)] $variant),+ }

        impl Trial {
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
pub enum TrialFact {
    /// It begins.
    Began(Trial),
    /// Somebody did something.
    Line(Line),
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
        trial: Trial,
        /// Why it could not be carried out, if it could not.
        failed: Option<String>,
    },
}

/// One call, or one thing seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Who did it: `server`, `client`, `child`, `kernel`, `wire`; with a number where there are several: `server 2`.
    pub who: String,
    /// What, as it would stand in a program or a trace: `bind(0.0.0.0:0)`.
    pub call: String,
    /// What came of it: `0`, `EADDRINUSE`, `port 37211`.
    pub outcome: String,
    /// How to see it.
    pub mood: Mood,
}

/// How a line is to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
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

/// What is known of the trials of a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trials {
    /// The one that runs.
    pub running: Option<Trial>,
    /// What was done, oldest first; bounded.
    pub lines: Vec<(Stamp, Line)>,
    /// Which of these lines are the first of their trial, oldest first.
    pub starts: Vec<usize>,
    /// What was measured, by name.
    pub measured: BTreeMap<String, f64>,
    /// The names that the last trial has measured, in the order in which it did.
    pub newest: Vec<String>,
    /// Trials that are over.
    pub done: u32,
    /// Why the last one could not be carried out.
    pub failed: Option<String>,
}

impl Trials {
    /// Takes one fact.
    pub fn apply(&mut self, at: Stamp, fact: &TrialFact) {
        match fact {
            TrialFact::Began(trial) => {
                self.running = Some(*trial);
                self.failed = None;
                self.newest.clear();
                if self.starts.last() != Some(&self.lines.len()) {
                    self.starts.push(self.lines.len());
                }
            }
            TrialFact::Line(line) => {
                if self.lines.len() == MOST_LINES {
                    self.lines.remove(0);
                    self.starts.retain(|start| *start > 0);
                    self.starts.iter_mut().for_each(|start| *start -= 1);
                }
                self.lines.push((at, line.clone()));
            }
            TrialFact::Measured { name, value } => {
                self.measured.insert(name.clone(), *value);
                if !self.newest.contains(name) {
                    self.newest.push(name.clone());
                }
            }
            TrialFact::Ended { failed, .. } => {
                self.running = None;
                self.done += 1;
                self.failed.clone_from(failed);
            }
        }
    }
}

/// How many lines are kept.
const MOST_LINES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_trial_measured_outlives_it() {
        let mut trials = Trials::default();
        let at = Stamp::from_millis(5);
        trials.apply(at, &TrialFact::Began(Trial::BindFour));
        assert_eq!(trials.running, Some(Trial::BindFour));
        trials.apply(at, &TrialFact::Measured { name: "rows".into(), value: 4.0 });
        trials.apply(at, &TrialFact::Ended { trial: Trial::BindFour, failed: None });
        assert_eq!((trials.running, trials.done, trials.measured["rows"]), (None, 1, 4.0));
    }

    #[test]
    fn each_trial_has_its_own_first_line_and_its_own_names() {
        let mut trials = Trials::default();
        let mut tell = |fact: &TrialFact| trials.apply(Stamp::ZERO, fact);
        let line = || {
            TrialFact::Line(Line {
                who: "server".into(),
                call: "close()".into(),
                outcome: "0".into(),
                mood: Mood::Good,
            })
        };
        let measured = |name: &str| TrialFact::Measured { name: name.into(), value: 1.0 };
        tell(&TrialFact::Began(Trial::BindFour));
        (0..3).for_each(|_| tell(&line()));
        tell(&measured("rows"));
        tell(&TrialFact::Began(Trial::BindInUse));
        tell(&line());
        for name in ["try-10", "try-2", "try-10"] {
            tell(&measured(name));
        }
        assert_eq!((&trials.starts[..], &trials.newest[..]), (&[0, 3][..], &["try-10".to_owned(), "try-2".into()][..]));
        assert_eq!(trials.measured.len(), 3, "what was measured before is still known");
        (0..MOST_LINES - 2).for_each(|_| trials.apply(Stamp::ZERO, &line()));
        assert_eq!((trials.lines.len(), &trials.starts[..]), (MOST_LINES, &[1][..]), "two lines have left");
    }
}
