//! Tests of `model::segment`.

use std::net::Ipv4Addr;

use qviz::model::peer::Peer;
use qviz::model::segment::{Kind, Segment, Toward, flags};

fn with(flags: u8, payload: u16) -> Segment {
    Segment {
        peer: Peer::v4(Ipv4Addr::new(198, 18, 0, 1), 1024),
        toward: Toward::Listener,
        flags,
        seq: u32::MAX,
        ack: 0,
        payload,
        window_scale: false,
        timestamps: false,
    }
}

#[test]
fn flags_decide_the_kind() {
    use flags::{ACK, FIN, PSH, RST, SYN};
    assert_eq!(with(SYN, 0).kind(), Kind::Syn);
    assert_eq!(with(SYN | ACK, 0).kind(), Kind::SynAck);
    assert_eq!(with(ACK, 0).kind(), Kind::Ack);
    assert_eq!(with(ACK | PSH, 9).kind(), Kind::Data);
    assert_eq!(with(ACK | FIN, 9).kind(), Kind::Fin);
    assert_eq!(with(RST | ACK, 0).kind(), Kind::Rst);
}

#[test]
fn the_end_wraps_and_counts_syn_and_fin() {
    assert_eq!(with(flags::SYN, 0).end(), 0);
    assert_eq!(with(flags::FIN | flags::ACK, 2).end(), 2);
}
