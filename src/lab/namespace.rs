//! The private network: three network namespaces below one user namespace, two veth pairs between them.
//!
//! A forked child builds everything (`attempt`, `build`, `links`, `netlink`); the program joins the server's namespace with one
//! `setns` only after the network is complete, so a failure leaves the program in its old namespaces. Start at
//! [`Namespace::enter`].
//!
//! ```text
//!   clients                          wire                     server: the program lives here
//!   real programs: connect()         qviz                     the listener
//!   cli0  <--- veth, no ARP --->  wire-c   wire-s  <--- veth, no ARP --->  srv0
//!   every address of 198.18.0.0/15      packet sockets:       198.51.100.1/32, 2001:db8::1/128 and
//!   and 2001:db8:1::/64 is its own      the only road         the listener's own address; routes to the clients
//! ```
//!
//! Nothing of it is visible outside: the network ends with the last process in it.
//!
//! [`Namespace::here`] makes the server's pair alone, in the namespace in which the program was started (a container's): of that
//! namespace nothing else is changed, and the pair goes with the program.

mod attempt;
mod build;
mod links;
mod netlink;
mod offload;
mod present;
mod probe;
mod refusal;
mod reject_route;
mod settings;
mod spaces;
mod token;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::io::Errno;
use rustix::thread::ThreadNameSpaceType;
use serde::{Deserialize, Serialize};

pub(in crate::lab) use self::attempt::unshare;
use self::attempt::{BuildAttempt, Child};
pub use self::probe::Probe;
#[cfg(any(test, feature = "internals"))]
pub use self::refusal::Evidence;
use self::refusal::PresentNamespace;
pub use self::refusal::{Cause, Refusal, Step};
pub(crate) use self::reject_route::{RejectKind, RejectRoute};
#[cfg(test)]
pub(in crate::lab) use self::token::tests::token_for_other_netns;
pub use self::token::{Link, LinkPair, NetnsToken};
use super::netns::{NetworkId, PrivateNetns};
use crate::model::queue::SynRule;
use crate::model::settings::{Sysctl, Sysctls};

/// The parameters of the private network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkPlan {
    /// The host's sysctls: a new namespace does not inherit all of them, so they are written again inside.
    pub host: Sysctls,
    /// The user's settings; they override the host's.
    pub overrides: Sysctls,
    /// Further addresses of the listener, put on the kernel's end. Loopback and unspecified addresses need no place there.
    pub addresses: Vec<IpAddr>,
    /// Buckets of the namespace's own connection hash, 1 to 16,777,216; the kernel rounds up to a power of two. 4,096 to 16,384
    /// keep SYN_RECV dumps both fast (12 µs) and right.
    pub hash_buckets: u32,
}

/// The privilege with which the network is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    /// With the capabilities of root: a network namespace alone.
    Root,
    /// As an ordinary user: a user namespace first, in which the user stays itself.
    User,
    /// With CAP_NET_ADMIN, in the namespace in which the program was started.
    Here,
}

/// A setting of the private namespace that does not have the wanted value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotApplied {
    /// The name as `sysctl(8)` writes it.
    pub name: String,
    /// Which of qviz's own sysctls that is, if it is one of them.
    pub sysctl: Option<Sysctl>,
    /// The value that was wanted.
    pub wanted: i64,
    /// Why it is not applied.
    pub reason: String,
}

/// The private network as it was read back after it was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The privilege with which it was created.
    pub privilege: Privilege,
    /// Between wire and listener.
    pub server: LinkPair,
    /// Between wire and client programs; `None` where there can be none.
    pub clients: Option<LinkPair>,
    /// Buckets of the private connection hash; `None` where the connections share the host's (Linux before 6.1, or /proc/sys is
    /// read-only).
    pub hash_buckets: Option<u32>,
    /// The addresses that the server's end really has.
    pub addresses: Vec<IpAddr>,
    /// Whether IPv6 clients can reach the server's end.
    pub ipv6: bool,
    /// The sysctls in force, read back inside; somaxconn measured where its file is hidden.
    pub sysctls: Sysctls,
    /// When a SYN queue is full in this kernel, as measured.
    pub syn_rule: Option<SynRule>,
    /// Settings that could not be applied, and why.
    pub not_applied: Vec<NotApplied>,
}

