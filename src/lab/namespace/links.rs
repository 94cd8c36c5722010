//! The two veth pairs, their addresses and their routes.

use std::ffi::CStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use super::netlink::{LOOPBACK_INDEX, Peering, Route, RouteEvents, RoutePlan};
use super::refusal::{Fault, errno_of, fault_at};
use super::settings::Settings;
use super::spaces::Namespaces;
use super::{CLIENTS_V4, CLIENTS_V6, LISTENER_V4, LISTENER_V6, Link, LinkPair, Step, offload};
use crate::lab::netns;

/// The connected network.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) server: LinkPair,
    pub(super) clients: Option<LinkPair>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) ipv6: bool,
}

/// Makes both pairs and gives the outer ends their addresses and routes. The thread is in the server's namespace afterwards.
pub(super) fn connect(spaces: &Namespaces, settings: &mut Settings, asked: &[IpAddr]) -> Result<Connected, Fault> {
    enter(spaces.wire.as_fd(), Step::VethPair)?;
    let wire_to_server = make_pair((WIRE_TO_SERVER, 2), (SERVER_END, 1), spaces.server.as_fd())?;
    let wire_to_clients = make_pair((WIRE_TO_CLIENTS, 4), (CLIENTS_END, 3), spaces.clients.as_fd())?;
    let clients_end = open_clients(spaces, settings)?;
    enter(spaces.server.as_fd(), Step::LinksUp)?;
    settings.here();
    let mut route = Route::open().map_err(fault_at(Step::Loopback))?;
    route.set_up(LOOPBACK_INDEX, 0).map_err(fault_at(Step::Loopback))?;
    let server_end = open_end(&mut route, SERVER_END, settings)?;
    let (addresses, ipv6) = give_addresses(&mut route, server_end.index, asked)?;
    for name in [WIRE_TO_SERVER, WIRE_TO_CLIENTS] {
        enter(spaces.wire.as_fd(), Step::LinksUp)?;
        await_running(name)?;
    }
    enter(spaces.server.as_fd(), Step::LinksUp)?;
    await_running(SERVER_END)?;
    let server = LinkPair { wire: wire_to_server, far: server_end };
    let clients = Some(LinkPair { wire: wire_to_clients, far: clients_end });
    Ok(Connected { server, clients, addresses, ipv6 })
}

/// Makes the server's pair alone, both ends in the present namespace, in which only what belongs to the pair is changed.
pub(super) fn connect_here(here: BorrowedFd<'_>, asked: &[IpAddr]) -> Result<Connected, Fault> {
    let wire = make_pair((WIRE_HERE, 2), (SERVER_HERE, 1), here)?;
    let mut route = Route::open().map_err(fault_at(Step::LinksUp))?;
    let far = set_up_end(&mut route, SERVER_HERE)?;
    let (addresses, ipv6) = give_addresses(&mut route, far.index, asked)?;
    await_running(WIRE_HERE)?;
    await_running(SERVER_HERE)?;
    Ok(Connected { server: LinkPair { wire, far }, clients: None, addresses, ipv6 })
}

