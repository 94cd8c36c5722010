//! ICMP frames (RFC 792): the error of a router that cannot forward a segment, and the request for an echo.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::bytes::{Macs, fold, sum};

/// Why a destination is unreachable: the ICMP code (`include/uapi/linux/icmp.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// There is no route to its network.
    Net = 0,
    /// There is no route to the host.
    Host = 1,
    /// Nothing listens at the port.
    Port = 3,
}

/// The segment that could not be forwarded, as far as ICMP quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotedSegment {
    /// Its source.
    pub from: SocketAddrV4,
    /// Its destination.
    pub to: SocketAddrV4,
    /// Its sequence number: the kernel ignores errors for segments that it has not sent (`tcp_v4_err`,
    /// `net/ipv4/tcp_ipv4.c`).
    pub seq: u32,
}

/// The frame with which `router` informs the sender.
pub fn frame(macs: Macs, router: Ipv4Addr, why: Unreachable, quoted: &QuotedSegment) -> Vec<u8> {
    let mut icmp = vec![DEST_UNREACHABLE, why as u8, 0, 0, 0, 0, 0, 0];
    icmp.extend(header((*quoted.from.ip(), *quoted.to.ip()), TCP, QUOTED_TCP));
    icmp.extend(quoted.from.port().to_be_bytes());
    icmp.extend(quoted.to.port().to_be_bytes());
    icmp.extend(quoted.seq.to_be_bytes());
    let checksum = fold(sum(&icmp));
    icmp.splice(2..4, checksum);
    let mut frame = [macs.kernel, macs.client].concat();
    frame.extend([0x08, 0x00]);
    frame.extend(header((router, *quoted.from.ip()), PROTOCOL, icmp.len() as u16));
    frame.extend(icmp);
    frame
}

/// A request for an echo with this number.
pub fn echo_request(macs: Macs, (from, to): (Ipv4Addr, Ipv4Addr), number: u16) -> Vec<u8> {
    let [high, low] = number.to_be_bytes();
    let mut icmp = vec![ECHO_REQUEST, 0, 0, 0, b'q', b'v', high, low];
    let checksum = fold(sum(&icmp));
    icmp.splice(2..4, checksum);
    let mut frame = [macs.kernel, macs.client].concat();
    frame.extend([0x08, 0x00]);
    frame.extend(header((from, to), PROTOCOL, icmp.len() as u16));
    frame.extend(icmp);
    frame
}

/// An IPv4 header for `bytes` bytes of payload.
fn header((from, to): (Ipv4Addr, Ipv4Addr), protocol: u8, bytes: u16) -> Vec<u8> {
    let [high, low] = (bytes + HEADER).to_be_bytes();
    let mut header = vec![0x45, 0, high, low, 0, 0, 0x40, 0, HOPS, protocol, 0, 0];
    header.extend(from.octets());
    header.extend(to.octets());
    let checksum = fold(sum(&header));
    header.splice(10..12, checksum);
    header
}

const DEST_UNREACHABLE: u8 = 3;
/// Bytes of the quoted TCP header: both ports and the sequence number.
const QUOTED_TCP: u16 = 8;
const HEADER: u16 = 20;
const HOPS: u8 = 64;
/// The IP protocol number of ICMP.
pub const PROTOCOL: u8 = 1;
/// The type of an answer to a request for an echo.
pub const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;
const TCP: u8 = 6;

#[cfg(test)]
mod tests {
    use etherparse::{Icmpv4Type, NetSlice, SlicedPacket, TransportSlice, icmpv4};

    use super::*;

    #[test]
    fn another_decoder_reads_the_same_fields() {
        let macs = Macs { client: [2, 0, 0, 0, 0, 1], kernel: [2, 0, 0, 0, 0, 0] };
        let from = SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 1), 40_000);
        let to = SocketAddrV4::new(Ipv4Addr::new(198, 18, 0, 9), 80);
        let router = Ipv4Addr::new(198, 18, 0, 254);
        let frame = frame(macs, router, Unreachable::Host, &QuotedSegment { from, to, seq: 0x0102_0304 });
        let packet = SlicedPacket::from_ethernet(&frame).unwrap();
        let Some(NetSlice::Ipv4(ip)) = packet.net else { panic!("no IPv4") };
        let outer = ip.header().to_header();
        assert_eq!((outer.source, outer.destination), (router.octets(), from.ip().octets()));
        assert_eq!(outer.header_checksum, outer.calc_header_checksum());
        let Some(TransportSlice::Icmpv4(icmp)) = packet.transport else { panic!("no ICMP") };
        let why = Icmpv4Type::DestinationUnreachable(icmpv4::DestUnreachableHeader::Host);
        assert_eq!(icmp.icmp_type(), why);
        assert_eq!(fold(sum(icmp.slice())), [0, 0], "the checksum fits");
        let quoted = icmp.payload();
        assert_eq!(fold(sum(&quoted[..20])), [0, 0], "the quoted header's checksum fits");
        assert_eq!((&quoted[12..16], &quoted[16..20]), (&from.ip().octets()[..], &to.ip().octets()[..]));
        assert_eq!(&quoted[20..], [0x9c, 0x40, 0, 80, 1, 2, 3, 4]);
    }
}
