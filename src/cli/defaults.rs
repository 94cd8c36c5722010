//! Every default in one place, with its reason.

use std::time::Duration;

use crate::model::settings::{AcceptRate, Arrivals};

/// The backlog of the textbooks: `listen(fd, 5)`. Six connections fit, few enough to count at a glance.
pub const BACKLOG: i32 = 5;

/// The rhythm without `--rate` and `--arrivals`: a wave that fills both queues, overflows them, and leaves time to recover before
/// the next one; five clients a second are as many as an eye follows.
pub const ARRIVALS: Arrivals = Arrivals::Wave { size: 20, period: Duration::from_secs(12) };

/// Clients per second where a pattern needs a rate and none was given, and the rate from which the keys start.
pub const RATE: f64 = 5.0;

/// Slower than a wave arrives, fast enough to drain the queue before the next one: each `accept()` can be followed.
pub const ACCEPT_RATE: AcceptRate = AcceptRate::PerSecond(2.0);

/// With workers the workers set the pace, so `accept()` itself is not slowed.
pub const ACCEPT_RATE_WITH_WORKERS: AcceptRate = AcceptRate::Max;

/// Long enough to see a request wait in the SYN queue for the client's ACK.
pub const RTT: Duration = Duration::from_millis(600);

/// So that the clients of one wave do not all answer at the same moment. Only while the round-trip time is the default one:
/// `--rtt` is used exactly as given.
pub const JITTER: Duration = Duration::from_millis(150);

/// How long a connection is served in the default rhythm: long enough to be seen.
pub const SERVICE_SEEN: Duration = Duration::from_secs(1);

/// How long a connection is served when the rate or the pattern was given: not at all, so that descriptors never set the limit.
pub const SERVICE: Duration = Duration::ZERO;

/// Share of clients that never answer; half-open pile-ups only on request.
pub const HALF_OPEN: f64 = 0.0;

/// Share of segments lost by the synthetic network.
pub const LOSS: f64 = 0.0;

/// A fixed seed: the default run is the same on every machine.
pub const SEED: u64 = 1;

/// Most terminals are dark.
pub const THEME: &str = "dark";
