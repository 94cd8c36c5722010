//! Containers, as far as they can be had without an engine: bounding sets, seccomp filters and a network of one's own.

use super::sandbox::{Place, UP, count, drops, here, run};
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

/// A place as it is made by those that run containers and services, and what qviz is there.
struct Confined {
    name: &'static str,
    /// The calls that its seccomp filter refuses.
    calls: &'static str,
    /// The rights that it leaves to root.
    rights: &'static str,
    /// Lines before: variables, mounts.
    lines: &'static str,
    /// What `--net auto` gives.
    rung: &'static str,
    /// Whether `--net here` gives packet-level clients.
    here: bool,
    /// What the note of `--net auto` names, or nothing where there is none.
    advice: &'static [&'static str],
}

/// As most engines mount it.
const READ_ONLY: &str = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys || exit 99\n";
const PRIVATE: &str = "docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined";
const NAMESPACES: &str = "unshare,setns,mount";

const CONFINED: [Confined; 9] = [
    Confined {
        name: "docker run",
        calls: NAMESPACES,
        rights: DOCKERS_RIGHTS,
        lines: READ_ONLY,
        rung: "host",
        here: false,
        advice: &["seccomp filter", "`docker run --cap-add NET_ADMIN ...` and then `qviz --net here`", PRIVATE],
    },
    Confined {
        name: "docker run --cap-add NET_ADMIN",
        calls: NAMESPACES,
        rights: "-all,+net_raw,+net_admin",
        lines: READ_ONLY,
        rung: "host",
        here: true,
        advice: &["seccomp filter", "`qviz --net here` (packet-level clients", PRIVATE],
    },
    Confined {
        name: "docker run --user 1000",
        calls: NAMESPACES,
        rights: "-all",
        lines: READ_ONLY,
        rung: "host",
        here: false,
        advice: &["seccomp filter", "--cap-add NET_ADMIN", PRIVATE],
    },
    Confined {
        name: "docker run --security-opt seccomp=unconfined",
        calls: "",
        rights: DOCKERS_RIGHTS,
        lines: READ_ONLY,
        rung: "lab",
        here: false,
        advice: &[],
    },
    Confined {
        name: "docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined",
        calls: "",
        // As an ordinary user without any, who may be itself in a user namespace as root with this one may.
        rights: "-all,+setfcap",
        lines: "",
        rung: "lab",
        here: false,
        advice: &[],
    },
    Confined {
        name: "docker run --cap-drop ALL --security-opt seccomp=unconfined",
        calls: "",
        rights: "-all",
        lines: "",
        rung: "host",
        here: false,
        advice: &["root without CAP_SETFCAP", "docker run --user 1000"],
    },
    Confined {
        name: "podman run, rootless",
        calls: NAMESPACES,
        rights: "-all,+net_bind_service,+setuid,+setgid",
        lines: "mount -t tmpfs none /run && touch /run/.containerenv || exit 99\n",
        rung: "host",
        here: false,
        advice: &["podman run --cap-add NET_ADMIN,NET_RAW", "--security-opt unmask=ALL"],
    },
    Confined {
        name: "kubectl debug",
        calls: NAMESPACES,
        rights: DOCKERS_RIGHTS,
        lines: "export KUBERNETES_SERVICE_HOST=10.0.0.1\n",
        rung: "host",
        here: false,
        advice: &["kubectl debug --profile=netadmin", "kubectl debug --profile=sysadmin"],
    },
    Confined {
        name: "a service of systemd with RestrictNamespaces=yes",
        calls: NAMESPACES,
        rights: "-all",
        lines: "export INVOCATION_ID=5f0c\n",
        rung: "host",
        here: false,
        advice: &["AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW", "RestrictNamespaces=no ProtectKernelTunables=no"],
    },
];

impl Confined {
    /// The lines that make it, with loopback up, as root of a network of its own.
    fn script(&self) -> String {
        let run = if self.calls.is_empty() {
            format!("exec setpriv --bounding-set={} \"$0\" \"$@\"", self.rights)
        } else {
            without(self.calls, Some(self.rights)).replace(UP, "")
        };
        format!("{UP}unset KUBERNETES_SERVICE_HOST INVOCATION_ID\n{}{run}", self.lines)
    }
}

