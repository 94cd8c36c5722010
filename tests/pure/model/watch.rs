//! Tests of `model::watch`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop and say why")]

use qviz::model::sample::QueueReading;
use qviz::model::watch::{Address, ListenerId, ListenerReading, Owner, Target};

fn listening(address: &str, v6_only: Option<bool>) -> ListenerReading {
    let address = Address::Tcp(address.parse().unwrap());
    ListenerReading { id: ListenerId(1), address, v6_only, queue: QueueReading::default(), inode: 7, uid: Some(0) }
}

fn taken(target: &str, address: &str, v6_only: Option<bool>) -> bool {
    target.parse::<Target>().unwrap().takes(&listening(address, v6_only), None, std::iter::empty())
}

fn owned(target: &str, command: &str, place: Option<&str>) -> bool {
    let owner = Owner { pid: 42, command: command.into(), others: 1, place: place.map(str::to_owned) };
    let listener = listening("127.0.0.1:80", None);
    target.parse::<Target>().unwrap().takes(&listener, Some(&owner), [42, 43].into_iter())
}

#[test]
fn a_program_a_process_and_a_unit_are_known_by_the_owner() {
    assert!(
        owned("nginx", "nginx", None) && owned("php-fpm", "php-fpm8.2", None) && owned("redis", "redis-server", None)
    );
    assert!(!owned("node", "node_exporter", None) && !owned("nginx", "ngin", None) && !owned("nginx", "nginxy", None));
    assert!(owned("a-very-long-program-name", "a-very-long-pro", None), "the kernel keeps 15 letters");
    assert!(owned("pid:42", "nginx", None) && owned("pid:43", "nginx", None) && !owned("pid:44", "nginx", None));
    assert!(owned("redis.service", "redis-server", Some("redis.service")));
    assert!(!owned("redis.service", "redis.service", Some("other.service")));
}

#[test]
fn addresses_are_understood_as_ss_prints_them() {
    assert!(taken("*:8080", "[::]:8080", Some(false)) && !taken("*:8080", "[::]:8081", Some(false)));
    assert!(taken("[::]:8080", "[::]:8080", None) && taken("0.0.0.0:8080", "0.0.0.0:8080", None));
    assert!(taken("127.0.0.53%lo:53", "127.0.0.53:53", None) && taken("[fe80::1%eth0]:80", "[fe80::1]:80", None));
}

#[test]
fn a_target_takes_the_listeners_that_its_connections_reach() {
    assert!(taken("8080", "127.0.0.1:8080", None) && taken(":8080", "[::]:8080", None));
    assert!(!taken("8080", "127.0.0.1:8081", None));
    assert!(taken("127.0.0.1:80", "0.0.0.0:80", None) && taken("127.0.0.1:80", "[::]:80", Some(false)));
    assert!(!taken("127.0.0.1:80", "[::]:80", Some(true)) && !taken("127.0.0.1:80", "127.0.0.2:80", None));
    assert!(taken("[::1]:80", "[::]:80", Some(true)) && !taken("[::1]:80", "0.0.0.0:80", None));
}

#[test]
fn words_that_name_no_listener_are_refused() {
    for words in
        ["", ":", "0", ":0", "65536", "localhost:80", "127.0.0.1", "127.0.0.1:0", "/", "pid:0", "pid:x", "a b", "*:0"]
    {
        assert!(words.parse::<Target>().is_err(), "{words}");
    }
    for words in [":8080", "127.0.0.1:80", "[::1]:80", "/run/x.sock", "@name", "nginx", "pid:7", "x.service"] {
        assert_eq!(words.parse::<Target>().unwrap().to_string(), words);
    }
}
