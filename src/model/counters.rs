//! The kernel's own counters (`/proc/thread-self/net/netstat` and `snmp`), and the one function that subtracts them.
//! All of them are per network namespace and count packets, not clients.

use serde::{Deserialize, Serialize, Serializer};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident in $table:literal),+ $(,)?) => {
        /// One counter that qviz follows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Counter { $($(#[$doc])* $name),+ }

        impl Counter {
            /// Every counter, in the order in which it is shown.
            pub const ALL: [Self; [$(Self::$name),+].len()] = [$(Self::$name),+];

            /// The counter's name in the kernel's tables and in `nstat` (there with its table's name in front).
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }

            /// The line of `/proc/net/netstat` or `/proc/net/snmp` with the counter.
            pub const fn table(self) -> &'static str {
                match self { $(Self::$name => $table),+ }
            }
        }
    };
}

counters! {
    /// A SYN or a final ACK met a full accept queue (`tcp_conn_request`, `tcp_v4_syn_recv_sock`).
    ListenOverflows in "TcpExt",
    /// Everything that a listener dropped: overflows, full SYN queue, three-quarters rule, no memory (`tcp_listendrop`).
    ListenDrops in "TcpExt",
    /// A SYN met a full SYN queue with SYN cookies off (`tcp_syn_flood_action`).
    TCPReqQFullDrop in "TcpExt",
    /// A SYN met a full SYN queue with SYN cookies on; it went on without state (and may still meet a full accept queue).
    TCPReqQFullDoCookies in "TcpExt",
    /// SYN-ACKs sent that carry a SYN cookie (`cookie_init_sequence`).
    SyncookiesSent in "TcpExt",
    /// Valid SYN cookies that came back in an ACK (`cookie_v4_check`).
    SyncookiesRecv in "TcpExt",
    /// ACKs that looked like a SYN cookie and were not valid.
    SyncookiesFailed in "TcpExt",
    /// Half-open requests ended by a RST, received or sent by `tcp_abort_on_overflow` (`tcp_check_req`).
    EmbryonicRsts in "TcpExt",
    /// SYNs and SYN-ACKs retransmitted (`tcp_rtx_synack`, `tcp_retransmit_skb`).
    TCPSynRetrans in "TcpExt",
    /// Retransmission timers that fired (`tcp_write_timeout` and others).
    TCPTimeouts in "TcpExt",
    /// Bare ACKs dropped under TCP_DEFER_ACCEPT.
    TCPDeferAcceptDrop in "TcpExt",
    /// TCP Fast Open: too many pending requests.
    TCPFastOpenListenOverflow in "TcpExt",
    /// A locked socket's receive backlog was full; often confused with the listen queues.
    TCPBacklogDrop in "TcpExt",
    /// Queued children moved to another SO_REUSEPORT listener.
    TCPMigrateReqSuccess in "TcpExt",
    /// Queued children that could not be moved.
    TCPMigrateReqFailure in "TcpExt",
    /// Active opens: connect() calls that sent a SYN.
    ActiveOpens in "Tcp",
    /// Passive opens: requests that became connections.
    PassiveOpens in "Tcp",
    /// Attempts that failed in SYN_SENT or SYN_RCVD.
    AttemptFails in "Tcp",
    /// Resets of established connections.
    EstabResets in "Tcp",
    /// Segments sent again.
    RetransSegs in "Tcp",
    /// RST segments sent.
    OutRsts in "Tcp",
}

/// One reading of the counters; a counter that this kernel does not have is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters([Option<u64>; Counter::ALL.len()]);

impl Counters {
    /// The value of one counter.
    pub const fn value(&self, counter: Counter) -> Option<u64> {
        self.0[counter as usize]
    }

    /// Sets one counter.
    pub const fn set(&mut self, counter: Counter, value: u64) {
        self.0[counter as usize] = Some(value);
    }

    /// The change from `earlier` to `self`. A counter that went backwards, or is unknown on either side, is unknown: it is never
    /// shown as a large number.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut change = Self::default();
        for counter in Counter::ALL {
            let (Some(now), Some(then)) = (self.value(counter), earlier.value(counter)) else {
                continue;
            };
            change.0[counter as usize] = now.checked_sub(then);
        }
        change
    }

    /// Each counter with its value.
    pub fn iter(&self) -> impl Iterator<Item = (Counter, Option<u64>)> + '_ {
        Counter::ALL.into_iter().map(|counter| (counter, self.value(counter)))
    }
}

impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(counter, value)| (counter.name(), value)))
    }
}

impl<'de> Deserialize<'de> for Counters {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = std::collections::BTreeMap::<String, Option<u64>>::deserialize(deserializer)?;
        let mut counters = Self::default();
        for counter in Counter::ALL {
            counters.0[counter as usize] = map.get(counter.name()).copied().flatten();
        }
        Ok(counters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_went_backwards_is_unknown() {
        let mut early = Counters::default();
        let mut late = Counters::default();
        early.set(Counter::ListenDrops, 9);
        late.set(Counter::ListenDrops, 3);
        early.set(Counter::OutRsts, 1);
        late.set(Counter::OutRsts, 4);
        let change = late.since(&early);
        assert_eq!(change.value(Counter::ListenDrops), None);
        assert_eq!(change.value(Counter::OutRsts), Some(3));
        assert_eq!(change.value(Counter::ListenOverflows), None);
    }

    #[test]
    fn counters_survive_json() {
        let mut counters = Counters::default();
        counters.set(Counter::TCPReqQFullDrop, 7);
        let text = serde_json::to_string(&counters).unwrap();
        assert!(text.contains("\"TCPReqQFullDrop\":7") && text.contains("\"ListenDrops\":null"));
        assert_eq!(serde_json::from_str::<Counters>(&text).unwrap(), counters);
    }
}