/// A process in its private network. It cannot leave: the network ends with the process.
#[derive(Debug)]
pub struct Namespace {
    network: Network,
    token: NetnsToken,
    /// Takes the pair away that stands in somebody else's namespace.
    _remover: Option<Child>,
}

impl NetworkPlan {
    /// A plan with the host's sysctls and no overrides.
    pub fn like_host(host: Sysctls) -> Self {
        Self { host, overrides: Sysctls::default(), addresses: Vec::new(), hash_buckets: HASH_BUCKETS }
    }
}

impl Namespace {
    /// Builds the private network and moves this process into it.
    ///
    /// # Errors
    ///
    /// [`Refusal`] with the step, the cause and the remedy; the process is then in its old namespaces. The process
    /// must have one thread: a user namespace cannot be entered otherwise.
    pub fn enter(plan: &NetworkPlan) -> Result<Self, Refusal> {
        let origin = NetworkId::current().map_err(|errno| Refusal::new(Step::Origin, errno))?;
        let attempt = BuildAttempt::run(|| build::build(plan))?;
        let network = attempt.network().clone();
        let spaces = match network.privilege {
            Privilege::Root | Privilege::Here => ThreadNameSpaceType::NETWORK,
            Privilege::User => ThreadNameSpaceType::USER | ThreadNameSpaceType::NETWORK,
        };
        let spaces = attempt.join(spaces).map_err(|errno| Refusal::new(Step::Join, errno))?;
        let netns = PrivateNetns::current_if_not(origin).map_err(|errno| Refusal::new(Step::Join, errno))?;
        let token = NetnsToken::new(netns, Some(spaces), &network);
        Ok(Self { network, token, _remover: None })
    }

    /// Makes the server's pair in the present network namespace, for packet-level clients alone. Refused in the machine's first one.
    ///
    /// # Errors
    ///
    /// [`Refusal`] as for [`Namespace::enter`]; nothing is left then.
    pub fn here(addresses: &[IpAddr]) -> Result<Self, Refusal> {
        if PresentNamespace::read().forbids().is_some() {
            return Err(Refusal::new(Step::Present, Errno::PERM));
        }
        let (network, remover) = attempt::hold(|| present::build(addresses))?;
        let netns = NetworkId::current().map(PrivateNetns::made).map_err(|errno| Refusal::new(Step::Origin, errno))?;
        let token = NetnsToken::new(netns, None, &network);
        Ok(Self { network, token, _remover: Some(remover) })
    }

    /// The network as it was read back.
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// The token that packet senders and sysctl writers require.
    pub fn token(&self) -> NetnsToken {
        self.token.clone()
    }
}

/// Whether packet-level clients can reach a listener at this address: the kernel accepts `::1` from the loopback device alone
/// (`ip6_rcv_core`); the listener's 127.0.0.1 is opened to the clients by `route_localnet`.
pub const fn reachable_by_wire(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_multicast() && !address.is_broadcast(),
        IpAddr::V6(address) => !address.is_multicast() && !address.is_loopback(),
    }
}

/// The kernel's end: the listener's default IPv4 address (TEST-NET-2, RFC 5737).
pub const LISTENER_V4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// The kernel's end: the listener's default IPv6 address (documentation prefix, RFC 3849).
pub const LISTENER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// The clients' IPv4 network and its prefix length (benchmarking, RFC 2544).
pub const CLIENTS_V4: (Ipv4Addr, u8) = (Ipv4Addr::new(198, 18, 0, 0), 15);
/// The clients' IPv6 network and its prefix length.
pub const CLIENTS_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0), 64);
/// The default size of the private connection hash.
pub const HASH_BUCKETS: u32 = 16_384;
