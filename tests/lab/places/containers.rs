//! Containers, as far as they can be had without an engine: bounding sets, seccomp filters and a network of one's own.

use super::sandbox::{Place, UP, count, run};
use crate::needs::tools;

/// What docker leaves to root in a container, in setpriv's words.
const DOCKERS_RIGHTS: &str = "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,\
                              +net_raw,+sys_chroot,+mknod,+audit_write,+setfcap";

/// The lines of a place without these system calls, and with these rights.
fn without(calls: &str, rights: Option<&str>) -> String {
    tools(&["python3", "setpriv", "ip"]);
    let filter = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/seccomp.py");
    let rights = rights.map(|rights| format!("setpriv --bounding-set={rights}")).unwrap_or_default();
    format!("{UP}exec {rights} python3 {filter} {calls} \"$0\" \"$@\"")
}

case!(where_packet_sockets_alone_are_refused_real_clients_come_to_the_private_network);
fn where_packet_sockets_alone_are_refused_real_clients_come_to_the_private_network() {
    Place::Network.must_be_had();
    let lines = without("packet", None);
    let said = run(Place::Network, &lines, "--json --rate 50 --accept-rate max --duration 700ms --seed 1");
    said.is_success().assert_stderr(&["note: real clients", "qviz doctor"]);
    let document = said.document();
    assert_eq!((document["rung"].as_str(), document["client"].as_str()), (Some("lab"), Some("connect")));
    assert!(count(&document, "/clients/accepted") > 5, "{}", document["clients"]);
    // Who asked for packet-level clients is told that they cannot be had.
    let said = run(Place::Network, &lines, "--json --client wire --duration 300ms");
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("Operation not permitted"), "{}", said.err);
    let said = run(Place::Network, &lines, "doctor");
    assert!(said.text().contains("The lab works here in part"), "{}", said.out);
}

case!(with_dockers_rights_the_best_that_can_be_had_is_taken_and_the_option_for_more_is_named);
fn with_dockers_rights_the_best_that_can_be_had_is_taken_and_the_option_for_more_is_named() {
    Place::Network.must_be_had();
    let lines = without("unshare,setns,mount", Some(DOCKERS_RIGHTS));
    let remedy = "docker run --security-opt seccomp=unconfined";
    let said = run(Place::Network, &lines, "--json --listen 127.0.0.1:0 --rate 50 --accept-rate max --duration 700ms");
    said.is_success().assert_stderr(&["note: on this host's loopback", "seccomp filter", remedy]);
    let document = said.document();
    assert_eq!(document["rung"], "host", "{}", said.err);
    assert_eq!(document["listener"]["syn_capacity"], serde_json::Value::Null, "the rule could not be measured");
    assert!(count(&document, "/clients/accepted") > 5, "{}", document["clients"]);
    assert!(count(&document, "/segments/syn") > 5, "CAP_NET_RAW is given, so loopback is tapped");
    let said = run(Place::Network, &lines, "watch --once --json");
    assert_eq!(said.is_success().document()["kind"], "watch");
    let said = run(Place::Network, &lines, "doctor");
    let text = said.text();
    assert!(text.contains("Only the reduced lab works here") && text.contains(remedy), "{text}");
    assert!(text.contains("it could not be measured here"), "{text}");
}
