//! What became of every segment and every client, by cause; balanced against the kernel's counters.

use serde::{Deserialize, Serialize};

use crate::model::counters::{Counter, Counters};
use crate::say;

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

    /// The cause in a few plain words, for a screen.
    pub fn words(self) -> &'static str {
        match self {
            Self::SynAcceptQueueFull => say!("SYN dropped: accept queue full"),
            Self::SynSynQueueFull => say!("SYN dropped: SYN queue full"),
            Self::SynMaxSynBacklog => say!("SYN dropped: three-quarters rule"),
            Self::AckAcceptQueueFull => say!("ACK ignored: accept queue full (ghost)"),
            Self::AckCookieAcceptQueueFull => say!("cookie ACK ignored: accept queue full (phantom)"),
            Self::AckReset => say!("reset: accept queue full, abort_on_overflow"),
            Self::RequestExpired => say!("half-open request expired"),
            Self::RequestPruned => say!("half-open request pruned early"),
            Self::ClientLost => say!("lost by the simulated network"),
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

    /// True when the lost thing is a SYN.
    pub const fn is_syn(self) -> bool {
        matches!(self, Self::SynAcceptQueueFull | Self::SynSynQueueFull | Self::SynMaxSynBacklog)
    }
}

/// How much was lost for one cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toll {
    /// Packets (or requests).
    pub segments: u64,
    /// Distinct clients.
    pub clients: u64,
}

/// Who else saw the losses of one cause: witnesses that do not know of each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witnesses {
    /// Segments of which the wire tells: a SYN without an answer, a SYN-ACK sent again after the final ACK, a RST.
    pub wire: u64,
    /// Segments that the kernel's counters confirm: all up to the last reading at which the ledger balanced.
    pub counters: u64,
    /// Segments that the listener's own drop count (`sk_drops`) confirms: all up to the last reading at which both agreed.
    pub listener: u64,
    /// Segments of which the client tells: it tried again, was reset, or gave up.
    pub client: u64,
}

/// One counter whose change the ledger does not account for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unexplained {
    /// Its name; `sk_drops` is the listener's own drop count.
    pub counter: &'static str,
    /// By how much the kernel says that it changed.
    pub kernel: u64,
    /// How much of that has a name.
    pub accounted: u64,
}

/// The outcome of holding the ledger against the kernel's counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// True: every drop has a name. `None`: it cannot be decided here.
    pub balanced: Option<bool>,
    /// Why it cannot be decided.
    pub reason: Option<&'static str>,
    /// The counters that do not fit.
    pub unexplained: Vec<Unexplained>,
}

/// The account of everything lost, and of what was answered without state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    tolls: [Toll; Cause::ALL.len()],
    witnesses: [Witnesses; Cause::ALL.len()],
    /// SYN-ACKs that carried a cookie.
    pub cookies_sent: u64,
    /// Valid cookies that came back (also those that then met a full accept queue).
    pub cookies_redeemed: u64,
    /// SYNs without an answer for which no cause is known.
    pub syns_without_cause: u64,
    /// Half-open requests ended by a RST of the client.
    pub client_resets: u64,
    /// ACKs on a full accept queue, with tcp_abort_on_overflow, that met a request which another processor was just ending for the same
    /// reason: counted as overflows, but only one of them has ended it (EmbryonicRsts), and the others are not discarded a second time
    /// (`tcp_check_req`, net/ipv4/tcp_minisocks.c: req_stolen).
    pub resets_shared: u64,
    /// Segments that ended at a half-open request without being its final ACK: repeated SYNs and RSTs. No drops, but the listener's
    /// drop count moves by each.
    pub ended_at_request: u64,
}

impl Ledger {
    /// What was lost for `cause`.
    pub const fn toll(&self, cause: Cause) -> Toll {
        self.tolls[cause as usize]
    }

