//! Where the wire leaves a choice, the kernel's counters decide: which of two causes a silent SYN had, what was a cookie.

use std::time::Duration;

use super::World;
use crate::fold::connection::ServerSide;
use crate::fold::ledger::Cause;
use crate::model::counters::{Counter, Counters};
use crate::model::peer::Peer;
use crate::model::settings::Sysctl;
use crate::model::stamp::Stamp;

/// No timer ends a request before it looks at it for the first time (TCP_TIMEOUT_INIT, include/net/tcp.h).
const FIRST_TIMER: Duration = Duration::from_secs(1);

impl World {
    /// Holds the split of the charged SYNs against the counters: where the sum is right and the causes are not, the latest
    /// charges are named as the counters say.
    pub(super) fn arbitrate(&mut self) {
        if self.began.as_ref().is_some_and(|began| !began.private_counters) {
            return;
        }
        if self.open.pending > 0 {
            // The kernel may have counted them already: nothing can be named, but more than these cannot be missing.
            if self.lacks_at_most(self.open.pending) {
                self.open.balanced_at = Some(self.now);
            }
            return;
        }
        self.settle_doubts();
        let change = self.counters();
        let counter = |counter| change.value(counter);
        let (Some(overflows), Some(drops), Some(full)) =
            (counter(Counter::ListenOverflows), counter(Counter::ListenDrops), counter(Counter::TCPReqQFullDrop))
        else {
            return;
        };
        let acks: u64 = [Cause::AckAcceptQueueFull, Cause::AckCookieAcceptQueueFull, Cause::AckReset]
            .into_iter()
            .map(|cause| self.ledger.toll(cause).segments)
            .sum();
        if drops != self.ledger.kernel_drops() + self.ledger.syns_without_cause || overflows < acks {
            return;
        }
        let Some(rest) = drops.checked_sub(overflows + full) else { return };
        let wanted = [
            (Cause::SynAcceptQueueFull, overflows - acks),
            (Cause::SynSynQueueFull, full),
            (Cause::SynMaxSynBacklog, rest),
        ];
        for (cause, count) in wanted {
            self.rename_charges(cause, count, &wanted);
        }
        self.name_cookies(&change);
        self.name_cookies_redeemed_twice(&change);
        if self.ledger.balance(&change).balanced == Some(true) {
            self.open.charges.clear();
            self.open.twice = 0;
            self.clear_doubts();
            self.open.balanced_at = Some(self.now);
            self.ledger.confirm();
        }
    }

    fn lacks_at_most(&self, pending: u32) -> bool {
        let change = self.counters();
        self.ledger.expected().into_iter().all(|(counter, accounted)| {
            let lacking = change.value(counter).map_or(Some(0), |kernel| kernel.checked_sub(accounted));
            lacking.is_some_and(|lacking| lacking <= u64::from(pending))
        })
    }

    /// Where the wire does not tell a cookie from a request and it made a connection at once, the counters alone know.
    fn name_cookies(&mut self, change: &Counters) {
        let beyond = |counter, accounted: u64| {
            change.value(counter).map(|kernel| kernel.cast_signed() - accounted.cast_signed())
        };
        let sent = beyond(Counter::SyncookiesSent, self.ledger.cookies_sent);
        let redeemed = beyond(Counter::SyncookiesRecv, self.ledger.cookies_redeemed);
        let Some(count) = sent.filter(|sent| Some(*sent) == redeemed) else { return };
        if !self.open.beyond.is(count) {
            return;
        }
        let (from, to) = match count {
            1.. => (&mut self.open.untold, &mut self.open.guessed),
            _ => (&mut self.open.guessed, &mut self.open.untold),
        };
        let Some(left) = from.checked_sub(count.unsigned_abs()) else { return };
        *from = left;
        *to += count.unsigned_abs();
        self.ledger.cookies_sent = self.ledger.cookies_sent.saturating_add_signed(count);
        self.ledger.cookies_redeemed = self.ledger.cookies_redeemed.saturating_add_signed(count);
    }

    /// Where only valid cookies are more than are known, and no more than could have been counted twice, they were.
    fn name_cookies_redeemed_twice(&mut self, change: &Counters) {
        let Some(kernel) = change.value(Counter::SyncookiesRecv) else { return };
        let beyond = kernel.saturating_sub(self.ledger.cookies_redeemed);
        let sent_fits = change.value(Counter::SyncookiesSent) == Some(self.ledger.cookies_sent);
        if self.open.again.is(beyond.cast_signed()) && sent_fits && beyond <= self.open.twice {
            self.ledger.cookies_redeemed += beyond;
            self.open.twice -= beyond;
        }
    }

