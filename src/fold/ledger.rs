//! What became of every segment and every client, by cause; balanced against the kernel's counters.

use serde::{Deserialize, Serialize};

use crate::model::cause::Cause;
use crate::model::counters::{Counter, Counters};

/// How much was lost for one cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropCount {
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
    tolls: [DropCount; Cause::ALL.len()],
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
    pub const fn toll(&self, cause: Cause) -> DropCount {
        self.tolls[cause as usize]
    }

    /// Each cause with its toll, zeros too.
    pub fn tolls(&self) -> impl Iterator<Item = (Cause, DropCount)> + '_ {
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

    pub(super) const fn toll_mut(&mut self, cause: Cause) -> &mut DropCount {
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
