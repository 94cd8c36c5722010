//! What tests stand on: a network namespace for each, loopback, and a veth pair.

use std::env;

use socket2::{Protocol, Socket, Type};

use crate::needs::{network, tool};
use crate::runner::{again, as_it_ended};
use crate::who::is_root;

/// Runs the present test in a network namespace of its own, in which loopback is up.
pub(crate) fn inside(body: fn()) {
    if env::var_os(INSIDE).is_some() {
        raise_loopback();
        return body();
    }
    network();
    let flags = if is_root() { "-n" } else { "-Urn" };
    as_it_ended(tool("unshare").arg(flags).args(again()).env(INSIDE, "1"));
}

/// `ip link set lo up`.
fn raise_loopback() {
    route_netlink(libc::RTM_NEWLINK, &interface(1, libc::IFF_UP));
}

/// A veth pair without ARP: interface 2 has the listener's address and a route to the clients, interface 3 is our end.
pub(crate) fn veth() {
    let our_end = [interface(3, libc::IFF_NOARP), attribute(IFLA_ADDRESS, &CLIENT_MAC)].concat();
    let kind = [attribute(1, b"veth"), attribute(2, &attribute(1, &our_end))].concat();
    let kernels_end = [interface(2, libc::IFF_NOARP), attribute(IFLA_ADDRESS, &SERVER_MAC)].concat();
    route_netlink(libc::RTM_NEWLINK, &[kernels_end, attribute(IFLA_LINKINFO, &kind)].concat());
    // An end can only be raised when it has its peer.
    for index in [2, 3] {
        route_netlink(libc::RTM_NEWLINK, &interface(index, libc::IFF_UP | libc::IFF_NOARP));
    }
    let address = [vec![2, 32, 0, 0, 2, 0, 0, 0], attribute(2, &[198, 51, 100, 1]), attribute(1, &[198, 51, 100, 1])];
    route_netlink(libc::RTM_NEWADDR, &address.concat());
    let route =
        [vec![2, 15, 0, 0, 254, 4, 253, 1, 0, 0, 0, 0], attribute(1, &[198, 18, 0, 0]), attribute(4, &[2, 0, 0, 0])];
    route_netlink(libc::RTM_NEWROUTE, &route.concat());
}

/// `struct ifinfomsg`.
fn interface(index: i32, flags: i32) -> Vec<u8> {
    [0, index, flags, flags].iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn attribute(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (4 + payload.len() as u16).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// One request to the kernel's routing tables, which must succeed.
fn route_netlink(kind: u16, body: &[u8]) {
    let flags = libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE;
    let mut request = (16 + body.len() as u32).to_ne_bytes().to_vec();
    request.extend(kind.to_ne_bytes());
    request.extend((flags as u16).to_ne_bytes());
    request.extend([0; 8]);
    request.extend(body);
    let socket = Socket::new(libc::AF_NETLINK.into(), Type::DGRAM, Some(Protocol::from(libc::NETLINK_ROUTE))).unwrap();
    socket.send(&request).unwrap();
    let mut answer = [0; 512];
    rustix::net::recv(&socket, &mut answer, rustix::net::RecvFlags::empty()).unwrap();
    assert_eq!(answer[16..20], [0; 4], "request {kind} was refused");
}

/// Set for the process that already stands in its namespace.
const INSIDE: &str = "QVIZ_EYES_INSIDE";

const IFLA_ADDRESS: u16 = 1;
const IFLA_LINKINFO: u16 = 18;
/// The kernel's end.
pub(crate) const SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// Our end.
pub(crate) const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