    /// Each cause with its toll, zeros too.
    pub fn tolls(&self) -> impl Iterator<Item = (Cause, Toll)> + '_ {
        Cause::ALL.into_iter().map(|cause| (cause, self.toll(cause)))
    }

    /// Who else saw what was lost for `cause`; never more than [`Ledger::toll`] counts.
    pub fn witnesses(&self, cause: Cause) -> Witnesses {
        let Witnesses { wire, counters, listener, client } = self.witnesses[cause as usize];
        let most = self.toll(cause).segments;
        Witnesses {
            wire: wire.min(most),
            counters: counters.min(most),
            listener: listener.min(most),
            client: client.min(most),
        }
    }

    pub(super) const fn witnesses_mut(&mut self, cause: Cause) -> &mut Witnesses {
        &mut self.witnesses[cause as usize]
    }

    /// The counters agree with everything up to now.
    pub(super) fn confirm(&mut self) {
        for cause in Cause::ALL.into_iter().filter(|cause| cause.is_listen_drop()) {
            self.witnesses[cause as usize].counters = self.toll(cause).segments;
        }
    }

    /// The listener's drop count agrees with everything up to now.
    pub(super) fn confirm_by_listener(&mut self) {
        for cause in Cause::ALL.into_iter().filter(|cause| cause.is_listen_drop()) {
            self.witnesses[cause as usize].listener = self.toll(cause).segments;
        }
    }

    /// What the ledger expects of the listener's own drop count (`sk_drops`).
    pub fn listener_drops(&self) -> u64 {
        let lost: u64 = self.tolls().map(|(cause, toll)| cause.listener_weight() * toll.segments).sum();
        (lost + self.ended_at_request).saturating_sub(self.resets_shared)
    }

    /// Packets lost inside the kernel, all causes together.
    pub fn kernel_drops(&self) -> u64 {
        self.tolls().filter(|(cause, _)| cause.is_listen_drop()).map(|(_, toll)| toll.segments).sum()
    }

    pub(super) const fn toll_mut(&mut self, cause: Cause) -> &mut Toll {
        &mut self.tolls[cause as usize]
    }

    /// What the ledger expects of the counters that it can account for (kernel-facts: cause → counter).
    pub fn expected(&self) -> [(Counter, u64); 6] {
        let sum = |holds: fn(Cause) -> bool| -> u64 {
            self.tolls().filter(|(cause, _)| holds(*cause)).map(|(_, toll)| toll.segments).sum()
        };
        [
            (Counter::ListenOverflows, sum(Cause::is_overflow)),
            (Counter::ListenDrops, sum(Cause::is_listen_drop)),
            (Counter::TCPReqQFullDrop, self.toll(Cause::SynSynQueueFull).segments),
            (Counter::SyncookiesSent, self.cookies_sent),
            (Counter::SyncookiesRecv, self.cookies_redeemed),
            (
                Counter::EmbryonicRsts,
                self.toll(Cause::AckReset).segments.saturating_sub(self.resets_shared) + self.client_resets,
            ),
        ]
    }

    /// Holds the ledger against the change of the counters.
    pub fn balance(&self, change: &Counters) -> Balance {
        let unexplained: Vec<_> = self
            .expected()
            .into_iter()
            .filter_map(|(counter, accounted)| {
                let kernel = change.value(counter)?;
                (kernel != accounted).then_some(Unexplained { counter: counter.name(), kernel, accounted })
            })
            .collect();
        Balance { balanced: Some(unexplained.is_empty()), reason: None, unexplained }
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

    #[test]
    fn a_drop_without_a_name_is_listed() {
        let mut ledger = Ledger::default();
        ledger.toll_mut(Cause::SynAcceptQueueFull).segments = 2;
        let mut change = Counters::default();
        for (counter, value) in ledger.expected() {
            change.set(counter, value);
        }
        assert_eq!(ledger.balance(&change).balanced, Some(true));
        change.set(Counter::ListenDrops, 3);
        let balance = ledger.balance(&change);
        assert_eq!(balance.balanced, Some(false));
        let only = Unexplained { counter: "ListenDrops", kernel: 3, accounted: 2 };
        assert_eq!(balance.unexplained, [only]);
    }
}