    /// A request that no dump has ever listed, answered by a SYN-ACK that does not tell, while the kernel counts more cookies than
    /// the wire has shown, or one of those shown is only a guess, or the request would be too young to be gone: it was a cookie.
    pub(super) fn was_a_cookie(&mut self, at: Stamp, peer: Peer) -> bool {
        let sent = self.counter(Counter::SyncookiesSent).unwrap_or(0);
        let Some(one) = self.roster.known(&peer) else { return false };
        if one.trace.told || one.trace.listed > 0 {
            return false;
        }
        let cookies_on = self.sysctls.value(Sysctl::Syncookies) != Some(0);
        let too_young_to_die = cookies_on && at.since(one.server_since) < FIRST_TIMER;
        if sent <= self.ledger.cookies_sent {
            // No more cookies than are known: then one that was only taken for a cookie was a request, or the counters are behind.
            if let Some(guessed) = self.open.guessed.checked_sub(1) {
                self.open.guessed = guessed;
                self.open.untold += 1;
                self.ledger.cookies_sent = self.ledger.cookies_sent.saturating_sub(1);
                self.ledger.cookies_redeemed = self.ledger.cookies_redeemed.saturating_sub(1);
            } else if !too_young_to_die {
                return false;
            }
        }
        one.trace.by_cookie = true;
        self.ledger.cookies_sent += 1;
        let ignored = self.recast_ignored(at, peer, ServerSide::CookieSent);
        self.ledger.cookies_redeemed += u64::from(ignored);
        if let Some(one) = self.roster.known(&peer)
            && ignored > 0
        {
            self.clients.ghosts -= u64::from(std::mem::take(&mut one.was_ghost));
            self.clients.phantoms += u64::from(!std::mem::replace(&mut one.was_phantom, true));
        }
        true
    }

    /// What was taken for a cookie because the SYN queue seemed full is listed: it is a request.
    pub(super) fn was_a_request(&mut self, at: Stamp, peer: Peer) {
        let Some(one) = self.roster.known(&peer) else { return };
        one.trace.by_cookie = false;
        self.ledger.cookies_sent = self.ledger.cookies_sent.saturating_sub(1);
        let ignored = self.recast_ignored(at, peer, ServerSide::HalfOpen);
        self.ledger.cookies_redeemed = self.ledger.cookies_redeemed.saturating_sub(u64::from(ignored));
        if let Some(one) = self.roster.known(&peer)
            && ignored > 0
        {
            self.clients.phantoms -= u64::from(std::mem::take(&mut one.was_phantom));
            self.clients.ghosts += u64::from(!std::mem::replace(&mut one.was_ghost, true));
        }
    }

    /// Puts a connection's ignored ACKs down to what they met, now that this is known; how many they are.
    fn recast_ignored(&mut self, at: Stamp, peer: Peer, to: ServerSide) -> u16 {
        let Some(one) = self.roster.connection(&peer) else { return 0 };
        let (ignored, from) = (one.acks_ignored, one.server);
        let (before, after) = (self.refusal_cause(from), self.refusal_cause(to));
        self.server_to(at, peer, to);
        for _ in 0..ignored {
            self.refund(peer, before);
            self.charge(at, peer, after);
        }
        ignored
    }

    fn rename_charges(&mut self, to: Cause, count: u64, wanted: &[(Cause, u64)]) {
        for index in (0..self.open.charges.len()).rev() {
            if self.ledger.toll(to).segments >= count {
                break;
            }
            let (peer, from) = self.open.charges[index];
            let surplus = from.is_none_or(|from| {
                wanted.iter().any(|(cause, count)| *cause == from && self.ledger.toll(from).segments > *count)
            });
            if !surplus {
                continue;
            }
            match from {
                Some(from) => self.refund(peer, from),
                None => self.ledger.syns_without_cause -= 1,
            }
            self.charge(self.now, peer, to);
            self.open.charges[index].1 = Some(to);
            if let Some(one) = self.roster.known(&peer) {
                one.trace.charged = one.trace.silent.then_some(to);
            }
        }
    }
}
