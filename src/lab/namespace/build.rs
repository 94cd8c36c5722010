//! Builds the network, step by step, in the forked child.

use std::ffi::CStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::event::{Timespec, poll};
use rustix::io::Errno;
use rustix::thread::UnshareFlags;

use super::attempt::{unshare, unshare_network};
use super::netlink::{LOOPBACK_INDEX, Route, RouteEvents};
use super::probe::Probe;
use super::refusal::{Fault, fault_at};
use super::{CLIENTS_V4, CLIENTS_V6, LISTENER_V4, LISTENER_V6, Link, Network, NetworkPlan, NotApplied, Step};
use crate::lab::knobs::{self, KnobError};
use crate::lab::netns::{NetworkId, PrivateNetns};
use crate::model::settings::{Sysctl, Sysctls};
use crate::say;

/// Creates new namespaces and builds the network there.
pub(super) fn build(plan: &NetworkPlan) -> Result<Network, Fault> {
    let origin = NetworkId::current().map_err(fault_at(Step::Origin))?;
    let privilege = unshare_network()?;
    let probe = Probe::here();
    let netns = PrivateNetns::current_if_not(origin).map_err(fault_at(Step::NetworkNamespace))?;
    let mut settings = Settings { netns, probe, not_applied: Vec::new() };
    // Read before the connection hash is set: their defaults shrink with it.
    let usual = [Sysctl::MaxSynBacklog, Sysctl::MaxTwBuckets].map(|sysctl| (sysctl, knobs::read(sysctl.name()).ok()));
    settings.write("net.ipv4.tcp_child_ehash_entries", None, i64::from(plan.hash_buckets));
    unshare(UnshareFlags::NEWNET).map_err(fault_at(Step::NestedNamespace))?;
    settings.netns = PrivateNetns::current_if_not(origin).map_err(fault_at(Step::NestedNamespace))?;
    settings.apply(plan, &usual);

    let mut route = Route::open().map_err(fault_at(Step::Loopback))?;
    route.set_up(LOOPBACK_INDEX, 0).map_err(fault_at(Step::Loopback))?;
    let (kernel_end, client_end) = connect_ends(&mut route, &mut settings)?;
    let (addresses, ipv6) = give_addresses(&mut route, kernel_end.index, &plan.addresses)?;
    Ok(Network {
        privilege,
        kernel_end,
        client_end,
        hash_buckets: hash_buckets(),
        addresses,
        ipv6,
        sysctls: read_sysctls(probe),
        syn_rule: probe.syn_rule,
        not_applied: settings.not_applied,
    })
}

/// Makes the veth pair, quiet and up, and waits until the clients' end can send.
fn connect_ends(route: &mut Route, settings: &mut Settings) -> Result<(Link, Link), Fault> {
    // Several first starts at once race with the kernel's loading of the module.
    let mut made = route.make_pair((KERNEL_END, KERNEL_MAC), (CLIENT_END, CLIENT_MAC));
    for _ in 0..VETH_TRIES {
        if made != Err(Errno::OPNOTSUPP) {
            break;
        }
        let _passed = poll(&mut [], Some(&MOMENT));
        made = route.make_pair((KERNEL_END, KERNEL_MAC), (CLIENT_END, CLIENT_MAC));
    }
    made.map_err(fault_at(Step::VethPair))?;
    let link = |route: &mut Route, name| route.link(name).map_err(fault_at(Step::VethPair));
    let (kernel_end, client_end) = (link(route, KERNEL_END)?.link, link(route, CLIENT_END)?.link);
    // The clients can reach a listener on 127.0.0.1; a reverse path filter copied from the host has nothing to filter
    // here.
    settings.write("net.ipv4.conf.qviz0.route_localnet", None, 1);
    settings.write("net.ipv4.conf.all.rp_filter", None, 0);
    settings.write("net.ipv4.conf.qviz0.rp_filter", None, 0);
    if std::fs::exists("/proc/sys/net/ipv6/conf/qviz1").unwrap_or(false) {
        // No link-local addresses, no router solicitations: the wire carries only the segments of clients and
        // listener.
        settings.write("net.ipv6.conf.qviz1.disable_ipv6", None, 1);
        settings.write("net.ipv6.conf.qviz0.addr_gen_mode", None, 1);
    }
    let events = RouteEvents::of_links().map_err(fault_at(Step::LinksUp))?;
    for index in [client_end.index, kernel_end.index] {
        route.set_up(index, libc::IFF_NOARP).map_err(fault_at(Step::LinksUp))?;
    }
    for name in [CLIENT_END, KERNEL_END] {
        let came = events.until(PATIENCE, || Ok(route.link(name)?.running)).map_err(fault_at(Step::LinksUp))?;
        if !came {
            return Err(fault_at(Step::LinksUp)(Errno::TIMEDOUT));
        }
    }
    Ok((kernel_end, client_end))
}

