//! Values of the model as text: settings, steps, causes, invalid targets.

use std::fmt;
use std::time::Duration;

use crate::model::cause::Cause;
use crate::model::client_clock::StepOutcome;
use crate::model::segment::Kind;
use crate::model::settings::{AcceptRate, Arrivals};
use crate::model::watch::InvalidTarget;
use crate::say;

/// A sum of times that grows while it is looked at: `0.8 s`, `75.3 s`, `12 min`.
pub fn tenths(span: Duration) -> String {
    let tenths = span.as_millis() / 100;
    if tenths < 6000 { format!("{}.{} s", tenths / 10, tenths % 10) } else { format!("{} min", tenths / 600) }
}

impl fmt::Display for AcceptRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paused => f.write_str(say!("paused")),
            Self::PerSecond(rate) => write!(f, "{rate}/s"),
            Self::Max => f.write_str(say!("max")),
        }
    }
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steady => f.write_str(say!("steady")),
            Self::Poisson => f.write_str(say!("poisson")),
            Self::Burst { size, period } => write!(f, "burst:{size}/{}ms", period.as_millis()),
            Self::Wave { size, period } => write!(f, "wave:{size}/{}ms", period.as_millis()),
        }
    }
}

impl StepOutcome {
    /// As text; `who` is the name of the connection.
    pub fn words(self, who: &str) -> String {
        match self {
            Self::Left(kind) => say!("{who}: {segment} leaves the client", who, segment = segment_name(kind)),
            Self::Reached(Kind::Syn) => say!("{who}: SYN reaches the listener, the kernel decides", who),
            Self::Reached(kind) => say!("{who}: {segment} reaches the listener", who, segment = segment_name(kind)),
            Self::CameBack(Kind::SynAck) => say!("{who}: SYN-ACK reaches the client", who),
            Self::CameBack(kind) => {
                say!("{who}: the server's {segment} reaches the client", who, segment = segment_name(kind))
            }
            Self::GaveUp => say!("{who}: the client gives up", who),
            Self::Accepted => say!("{who}: one accept()", who),
            Self::Served => say!("{who}: the server is done", who),
        }
    }
}

impl Cause {
    /// The cause in a few words, for a screen.
    pub fn words(self) -> &'static str {
        match self {
            Self::SynAcceptQueueFull => say!("SYN dropped: accept queue full"),
            Self::SynSynQueueFull => say!("SYN dropped: SYN queue full"),
            Self::SynMaxSynBacklog => say!("SYN dropped: ¾ rule (max_syn_backlog)"),
            Self::AckAcceptQueueFull => say!("ACK ignored: accept queue full (ghost)"),
            Self::AckCookieAcceptQueueFull => say!("cookie ACK ignored: accept queue full (phantom)"),
            Self::AckReset => say!("reset: accept queue full, abort_on_overflow"),
            Self::RequestExpired => say!("half-open request expired"),
            Self::RequestPruned => say!("half-open request pruned early"),
            Self::ClientLost => say!("lost by the simulated network"),
        }
    }
}

impl fmt::Display for InvalidTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&say!(
            "`{words}` is no PORT, :PORT, ADDR:PORT, /PATH, @NAME, program, pid:N or unit",
            words = self.0
        ))
    }
}

impl std::error::Error for InvalidTarget {}

/// The name of a segment.
pub fn segment_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Syn => "SYN",
        Kind::SynAck => "SYN-ACK",
        Kind::Ack => "ACK",
        Kind::Data => say!("data"),
        Kind::Fin => "FIN",
        Kind::Rst => "RST",
    }
}
