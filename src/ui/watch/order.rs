//! The order of the listeners. Every order ends with port and address, so that equal ones never change places.

use std::cmp::Reverse;

use super::figures;
use crate::fold::listeners::{ListenerState, Listeners};
use crate::model::watch::Address;
use crate::say;

/// What decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The fullest accept queue, then the highest peak.
    #[default]
    Fullest,
    /// Drops now, then drops since the watch began.
    Drops,
    /// Whose oldest client waits longest.
    Waiting,
    /// Most arrivals per second, then most half-open requests.
    Busiest,
    /// Port and address.
    Address,
    /// The owner's name.
    Owner,
}

/// The place of one listener; the smallest comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank<'s> {
    gone: bool,
    name: (bool, &'s str, u32),
    numbers: [Reverse<u64>; 3],
    port: (bool, u16, &'s Address),
}

impl Order {
    /// The order after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Fullest => Self::Drops,
            Self::Drops => Self::Waiting,
            Self::Waiting => Self::Busiest,
            Self::Busiest => Self::Address,
            Self::Address => Self::Owner,
            Self::Owner => Self::Fullest,
        }
    }

    /// The order in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Fullest => say!("fullest first"),
            Self::Drops => say!("most drops first"),
            Self::Waiting => say!("longest wait first"),
            Self::Busiest => say!("most arrivals first"),
            Self::Address => say!("by address"),
            Self::Owner => say!("by owner"),
        }
    }
}

pub(super) fn rank<'s>(order: Order, listeners: &Listeners, listener: &'s ListenerState) -> Rank<'s> {
    let per_s = |rate: Option<f64>| (rate.unwrap_or(0.0).max(0.0) * 1000.0) as u64;
    let fullness = [figures::fullness(listener), figures::peak(listener), figures::drops(listener).unwrap_or(0)];
    let numbers = match order {
        Order::Fullest => fullness,
        Order::Drops => [per_s(listeners.drops_per_s(listener)), figures::drops(listener).unwrap_or(0), fullness[0]],
        Order::Waiting => [listener.occupants.oldest_wait_ms.unwrap_or(0).into(), fullness[0], fullness[1]],
        Order::Busiest => {
            let half_open = listener.occupants.half_open.unwrap_or(0).into();
            [per_s(listeners.group_arrivals_per_s(&listeners.group_of(listener))), half_open, fullness[0]]
        }
        Order::Address | Order::Owner => [0; 3],
    };
    let name = match &listener.owner {
        Some(owner) if order == Order::Owner => (false, owner.command.as_str(), owner.pid),
        None if order == Order::Owner => (true, "", 0),
        _ => (false, "", 0),
    };
    let address = &listener.reading.address;
    let port = (address.port().is_none(), address.port().unwrap_or(0), address);
    Rank { gone: listener.gone.is_some(), name, numbers: numbers.map(Reverse), port }
}
