//! Words that cannot be carried out, and addresses that cannot be listened on.

use std::net::TcpListener;

use super::sandbox::{EXEC, Place, UP, count, drops, here, run};
use crate::needs::{Missing, network, tools};

case!(words_that_cannot_be_carried_out_are_usage_errors_with_one_message);
fn words_that_cannot_be_carried_out_are_usage_errors_with_one_message() {
    for (words, part) in [
        ("--backlog five", "'five'"),
        ("--backlog -1", "'-1'"),
        ("--backlog 2147483648", "2147483647"),
        ("--rate -1", "'-1'"),
        ("--rate nan", "'nan'"),
        ("--rate inf", "'inf'"),
        ("--rate 99999999999m", "99999999999m"),
        ("--net host --syncookies 0", "this host's own settings"),
        ("--net host --client wire", "private network"),
        ("--listen [::1]:0", "loopback alone"),
        ("--listen 198.51.100.1:65536", "65536"),
        ("--duration=-1s", "'-1s'"),
    ] {
        here(words).is_error(2, &[part]);
    }
}

case!(a_port_in_use_is_named_for_both_families);
fn a_port_in_use_is_named_for_both_families() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(taken) = TcpListener::bind(address) else {
            Missing::because("IPv6 on loopback", address).end();
        };
        let address = taken.local_addr().expect("an address").to_string();
        let said = here(&format!("--net host --listen {address} --duration 1s --json"));
        said.is_error(1, &[&address, "in use"]);
    }
}

case!(an_address_of_nobody_here_is_named);
fn an_address_of_nobody_here_is_named() {
    here("--net host --listen 203.0.113.7:8080 --duration 1s").is_error(1, &["203.0.113.7:8080", "os error 99"]);
    here("--net host --listen [2001:db8::7]:8080 --duration 1s").is_error(1, &["[2001:db8::7]:8080"]);
}

case!(a_privileged_port_is_named_with_one_that_is_free_for_all);
fn a_privileged_port_is_named_with_one_that_is_free_for_all() {
    Place::Network.must_be_had();
    tools(&["setpriv"]);
    // Root without the one right that makes the difference; a new network begins with ports below 1024 reserved.
    let without = r#"exec setpriv --bounding-set=-net_bind_service --inh-caps=-net_bind_service "$0" "$@""#;
    let said = run(Place::Network, &format!("{UP}{without}"), "--net host --listen 127.0.0.1:80 --duration 1s");
    said.is_error(1, &["127.0.0.1:80", "port 80 is privileged", "127.0.0.1:8080"]);
}

case!(any_backlog_that_the_kernel_takes_is_taken);
fn any_backlog_that_the_kernel_takes_is_taken() {
    network();
    for (backlog, capacity) in [("0", 1), ("2147483647", 4097)] {
        let said = here(&format!("--json --rate 20 --backlog {backlog} --somaxconn 4096 --duration 300ms"));
        assert_eq!(count(&said.is_success().document(), "/listener/accept_capacity"), capacity, "{backlog}");
    }
}

case!(rate_zero_is_a_run_without_clients);
fn rate_zero_is_a_run_without_clients() {
    network();
    let said = here("--json --rate 0 --duration 500ms");
    let document = said.is_success().document();
    assert_eq!(count(&document, "/clients/started"), 0);
    assert_eq!(document["ledger"]["balanced"], true);
}

case!(an_absurd_rate_runs_as_fast_as_it_can_and_says_so);
fn an_absurd_rate_runs_as_fast_as_it_can_and_says_so() {
    network();
    for client in ["wire", "connect"] {
        let words = format!("--json --rate 1m --client {client} --backlog 1000 --accept-rate max --duration 1s");
        let document = here(&words).is_success().document();
        assert_eq!(document["losses"]["saturated"], true, "{client}: {}", document["losses"]);
        assert!(count(&document, "/losses/arrivals_skipped") > 0, "{client}");
        assert!(count(&document, "/clients/started") > 1000, "{client}: {}", document["clients"]);
        let text = here(&words.replace("--json", "--headless"));
        assert!(text.is_success().out.contains("it ran as fast as it could"), "{client}: {}", text.out);
    }
}

case!(packet_level_clients_reach_a_listener_on_every_ipv4_address_and_on_ipv6);
fn packet_level_clients_reach_a_listener_on_every_ipv4_address_and_on_ipv6() {
    network();
    for address in ["127.0.0.1:0", "127.0.0.1:80", "0.0.0.0:8080", "203.0.113.9:1", "[2001:db8::7]:0"] {
        let words = format!("--json --listen {address} --rate 50 --rtt 10ms --accept-rate max --duration 700ms");
        let document = here(&words).is_success().document();
        assert!(count(&document, "/clients/accepted") > 10, "{address}: {}", document["clients"]);
        assert_eq!((drops(&document), &document["ledger"]["balanced"]), (0, &true.into()), "{address}");
    }
}

case!(options_that_mean_nothing_to_real_clients_are_named);
fn options_that_mean_nothing_to_real_clients_are_named() {
    Place::Network.must_be_had();
    let said =
        run(Place::Network, &format!("{UP}{EXEC}"), "--json --net host --rtt 1s --loss 5% --rate 20 --duration 300ms");
    said.is_success().assert_stderr(&["note: no effect on the host's loopback: --rtt --loss"]);
}