case!(in_every_container_the_best_that_can_be_had_is_taken_and_what_would_give_more_is_named);
fn in_every_container_the_best_that_can_be_had_is_taken_and_what_would_give_more_is_named() {
    Place::Container.must_be_had();
    for place in CONFINED {
        let script = place.script();
        let words = "--json --listen 127.0.0.1:8080 --rate 50 --rtt 10ms --accept-rate max --duration 700ms";
        let said = run(Place::Container, &script, words);
        let document = said.is_success().document();
        assert_eq!(document["rung"], place.rung, "{}: {}", place.name, said.err);
        assert!(count(&document, "/clients/accepted") > 5, "{}: {}", place.name, document["clients"]);
        let advice = said.err.lines().filter(|line| line.contains("note: on this host's loopback")).collect::<String>();
        assert_eq!(advice.is_empty(), place.advice.is_empty(), "{}: {}", place.name, said.err);
        for part in place.advice {
            assert!(advice.contains(part), "{}: {part:?} is missing: {advice}", place.name);
        }
        let said = run(Place::Container, &script, "doctor");
        let text = said.text();
        for part in place.advice {
            assert!(text.contains(part), "{}: {part:?} is missing: {text}", place.name);
        }
        assert_eq!(
            text.contains("packet-level clients here (--net here) qviz --net here"),
            place.here,
            "{}",
            place.name
        );
        let said = run(Place::Container, &script, "watch --once --json");
        assert_eq!(said.is_success().document()["kind"], "watch", "{}", place.name);
    }
}

case!(the_lab_here_has_packet_level_clients_a_balanced_ledger_and_leaves_nothing);
fn the_lab_here_has_packet_level_clients_a_balanced_ledger_and_leaves_nothing() {
    Place::Container.must_be_had();
    let confined = CONFINED.into_iter().find(|place| place.here).expect("one of them");
    let run_it = confined.script().replacen("exec ", "", 1);
    let script = format!(
        "{run_it}\nstatus=$?\n( {WAIT_FOR_NONE} ) || exit\nip -o link | grep -c . >&2\nip route show table all >&2\nexit $status"
    );
    for (listen, words) in [
        ("198.51.100.1:8080", "--backlog 2 --accept-rate 1 --arrivals burst:6/500ms --rtt 50ms"),
        ("[2001:db8::1]:8080", "--backlog 3 --accept-rate 0 --rate 30 --rtt 20ms --half-open 30%"),
        ("127.0.0.1:8080", "--backlog 2 --accept-rate 0 --rate 40 --rtt 20ms --loss 10%"),
    ] {
        let said =
            run(Place::Container, &script, &format!("--json --net here --listen {listen} --duration 2s {words}"));
        let document = said.is_success().document();
        assert_eq!((document["rung"].as_str(), document["client"].as_str()), (Some("here"), Some("wire")));
        assert_eq!(document["ledger"]["balanced"], true, "{listen}: {}", document["ledger"]);
        assert!(drops(&document) > 0 && count(&document, "/counters/ListenDrops") > 0, "{listen}");
        assert!(said.err.starts_with("1\n") && !said.err.contains("198.18."), "{listen}: {}", said.err);
    }
    // However it ends: killed, it takes its links away as well.
    let killed = format!("( {} ) & {WAIT_FOR_LINK}; kill -9 $!; {WAIT_FOR_NONE}", confined.script());
    let said = run(Place::Container, &killed, "--json --net here --duration 60s");
    assert_eq!(said.code, Some(0), "{}", said.err);
}

/// Loops of a shell, with an end: the pair appears, and goes.
const WAIT_FOR_LINK: &str =
    "i=0; until ip link show qviz-srv >/dev/null 2>&1; do i=$((i+1)); [ $i -lt 400 ] || exit 98; sleep 0.05; done";
const WAIT_FOR_NONE: &str = "i=0; while ip link show qviz-srv >/dev/null 2>&1; do i=$((i+1)); [ $i -lt 400 ] || exit 97; sleep 0.05; done; exit 0";

case!(what_the_lab_here_does_not_have_is_refused_before_anything_is_made);
fn what_the_lab_here_does_not_have_is_refused_before_anything_is_made() {
    here("--net here --syncookies 0").is_error(2, &["--syncookies", "settings of others"]);
    here("--net here --client connect").is_error(2, &["--client connect", "a network namespace of their own"]);
    // Where the tests run in the machine's first network namespace, nothing is made there, whoever asks.
    if std::fs::exists("/proc/sys/net/core/netdev_budget").expect("/proc") {
        here("--net here --duration 1s").is_error(1, &["the machine's first network namespace"]);
    }
    Place::Network.must_be_had();
    let bare = format!("{UP}exec setpriv --bounding-set=-all \"$0\" \"$@\"");
    run(Place::Network, &bare, "--net here --duration 1s")
        .is_error(1, &["CAP_NET_ADMIN is missing", "--cap-add NET_ADMIN"]);
}
