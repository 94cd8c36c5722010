//! What must become of a SYN and of a final ACK: the kernel's own order of tests (`tcp_conn_request`, net/ipv4/tcp_input.c;
//! `tcp_v4_syn_recv_sock`, net/ipv4/tcp_ipv4.c) over the depths that the fold keeps.

use super::World;
use crate::fold::connection::{ServerSide, Verdict};
use crate::fold::ledger::Cause;
use crate::model::queue::three_quarters_refuses;
use crate::model::settings::Sysctl;

impl World {
    /// The verdict over a SYN that arrives now from a peer that the kernel does not know.
    pub(super) fn admission(&self) -> Verdict {
        let Some(limit) = self.accept_limit() else { return Verdict::Request };
        let cookies = self.sysctls.value(Sysctl::Syncookies).unwrap_or(1);
        let half_open = self.syn_queue.depth() + self.open.coming;
        let syn_queue_full = half_open >= self.syn_rule.capacity(limit);
        if syn_queue_full && cookies == 0 {
            return Verdict::Drop(Cause::SynSynQueueFull);
        }
        if self.accept_depth() > limit {
            return Verdict::Drop(Cause::SynAcceptQueueFull);
        }
        if cookies == 0 && self.three_quarters(half_open) {
            return Verdict::Drop(Cause::SynMaxSynBacklog);
        }
        if cookies == 2 || syn_queue_full { Verdict::Cookie } else { Verdict::Request }
    }

    /// True when the kernel answers a SYN that it lets in now with a cookie.
    pub(super) fn answers_with_cookies(&self) -> bool {
        let half_open = self.syn_queue.depth() + self.open.coming;
        match self.sysctls.value(Sysctl::Syncookies) {
            Some(0) => false,
            Some(2) => true,
            _ => self.accept_limit().is_some_and(|limit| half_open >= self.syn_rule.capacity(limit)),
        }
    }

    fn three_quarters(&self, half_open: u32) -> bool {
        let max = self.sysctls.value(Sysctl::MaxSynBacklog).and_then(|max| u32::try_from(max).ok());
        max.is_some_and(|max| three_quarters_refuses(max, half_open))
    }

    /// The cause of a SYN's silence where the verdict had let it in: the test that was nearest to refusing it. `None` when none
    /// was near; the counters may still name it.
    pub(super) fn nearest_cause(&self) -> Option<Cause> {
        let limit = self.accept_limit()?;
        let cookies_off = self.sysctls.value(Sysctl::Syncookies) == Some(0);
        if cookies_off && self.syn_queue.depth() + 1 >= self.syn_rule.capacity(limit) {
            return Some(Cause::SynSynQueueFull);
        }
        if self.accept_depth() >= limit {
            return Some(Cause::SynAcceptQueueFull);
        }
        (cookies_off && self.three_quarters(self.syn_queue.depth() + 1)).then_some(Cause::SynMaxSynBacklog)
    }

    /// Why a final ACK to a connection in this state is not taken, if it is not.
    pub(super) fn ack_refusal(&self, server: ServerSide) -> Option<Cause> {
        let full = self.accept_limit().is_some_and(|limit| self.accept_depth() > limit);
        full.then(|| self.refusal_cause(server))
    }

    /// The cause that an ignored ACK has in this state.
    pub(super) fn refusal_cause(&self, server: ServerSide) -> Cause {
        if server == ServerSide::CookieSent {
            Cause::AckCookieAcceptQueueFull
        } else if self.sysctls.value(Sysctl::AbortOnOverflow).unwrap_or(0) != 0 {
            Cause::AckReset
        } else {
            Cause::AckAcceptQueueFull
        }
    }
}
