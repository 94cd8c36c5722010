//! The few rtnetlink requests that the private network needs: links, addresses, routes. One request in flight, each one answered.

use std::cell::Cell;
use std::ffi::CStr;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use netlink_packet_core::{
    DefaultNla, Emitable, NLA_F_NESTED, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkDeserializable,
    NetlinkHeader, NetlinkMessage, NetlinkPayload, NetlinkSerializable, NlasIterator,
};
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with};

use super::Link;

/// A connection to the kernel's routing tables of the calling thread's namespace.
#[derive(Debug)]
pub(super) struct Route {
    socket: OwnedFd,
    sequence: u32,
}

/// The two ends of a veth pair, each with its name and Ethernet address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peering<'a> {
    pub(super) near: (&'a CStr, [u8; 6]),
    pub(super) far: (&'a CStr, [u8; 6]),
    /// The namespace of the far end.
    pub(super) far_netns: BorrowedFd<'a>,
}

/// A route to a network.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoutePlan {
    /// The network and its prefix length.
    pub(super) network: (IpAddr, u8),
    /// The link.
    pub(super) index: u32,
    /// The next hop, a neighbour on the link whatever the addresses say.
    pub(super) gateway: Option<IpAddr>,
    /// The source address of programs that choose none.
    pub(super) source: Option<IpAddr>,
    /// True where all addresses of the network are this machine's own.
    pub(super) is_local: bool,
}

impl RoutePlan {
    /// A route to a network by way of a link.
    pub(super) const fn to(network: (IpAddr, u8), index: u32) -> Self {
        Self { network, index, gateway: None, source: None, is_local: false }
    }
}

/// A link and whether frames can pass it already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LinkState {
    pub(super) link: Link,
    pub(super) running: bool,
}

impl Route {
    /// Opens the connection. EAGAIN after [`TIMEOUT`] without an answer.
    pub(super) fn open() -> Result<Self, Errno> {
        Ok(Self { socket: socket(0)?, sequence: 0 })
    }

    /// Makes a veth pair, the near end in the present namespace; both ends are down.
    pub(super) fn make_pair(&mut self, peering: &Peering<'_>) -> Result<(), Errno> {
        let side = |(name, mac): (&CStr, [u8; 6])| [name_attr(name), attr(libc::IFLA_ADDRESS, &mac)];
        let netns = peering.far_netns.as_raw_fd().to_ne_bytes();
        let mut peer = link_header(0, 0, 0);
        peer.extend(concat(&side(peering.far)));
        peer.extend(concat(&[attr(libc::IFLA_NET_NS_FD, &netns)]));
        let data = nest(libc::IFLA_INFO_DATA, &[attr(VETH_INFO_PEER | NLA_F_NESTED, &peer)]);
        let kind = nest(libc::IFLA_LINKINFO, &[attr(libc::IFLA_INFO_KIND, b"veth"), data]);
        let [name, mac] = side(peering.near);
        self.change(libc::RTM_NEWLINK, link_header(0, 0, 0), &[name, mac, kind])
    }

    /// Sets a link up, with further flags (`IFF_NOARP`).
    pub(super) fn set_up(&mut self, index: u32, flags: i32) -> Result<(), Errno> {
        let flags = (flags | libc::IFF_UP) as u32;
        let request = RouteMessage { kind: libc::RTM_NEWLINK, bytes: link_header(index, flags, flags) };
        self.request(request, NLM_F_ACK).map(|_| ())
    }

