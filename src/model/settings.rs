//! The settings that a run is made of: the namespace's sysctls and the knobs of the lab.

use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

macro_rules! sysctls {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// One sysctl that decides what happens to a handshake.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Sysctl { $($(#[$doc])* #[serde(rename = $name)] $variant),+ }

        impl Sysctl {
            /// Every sysctl that qviz reads, in the order in which it is shown.
            pub const ALL: [Self; [$(Self::$variant),+].len()] = [$(Self::$variant),+];

            /// The name as `sysctl(8)` writes it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

sysctls! {
    /// The ceiling of every `listen(backlog)`.
    Somaxconn = "net.core.somaxconn",
    /// 0: a full SYN queue drops; 1: it answers with cookies; 2: cookies always.
    Syncookies = "net.ipv4.tcp_syncookies",
    /// 1: a final ACK that meets a full accept queue is answered with RST.
    AbortOnOverflow = "net.ipv4.tcp_abort_on_overflow",
    /// With SYN cookies off, ¾ of it limit the half-open requests of new peers.
    MaxSynBacklog = "net.ipv4.tcp_max_syn_backlog",
    /// How often a SYN-ACK is retransmitted.
    SynackRetries = "net.ipv4.tcp_synack_retries",
    /// How often a client retransmits its SYN.
    SynRetries = "net.ipv4.tcp_syn_retries",
    /// How many of the SYN retries come after one second each, before the doubling starts (Linux 6.5 and later).
    SynLinearTimeouts = "net.ipv4.tcp_syn_linear_timeouts",
    /// 1: children of a closing SO_REUSEPORT listener move to another.
    MigrateReq = "net.ipv4.tcp_migrate_req",
    /// How many TIME_WAIT sockets the namespace may hold.
    MaxTwBuckets = "net.ipv4.tcp_max_tw_buckets",
}

/// Values of the sysctls; `None` where the kernel has no such file or it could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sysctls([Option<i64>; Sysctl::ALL.len()]);

impl Sysctls {
    /// The value of one sysctl.
    pub const fn value(&self, sysctl: Sysctl) -> Option<i64> {
        self.0[sysctl as usize]
    }

    /// Sets one value.
    pub const fn set(&mut self, sysctl: Sysctl, value: i64) {
        self.0[sysctl as usize] = Some(value);
    }

    /// Each sysctl with its value.
    pub fn iter(&self) -> impl Iterator<Item = (Sysctl, Option<i64>)> + '_ {
        Sysctl::ALL.into_iter().map(|sysctl| (sysctl, self.value(sysctl)))
    }
}

impl Serialize for Sysctls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(sysctl, value)| (sysctl.name(), value)))
    }
}

impl<'de> Deserialize<'de> for Sysctls {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = std::collections::BTreeMap::<String, Option<i64>>::deserialize(deserializer)?;
        let mut values = Self::default();
        for sysctl in Sysctl::ALL {
            values.0[sysctl as usize] = map.get(sysctl.name()).copied().flatten();
        }
        Ok(values)
    }
}

/// When clients start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// One client every `1/rate` seconds.
    Steady,
    /// A Poisson process of the given rate.
    Poisson,
    /// `size` clients at once, every `period`; the rate is ignored.
    Burst {
        /// Clients per burst.
        size: u32,
        /// From one burst to the next.
        period: Duration,
    },
    /// `size` clients evenly over the first third of every `period`, then quiet; the rate is ignored. The default rhythm: the
    /// queues fill, overflow and recover while a class watches.
    Wave {
        /// Clients per wave.
        size: u32,
        /// From one wave to the next.
        period: Duration,
    },
}

impl Arrivals {
    /// Clients per second in the long run; `rate`: that of steady and Poisson arrivals.
    pub fn mean_rate(&self, rate: f64) -> f64 {
        match *self {
            Self::Steady | Self::Poisson => rate,
            Self::Burst { size, period } | Self::Wave { size, period } => f64::from(size) / period.as_secs_f64(),
        }
    }
}

/// How fast the server may call `accept()`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcceptRate {
    /// Not at all.
    Paused,
    /// So many calls per second.
    PerSecond(f64),
    /// As fast as connections arrive.
    Max,
}

/// The kind of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// Packet-level clients with a round-trip time of their own.
    Wire,
    /// Real `connect(2)` clients.
    Connect,
}

/// The settings of the lab that can be changed while it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knobs {
    /// The backlog of the last `listen()` call.
    pub backlog: i32,
    /// Client arrivals per second (0 = none); steady and Poisson arrivals use it.
    pub rate: f64,
    /// The pattern of arrivals.
    pub arrivals: Arrivals,
    /// How fast `accept()` is called.
    pub accept_rate: AcceptRate,
    /// Share of clients that never send their final ACK, 0 to 1.
    pub half_open: f64,
    /// Share of segments that the synthetic network loses, 0 to 1, each way.
    pub loss: f64,
    /// Round-trip time of a wire client.
    pub rtt: Duration,
    /// A client's own round-trip time lies within `rtt ± jitter`.
    pub jitter: Duration,
    /// Workers that accept, serve, close, accept again; `None`: every connection is served at once.
    pub workers: Option<u32>,
    /// How long one connection is served.
    pub service: Duration,
}

impl Knobs {
    /// Nobody comes, every connection is accepted at once, and nothing delays or loses a segment.
    pub const fn quiet() -> Self {
        Self {
            backlog: 5,
            rate: 0.0,
            arrivals: Arrivals::Steady,
            accept_rate: AcceptRate::Max,
            half_open: 0.0,
            loss: 0.0,
            rtt: Duration::ZERO,
            jitter: Duration::ZERO,
            workers: None,
            service: Duration::ZERO,
        }
    }
}
