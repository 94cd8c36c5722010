//! Why a segment, a request or a client is lost.

use serde::{Deserialize, Serialize};

/// Why a segment or a request was lost. All of them are silent but [`Cause::AckReset`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// A SYN met a full accept queue.
    #[serde(rename = "syn:accept-queue-full")]
    SynAcceptQueueFull,
    /// A SYN met a full SYN queue, SYN cookies off.
    #[serde(rename = "syn:syn-queue-full")]
    SynSynQueueFull,
    /// A SYN met the three-quarters rule of tcp_max_syn_backlog, SYN cookies off.
    #[serde(rename = "syn:max-syn-backlog")]
    SynMaxSynBacklog,
    /// A final ACK met a full accept queue and was ignored: its client is a ghost.
    #[serde(rename = "ack:accept-queue-full")]
    AckAcceptQueueFull,
    /// A valid cookie ACK met a full accept queue: its client is a phantom.
    #[serde(rename = "ack:cookie-accept-queue-full")]
    AckCookieAcceptQueueFull,
    /// A final ACK met a full accept queue and was answered with RST (tcp_abort_on_overflow).
    #[serde(rename = "ack:reset-on-overflow")]
    AckReset,
    /// A half-open request was removed after its last SYN-ACK.
    #[serde(rename = "request:expired")]
    RequestExpired,
    /// A half-open request was removed early, under pressure.
    #[serde(rename = "request:pruned")]
    RequestPruned,
    /// Our own simulated network lost a segment before the kernel, or the client, saw it.
    #[serde(rename = "client:lost")]
    ClientLost,
}

impl Cause {
    /// Every cause, in the order in which it is shown.
    pub const ALL: [Self; 9] = [
        Self::SynAcceptQueueFull,
        Self::SynSynQueueFull,
        Self::SynMaxSynBacklog,
        Self::AckAcceptQueueFull,
        Self::AckCookieAcceptQueueFull,
        Self::AckReset,
        Self::RequestExpired,
        Self::RequestPruned,
        Self::ClientLost,
    ];

    /// The cause's fixed name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SynAcceptQueueFull => "syn:accept-queue-full",
            Self::SynSynQueueFull => "syn:syn-queue-full",
            Self::SynMaxSynBacklog => "syn:max-syn-backlog",
            Self::AckAcceptQueueFull => "ack:accept-queue-full",
            Self::AckCookieAcceptQueueFull => "ack:cookie-accept-queue-full",
            Self::AckReset => "ack:reset-on-overflow",
            Self::RequestExpired => "request:expired",
            Self::RequestPruned => "request:pruned",
            Self::ClientLost => "client:lost",
        }
    }

    /// True when the kernel counts it in ListenOverflows.
    pub const fn is_overflow(self) -> bool {
        matches!(
            self,
            Self::SynAcceptQueueFull | Self::AckAcceptQueueFull | Self::AckCookieAcceptQueueFull | Self::AckReset
        )
    }

    /// True when the kernel counts it in ListenDrops.
    pub const fn is_listen_drop(self) -> bool {
        self.is_overflow() || matches!(self, Self::SynSynQueueFull | Self::SynMaxSynBacklog)
    }

    /// By how much one segment lost for this cause moves the listener's own drop count (`sk_drops`).
    ///
    /// A SYN moves it by one (`tcp_listendrop`), a final ACK by two (`tcp_listendrop`, then `discard_and_relse` of `tcp_v4_rcv`,
    /// net/ipv4/tcp_ipv4.c), a cookie ACK, which has no request, by one.
    pub const fn listener_weight(self) -> u64 {
        match self {
            Self::AckAcceptQueueFull | Self::AckReset => 2,
            Self::SynAcceptQueueFull
            | Self::SynSynQueueFull
            | Self::SynMaxSynBacklog
            | Self::AckCookieAcceptQueueFull => 1,
            Self::RequestExpired | Self::RequestPruned | Self::ClientLost => 0,
        }
    }

    /// True when the lost segment is a SYN.
    pub const fn is_syn(self) -> bool {
        matches!(self, Self::SynAcceptQueueFull | Self::SynSynQueueFull | Self::SynMaxSynBacklog)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_complete() {
        let names: std::collections::BTreeSet<_> = Cause::ALL.iter().map(|cause| cause.name()).collect();
        assert_eq!(names.len(), Cause::ALL.len());
        for (index, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, index);
            assert_eq!(serde_json::to_string(&cause).unwrap(), format!("\"{}\"", cause.name()));
        }
    }
}
