use std::net::Ipv4Addr;

use pcap_file::pcapng::PcapNgReader;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;

use super::*;
use crate::model::delivery::Proof;
use crate::model::segment::{Segment, Toward, flags};

fn delivery(port: u16, outcome: Outcome) -> Delivery {
    let segment = Segment {
        peer: Peer::v4(Ipv4Addr::new(198, 18, 0, 1), port),
        toward: Toward::Listener,
        flags: flags::ACK,
        seq: 1,
        ack: 1,
        payload: 0,
        window_scale: false,
        timestamps: false,
    };
    Delivery {
        segment,
        outcome,
        proof: Proof::None,
        depth_before: Some(6),
        depth_after: None,
        drops: 0,
        redeems_cookie: false,
    }
}

/// The comments of all packets in a file, with their times in milliseconds after `BEGAN`.
fn read(path: &Path) -> Vec<(u64, Option<String>)> {
    let mut reader = PcapNgReader::new(File::open(path).unwrap()).unwrap();
    let mut packets = Vec::new();
    while let Some(block) = reader.next_block() {
        if let Some(packet) = block.unwrap().into_owned().into_enhanced_packet() {
            let comment = packet.options.into_iter().find_map(|option| match option {
                EnhancedPacketOption::Comment(comment) => Some(comment.into_owned()),
                _ => None,
            });
            packets.push(((packet.timestamp.as_nanos() as u64 - BEGAN) / 1_000_000, comment));
        }
    }
    packets
}

const BEGAN: u64 = 1_790_000_000_000_000_000;

#[test]
fn a_connection_that_was_accepted_says_so_and_nothing_overtakes_it() {
    let path = std::env::temp_dir().join(format!("qviz-capture-{}", std::process::id()));
    let mut capture = Capture::open(&path, BEGAN).unwrap();
    let at = Stamp::from_millis;
    capture.decided(at(10), &[1; 60], &delivery(1, Outcome::Queued), 5);
    capture.decided(at(20), &[2; 60], &delivery(2, Outcome::Dropped(Cause::SynAcceptQueueFull)), 5);
    capture.passed(at(30), &[3; 60]);
    capture.decided(at(40), &[4; 60], &delivery(4, Outcome::Queued), 5);
    let peer = Peer::v4(Ipv4Addr::new(198, 18, 0, 1), 1);
    let event = Event::Served { peer, event: ServerEvent::Accepted { waited_ms: None, cookie: None } };
    capture.take(&[Stamped { at: at(1400), event }]);
    assert!(capture.finish().is_none());
    let dropped = "dropped: accept queue full, 6 of 6 (syn:accept-queue-full); ListenOverflows + 1";
    let wanted = [
        (10, Some("accepted after 1.39 s".to_owned())),
        (20, Some(dropped.to_owned())),
        (30, None),
        (40, Some("queued: established, waits for accept()".to_owned())),
    ];
    assert_eq!(read(&path), wanted);
    assert!(Capture::open(&path, BEGAN).is_ok(), "an older capture is overwritten");
    std::fs::write(&path, "a letter").unwrap();
    assert!(matches!(Capture::open(&path, BEGAN), Err(CaptureError::NotOurs { .. })));
    std::fs::remove_file(&path).unwrap();
}
