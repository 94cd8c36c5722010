//! Where a live session stands.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::lab::namespace::{Namespace, SendPass};
use crate::model::event::Rung;
use crate::model::message::Message;

/// The private network, or the host's loopback.
#[derive(Debug)]
pub enum Place {
    /// A private network namespace; several sessions may follow each other there.
    Lab(Arc<Namespace>),
    /// The host's loopback; if the lab was wanted, with the reason why it is not to be had, and the remedy.
    Host {
        /// Why not the lab.
        fallback: Option<Message>,
    },
}

impl Place {
    pub(super) const fn rung(&self) -> Rung {
        match self {
            Self::Lab(_) => Rung::Lab,
            Self::Host { .. } => Rung::Host,
        }
    }

    pub(super) fn fallback(&self) -> Option<Message> {
        match self {
            Self::Lab(_) => None,
            Self::Host { fallback } => fallback.clone(),
        }
    }

    pub(super) fn pass(&self) -> Option<SendPass> {
        match self {
            Self::Lab(namespace) => Some(namespace.pass()),
            Self::Host { .. } => None,
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
