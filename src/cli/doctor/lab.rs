//! The private network: entered for real, so that nothing has to be guessed.

use std::net::SocketAddr;

use super::{Check, Group, visibility};
use crate::kernel::tap::{Tap, TapPlan};
use crate::lab::confinement::Confinement;
use crate::lab::namespace::{Cause, LISTENER_V4, Namespace, NetnsToken, Network, NetworkPlan, Privilege, Refusal};
use crate::lab::wire::transmit::Transmit;
use crate::model::settings::Sysctls;
use crate::say;

/// Enters the private network and looks around. True when the lab works there.
pub(super) fn checks(checks: &mut Vec<Check>, host: &Sysctls) -> bool {
    match Namespace::enter(&NetworkPlan::like_host(host.clone())) {
        Err(refusal) => {
            checks.push(namespace_refused(&refusal));
            checks.push(here());
            visibility::of_listener(checks, say!("on this host"));
            false
        }
        Ok(namespace) => {
            let network = namespace.network();
            checks.extend([namespace_entered(network), hash(network), ends(network), settings(network)]);
            let packets = packets(&namespace.token());
            let works = packets.works == Some(true);
            checks.push(packets);
            visibility::of_listener(checks, say!("in the private network"));
            works
        }
    }
}

fn namespace_refused(refusal: &Refusal) -> Check {
    Check::fails("network.namespace", Group::Network, say!("a private network"), refusal.to_string())
        .with_remedy(refusal.hint())
}

fn namespace_entered(network: &Network) -> Check {
    let way = match network.privilege {
        Privilege::Root => say!("with the rights of root"),
        Privilege::Here => say!("in the present network namespace"),
        Privilege::User => say!("as an ordinary user (user namespace)"),
    };
    Check::works("network.namespace", Group::Network, say!("a private network"), way)
}

/// The lab in the present network namespace, made for a moment, where the private one cannot be had.
fn here() -> Check {
    let what = say!("packet-level clients here (--net here)");
    let listener = SocketAddr::from((LISTENER_V4, 8080));
    match Namespace::here(&[]).map(|namespace| Transmit::open(&namespace.token(), listener).map(|_| ())) {
        Ok(Ok(())) => Check::works("network.here", Group::Network, what, "qviz --net here"),
        Ok(Err(error)) => {
            Check::fails("network.here", Group::Network, what, error.to_string()).with_remedy(error.hint())
        }
        Err(refusal) if matches!(refusal.cause, Cause::FirstNamespace) => {
            Check::value("network.here", Group::Network, what, refusal.cause.to_string())
        }
        Err(refusal) => {
            Check::fails("network.here", Group::Network, what, refusal.cause.to_string()).with_remedy(refusal.hint())
        }
    }
}

fn hash(network: &Network) -> Check {
    let what = say!("a small connection table of its own");
    match network.hash_buckets {
        Some(buckets) => Check::works(
            "network.hash",
            Group::Network,
            what,
            say!("{buckets} buckets: lists cost microseconds", buckets),
        ),
        None => Check::fails(
            "network.hash",
            Group::Network,
            what,
            say!("shared with the host: lists of half-open requests cost more"),
        )
        .with_remedy(say!("Linux 6.1 or later, with a writable /proc/sys")),
    }
}

fn ends(network: &Network) -> Check {
    let addresses: Vec<_> = network.addresses.iter().map(ToString::to_string).collect();
    let what = say!("a veth pair");
    let addresses = addresses.join(", ");
    if network.ipv6 {
        Check::works(
            "network.veth",
            Group::Network,
            what,
            say!("the listener's addresses: {addresses}; IPv4 and IPv6", addresses),
        )
    } else {
        Check::works(
            "network.veth",
            Group::Network,
            what,
            say!("the listener's addresses: {addresses}; IPv4 only", addresses),
        )
        .with_remedy(say!("boot without ipv6.disable=1 for IPv6 clients"))
    }
}

fn settings(network: &Network) -> Check {
    let what = say!("settings of its own");
    if network.not_applied.is_empty() {
        return Check::works("network.sysctls", Group::Network, what, say!("all can be set"));
    }
    let failed: Vec<_> =
        network.not_applied.iter().map(|setting| format!("{}: {}", setting.name, setting.reason)).collect();
    Check::fails("network.sysctls", Group::Network, what, failed.join("; ")).with_remedy(Confinement::read().settings())
}

/// Both packet sockets: the tap at the kernel's end and the clients' at theirs.
fn packets(pass: &NetnsToken) -> Check {
    let what = say!("packet-level clients (AF_PACKET)");
    let listener = SocketAddr::from((LISTENER_V4, 8080));
    let tap = Tap::open(&TapPlan::new(pass.server().far.index, listener.port()));
    match (tap, Transmit::open(pass, listener)) {
        (Ok(_), Ok(_)) => {
            Check::works("network.packets", Group::Network, what, say!("can send, and every segment can be seen"))
        }
        (Err(error), _) => {
            Check::fails("network.packets", Group::Network, what, error.to_string()).with_remedy(error.hint())
        }
        (_, Err(error)) => {
            Check::fails("network.packets", Group::Network, what, error.to_string()).with_remedy(error.hint())
        }
    }
}