/// Puts the listener's addresses and the clients' routes on the kernel's end. Without IPv6 in this kernel the network is IPv4 alone,
/// unless an IPv6 address was asked for.
fn give_addresses(route: &mut Route, index: u32, asked: &[IpAddr]) -> Result<(Vec<IpAddr>, bool), Fault> {
    let v4 = IpAddr::V4(LISTENER_V4);
    route.add_address(index, v4).map_err(fault_at(Step::Address(v4)))?;
    let network = IpAddr::V4(CLIENTS_V4.0);
    route.add_route(index, (network, CLIENTS_V4.1), NEIGHBOUR_V4.into()).map_err(fault_at(Step::Route(network)))?;
    let mut addresses = vec![v4];

    let events = RouteEvents::of_ipv6_routes().map_err(fault_at(Step::Address(v4)))?;
    let (v6, network) = (IpAddr::V6(LISTENER_V6), IpAddr::V6(CLIENTS_V6.0));
    let ipv6 = route.add_address(index, v6).is_ok()
        && route.add_route(index, (network, CLIENTS_V6.1), NEIGHBOUR_V6.into()).is_ok();
    addresses.extend(ipv6.then_some(v6));

    for &address in asked {
        if address.is_loopback() || address.is_unspecified() || addresses.contains(&address) {
            continue;
        }
        route.add_address(index, address).map_err(fault_at(Step::Address(address)))?;
        addresses.push(address);
    }
    // For IPv6 a work queue makes the route some time after the address was added (`addrconf_dad_work`,
    // net/ipv6/addrconf.c). Another one, to the address as a network, exists at once, and a socket can already be
    // connected; but an incoming SYN is still dropped silently.
    for address in addresses.clone().into_iter().filter(IpAddr::is_ipv6) {
        let came =
            events.until(PATIENCE, || route.is_local(index, address)).map_err(fault_at(Step::Address(address)))?;
        if !came && asked.contains(&address) {
            return Err(fault_at(Step::Address(address))(Errno::TIMEDOUT));
        }
        if !came {
            // Nobody asked for IPv6: the network is IPv4 alone.
            addresses.retain(|one| *one != address);
        }
    }
    let ipv6 = ipv6 && addresses.contains(&v6);
    Ok((addresses, ipv6))
}

/// The settings of the namespace under construction, and those that could not be applied.
struct Settings {
    netns: PrivateNetns,
    probe: Probe,
    not_applied: Vec<NotApplied>,
}

impl Settings {
    /// Sets every sysctl to the user's value, else the host's, else (for the two that shrink) the default.
    fn apply(&mut self, plan: &NetworkPlan, usual: &[(Sysctl, Option<i64>)]) {
        for sysctl in Sysctl::ALL {
            let usual = usual.iter().find(|(which, _)| *which == sysctl).and_then(|(_, value)| *value);
            if let Some(value) = plan.overrides.value(sysctl).or(plan.host.value(sysctl)).or(usual) {
                self.write(sysctl.name(), Some(sysctl), value);
            }
        }
        // Every client stays a new peer: metrics of an earlier client at the same address would make it "proven", and
        // such a peer bypasses the three-quarters rule (`tcp_peer_is_proven`, net/ipv4/tcp_metrics.c). It also saves
        // a tenth of the time that the kernel spends on a short connection.
        self.write("net.ipv4.tcp_no_metrics_save", None, 1);
        // Timestamps of real clients, as everywhere, but not begun at random: the low bits of a SYN-ACK's then
        // distinguish a SYN cookie from a request (`cookie_init_timestamp`, net/ipv4/syncookies.c).
        self.write("net.ipv4.tcp_timestamps", None, 2);
        // An unprivileged listener may bind port 80 here, in child processes too.
        self.write("net.ipv4.ip_unprivileged_port_start", None, 0);
    }

    fn write(&mut self, name: &str, sysctl: Option<Sysctl>, wanted: i64) {
        let reason = match knobs::write(self.netns, name, wanted) {
            Ok(value) if value == wanted => return,
            Ok(value) => say!("the kernel made it {value}", value),
            // What cannot be seen may have the value all the same.
            Err(_) if sysctl == Some(Sysctl::Somaxconn) && self.probe.somaxconn.map(i64::from) == Some(wanted) => {
                return;
            }
            Err(KnobError::File { reason, .. }) => reason.to_string(),
            Err(error) => error.to_string(),
        };
        self.not_applied.push(NotApplied { name: name.to_owned(), sysctl, wanted, reason });
    }
}

/// The sysctls in force: as their files tell, or, where somaxconn's is hidden, as it was measured.
fn read_sysctls(probe: Probe) -> Sysctls {
    let mut sysctls = Sysctls::default();
    if let Some(somaxconn) = probe.somaxconn {
        sysctls.set(Sysctl::Somaxconn, somaxconn.into());
    }
    for sysctl in Sysctl::ALL {
        if let Ok(value) = knobs::read(sysctl.name()) {
            sysctls.set(sysctl, value);
        }
    }
    sysctls
}

/// `tcp_ehash_entries` is negative where the namespace uses the host's connection hash.
fn hash_buckets() -> Option<u32> {
    let buckets = knobs::read("net.ipv4.tcp_ehash_entries").ok()?;
    u32::try_from(buckets).ok().filter(|buckets| *buckets > 0)
}

/// Looks without a change, 50 ms apart, until a wait is over: four seconds.
const PATIENCE: u32 = 80;
/// How often a veth pair is tried again, and the pause before: half a second in all.
const VETH_TRIES: u32 = 10;
const MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
const KERNEL_END: &CStr = c"qviz0";
const CLIENT_END: &CStr = c"qviz1";
/// The next hop for all clients. If each client were a neighbour, each would take an entry of the neighbour table,
/// which has 1,024 entries for all namespaces of the machine, the host's included (`neigh_alloc`,
/// net/core/neighbour.c).
const NEIGHBOUR_V4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
const NEIGHBOUR_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
/// Locally administered unicast addresses, "qviz" within: the same in every recording.
const KERNEL_MAC: [u8; 6] = [0x02, b'q', b'v', b'i', b'z', 0];
const CLIENT_MAC: [u8; 6] = [0x02, b'q', b'v', b'i', b'z', 1];
