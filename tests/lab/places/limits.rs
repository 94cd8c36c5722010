//! Few descriptors, few ports: a state with its reason, counted as the client's trouble, and no turning in circles.

use std::time::Duration;

use super::sandbox::{EXEC, Place, UP, count, drops, end, run, start};
use crate::lab::{now, wait_until};
use crate::needs::network;
use crate::traces::{state, ticks};

case!(with_64_descriptors_fewer_clients_come_and_the_reason_is_told_once);
fn with_64_descriptors_fewer_clients_come_and_the_reason_is_told_once() {
    network();
    let lines = format!("ulimit -n 64 || exit 99\n{EXEC}");
    let words = "--json --client connect --backlog 200 --rate 300 --accept-rate 0 --duration 1s";
    let said = run(Place::Here, &lines, words);
    said.is_success().assert_stderr(&["limit of open files (64)", "ulimit -n"]);
    assert_eq!(said.err.matches("limit of open files").count(), 1, "{}", said.err);
    let document = said.document();
    assert!(count(&document, "/clients/started") > 0 && count(&document, "/losses/arrivals_skipped") > 0, "{document}");
    assert_eq!((drops(&document), &document["ledger"]["balanced"]), (0, &true.into()), "nothing looks like a drop");
}

case!(a_server_without_descriptors_waits_instead_of_turning_in_circles);
fn a_server_without_descriptors_waits_instead_of_turning_in_circles() {
    network();
    let lines = format!("ulimit -n 64 || exit 99\n{EXEC}");
    let words = "--json --backlog 200 --rate 300 --rtt 1ms --accept-rate max --service 60s --duration 3s";
    let child = start(Place::Here, &lines, words);
    let share = share_of_a_processor(child.id());
    let said = end(child, words);
    said.is_success().assert_stderr(&["limit of open files"]);
    let document = said.document();
    assert!(count(&document, "/accept_queue/max") > 100, "nobody takes them: {}", document["accept_queue"]);
    assert!(count(&document, "/clients/accepted") < 64, "{}", document["clients"]);
    assert!(share < 0.6, "it waits instead of trying all the time: {share:.2} of a processor");
}

/// Time on the processor by time, while the process lives. Other programs can only make it less.
fn share_of_a_processor(pid: u32) -> f64 {
    let began = now();
    let mut last = (Duration::ZERO, 0);
    wait_until(Duration::from_secs(20), "the end of the process", || {
        let at = began.elapsed();
        match ticks(pid).filter(|_| state(pid) != Some('Z')) {
            Some(ticks) => {
                last = (at, ticks);
                None
            }
            None => Some(()),
        }
    });
    last.1 as f64 / 100.0 / last.0.as_secs_f64()
}

case!(too_few_descriptors_for_a_lab_are_named_as_such);
fn too_few_descriptors_for_a_lab_are_named_as_such() {
    network();
    for most in [4, 5, 6, 7, 8, 10, 14, 20] {
        let lines = format!("ulimit -n {most} || exit 99\n{EXEC}");
        let said = run(Place::Here, &lines, "--headless --net lab --duration 1s");
        said.is_error(1, &["os error 24", "ulimit -n"]);
    }
}

case!(ports_that_run_out_on_ipv6_are_the_clients_trouble_and_never_a_drop);
fn ports_that_run_out_on_ipv6_are_the_clients_trouble_and_never_a_drop() {
    Place::Network.must_be_had();
    let lines = format!("{UP}echo 40000 40005 >/proc/sys/net/ipv4/ip_local_port_range || exit 99\n{EXEC}");
    let words = "--json --net host --listen [::1]:8080 --backlog 100 --rate 100 --accept-rate 0 --duration 1s";
    let said = run(Place::Network, &lines, words);
    said.is_success().assert_stderr(&["EADDRNOTAVAIL", "net.ipv4.ip_local_port_range"]);
    assert_eq!(said.err.matches("EADDRNOTAVAIL").count(), 1, "{}", said.err);
    let document = said.document();
    assert!(count(&document, "/clients/errors/EADDRNOTAVAIL") > 0, "{}", document["clients"]);
    assert_eq!(count(&document, "/clients/connected"), 6, "one client for each port");
    assert_eq!(drops(&document), 0, "{}", document["drops"]);
}

case!(a_network_that_is_down_is_told_in_words);
fn a_network_that_is_down_is_told_in_words() {
    Place::Network.must_be_had();
    let said = run(Place::Network, EXEC, "--json --net host --listen 127.0.0.1:8080 --rate 20 --duration 500ms");
    said.is_success().assert_stderr(&["a client could not start", "unreachable"]);
    assert!(count(&said.document(), "/clients/errors/ENETUNREACH") > 0);
}
