//! Builds the network, step by step, in the forked child: three namespaces, and the links between them.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use rustix::thread::UnshareFlags;

use super::attempt::{unshare, unshare_network};
use super::links::{self, Connected};
use super::probe::Probe;
use super::refusal::{Fault, errno_of, fault_at};
use super::settings::Settings;
use super::spaces::Namespaces;
use super::{Network, NetworkPlan, Step};
use crate::lab::knobs;
use crate::lab::netns::{self, NetworkId, PrivateNetns};
use crate::model::settings::{Sysctl, Sysctls};

/// Creates new namespaces and builds the network there.
pub(super) fn build(plan: &NetworkPlan) -> Result<(Network, Namespaces), Fault> {
    let origin = NetworkId::current().map_err(fault_at(Step::Origin))?;
    let privilege = unshare_network()?;
    let probe = Probe::here();
    let netns = PrivateNetns::current_if_not(origin).map_err(fault_at(Step::NetworkNamespace))?;
    let mut settings = Settings::new(netns, probe);
    // Read before the connection hash is set: their defaults shrink with it.
    let usual = [Sysctl::MaxSynBacklog, Sysctl::MaxTwBuckets].map(|sysctl| (sysctl, knobs::read(sysctl.name()).ok()));
    // It is the size of the tables of all namespaces that are made from this one.
    settings.write("net.ipv4.tcp_child_ehash_entries", None, i64::from(plan.hash_buckets));
    let wire = here()?;
    let clients = another(&mut settings, plan, &usual)?;
    // A client program may bind any of the clients' IPv6 addresses, too.
    settings.write_if_there("net.ipv6.ip_nonlocal_bind", 1);
    netns::move_thread(wire.as_fd()).map_err(fault_at(Step::NestedNamespace))?;
    let server = another(&mut settings, plan, &usual)?;
    // A server that is a program has no privilege there.
    settings.write_if_there("net.ipv4.ip_unprivileged_port_start", 0);
    let spaces = Namespaces { wire, clients, server };
    let connected = links::connect(&spaces, &mut settings, &plan.addresses)?;
    let Connected { server, clients, addresses, ipv6 } = connected;
    let network = Network {
        privilege,
        server,
        clients,
        hash_buckets: hash_buckets(),
        addresses,
        ipv6,
        sysctls: read_sysctls(probe),
        syn_rule: probe.syn_rule,
        not_applied: settings.not_applied,
    };
    Ok((network, spaces))
}

/// The namespace of the calling thread.
fn here() -> Result<OwnedFd, Fault> {
    let file = File::open("/proc/thread-self/ns/net");
    file.map(OwnedFd::from).map_err(|error| fault_at(Step::NestedNamespace)(errno_of(&error)))
}

/// Makes a namespace with a small connection hash of its own, enters it and applies the settings there.
fn another(settings: &mut Settings, plan: &NetworkPlan, usual: &[(Sysctl, Option<i64>)]) -> Result<OwnedFd, Fault> {
    unshare(UnshareFlags::NEWNET).map_err(fault_at(Step::NestedNamespace))?;
    settings.here();
    settings.apply(plan, usual);
    here()
}

/// The sysctls in force: as their files tell, or, where somaxconn's is hidden, as it was measured.
pub(super) fn read_sysctls(probe: Probe) -> Sysctls {
    let mut sysctls = Sysctls::default();
    if let Some(somaxconn) = probe.somaxconn {
        sysctls.set(Sysctl::Somaxconn, somaxconn.into());
    }
    for sysctl in Sysctl::ALL {
        if let Ok(value) = knobs::read(sysctl.name()) {
            sysctls.set(sysctl, value);
        }
    }
    sysctls
}

/// `tcp_ehash_entries` is negative where the namespace uses the host's connection hash.
fn hash_buckets() -> Option<u32> {
    let buckets = knobs::read("net.ipv4.tcp_ehash_entries").ok()?;
    u32::try_from(buckets).ok().filter(|buckets| *buckets > 0)
}
