//! Tests of `model::delivery`.

use std::net::Ipv4Addr;

use qviz::model::cause::Cause;
use qviz::model::delivery::{Delivery, Outcome, Proof};
use qviz::model::peer::Peer;
use qviz::model::segment::{Segment, Toward, flags};

#[test]
fn a_delivery_survives_json_and_leaves_out_what_was_not_read() {
    let segment = Segment {
        peer: Peer::v4(Ipv4Addr::new(198, 18, 0, 1), 1024),
        toward: Toward::Listener,
        flags: flags::SYN,
        seq: 7,
        ack: 0,
        payload: 0,
        window_scale: true,
        timestamps: false,
    };
    let (depth_before, depth_after) = (Some(6), None);
    let outcome = Outcome::Dropped(Cause::SynAcceptQueueFull);
    let delivery =
        Delivery { segment, outcome, proof: Proof::Drops, depth_before, depth_after, drops: 1, redeems_cookie: false };
    let text = serde_json::to_string(&delivery).unwrap();
    assert!(text.contains("\"dropped\":\"syn:accept-queue-full\"") && !text.contains("depth_after"), "{text}");
    assert_eq!(serde_json::from_str::<Delivery>(&text).unwrap(), delivery);
}
