//! Tests of `kernel::tap::decode`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use std::net::{IpAddr, Ipv4Addr};

use etherparse::{PacketBuilder, TcpOptionElement};
use proptest::prelude::*;
use qviz::kernel::tap::decode::{ListenerEnd, segment, segment_of_ip, syn_of};
use qviz::model::peer::Peer;
use qviz::model::segment::{Kind, Toward, flags};

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
