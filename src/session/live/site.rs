//! Where a live session runs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::lab::namespace::{Namespace, NetnsToken, Privilege};
use crate::model::event::Environment;
use crate::model::message::Message;
use crate::model::queue::SynRule;

/// The private network, or the host's loopback.
#[derive(Clone, Debug)]
pub enum LabSite {
    /// A private network namespace, or qviz's own pair of links in the present one; several sessions may follow each other there.
    Lab(Arc<Namespace>),
    /// The host's loopback; if the lab was wanted, with the reason why it is not available, and the remedy.
    Host {
        /// Why not the lab.
        fallback: Option<Message>,
        /// When a SYN queue is full in this kernel, as measured.
        syn_rule: Option<SynRule>,
    },
}

impl LabSite {
    pub(super) fn environment(&self) -> Environment {
        match self {
            Self::Lab(namespace) if namespace.network().privilege == Privilege::Here => Environment::Here,
            Self::Lab(_) => Environment::Lab,
            Self::Host { .. } => Environment::Host,
        }
    }

    pub(super) fn fallback(&self) -> Option<Message> {
        match self {
            Self::Lab(_) => None,
            Self::Host { fallback, .. } => fallback.clone(),
        }
    }

    pub(super) fn netns(&self) -> Option<NetnsToken> {
        match self {
            Self::Lab(namespace) => Some(namespace.token()),
            Self::Host { .. } => None,
        }
    }

    pub(super) fn syn_rule(&self) -> Option<SynRule> {
        match self {
            Self::Lab(namespace) => namespace.network().syn_rule,
            Self::Host { syn_rule, .. } => *syn_rule,
        }
    }

    pub(super) fn default_address(&self) -> SocketAddr {
        let ip = match self {
            Self::Lab(_) => Ipv4Addr::new(198, 51, 100, 1),
            Self::Host { .. } => Ipv4Addr::LOCALHOST,
        };
        SocketAddr::new(IpAddr::V4(ip), 8080)
    }
}
