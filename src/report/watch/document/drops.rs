//! What a watched listener has dropped, and why, as far as that is certain.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::fold::listeners::ListenerState;
use crate::fold::world::World;

/// Drops since the socket was made. `listener` and `noise` together are the socket's own drop counter, what `ss -m` shows behind `d`.
#[derive(Clone, Debug, Serialize)]
pub struct Drops {
    /// Dropped SYNs and final ACKs: an upper bound, exact where `exact`.
    pub listener: Option<u64>,
    /// Counted by its counter, but no drops.
    pub noise: Option<u64>,
    /// A lower bound of `listener`; equal to it where `exact`.
    pub at_least: Option<u64>,
    /// True when `listener` is exact.
    pub exact: Option<bool>,
    /// The part of `listener` since the watch began.
    pub watched: Option<u64>,
    /// Since the watch began: drops by cause, as far as one is certain, and `not-attributed`: the rest of `watched`. Null for listeners that were not chosen, without a packet tap, and where several sockets share the address.
    pub by_cause: Option<BTreeMap<&'static str, u64>>,
    /// What was lost before it came to the listener; null as above.
    pub before_listener: Option<BeforeListener>,
}

/// SYNs that did not come to the listener.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct BeforeListener {
    /// SYNs that stayed without an answer although the listener's drop counter stood still.
    pub unanswered_syns: u64,
}

impl Drops {
    pub(super) fn of(world: &World, listener: &ListenerState) -> Self {
        let made = world.drops_since_made_of(listener);
        Self {
            listener: made.map(|drops| drops.listener),
            noise: made.map(|drops| drops.noise),
            at_least: made.map(|drops| drops.at_least),
            exact: made.map(|drops| drops.is_exact()),
            watched: world.drops_of(listener).map(|drops| drops.listener),
            by_cause: by_cause(world, listener),
            before_listener: by_cause(world, listener)
                .map(|_| BeforeListener { unanswered_syns: world.ledger.unanswered }),
        }
    }
}

/// The chosen listener's drops by cause; together they are its drops since the watch began. `None` too where more was taken for certain than
/// its counter admits.
fn by_cause(world: &World, listener: &ListenerState) -> Option<BTreeMap<&'static str, u64>> {
    let chosen = world.listeners.chosen == Some(listener.id()) && listener.gone.is_none();
    let shared = world.listeners.group_of(listener).is_shared();
    let open = world.drops_without_cause(listener).filter(|_| chosen && !shared)?;
    let certain = world.ledger.lost_by_cause().filter(|(cause, _)| cause.is_listen_drop());
    let certain = certain.map(|(cause, lost)| (cause.name(), lost.segments));
    Some(certain.chain([("not-attributed", open)]).collect())
}
