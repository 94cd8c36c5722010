//! From the bytes of a frame to a [`Segment`]. Only headers are needed; what is cut short or malformed gives `None`.

use std::net::{IpAddr, SocketAddr};

use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};

use crate::model::peer::Peer;
use crate::model::segment::{Segment, Toward};

/// The listener's end, which decides a segment's direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerEnd {
    /// The listener's port.
    pub port: u16,
    /// The listener's address, where it has one of its own; needed only when the client uses the same port.
    pub address: Option<IpAddr>,
}

/// The TCP segment in an Ethernet frame, as seen from the listener at `listener`. `None` where the frame is no TCP,
/// has no whole TCP header, or neither end is the listener's.
pub fn segment(frame: &[u8], listener: ListenerEnd) -> Option<Segment> {
    oriented(&LaxSlicedPacket::from_ethernet(frame).ok()?, listener)
}

/// As [`segment`], for a packet that begins with its IP header.
pub fn segment_of_ip(packet: &[u8], listener: ListenerEnd) -> Option<Segment> {
    oriented(&LaxSlicedPacket::from_ip(packet).ok()?, listener)
}

/// Source, destination and sequence number of a SYN, from a packet that begins with its IP header. `None` where it is
/// no SYN with a whole TCP header.
pub fn syn_of(packet: &[u8]) -> Option<(Peer, SocketAddr, u32)> {
    let packet = LaxSlicedPacket::from_ip(packet).ok()?;
    let (source, destination, _) = addresses(&packet)?;
    let Some(TransportSlice::Tcp(tcp)) = packet.transport else { return None };
    let to = SocketAddr::new(destination, tcp.destination_port());
    (tcp.syn() && !tcp.ack() && !tcp.rst()).then(|| (Peer::new(source, tcp.source_port()), to, tcp.sequence_number()))
}

fn oriented(packet: &LaxSlicedPacket<'_>, listener: ListenerEnd) -> Option<Segment> {
    let (source, destination, length) = addresses(packet)?;
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else { return None };
    let toward = listener.toward((source, tcp.source_port()), (destination, tcp.destination_port()))?;
    let peer = match toward {
        Toward::Listener => Peer::new(source, tcp.source_port()),
        Toward::Client => Peer::new(destination, tcp.destination_port()),
    };
    let options = options(tcp.options());
    let flags = tcp.slice()[FLAGS];
    Some(Segment {
        peer,
        toward,
        flags,
        seq: tcp.sequence_number(),
        ack: tcp.acknowledgment_number(),
        payload: length.saturating_sub(tcp.header_slice().len()) as u16,
        window_scale: options.window_scale,
        timestamps: options.timestamps,
    })
}

/// Source, destination, and the payload length according to the IP header.
fn addresses(packet: &LaxSlicedPacket<'_>) -> Option<(IpAddr, IpAddr, usize)> {
    match packet.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            let length = usize::from(header.total_len()).saturating_sub(header.slice().len());
            Some((IpAddr::V4(header.source_addr()), IpAddr::V4(header.destination_addr()), length))
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            let length = usize::from(header.payload_length());
            Some((IpAddr::V6(header.source_addr()), IpAddr::V6(header.destination_addr()), length))
        }
        LaxNetSlice::Arp(_) => None,
    }
}

impl ListenerEnd {
    /// Which way a segment goes. Where both ends use the listener's port, its address decides; without one, towards it.
    fn toward(&self, source: (IpAddr, u16), destination: (IpAddr, u16)) -> Option<Toward> {
        match (source.1 == self.port, destination.1 == self.port) {
            (false, false) => None,
            (true, false) => Some(Toward::Client),
            (true, true) if self.address == Some(source.0) && source.0 != destination.0 => Some(Toward::Client),
            (_, true) => Some(Toward::Listener),
        }
    }
}

/// The options that matter for a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Options {
    window_scale: bool,
    timestamps: bool,
}

/// Parsed by hand: etherparse's iterator stops at the first unknown option, such as Fast Open's.
fn options(mut rest: &[u8]) -> Options {
    let mut options = Options::default();
    while let [kind, more @ ..] = rest {
        rest = match (*kind, more.first()) {
            (END, _) => break,
            (NO_OPERATION, _) => more,
            (_, Some(&length)) if length >= 2 && usize::from(length) <= rest.len() => {
                let (option, next) = rest.split_at(length.into());
                match (*kind, option) {
                    (WINDOW_SCALE, [_, _, _]) => options.window_scale = true,
                    (TIMESTAMPS, [_, _, _, _, _, _, ..]) => options.timestamps = true,
                    _ => {}
                }
                next
            }
            _ => break,
        };
    }
    options
}

/// The position of the flags in a TCP header.
const FLAGS: usize = 13;

