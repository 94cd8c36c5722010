//! The sysctls of a namespace under construction.

use super::probe::Probe;
use super::{NetworkPlan, NotApplied};
use crate::lab::knobs::{self, KnobError};
use crate::lab::netns::{NetworkId, PrivateNetns};
use crate::model::settings::Sysctl;
use crate::say;

/// The settings of the namespace under construction, and those that could not be applied.
#[derive(Debug)]
pub(super) struct Settings {
    netns: PrivateNetns,
    probe: Probe,
    pub(super) not_applied: Vec<NotApplied>,
}

impl Settings {
    pub(super) const fn new(netns: PrivateNetns, probe: Probe) -> Self {
        Self { netns, probe, not_applied: Vec::new() }
    }

    /// From now on the namespace of the calling thread is meant, which this builder has made.
    pub(super) fn here(&mut self) {
        if let Ok(here) = NetworkId::current() {
            self.netns = PrivateNetns::made(here);
        }
    }

    /// Sets every sysctl to the user's value, else the host's, else (for the two that shrink) the default.
    pub(super) fn apply(&mut self, plan: &NetworkPlan, usual: &[(Sysctl, Option<i64>)]) {
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
    pub(super) fn write_if_there(&self, name: &str, wanted: i64) {
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