    /// What a link of ours needs of its settings, whether or not /proc/sys can be written: no IPv6 addresses of its own choice (so that it
    /// sends nothing by itself), no reverse path filter, and addresses of loopback are routed.
    pub(super) fn prepare(&mut self, index: u32) -> Result<(), Errno> {
        let set = |kind, value: u32| attr(kind, &value.to_ne_bytes());
        let v4 = nest(INET_CONF, &[set(DEVCONF_RP_FILTER, 0), set(DEVCONF_ROUTE_LOCALNET, 1)]);
        let v6 = attr(INET6_ADDR_GEN_MODE, &[ADDR_GEN_MODE_NONE]);
        for family in [nest(libc::AF_INET as u16, &[v4]), nest(libc::AF_INET6 as u16, &[v6])] {
            let mut bytes = link_header(index, 0, 0);
            bytes.extend(concat(&[nest(libc::IFLA_AF_SPEC, &[family])]));
            match self.request(RouteMessage { kind: libc::RTM_SETLINK, bytes }, NLM_F_ACK) {
                // A kernel without IPv6, or a link on which it is switched off.
                Ok(_) | Err(Errno::AFNOSUPPORT | Errno::INVAL) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Removes a link, and its peer with it.
    pub(super) fn remove_link(&mut self, index: u32) -> Result<(), Errno> {
        self.request(RouteMessage { kind: libc::RTM_DELLINK, bytes: link_header(index, 0, 0) }, NLM_F_ACK).map(|_| ())
    }

    /// Puts one host address on a link; IPv6 without duplicate address detection, so that it can be used at once.
    pub(super) fn add_address(&mut self, index: u32, address: IpAddr) -> Result<(), Errno> {
        let (family, bytes) = octets(address);
        let mut header = vec![family, (bytes.len() * 8) as u8, libc::IFA_F_NODAD as u8, libc::RT_SCOPE_UNIVERSE];
        header.extend(index.to_ne_bytes());
        let attributes = [attr(libc::IFA_LOCAL, &bytes), attr(libc::IFA_ADDRESS, &bytes)];
        self.change(libc::RTM_NEWADDR, header, &attributes)
    }

    /// Adds a route.
    pub(super) fn add_route(&mut self, plan: &RoutePlan) -> Result<(), Errno> {
        let (family, bytes) = octets(plan.network.0);
        let (table, scope, kind) = if plan.is_local {
            (libc::RT_TABLE_LOCAL, libc::RT_SCOPE_HOST, libc::RTN_LOCAL)
        } else {
            (libc::RT_TABLE_MAIN, libc::RT_SCOPE_UNIVERSE, libc::RTN_UNICAST)
        };
        let mut header = vec![family, plan.network.1, 0, 0, table, libc::RTPROT_STATIC, scope, kind];
        header.extend(if plan.gateway.is_some() { RTNH_F_ONLINK } else { 0 }.to_ne_bytes());
        let mut attributes = vec![attr(libc::RTA_DST, &bytes), attr(libc::RTA_OIF, &plan.index.to_ne_bytes())];
        attributes.extend(plan.gateway.map(|gateway| attr(libc::RTA_GATEWAY, &octets(gateway).1)));
        attributes.extend(plan.source.map(|source| attr(libc::RTA_PREFSRC, &octets(source).1)));
        self.change(libc::RTM_NEWROUTE, header, &attributes)
    }

    /// Adds a route of this type to a network (`RTN_UNREACHABLE`, `RTN_PROHIBIT`, `RTN_BLACKHOLE`).
    pub(super) fn add_reject_route(&mut self, network: (IpAddr, u8), route_type: u8) -> Result<(), Errno> {
        let (header, attributes) = reject_route(network, route_type);
        self.change(libc::RTM_NEWROUTE, header, &[attributes])
    }

    /// Removes such a route.
    pub(super) fn remove_reject_route(&mut self, network: (IpAddr, u8), route_type: u8) -> Result<(), Errno> {
        let (mut bytes, attributes) = reject_route(network, route_type);
        bytes.extend(concat(&[attributes]));
        self.request(RouteMessage { kind: libc::RTM_DELROUTE, bytes }, NLM_F_ACK).map(|_| ())
    }

    /// Reads one link.
    pub(super) fn link(&mut self, name: &CStr) -> Result<LinkState, Errno> {
        let mut bytes = link_header(0, 0, 0);
        bytes.extend(concat(&[name_attr(name)]));
        let answer = self.request(RouteMessage { kind: libc::RTM_GETLINK, bytes }, 0)?.ok_or(Errno::BADMSG)?;
        read_link(&answer).ok_or(Errno::BADMSG)
    }

    /// Whether packets from this link for that address match a local route.
    pub(super) fn is_local(&mut self, index: u32, address: IpAddr) -> Result<bool, Errno> {
        let (family, octets) = octets(address);
        let mut bytes = vec![family, (octets.len() * 8) as u8, 0, 0, 0, 0, 0, 0];
        bytes.extend(0u32.to_ne_bytes());
        bytes.extend(concat(&[attr(libc::RTA_DST, &octets), attr(libc::RTA_IIF, &index.to_ne_bytes())]));
        match self.request(RouteMessage { kind: libc::RTM_GETROUTE, bytes }, 0) {
            Ok(answer) => Ok(answer.is_some_and(|route| route.bytes.get(RTM_TYPE) == Some(&libc::RTN_LOCAL))),
            Err(Errno::NETUNREACH | Errno::HOSTUNREACH) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    fn change(&mut self, kind: u16, header: Vec<u8>, attributes: &[DefaultNla]) -> Result<(), Errno> {
        let mut bytes = header;
        bytes.extend(concat(attributes));
        self.request(RouteMessage { kind, bytes }, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL).map(|_| ())
    }

    /// Sends one request and waits for its answer: an acknowledgement (`None`) or a message.
    fn request(&mut self, request: RouteMessage, flags: u16) -> Result<Option<RouteMessage>, Errno> {
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(request));
        message.finalize();
        let mut buffer = vec![0; message.buffer_len().max(ANSWER_BYTES)];
        message.serialize(&mut buffer);
        send(&self.socket, &buffer[..message.buffer_len()], SendFlags::empty())?;
        loop {
            let (length, _) = recv(&self.socket, &mut buffer[..], RecvFlags::empty())?;
            let answer = NetlinkMessage::<RouteMessage>::deserialize(&buffer[..length]).map_err(|_| Errno::BADMSG)?;
            if answer.header.sequence_number != self.sequence {
                continue;
            }
            return match answer.payload {
                NetlinkPayload::Error(error) if error.code.is_none() => Ok(None),
                NetlinkPayload::Error(error) => Err(Errno::from_raw_os_error(-error.raw_code())),
                NetlinkPayload::InnerMessage(message) => Ok(Some(message)),
                _ => Err(Errno::BADMSG),
            };
        }
    }
}

/// Notifications of changes in the network. One may be missed: whoever waits looks again after a moment in any case.
#[derive(Debug)]
pub(super) struct RouteEvents {
    socket: OwnedFd,
    /// How often nothing has come.
    silences: Cell<u32>,
}

impl RouteEvents {
    /// Subscribes to link changes.
    pub(super) fn of_links() -> Result<Self, Errno> {
        Self::of(libc::RTMGRP_LINK)
    }

    /// Subscribes to changes of the IPv6 routes.
    pub(super) fn of_ipv6_routes() -> Result<Self, Errno> {
        Self::of(libc::RTMGRP_IPV6_ROUTE)
    }

    fn of(group: libc::c_int) -> Result<Self, Errno> {
        let socket = socket(group as u32)?;
        set_socket_timeout(&socket, Timeout::Recv, Some(LOOK_AGAIN))?;
        Ok(Self { socket, silences: Cell::new(0) })
    }

    /// Waits until something changed, or for [`LOOK_AGAIN`]; EAGAIN after [`SILENCES`] of these without a change.
    pub(super) fn wait_a_while(&self) -> Result<(), Errno> {
        match recv(&self.socket, &mut [0u8; ANSWER_BYTES][..], RecvFlags::empty()) {
            Ok(_) | Err(Errno::INTR | Errno::NOBUFS) => Ok(()),
            Err(Errno::AGAIN) if self.silences.get() < SILENCES => {
                self.silences.set(self.silences.get() + 1);
                Ok(())
            }
            Err(errno) => Err(errno),
        }
    }
}

/// A route message: its type, and its fixed header and attributes as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RouteMessage {
    kind: u16,
    bytes: Vec<u8>,
}

impl NetlinkSerializable for RouteMessage {
    fn message_type(&self) -> u16 {
        self.kind
    }

    fn buffer_len(&self) -> usize {
        self.bytes.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.bytes);
    }
}

impl NetlinkDeserializable for RouteMessage {
    type Error = std::convert::Infallible;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, Self::Error> {
        Ok(Self { kind: header.message_type, bytes: payload.to_vec() })
    }
}

fn socket(groups: u32) -> Result<OwnedFd, Errno> {
    // No protocol number is number 0: NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&socket, Timeout::Recv, Some(TIMEOUT))?;
    bind(&socket, &SocketAddrNetlink::new(0, groups))?;
    Ok(socket)
}

/// The next hop is on the link, whatever the addresses say (include/uapi/linux/rtnetlink.h).
const RTNH_F_ONLINK: u32 = 4;

/// `struct ifinfomsg`
fn link_header(index: u32, flags: u32, change: u32) -> Vec<u8> {
    [0, index, flags, change].into_iter().flat_map(u32::to_ne_bytes).collect()
}

/// `struct rtmsg` of a reject route, and its destination.
fn reject_route((network, prefix): (IpAddr, u8), route_type: u8) -> (Vec<u8>, DefaultNla) {
    let (family, bytes) = octets(network);
    let (table, origin, everywhere) = (libc::RT_TABLE_MAIN, libc::RTPROT_STATIC, libc::RT_SCOPE_UNIVERSE);
    (vec![family, prefix, 0, 0, table, origin, everywhere, route_type, 0, 0, 0, 0], attr(libc::RTA_DST, &bytes))
}

fn read_link(answer: &RouteMessage) -> Option<LinkState> {
    let (header, attributes) = answer.bytes.split_at_checked(LINK_HEADER_BYTES)?;
    let index = u32::from_ne_bytes(header.get(4..8)?.try_into().ok()?);
    let (mut name, mut mac, mut running) = (None, None, false);
    for attribute in NlasIterator::new(attributes).flatten() {
        match attribute.kind() {
            libc::IFLA_IFNAME => {
                name = CStr::from_bytes_until_nul(attribute.value()).ok()?.to_str().ok().map(str::to_owned);
            }
            libc::IFLA_ADDRESS => mac = attribute.value().try_into().ok(),
            libc::IFLA_OPERSTATE => running = attribute.value() == [IF_OPER_UP],
            _ => {}
        }
    }
    Some(LinkState { link: Link { name: name?, index, mac: mac? }, running })
}

fn octets(address: IpAddr) -> (u8, Vec<u8>) {
    match address {
        IpAddr::V4(address) => (libc::AF_INET as u8, address.octets().to_vec()),
        IpAddr::V6(address) => (libc::AF_INET6 as u8, address.octets().to_vec()),
    }
}

fn attr(kind: u16, value: &[u8]) -> DefaultNla {
    DefaultNla::new(kind, value.to_vec())
}

fn name_attr(name: &CStr) -> DefaultNla {
    attr(libc::IFLA_IFNAME, name.to_bytes_with_nul())
}

fn nest(kind: u16, attributes: &[DefaultNla]) -> DefaultNla {
    DefaultNla::new(kind | NLA_F_NESTED, concat(attributes))
}

fn concat(attributes: &[DefaultNla]) -> Vec<u8> {
    let mut bytes = vec![0; attributes.buffer_len()];
    attributes.emit(&mut bytes);
    bytes
}

/// All namespaces of a machine share one lock for such requests (`rtnl_lock`) and one queue for what follows from them: where many are
/// made and taken down at once, an answer takes seconds.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long a notification is waited for before the network is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Three seconds.
const SILENCES: u32 = 60;
/// `VETH_INFO_PEER`, include/uapi/linux/veth.h
const VETH_INFO_PEER: u16 = 1;
/// `IFLA_INET_CONF` and the numbers of `struct ipv4_devconf` (include/uapi/linux/if_link.h, ip.h).
const INET_CONF: u16 = 1;
const DEVCONF_RP_FILTER: u16 = 8;
const DEVCONF_ROUTE_LOCALNET: u16 = 26;
/// `IFLA_INET6_ADDR_GEN_MODE` and `IN6_ADDR_GEN_MODE_NONE` (include/uapi/linux/if_link.h).
const INET6_ADDR_GEN_MODE: u16 = 8;
const ADDR_GEN_MODE_NONE: u8 = 1;
/// `IF_OPER_UP`, include/uapi/linux/if.h: RFC 2863 operational state "up", set when the transmit queue works.
const IF_OPER_UP: u8 = 6;
/// The offset of `rtm_type` in `struct rtmsg`.
const RTM_TYPE: usize = 7;
/// `sizeof(struct ifinfomsg)`
const LINK_HEADER_BYTES: usize = 16;
/// Room for one answer; a link's full description takes about 1.5 KiB.
const ANSWER_BYTES: usize = 8192;

/// lo is the first device of every network namespace (`LOOPBACK_IFINDEX`).
pub(super) const LOOPBACK_INDEX: u32 = 1;
