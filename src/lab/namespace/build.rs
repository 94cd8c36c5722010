//! Builds the network, step by step, in the forked child: three namespaces, and the links between them.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use rustix::thread::UnshareFlags;

use super::attempt::{unshare, unshare_network};
use super::links::{self, Connected};
use super::probe::Probe;
use super::refusal::{Fault, errno_of, fault_at};
use super::{Network, NetworkPlan, NotApplied, Step};
use crate::lab::knobs::{self, KnobError};
use crate::lab::netns::{self, NetworkId, PrivateNetns};
use crate::model::settings::{Sysctl, Sysctls};
use crate::say;

/// The namespaces of the network.
#[derive(Debug)]
pub(super) struct Namespaces {
    /// Between the two others: the ends of both pairs that qviz holds.
    pub(super) wire: OwnedFd,
    /// Where real client programs run.
    pub(super) clients: OwnedFd,
    /// Where the listener is; the builder stands here in the end.
    pub(super) server: OwnedFd,
}

/// Creates new namespaces and builds the network there.
pub(super) fn build(plan: &NetworkPlan) -> Result<(Network, Namespaces), Fault> {
    let origin = NetworkId::current().map_err(fault_at(Step::Origin))?;
    let privilege = unshare_network()?;
    let probe = Probe::here();
    let netns = PrivateNetns::current_if_not(origin).map_err(fault_at(Step::NetworkNamespace))?;
    let mut settings = Settings { netns, probe, not_applied: Vec::new() };
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
    let spaces = Namespaces { wire, clients, server };
    let connected = links::connect(&spaces, &mut settings, &plan.addresses)?;
    let Connected { server_end, wire_to_server, wire_to_clients, clients_end, addresses, ipv6 } = connected;
    let network = Network {
        privilege,
        server_end,
        wire_to_server,
        wire_to_clients,
        clients_end,
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

/// The settings of the namespace under construction, and those that could not be applied.
#[derive(Debug)]
pub(super) struct Settings {
    netns: PrivateNetns,
    probe: Probe,
    not_applied: Vec<NotApplied>,
}

impl Settings {
    /// From now on the namespace of the calling thread is meant, which this builder has made.
    pub(super) fn here(&mut self) {
        if let Ok(here) = NetworkId::current() {
            self.netns = PrivateNetns::made(here);
        }
    }

    /// Sets every sysctl to the user's value, else the host's, else (for the two that shrink) the default.
    fn apply(&mut self, plan: &NetworkPlan, usual: &[(Sysctl, Option<i64>)]) {
        for sysctl in Sysctl::ALL {
            let usual = usual.iter().find(|(which, _)| *which == sysctl).and_then(|(_, value)| *value);
            if let Some(value) = plan.overrides.value(sysctl).or(plan.host.value(sysctl)).or(usual) {
                self.write(sysctl.name(), Some(sysctl), value);
            }
        }
        // Every client stays a new peer: metrics of an earlier client at the same address would make it "proven", and
        // such a peer bypasses the three-quarters rule (`tcp_peer_is_proven`, net/ipv4/tcp_metrics.c). It also saves
        // a tenth of the time that the kernel spends on a short connection.
        self.write("net.ipv4.tcp_no_metrics_save", None, 1);
        // An unprivileged listener may bind port 80 here, in child processes too.
        self.write("net.ipv4.ip_unprivileged_port_start", None, 0);
    }

    /// Sets what not every kernel has, and nobody misses there.
    fn write_if_there(&self, name: &str, wanted: i64) {
        let _not_in_this_kernel = knobs::write(self.netns, name, wanted);
    }

    pub(super) fn write(&mut self, name: &str, sysctl: Option<Sysctl>, wanted: i64) {
        let reason = match knobs::write(self.netns, name, wanted) {
            Ok(value) if value == wanted => return,
            Ok(value) => say!("the kernel made it {value}", value),
            // What cannot be seen may have the value all the same.
            Err(_) if sysctl == Some(Sysctl::Somaxconn) && self.probe.somaxconn.map(i64::from) == Some(wanted) => {
                return;
            }
            Err(KnobError::File { reason, .. }) => reason.to_string(),
            Err(error) => error.to_string(),
        };
        if !self.not_applied.iter().any(|known| known.name == name) {
            self.not_applied.push(NotApplied { name: name.to_owned(), sysctl, wanted, reason });
        }
    }
}

/// The sysctls in force: as their files tell, or, where somaxconn's is hidden, as it was measured.
fn read_sysctls(probe: Probe) -> Sysctls {
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
