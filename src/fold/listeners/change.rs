//! Changes of a listener as a whole.

use std::borrow::Cow;
use std::fmt;

use crate::model::stamp::Stamp;
use crate::model::watch::{Address, ListenerId};
use crate::say;

/// One change of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerChange {
    /// When it was seen.
    pub at: Stamp,
    /// The listener.
    pub id: ListenerId,
    /// Its address.
    pub address: Address,
    /// What.
    pub change: ChangeKind,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Came,
    /// It is no longer listed.
    Gone,
    /// It is a new socket on an address whose only listener has gone: a restart, or another program.
    Replaced {
        /// The listener before it.
        before: ListenerId,
    },
    /// As [`ChangeKind::Replaced`], with another owner.
    Restarted {
        /// The process before.
        before: u32,
        /// The process now.
        after: u32,
    },
    /// The same socket is held by another process now.
    Handed {
        /// The process before.
        before: u32,
        /// The process now.
        after: u32,
    },
    /// `listen()` was called again: another limit.
    Relisted {
        /// The limit before.
        before: u32,
        /// The limit now.
        after: u32,
    },
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Self::Came => Cow::from(say!("a new listener")),
            Self::Gone => say!("the listener is gone").into(),
            Self::Replaced { .. } => say!("listens again: a new socket").into(),
            Self::Restarted { before, after } => say!("restarted: pid {after}, before {before}", after, before).into(),
            Self::Handed { before, after } => {
                say!("the socket is held by pid {after} now, before by {before}", after, before).into()
            }
            Self::Relisted { before, after } => {
                say!("listen() was called again: limit {after}, before {before}", after, before).into()
            }
        })
    }
}

impl fmt::Display for ListenerChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.address, self.change)
    }
}