/// Removes the pair that [`connect_here`] has made, if it is there.
pub(super) fn disconnect_here() -> Result<(), Errno> {
    let mut route = Route::open()?;
    match route.link(WIRE_HERE) {
        Ok(found) => route.remove_link(found.link.index),
        Err(Errno::NODEV) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Makes a pair whose near end stays in the present namespace, quiet and up, and whose far end is in `far_netns`.
fn make_pair(
    (near, near_mac): (&CStr, u8),
    (far, far_mac): (&CStr, u8),
    far_netns: BorrowedFd<'_>,
) -> Result<Link, Fault> {
    let mut route = Route::open().map_err(fault_at(Step::VethPair))?;
    let peering = Peering { near: (near, mac(near_mac)), far: (far, mac(far_mac)), far_netns };
    let events = RouteEvents::of_links().map_err(fault_at(Step::VethPair))?;
    // Where several first starts come together, the kernel may still be loading the module.
    let mut made = route.make_pair(&peering);
    while made == Err(Errno::OPNOTSUPP) && events.wait_a_while().is_ok() {
        made = route.make_pair(&peering);
    }
    made.map_err(fault_at(Step::VethPair))?;
    disable_ipv6(near);
    offload::switch_off(near).map_err(fault_at(Step::LinksUp))?;
    let link = route.link(near).map_err(fault_at(Step::VethPair))?.link;
    route.prepare(link.index).map_err(fault_at(Step::LinksUp))?;
    route.set_up(link.index, libc::IFF_NOARP).map_err(fault_at(Step::LinksUp))?;
    Ok(link)
}

/// Nothing speaks on the wire's ends but what qviz puts there. Without IPv6 there is nothing to switch off.
fn disable_ipv6(name: &CStr) {
    let path = format!("/proc/sys/net/ipv6/conf/{}/disable_ipv6", name.to_string_lossy());
    let _without_ipv6 = std::fs::write(path, "1");
}

/// The clients' namespace: every address of the clients' networks is one of its own (local routes on lo), and all else lies
/// beyond the wire.
fn open_clients(spaces: &Namespaces, settings: &mut Settings) -> Result<Link, Fault> {
    enter(spaces.clients.as_fd(), Step::Loopback)?;
    settings.here();
    let mut route = Route::open().map_err(fault_at(Step::Loopback))?;
    route.set_up(LOOPBACK_INDEX, 0).map_err(fault_at(Step::Loopback))?;
    let link = open_end(&mut route, CLIENTS_END, settings)?;
    let v4 = IpAddr::V4(CLIENTS_V4.0);
    let first = IpAddr::V4(FIRST_CLIENT_V4);
    let local = RoutePlan { is_local: true, ..RoutePlan::to((v4, CLIENTS_V4.1), LOOPBACK_INDEX) };
    route.add_route(&local).map_err(fault_at(Step::Route(v4)))?;
    let beyond = RoutePlan { source: Some(first), ..RoutePlan::to((Ipv4Addr::UNSPECIFIED.into(), 0), link.index) };
    route.add_route(&beyond).map_err(fault_at(Step::Route(v4)))?;
    let v6 = IpAddr::V6(CLIENTS_V6.0);
    let _without_ipv6 = route
        .add_address(LOOPBACK_INDEX, FIRST_CLIENT_V6.into())
        .and_then(|()| {
            route.add_route(&RoutePlan { is_local: true, ..RoutePlan::to((v6, CLIENTS_V6.1), LOOPBACK_INDEX) })
        })
        .and_then(|()| route.add_route(&RoutePlan::to((Ipv6Addr::UNSPECIFIED.into(), 0), link.index)));
    await_running(CLIENTS_END)?;
    Ok(link)
}

/// Prepares an outer end in a namespace of ours: a reverse path filter copied from the host has nothing to filter there.
fn open_end(route: &mut Route, name: &CStr, settings: &Settings) -> Result<Link, Fault> {
    settings.write_if_there("net.ipv4.conf.all.rp_filter", 0);
    set_up_end(route, name)
}

/// Sets an outer end up: no neighbours, no offloads, and nothing that it sends by itself.
fn set_up_end(route: &mut Route, name: &CStr) -> Result<Link, Fault> {
    offload::switch_off(name).map_err(fault_at(Step::LinksUp))?;
    let link = route.link(name).map_err(fault_at(Step::LinksUp))?.link;
    route.prepare(link.index).map_err(fault_at(Step::LinksUp))?;
    route.set_up(link.index, libc::IFF_NOARP).map_err(fault_at(Step::LinksUp))?;
    Ok(link)
}

/// Waits until frames can pass this link of the present namespace.
fn await_running(name: &CStr) -> Result<(), Fault> {
    let mut route = Route::open().map_err(fault_at(Step::LinksUp))?;
    let events = RouteEvents::of_links().map_err(fault_at(Step::LinksUp))?;
    while !route.link(name).map_err(fault_at(Step::LinksUp))?.running {
        events.wait_a_while().map_err(fault_at(Step::LinksUp))?;
    }
    Ok(())
}

/// Puts the listener's addresses and the clients' routes on the server's end. Without IPv6 in this kernel, or where its routes do not
/// come in time, the network is IPv4 alone, unless an IPv6 address was asked for.
fn give_addresses(route: &mut Route, index: u32, asked: &[IpAddr]) -> Result<(Vec<IpAddr>, bool), Fault> {
    let v4 = IpAddr::V4(LISTENER_V4);
    route.add_address(index, v4).map_err(fault_at(Step::Address(v4)))?;
    let network = IpAddr::V4(CLIENTS_V4.0);
    let clients = RoutePlan { gateway: Some(NEIGHBOUR_V4.into()), ..RoutePlan::to((network, CLIENTS_V4.1), index) };
    route.add_route(&clients).map_err(fault_at(Step::Route(network)))?;
    let mut addresses = vec![v4];

    let events = RouteEvents::of_ipv6_routes().map_err(fault_at(Step::Address(v4)))?;
    let (v6, network) = (IpAddr::V6(LISTENER_V6), IpAddr::V6(CLIENTS_V6.0));
    let clients = RoutePlan { gateway: Some(NEIGHBOUR_V6.into()), ..RoutePlan::to((network, CLIENTS_V6.1), index) };
    let mut ipv6 = route.add_address(index, v6).is_ok() && route.add_route(&clients).is_ok();
    for &address in asked {
        if address.is_loopback() || address.is_unspecified() || address == v4 || address == v6 {
            continue;
        }
        // In a namespace that is not ours it may stand on another link.
        if route.is_local(index, address).is_ok_and(|is_local| is_local) {
            addresses.push(address);
            continue;
        }
        route.add_address(index, address).map_err(fault_at(Step::Address(address)))?;
        addresses.push(address);
    }
    // For IPv6 a work queue makes the local route some time after the address was added (`addrconf_dad_work`, net/ipv6/addrconf.c),
    // and an incoming SYN is dropped silently until then. On a busy machine that takes seconds: add one at once.
    for address in addresses.iter().copied().filter(IpAddr::is_ipv6).chain(ipv6.then_some(v6)) {
        let local = RoutePlan { is_local: true, ..RoutePlan::to((address, HOST_V6), index) };
        let _the_kernel_was_faster = route.add_route(&local);
    }
    let asked_for_v6 = asked.iter().any(IpAddr::is_ipv6);
    for address in addresses.iter().copied().filter(IpAddr::is_ipv6).chain(ipv6.then_some(v6)) {
        while !route.is_local(index, address).map_err(fault_at(Step::Address(address)))? {
            match events.wait_a_while() {
                Ok(()) => {}
                Err(_) if address == v6 && !asked_for_v6 => {
                    ipv6 = false;
                    break;
                }
                Err(errno) => return Err(fault_at(Step::Address(address))(errno)),
            }
        }
    }
    if ipv6 {
        addresses.insert(1, v6);
    }
    Ok((addresses, ipv6))
}

fn enter(netns: BorrowedFd<'_>, step: Step) -> Result<(), Fault> {
    netns::move_thread(netns).map_err(|error| fault_at(step)(errno_of(&error.into())))
}

/// Locally administered unicast addresses, "qviz" within: the same in every recording.
const fn mac(last: u8) -> [u8; 6] {
    [0x02, b'q', b'v', b'i', b'z', last]
}

/// The prefix length of one IPv6 address.
const HOST_V6: u8 = 128;
const SERVER_END: &CStr = c"srv0";
const WIRE_TO_SERVER: &CStr = c"wire-s";
const WIRE_TO_CLIENTS: &CStr = c"wire-c";
const CLIENTS_END: &CStr = c"cli0";
/// In a namespace that others have named links in.
const WIRE_HERE: &CStr = c"qviz-wire";
const SERVER_HERE: &CStr = c"qviz-srv";
/// The source of client programs that choose none.
const FIRST_CLIENT_V4: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
const FIRST_CLIENT_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
/// The next hop for all clients. If each client were a neighbour, each would take an entry of the neighbour table,
/// which has 1,024 entries for all namespaces of the machine, the host's included (`neigh_alloc`,
/// net/core/neighbour.c).
const NEIGHBOUR_V4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
const NEIGHBOUR_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