// Option kinds: RFC 9293 §3.2, RFC 7323.
const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const WINDOW_SCALE: u8 = 3;
const TIMESTAMPS: u8 = 8;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use etherparse::{PacketBuilder, TcpOptionElement};
    use proptest::prelude::*;

    use super::*;
    use crate::model::segment::{Kind, flags};

    const ENDS: ListenerEnd = ListenerEnd { port: 8080, address: None };

    fn syn(source: u16, destination: u16) -> Vec<u8> {
        let elements = [
            TcpOptionElement::MaximumSegmentSize(1460),
            TcpOptionElement::SelectiveAcknowledgementPermitted,
            TcpOptionElement::Timestamp(1, 0),
            TcpOptionElement::Noop,
            TcpOptionElement::WindowScale(7),
        ];
        let builder = PacketBuilder::ethernet2([0; 6], [0; 6])
            .ipv4([198, 18, 0, 1], [198, 51, 100, 1], 64)
            .tcp(source, destination, 77, 1000)
            .syn()
            .options(&elements)
            .unwrap();
        let mut frame = Vec::new();
        builder.write(&mut frame, &[]).unwrap();
        frame
    }

    #[test]
    fn a_syn_is_read_with_its_options_and_its_client() {
        let segment = segment(&syn(4000, 8080), ENDS).unwrap();
        assert_eq!((segment.kind(), segment.toward), (Kind::Syn, Toward::Listener));
        assert_eq!(segment.peer, Peer::v4(Ipv4Addr::new(198, 18, 0, 1), 4000));
        assert_eq!((segment.seq, segment.payload, segment.flags), (77, 0, flags::SYN));
        assert!(segment.window_scale && segment.timestamps);
    }

    #[test]
    fn without_a_link_header_the_same_is_read() {
        let (request, answer) = (syn(4000, 8080), syn(8080, 4000));
        assert_eq!(segment_of_ip(&request[14..], ENDS), segment(&request, ENDS));
        let client = Peer::v4(Ipv4Addr::new(198, 18, 0, 1), 4000);
        assert_eq!(syn_of(&request[14..]), Some((client, "198.51.100.1:8080".parse().unwrap(), 77)));
        assert!(syn_of(&answer[14..]).is_some() && syn_of(&request[14..50]).is_none());
    }

    #[test]
    fn the_peer_is_the_client_whichever_way_the_segment_goes() {
        let answer = segment(&syn(8080, 4000), ENDS).unwrap();
        assert_eq!(answer.toward, Toward::Client);
        assert_eq!(answer.peer, Peer::v4(Ipv4Addr::new(198, 51, 100, 1), 4000));
    }

    #[test]
    fn one_port_at_both_ends_is_decided_by_the_address() {
        let client = Some(IpAddr::V4(Ipv4Addr::new(198, 18, 0, 1)));
        let frame = syn(8080, 8080);
        assert_eq!(segment(&frame, ENDS).unwrap().toward, Toward::Listener);
        assert_eq!(segment(&frame, ListenerEnd { port: 8080, address: client }).unwrap().toward, Toward::Client);
        assert_eq!(segment(&frame, ListenerEnd { port: 81, address: None }), None);
    }

    #[test]
    fn the_payload_is_known_although_the_frame_was_cut() {
        let builder =
            PacketBuilder::ethernet2([0; 6], [0; 6]).ipv6([1; 16], [2; 16], 64).tcp(4000, 8080, 5, 1000).ack(9).psh();
        let mut frame = Vec::new();
        builder.write(&mut frame, &[1; 900]).unwrap();
        frame.truncate(134);
        let segment = segment(&frame, ENDS).unwrap();
        assert_eq!((segment.kind(), segment.payload, segment.ack), (Kind::Data, 900, 9));
        assert!(!segment.window_scale && !segment.timestamps);
    }

    #[test]
    fn an_unknown_option_does_not_hide_the_next() {
        let fast_open = [34, 4, 1, 2, NO_OPERATION, WINDOW_SCALE, 3, 7];
        assert_eq!(options(&fast_open), Options { window_scale: true, ..Options::default() });
        assert_eq!(options(&[34, 0, WINDOW_SCALE, 3, 7]), Options::default());
        assert_eq!(options(&[TIMESTAMPS, 10, 0]), Options::default());
    }

    proptest! {
        #[test]
        fn no_frame_makes_it_panic(mut frame in prop::collection::vec(any::<u8>(), 0..200), seed in 0_usize..3, cut in 0_usize..120) {
            let real = syn(4000, 8080);
            let kept = [0, 24, 34][seed].min(frame.len());
            frame[..kept].copy_from_slice(&real[..kept]);
            let _any = segment(&frame, ENDS);
            for bare in [&frame[..], frame.get(14..).unwrap_or_default()] {
                let _any = (segment_of_ip(bare, ENDS), syn_of(bare));
            }
            prop_assert!(segment(&real[..cut.min(real.len())], ENDS).is_none_or(|whole| whole.seq == 77));
        }
    }
}
