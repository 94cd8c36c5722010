//! Tests of `fold::nearby`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use qviz::fold::nearby::nearest;
use qviz::model::sample::QueueReading;
use qviz::model::watch::{Address, ListenerId, ListenerReading};

fn near(target: &str, addresses: &[Address]) -> Vec<String> {
    let readings: Vec<_> = addresses
        .iter()
        .map(|address| ListenerReading {
            id: ListenerId(1),
            address: address.clone(),
            v6_only: None,
            queue: QueueReading::default(),
            inode: 1,
            uid: None,
        })
        .collect();
    nearest(&target.parse().unwrap(), readings.iter()).into_iter().map(ToString::to_string).collect()
}

#[test]
fn the_same_port_elsewhere_comes_before_the_next_port() {
    let tcp = |text: &str| Address::Tcp(text.parse().unwrap());
    let all = [tcp("0.0.0.0:9000"), tcp("[::1]:8080"), tcp("[::1]:8080"), tcp("127.0.0.1:8082"), tcp("0.0.0.0:22")];
    assert_eq!(near("127.0.0.1:8080", &all), ["[::1]:8080", "127.0.0.1:8082", "0.0.0.0:9000", "0.0.0.0:22"]);
    assert_eq!(near(":8081", &all)[..2], ["127.0.0.1:8082", "[::1]:8080"]);
}

#[test]
fn unix_sockets_are_near_by_name_and_never_near_a_port() {
    let unix = |text: &str| Address::Unix(text.into());
    let all = [unix("/run/b.sock"), unix("/run/app.sock"), Address::Tcp("127.0.0.1:80".parse().unwrap())];
    assert_eq!(near("/run/apq.sock", &all), ["/run/app.sock", "/run/b.sock"]);
    assert_eq!(near("80", &all), ["127.0.0.1:80"]);
}
