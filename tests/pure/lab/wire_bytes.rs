//! The frames are those of etherparse's builder, bit for bit.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{PacketBuilder, TcpOptionElement};
use proptest::prelude::*;
use qviz::lab::wire::Destination;
use qviz::lab::wire::bytes::{FrameError, Frames, Macs, request_text};
use qviz::model::peer::Peer;
use qviz::model::segment::{Segment, Toward, flags};

const MACS: Macs = Macs { client: [2, 0, 0, 0, 0, 2], kernel: [2, 0, 0, 0, 0, 1] };

fn destination() -> Destination {
    Destination::Both("198.51.100.1:8080".parse().unwrap(), "[2001:db8::1]:8080".parse().unwrap())
}

fn reference(segment: &Segment) -> Vec<u8> {
    let ethernet = PacketBuilder::ethernet2(MACS.client, MACS.kernel);
    let (ip, mss) = match segment.peer.ip() {
        IpAddr::V4(source) => (ethernet.ipv4(source.octets(), [198, 51, 100, 1], 64), 1460),
        IpAddr::V6(source) => {
            let listener: Ipv6Addr = "2001:db8::1".parse().unwrap();
            (ethernet.ipv6(source.octets(), listener.octets(), 64), 1440)
        }
    };
    let mut tcp = ip.tcp(segment.peer.port(), 8080, segment.seq, 64_240);
    for (flag, set) in [(flags::FIN, 0), (flags::SYN, 1), (flags::RST, 2), (flags::PSH, 3), (flags::ACK, 4)] {
        if segment.flags & flag != 0 {
            tcp = match set {
                0 => tcp.fin(),
                1 => tcp.syn(),
                2 => tcp.rst(),
                3 => tcp.psh(),
                _ => tcp.ack(segment.ack),
            };
        }
    }
    if segment.flags & flags::SYN != 0 {
        use TcpOptionElement::{MaximumSegmentSize, Noop, SelectiveAcknowledgementPermitted, WindowScale};
        let all = [MaximumSegmentSize(mss), Noop, Noop, SelectiveAcknowledgementPermitted, Noop, WindowScale(7)];
        tcp = tcp.options(if segment.window_scale { &all } else { &all[..4] }).unwrap();
    }
    let payload: Vec<u8> = request_text(segment.payload).collect();
    let mut frame = Vec::new();
    tcp.write(&mut frame, &payload).unwrap();
    frame
}

fn segment() -> impl Strategy<Value = Segment> {
    let ip = prop_oneof![
        (0..1u32 << 17).prop_map(|host| IpAddr::V4(Ipv4Addr::from(0xc612_0000 + host))),
        (0..1u128 << 20).prop_map(|host| IpAddr::V6(Ipv6Addr::from((0x2001_0db8_0001_u128 << 80) + host))),
    ];
    (ip, any::<u16>(), 0..32u8, any::<u32>(), any::<u32>(), prop_oneof![Just(0), 0..65u16, 0..=1400u16], any::<bool>())
        .prop_map(|(ip, port, flags, seq, ack, payload, window_scale)| Segment {
            peer: Peer::new(ip, port),
            toward: Toward::Listener,
            flags,
            seq,
            ack,
            payload,
            window_scale,
            timestamps: false,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn frames_equal_those_of_etherparse_whatever_was_made_before(segments in prop::collection::vec(segment(), 1..4)) {
        let mut frames = Frames::new(MACS, &destination());
        for segment in segments {
            prop_assert_eq!(frames.frame(&segment).unwrap(), &reference(&segment)[..]);
        }
    }
}

#[test]
fn a_segment_that_cannot_be_a_frame_is_refused() {
    let mut frames = Frames::new(MACS, &Destination::One("198.51.100.1:8080".parse().unwrap()));
    let peer = Peer::new("2001:db8:1::5".parse().unwrap(), 40_000);
    let mut segment = Segment {
        peer,
        toward: Toward::Listener,
        flags: flags::ACK,
        seq: 1,
        ack: 2,
        payload: 0,
        window_scale: false,
        timestamps: false,
    };
    assert_eq!(frames.frame(&segment).map(<[u8]>::len), Err(FrameError::OtherFamily(peer.ip())));
    segment.peer = Peer::v4(Ipv4Addr::new(198, 18, 0, 1), 40_000);
    assert_eq!(frames.frame(&segment).map(<[u8]>::len), Ok(54));
    segment.payload = 1401;
    assert_eq!(frames.frame(&segment).map(<[u8]>::len), Err(FrameError::TooLong(1401)));
}

#[test]
fn the_request_can_be_read() {
    assert_eq!(request_text(18).collect::<Vec<_>>(), b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(request_text(21).collect::<Vec<_>>(), b"GET /?qq HTTP/1.0\r\n\r\n");
    assert_eq!([0, 5, 64].map(|length| request_text(length).count()), [0, 5, 64]);
}
