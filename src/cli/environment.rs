//! Where the lab runs: in the private network if there is one, else on the host's loopback with the reason shown.

use std::sync::Arc;

use super::args::{Client, Net};
use super::exit::Failure;
use super::plan::LabPlan;
use crate::kernel::tap;
use crate::lab::namespace::{Cause, Namespace, NetworkPlan, Probe, Refusal};
use crate::model::message::Message;
use crate::model::settings::{ClientKind, Sysctls};
use crate::say;
use crate::session::live::LabSite;

/// The place of a run, the clients that come there, and what a person should know of it.
#[derive(Debug)]
pub(super) struct RunEnvironment {
    pub(super) place: LabSite,
    pub(super) clients: ClientKind,
    pub(super) remarks: Vec<String>,
}

impl RunEnvironment {
    /// Enters the private network, or stays on the host. Call it while the process has one thread.
    ///
    /// # Errors
    /// A [`Failure`] where the plan needs the private network and it cannot be had, or where a requested setting is not in force.
    pub(super) fn find(plan: &LabPlan, host: &Sysctls) -> Result<Self, Failure> {
        if plan.net == Net::Host {
            return Ok(Self::on_host(None));
        }
        let addresses: Vec<_> = plan.address.iter().map(std::net::SocketAddr::ip).collect();
        if plan.net == Net::Here {
            let namespace = Namespace::here(&addresses).map_err(|refusal| {
                let cause = refusal.cause;
                Failure::new(say!("--net here is not possible: {cause}", cause), refusal.hint())
            })?;
            return Self::in_lab(plan, namespace);
        }
        let network =
            NetworkPlan { overrides: plan.overrides.clone(), addresses, ..NetworkPlan::like_host(host.clone()) };
        match Namespace::enter(&network) {
            Ok(namespace) => Self::in_lab(plan, namespace),
            Err(refusal) => {
                tracing::warn!(%refusal, hint = refusal.hint(), "no private network");
                may_stay_on_host(plan, &refusal)?;
                let why = || say!("{refusal}. To get it: {hint}", refusal, hint = refusal.hint());
                Ok(Self::on_host(Some(Message::of(why))))
            }
        }
    }

    fn in_lab(plan: &LabPlan, namespace: Namespace) -> Result<Self, Failure> {
        let network = namespace.network();
        tracing::info!(way = ?network.privilege, hash_buckets = network.hash_buckets, "in the private network");
        // What nobody asked for is told by doctor, and shown beside the host's values.
        let was_requested = |sysctl| plan.overrides.value(sysctl).is_some();
        if let Some(setting) = network.not_applied.iter().find(|setting| setting.sysctl.is_some_and(was_requested)) {
            return Err(Failure::new(
                say!(
                    "cannot set {name} to {wanted} in the private network: {reason}",
                    name = setting.name,
                    wanted = setting.wanted,
                    reason = setting.reason
                ),
                say!("leave {options} away, or see: qviz doctor", options = plan.kernel_options.join(" ")),
            ));
        }
        // A seccomp filter may refuse packet sockets although namespaces are given: real clients need none.
        let no_packets = if plan.client.is_none() && plan.net == Net::Auto { tap::allowed().err() } else { None };
        let clients = match plan.client {
            Some(Client::Connect) => ClientKind::Connect,
            None if no_packets.is_some() => ClientKind::Connect,
            Some(Client::Wire) | None => ClientKind::Wire,
        };
        let remarks = no_packets.iter().map(|error| {
            say!("real clients, because packet-level ones cannot be had: {error}. See: qviz doctor", error)
        });
        let remarks = remarks.collect();
        Ok(Self { place: LabSite::Lab(Arc::new(namespace)), clients, remarks })
    }

    fn on_host(fallback: Option<Message>) -> Self {
        let remarks = fallback.iter().map(|why| say!("on this host's loopback: {why}", why)).collect();
        let syn_rule = Probe::in_throw_away_namespace().syn_rule;
        Self { place: LabSite::Host { fallback, syn_rule }, clients: ClientKind::Connect, remarks }
    }
}

/// Whether the plan can be carried out on the host at all.
fn may_stay_on_host(plan: &LabPlan, refusal: &Refusal) -> Result<(), Failure> {
    let needs = if plan.net == Net::Lab {
        Some("--net lab".to_owned())
    } else if !plan.kernel_options.is_empty() {
        Some(plan.kernel_options.join(" "))
    } else if plan.client == Some(Client::Wire) {
        Some("--client wire".to_owned())
    } else if matches!(refusal.cause, Cause::Address(_)) {
        Some("--listen".to_owned())
    } else {
        None
    };
    let Some(needs) = needs else { return Ok(()) };
    let why = if plan.kernel_options.is_empty() {
        say!("{needs} needs the private network ({refusal})", needs, refusal)
    } else {
        say!(
            "{needs} needs the private network, because this host's own settings are never changed ({refusal})",
            needs,
            refusal
        )
    };
    Err(Failure::new(why, refusal.hint()))
}
