//! Every lost segment and client, by cause; balanced against the kernel's counters.

use serde::{Deserialize, Serialize};

use crate::model::cause::Cause;
use crate::model::counters::{Counter, Counters};
use crate::model::delivery::{Delivery, Outcome};

/// The losses of one cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropCount {
    /// Packets (or requests).
    pub segments: u64,
    /// Distinct clients.
    pub clients: u64,
}

/// Independent witnesses of the losses of one cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witnesses {
    /// Segments whose loss shows on the wire: a SYN without an answer, a SYN-ACK retransmitted after the final ACK, a RST.
    pub wire: u64,
    /// Segments confirmed by the kernel's counters: all up to the last reading at which the ledger balanced.
    pub counters: u64,
    /// Segments confirmed by the listener's drop count (`sk_drops`): all up to the last reading at which both agreed.
    pub listener: u64,
    /// Segments whose loss the client noticed: it retransmitted, was reset, or gave up.
    pub client: u64,
}

/// One counter whose change the ledger does not account for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unexplained {
    /// Its name; `sk_drops` is the listener's own drop count.
    pub counter: &'static str,
    /// Its change.
    pub kernel: u64,
    /// The part that the ledger accounts for.
    pub accounted: u64,
}

/// The comparison of the ledger with the kernel's counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// True: every drop has a cause. `None`: undecidable here.
    pub balanced: Option<bool>,
    /// Why it is undecidable.
    pub reason: Option<&'static str>,
    /// The counters that differ.
    pub unexplained: Vec<Unexplained>,
}

/// All losses, and the answers without state (cookies).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    tolls: [DropCount; Cause::ALL.len()],
    witnesses: [Witnesses; Cause::ALL.len()],
    /// SYN-ACKs that carried a cookie.
    pub cookies_sent: u64,
    /// Valid cookies that came back (those that met a full accept queue included).
    pub cookies_redeemed: u64,
    /// SYNs seen from the side that stayed without an answer although the listener's drop count stood still.
    pub unanswered: u64,
    /// SYN-ACKs seen from the side of which the wire does not tell whether they carried a cookie.
    pub answers_untold: u64,
    /// Half-open requests ended by a RST of the client.
    pub client_resets: u64,
    /// Segments for a half-open request other than its final ACK, seen from the side: retransmitted SYNs and RSTs, as far as the
    /// listener's drop count, which each raises, shows how many. They are no drops.
    pub ended_at_request: u64,
    /// By how much all delivered segments together moved the listener's own drop count; `None` where none were delivered.
    pub moved: Option<u64>,
    /// Delivered segments of which it could not be read what became of them.
    pub undetermined: u64,
    /// Outcomes, and moves of the drop count, other than the kernel's order of tests led to expect.
    pub deviations: u64,
}

impl Ledger {
    /// The losses of `cause`.
    pub const fn lost(&self, cause: Cause) -> DropCount {
        self.tolls[cause as usize]
    }

    /// Each cause with its losses, zeros included.
    pub fn lost_by_cause(&self) -> impl Iterator<Item = (Cause, DropCount)> + '_ {
        Cause::ALL.into_iter().map(|cause| (cause, self.lost(cause)))
    }

    /// The witnesses of the losses of `cause`; never more than [`Ledger::lost`] counts.
    pub fn witnesses(&self, cause: Cause) -> Witnesses {
        let Witnesses { wire, counters, listener, client } = self.witnesses[cause as usize];
        let most = self.lost(cause).segments;
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

    /// The counters agree with all losses so far.
    pub(super) fn confirm(&mut self) {
        for cause in Cause::ALL.into_iter().filter(|cause| cause.is_listen_drop()) {
            self.witnesses[cause as usize].counters = self.lost(cause).segments;
        }
    }

    /// The listener's drop count agrees with all losses so far.
    pub(super) fn confirm_by_listener(&mut self) {
        for cause in Cause::ALL.into_iter().filter(|cause| cause.is_listen_drop()) {
            self.witnesses[cause as usize].listener = self.lost(cause).segments;
        }
    }

    /// Adds what is the same for every delivered segment.
    pub(super) fn add(&mut self, delivery: &Delivery) {
        self.moved = Some(self.moved.unwrap_or(0) + u64::from(delivery.drops));
        self.cookies_redeemed += u64::from(delivery.redeems_cookie);
        let weight = match delivery.outcome {
            Outcome::Dropped(cause) => cause.listener_weight(),
            Outcome::Discarded | Outcome::RequestReset => 1,
            Outcome::Request | Outcome::Cookie | Outcome::Queued | Outcome::Shadowed | Outcome::AnsweredByReset => 0,
            Outcome::Undetermined => {
                self.undetermined += 1;
                return;
            }
        };
        self.deviations += u64::from(weight != u64::from(delivery.drops));
    }

    /// The expected drop count of the listener (`sk_drops`).
    pub fn listener_drops(&self) -> u64 {
        if let Some(moved) = self.moved {
            return moved;
        }
        let lost: u64 = self.lost_by_cause().map(|(cause, lost)| cause.listener_weight() * lost.segments).sum();
        lost + self.ended_at_request
    }

    /// Packets lost inside the kernel, all causes together.
    pub fn kernel_drops(&self) -> u64 {
        self.lost_by_cause().filter(|(cause, _)| cause.is_listen_drop()).map(|(_, lost)| lost.segments).sum()
    }

    pub(super) const fn lost_mut(&mut self, cause: Cause) -> &mut DropCount {
        &mut self.tolls[cause as usize]
    }

    /// The expected change of the counters that the ledger accounts for (kernel-facts: cause → counter).
    pub fn expected(&self) -> [(Counter, u64); 6] {
        let sum = |holds: fn(Cause) -> bool| -> u64 {
            self.lost_by_cause().filter(|(cause, _)| holds(*cause)).map(|(_, lost)| lost.segments).sum()
        };
        [
            (Counter::ListenOverflows, sum(Cause::is_overflow)),
            (Counter::ListenDrops, sum(Cause::is_listen_drop)),
            (Counter::TCPReqQFullDrop, self.lost(Cause::SynSynQueueFull).segments),
            (Counter::SyncookiesSent, self.cookies_sent),
            (Counter::SyncookiesRecv, self.cookies_redeemed),
            (Counter::EmbryonicRsts, self.lost(Cause::AckReset).segments + self.client_resets),
        ]
    }

    /// Compares the ledger with the change of the counters.
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
        ledger.lost_mut(Cause::SynAcceptQueueFull).segments = 2;
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
